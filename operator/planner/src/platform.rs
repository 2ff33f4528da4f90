//! What differs between distributions: package names, units, paths.

use hapair_model::{
    desired::{Desired, FenceDevice, FilesystemType, ServiceKind},
    observed::Distribution,
    plan::PackageManager,
    xml::Element,
};

/// A supported distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// How packages are installed.
    pub manager: PackageManager,
    /// Tomcat's package and unit.
    pub tomcat: &'static str,
    /// The words of its pacemaker.
    pub dialect: Dialect,
    pacemaker_tools: &'static [&'static str],
    agents: &'static [(&'static str, &'static [&'static str])],
}

/// How a version of pacemaker writes its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The schema, `validate-with`.
    pub schema: &'static str,
    /// The role of the instance that serves.
    pub promoted: &'static str,
    /// The role of the other.
    pub unpromoted: &'static str,
}

/// Pacemaker 2.0.
const OLDER: Dialect = Dialect {
    schema: "pacemaker-3.0",
    promoted: "Master",
    unpromoted: "Slave",
};
/// Pacemaker 2.1 and later.
const NEWER: Dialect = Dialect {
    schema: "pacemaker-3.7",
    promoted: "Promoted",
    unpromoted: "Unpromoted",
};

/// Fence agents with the packages that bring them, where all but one are in one package.
const ONE_PACKAGE: &[(&str, &[&str])] = &[
    ("fence_ipmilan", &["fence-agents", "ipmitool"]),
    ("fence_pve", &["fence-agents"]),
    ("fence_redfish", &["fence-agents"]),
    ("fence_virsh", &["fence-agents"]),
    ("fence_vmware_rest", &["fence-agents"]),
    ("fence_xvm", &["fence-virt"]),
];
/// The same, where each has its own.
const MANY_PACKAGES: &[(&str, &[&str])] = &[
    ("fence_ipmilan", &["fence-agents-ipmilan", "ipmitool"]),
    ("fence_pve", &["fence-agents-pve"]),
    ("fence_redfish", &["fence-agents-redfish"]),
    ("fence_virsh", &["fence-agents-virsh"]),
    ("fence_vmware_rest", &["fence-agents-vmware-rest"]),
    ("fence_xvm", &["fence-virt"]),
];

/// Distributions that are supported, for messages.
pub const SUPPORTED: &str = "Debian 11, 12 and 13, and Enterprise Linux 9";

/// Units that tomcat may have on any of them; asked for before the distribution is known.
pub const TOMCAT_UNITS: [&str; 3] = ["tomcat9", "tomcat10", "tomcat"];

/// Files that Debian's tomcat9 and tomcat10 make when they are first configured (their postinst); no package
/// lists them.
pub const MADE_BY_TOMCAT: [&str; 4] = [
    "/var/lib/tomcat9/webapps/ROOT/index.html",
    "/var/lib/tomcat9/webapps/ROOT/META-INF/context.xml",
    "/var/lib/tomcat10/webapps/ROOT/index.html",
    "/var/lib/tomcat10/webapps/ROOT/META-INF/context.xml",
];

/// The cluster's own units. drbd is one of them so that it can be kept from starting: the cluster brings
/// resources up.
pub const UNITS: [&str; 4] = ["corosync", "pacemaker", "pcsd", "drbd"];

impl Platform {
    /// The platform of a distribution, if it is supported.
    pub fn of(distribution: &Distribution) -> Option<Self> {
        let debian = |tomcat, dialect, agents| Self {
            manager: PackageManager::Apt,
            tomcat,
            dialect,
            pacemaker_tools: &["pacemaker-cli-utils"],
            agents,
        };
        let major = distribution.version.split('.').next().unwrap_or_default();
        match (distribution.id.as_str(), major) {
            ("debian", "11") => Some(debian("tomcat9", OLDER, ONE_PACKAGE)),
            ("debian", "12") => Some(debian("tomcat10", NEWER, ONE_PACKAGE)),
            ("debian", "13") => Some(debian("tomcat10", NEWER, MANY_PACKAGES)),
            (id, "9") if id == "rhel" || distribution.like.iter().any(|like| like == "rhel") => Some(Self {
                manager: PackageManager::Dnf,
                tomcat: "tomcat",
                dialect: NEWER,
                pacemaker_tools: &["pacemaker-cli"],
                agents: MANY_PACKAGES,
            }),
            _ => None,
        }
    }

