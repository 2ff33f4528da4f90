//! What differs between distributions: package names, units, paths.

pub mod drbd;

use hapair_model::{observed::Distribution, plan::PackageManager, xml::Element};

/// A supported distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// How packages are installed.
    pub manager: PackageManager,
    /// Which distributions it is one of, with the first part of its version.
    pub family: Family,
    /// The words of its pacemaker.
    pub dialect: Dialect,
    /// Whether each fence agent has a package of its own. Otherwise nearly all are in one.
    pub splits_fence_agents: bool,
}

/// Distributions that name their packages and units alike, with the first part of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Debian.
    Debian(u32),
    /// RHEL and what is made from it.
    EnterpriseLinux(u32),
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

/// A release of a distribution.
struct Release {
    /// For people.
    name: &'static str,
    /// `ID` in /etc/os-release; the family has the first part of `VERSION_ID`.
    id: &'static str,
    /// Whether distributions that are like this one count, too (`ID_LIKE`).
    with_derivatives: bool,
    platform: Platform,
}

/// Every release that is supported. Nothing else names them: messages, questions and package lists are made from
/// this table.
const RELEASES: [Release; 4] = [
    debian("Debian 11", 11, OLDER, false),
    debian("Debian 12", 12, NEWER, false),
    debian("Debian 13", 13, NEWER, true),
    Release {
        name: "Enterprise Linux 9",
        id: "rhel",
        with_derivatives: true,
        platform: Platform {
            manager: PackageManager::Dnf,
            family: Family::EnterpriseLinux(9),
            dialect: NEWER,
            splits_fence_agents: true,
        },
    },
];

const fn debian(name: &'static str, major: u32, dialect: Dialect, splits_fence_agents: bool) -> Release {
    Release {
        name,
        id: "debian",
        with_derivatives: false,
        platform: Platform {
            manager: PackageManager::Apt,
            family: Family::Debian(major),
            dialect,
            splits_fence_agents,
        },
    }
}

impl Release {
    fn is(&self, distribution: &Distribution) -> bool {
        let is_like = self.with_derivatives && distribution.like.iter().any(|like| like == self.id);
        let (Family::Debian(major) | Family::EnterpriseLinux(major)) = self.platform.family;
        let has_its_version = distribution.version.split('.').next() == Some(major.to_string().as_str());
        (distribution.id == self.id || is_like) && has_its_version
    }
}

/// The releases that are supported, each with its name for people.
pub fn releases() -> impl Iterator<Item = (&'static str, Platform)> {
    RELEASES.iter().map(|release| (release.name, release.platform))
}

/// The releases that are supported, for people.
pub fn supported() -> String {
    RELEASES.map(|release| release.name).join(", ")
}

impl Platform {
    /// The platform of a distribution, if it is supported.
    pub fn of(distribution: &Distribution) -> Option<Self> {
        let release = RELEASES.iter().find(|release| release.is(distribution))?;
        Some(release.platform)
    }

    /// The platforms of all releases.
    pub fn all() -> impl Iterator<Item = Self> {
        releases().map(|(_, platform)| platform)
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

    /// Packages held against unattended upgrades: those whose upgrade restarts the cluster.
    pub fn held(&self) -> &'static [&'static str] {
        &["corosync", "drbd-utils", "pacemaker", "pcs", "resource-agents"]
    }
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
    fn a_derivative_counts_as_what_it_is_like() {
        let rocky = platform("rocky", "rhel centos fedora", "9.4").unwrap();
        assert_eq!(rocky, platform("rhel", "fedora", "9.6").unwrap());
    }

    #[test]
    fn an_unknown_release_is_not_guessed_at() {
        assert_eq!(platform("debian", "", "10"), None);
        assert_eq!(platform("ubuntu", "debian", "24.04"), None);
    }
}
