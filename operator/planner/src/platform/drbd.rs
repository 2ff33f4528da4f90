//! What differs between the major versions of DRBD: where a resource file says what, and who is asked when a
//! peer is lost.

/// How a major version of DRBD is spoken to (drbd.conf(5) of 8.4 and of 9.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The version, for people.
    pub name: &'static str,
    /// Its first part.
    major: u32,
    /// The section that has the fencing policy.
    pub policy: Section,
    /// The handler for a lost peer.
    pub fence: &'static str,
    /// The event at which the constraint goes, and the handler for it.
    pub unfence: (&'static str, &'static str),
    /// Whether a node is known by a number of its own.
    pub numbers_nodes: bool,
    /// Whether a resource is promoted by opening its device, unless that is forbidden.
    pub promotes_by_itself: bool,
    /// Whether a pair may run on it.
    pub is_supported: bool,
}

/// A section of a resource file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `disk`.
    Disk,
    /// `net`.
    Net,
}

/// The module of Linux.
const EIGHT: Dialect = Dialect {
    name: "8.4",
    major: 8,
    policy: Section::Disk,
    fence: "hapair-fence-peer",
    unfence: ("after-resync-target", "hapair-unfence-peer"),
    numbers_nodes: false,
    promotes_by_itself: false,
    is_supported: true,
};

/// LINBIT's module. Refused: nothing here was ever run on it.
const NINE: Dialect = Dialect {
    name: "9",
    major: 9,
    policy: Section::Net,
    fence: "crm-fence-peer.9.sh --timeout 150 --dc-timeout 180",
    unfence: ("unfence-peer", "crm-unfence-peer.9.sh"),
    numbers_nodes: true,
    promotes_by_itself: true,
    is_supported: false,
};

const DIALECTS: [Dialect; 2] = [EIGHT, NINE];

impl Dialect {
    /// The one of a host's major version; that of Linux where there is none yet.
    pub fn of(major: Option<u32>) -> Self {
        let known = DIALECTS.into_iter().find(|dialect| Some(dialect.major) == major);
        known.unwrap_or(EIGHT)
    }
}

/// Whether a pair may run on this major version.
pub fn is_supported(major: u32) -> bool {
    DIALECTS
        .iter()
        .any(|dialect| dialect.is_supported && dialect.major == major)
}

/// The versions on which one may, for people.
pub fn supported() -> String {
    let names: Vec<_> = DIALECTS
        .iter()
        .filter(|dialect| dialect.is_supported)
        .map(|dialect| dialect.name)
        .collect();
    names.join(", ")
}