    /// The platform with the words that a configuration which is there already is written in: a cluster that
    /// was formed with an older pacemaker keeps its schema, in which the newer words are not valid.
    pub fn speaking_as(self, live: &Element) -> Self {
        // "pacemaker-3.7" is the first with the newer words (pacemaker's resources-3.7.rng).
        let version = live
            .get("validate-with")
            .and_then(|schema| schema.strip_prefix("pacemaker-"));
        let version = version
            .and_then(|version| version.split_once('.'))
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let dialect = version.map(|version: (u32, u32)| if version < (3, 7) { OLDER } else { NEWER });
        Self {
            dialect: dialect.unwrap_or(self.dialect),
            ..self
        }
    }

    /// Packages that the pair needs on each host.
    pub fn packages(&self, desired: &Desired) -> Vec<&'static str> {
        let mut packages = vec![
            "corosync",
            "curl",
            "drbd-utils",
            "pacemaker",
            "pcs",
            "resource-agents",
        ];
        packages.extend(self.pacemaker_tools);
        for device in desired.nodes.iter().flat_map(|(_, node)| &node.devices) {
            packages.extend(self.agent_packages(device));
        }
        if services(desired).any(|kind| *kind == ServiceKind::Tomcat) {
            packages.push(self.tomcat);
        }
        if self.manager == PackageManager::Apt
            && desired
                .volumes
                .iter()
                .any(|volume| volume.disks.any(|disk| disk.partition.is_some()))
        {
            packages.push("fdisk");
        }
        if desired
            .volumes
            .iter()
            .any(|volume| volume.filesystem == FilesystemType::Xfs)
        {
            packages.push("xfsprogs");
        }
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    fn agent_packages(&self, device: &FenceDevice) -> &'static [&'static str] {
        // Any other agent is a person's choice, and so is the package that brings it.
        self.agents
            .iter()
            .find(|(agent, _)| *agent == device.agent)
            .map_or(&[], |(_, packages)| packages)
    }

    /// Units that Debian starts with their packages, each with its package.
    pub fn units(&self) -> [(&'static str, &'static str); 5] {
        [
            ("corosync", "corosync"),
            ("pacemaker", "pacemaker"),
            ("pcsd", "pcs"),
            ("drbd", "drbd-utils"),
            (self.tomcat, self.tomcat),
        ]
    }

    /// The systemd unit behind a service, if one is.
    pub fn unit<'a>(&self, kind: &'a ServiceKind) -> Option<&'a str> {
        match kind {
            ServiceKind::Tomcat => Some(self.tomcat),
            ServiceKind::Systemd(unit) => Some(unit),
            ServiceKind::Ocf { .. } => None,
        }
    }

    /// Packages held against unattended upgrades: those whose upgrade restarts the cluster.
    pub fn held(&self) -> &'static [&'static str] {
        &["corosync", "drbd-utils", "pacemaker", "pcs", "resource-agents"]
    }
}

/// What runs the services of all groups.
pub fn services(desired: &Desired) -> impl Iterator<Item = &ServiceKind> {
    desired
        .groups
        .iter()
        .flat_map(|group| &group.services)
        .map(|service| &service.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(id: &str, like: &str, version: &str) -> Option<Platform> {
        let like = like.split_whitespace().map(str::to_owned).collect();
        Platform::of(&Distribution {
            id: id.into(),
            like,
            version: version.into(),
        })
    }

    #[test]
    fn each_distribution_has_its_tomcat_and_its_agents() {
        let debian = |version| platform("debian", "", version).unwrap();
        assert_eq!(
            (debian("11").tomcat, debian("12").tomcat, debian("13").tomcat),
            ("tomcat9", "tomcat10", "tomcat10")
        );
        // Debian 12's fence-agents does not bring ipmitool; 13 splits the agents.
        let ipmi = |version: &'static str| {
            debian(version)
                .agents
                .iter()
                .find(|(agent, _)| *agent == "fence_ipmilan")
                .unwrap()
                .1
        };
        assert_eq!(ipmi("12"), ["fence-agents", "ipmitool"]);
        assert_eq!(ipmi("13"), ["fence-agents-ipmilan", "ipmitool"]);
        let rocky = platform("rocky", "rhel centos fedora", "9.4").unwrap();
        assert_eq!((rocky.manager, rocky.tomcat), (PackageManager::Dnf, "tomcat"));
    }

    #[test]
    fn an_unknown_release_is_not_guessed_at() {
        assert_eq!(platform("debian", "", "10"), None);
        assert_eq!(platform("ubuntu", "debian", "24.04"), None);
    }
}
