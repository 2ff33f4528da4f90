//! What differs between distributions: package names, units, paths.

use std::collections::BTreeSet;

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
    agents: Agents,
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

/// Fence agents, each with the packages that bring it.
type Agents = &'static [(&'static str, &'static [&'static str])];

/// Where all but one are in one package.
const ONE_PACKAGE: Agents = &[
    ("fence_ipmilan", &["fence-agents", "ipmitool"]),
    ("fence_pve", &["fence-agents"]),
    ("fence_redfish", &["fence-agents"]),
    ("fence_virsh", &["fence-agents"]),
    ("fence_vmware_rest", &["fence-agents"]),
    ("fence_xvm", &["fence-virt"]),
];
/// Where each has its own.
const MANY_PACKAGES: Agents = &[
    ("fence_ipmilan", &["fence-agents-ipmilan", "ipmitool"]),
    ("fence_pve", &["fence-agents-pve"]),
    ("fence_redfish", &["fence-agents-redfish"]),
    ("fence_virsh", &["fence-agents-virsh"]),
    ("fence_vmware_rest", &["fence-agents-vmware-rest"]),
    ("fence_xvm", &["fence-virt"]),
];

/// A release of a distribution.
struct Release {
    /// For people.
    name: &'static str,
    /// `ID` and the first part of `VERSION_ID` in /etc/os-release.
    id: &'static str,
    major: &'static str,
    /// Whether distributions that are like this one count, too (`ID_LIKE`).
    with_derivatives: bool,
    platform: Platform,
}

/// Every release that is supported. Nothing else names them: messages, questions and package lists are made from
/// this table.
const RELEASES: [Release; 4] = [
    debian("Debian 11", "11", "tomcat9", OLDER, ONE_PACKAGE),
    debian("Debian 12", "12", "tomcat10", NEWER, ONE_PACKAGE),
    debian("Debian 13", "13", "tomcat10", NEWER, MANY_PACKAGES),
    Release {
        name: "Enterprise Linux 9",
        id: "rhel",
        major: "9",
        with_derivatives: true,
        platform: Platform {
            manager: PackageManager::Dnf,
            tomcat: "tomcat",
            dialect: NEWER,
            pacemaker_tools: &["pacemaker-cli"],
            agents: MANY_PACKAGES,
        },
    },
];

const fn debian(
    name: &'static str,
    major: &'static str,
    tomcat: &'static str,
    dialect: Dialect,
    agents: Agents,
) -> Release {
    Release {
        name,
        id: "debian",
        major,
        with_derivatives: false,
        platform: Platform {
            manager: PackageManager::Apt,
            tomcat,
            dialect,
            pacemaker_tools: &["pacemaker-cli-utils"],
            agents,
        },
    }
}

impl Release {
    fn is(&self, distribution: &Distribution) -> bool {
        let is_like = self.with_derivatives && distribution.like.iter().any(|like| like == self.id);
        (distribution.id == self.id || is_like) && distribution.version.split('.').next() == Some(self.major)
    }
}

/// The releases that are supported, for people.
pub fn supported() -> String {
    RELEASES.map(|release| release.name).join(", ")
}

/// Units that tomcat may have on any of them; asked for before the distribution is known.
pub fn tomcat_units() -> BTreeSet<&'static str> {
    RELEASES.iter().map(|release| release.platform.tomcat).collect()
}

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
        let release = RELEASES.iter().find(|release| release.is(distribution))?;
        Some(release.platform)
    }

    /// The platforms of all releases.
    pub fn all() -> impl Iterator<Item = Self> {
        RELEASES.iter().map(|release| release.platform)
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
