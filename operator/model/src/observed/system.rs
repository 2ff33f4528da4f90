//! A host as a system: distribution, units, files, what it knows of its peer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ActiveState, Host, LoadState};

/// A distribution, from /etc/os-release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// `ID`.
    pub id: String,
    /// `ID_LIKE`.
    pub like: Vec<String>,
    /// `VERSION_ID`.
    pub version: String,
}

/// A firewall that the operator knows how to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Firewall {
    /// firewalld.
    Firewalld,
    /// ufw.
    Ufw,
    /// The rules of /etc/nftables.conf, loaded by nftables.service.
    Nftables,
}

impl Firewall {
    /// Its name, which is its unit's, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
            Self::Nftables => "nftables",
        }
    }
}

/// A host's record of who manages it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner, `cluster/pair`.
    pub owner: String,
    /// The newest epoch that has been here.
    pub epoch: u64,
    /// The owner's namespace and name, `NAMESPACE/NAME`.
    pub name: Option<String>,
}

/// An owner in words.
pub fn owner_in_words(owner: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("HAPair {name} (owner {owner})"),
        None => format!("owner {owner}"),
    }
}

/// What a host remembers of its peer, from when all was well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownPeer {
    /// The peer's machine-id.
    pub machine_id: String,
    /// The device UUIDs of DRBD's metadata on the peer, by volume.
    pub legs: BTreeMap<String, String>,
}

impl KnownPeer {
    /// What there is to remember of a host with these volumes.
    pub fn of<'a>(peer: &Host, volumes: impl Iterator<Item = &'a str>) -> Self {
        let made = |volume: &'a str| Some((volume, peer.volume_records.get(volume)?.device_uuid.as_ref()?));
        let legs = volumes.filter_map(made);
        Self {
            machine_id: peer.machine_id.clone(),
            legs: legs
                .map(|(volume, uuid)| (volume.to_owned(), uuid.clone()))
                .collect(),
        }
    }

    /// From the line that a host keeps.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let machine_id = words.next()?.to_owned();
        let legs = words
            .filter_map(|word| word.split_once('='))
            .map(|(volume, uuid)| (volume.to_owned(), uuid.to_owned()))
            .collect();
        Some(Self { machine_id, legs })
    }
}

impl std::fmt::Display for KnownPeer {
    /// The line that a host keeps: the machine-id, and a word `volume=UUID` for each leg.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.machine_id)?;
        self.legs
            .iter()
            .try_for_each(|(volume, uuid)| write!(formatter, " {volume}={uuid}"))?;
        formatter.write_str("\n")
    }
}

/// A transient unit that does long work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Under way.
    Running,
    /// Ended badly; what it printed last, and how long ago it ended, in seconds.
    Failed {
        /// Its last lines.
        message: String,
        /// Seconds since.
        age: u64,
        /// How often in a row it is known to have ended so, in these words.
        times: u32,
    },
}

/// A systemd unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// What systemd calls it, whatever it was asked for by, without `.service`; empty: not told.
    pub id: String,
    /// What is known of its files.
    pub load: LoadState,
    /// Whether it runs.
    pub active: ActiveState,
    /// Whether systemd starts it by itself.
    pub enabled: bool,
    /// Its files are newer than what systemd knows of it (`NeedDaemonReload`).
    pub outdated: bool,
    /// How long systemd lets a start take (`TimeoutStartUSec`).
    pub start_limit: Limit,
    /// How long systemd lets a stop take, before it kills (`TimeoutStopUSec`).
    pub stop_limit: Limit,
    /// As whom it runs (`User`); `None`: as root, or as its program decides.
    pub user: Option<String>,
}

/// The numbers of a user (passwd(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Its own.
    pub uid: u32,
    /// Its group's.
    pub gid: u32,
}

/// A limit of systemd's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Not told.
    #[default]
    Unknown,
    /// So many seconds.
    Seconds(u32),
    /// None: `infinity`.
    Endless,
}

impl Unit {
    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.active == ActiveState::Active
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// SHA-256 of the content.
    pub digest: String,
    /// In octal, without a leading zero.
    pub mode: String,
    /// `user:group`.
    pub owner: String,
}

/// Who is in a cluster, as corosync.conf(5) has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorosyncConf {
    /// `totem.cluster_name`.
    pub cluster_name: String,
    /// Node ids by the nodes' names.
    pub nodes: BTreeMap<String, u32>,
}

impl CorosyncConf {
    /// Reads a corosync.conf: sections in braces, and lines of `key: value`. A node without a name or an id
    /// is passed over.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        let (mut name, mut id) = (None, None);
        for line in text.lines().map(str::trim) {
            match line
                .split_once(':')
                .map(|(key, value)| (key.trim(), value.trim()))
            {
                Some(("cluster_name", value)) => conf.cluster_name = value.to_owned(),
                Some(("name", value)) => name = Some(value.to_owned()),
                Some(("nodeid", value)) => id = value.parse().ok(),
                _ if line.ends_with(['{', '}']) => conf.nodes.extend(name.take().zip(id.take())),
                _ => {}
            }
        }
        conf
    }
}

/// What stands at a path, without following a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFacts {
    /// What it is.
    pub kind: PathKind,
    /// Who it belongs to.
    pub user: String,
    /// Its group.
    pub group: String,
    /// Its permissions.
    pub mode: u32,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// An address on an interface of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAddress {
    /// The address, with the prefix of its network: `192.0.2.11/24`.
    pub address: String,
    /// The interface.
    pub interface: String,
}

impl HostAddress {
    /// The address alone.
    pub fn without_prefix(&self) -> &str {
        self.address.split('/').next().unwrap_or_default()
    }
}

/// What a host's own configuration brings up at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtBoot {
    /// The address, or the mount point.
    pub what: String,
    /// The file that says so.
    pub file: String,
}
