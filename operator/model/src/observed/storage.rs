//! Disks, DRBD and file systems of a host.

use super::{ConnectionState, DiskState, ReplicationState, Role, SignatureKind};

/// A file system that is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounted {
    /// It takes no writes.
    pub read_only: bool,
    /// How full it is, in percent, 100 only when nothing is left: space, or inodes if there is less left of
    /// them. `None`: it does not tell.
    pub used: Option<u8>,
}

/// A block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Whether it exists and is a block device.
    pub exists: bool,
    /// Its path without symbolic links.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The names of its partitions.
    pub partitions: Vec<String>,
    /// The longest stretch of it that no partition has, in bytes; `None`: it is no disk, or does not tell.
    pub free: Option<u64>,
    /// Where it, or something on it, is mounted or otherwise in use.
    pub in_use: Option<String>,
    /// Every signature on it, as wipefs finds them.
    pub signatures: Vec<Signature>,
    /// The label of the file system that begins on it, read past DRBD.
    pub label: Option<String>,
}

/// A signature on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What it is.
    pub kind: SignatureKind,
    /// Its UUID, where it has one.
    pub uuid: String,
}

impl Signature {
    /// Data without a signature.
    pub fn data() -> Self {
        Self {
            kind: SignatureKind::Data,
            uuid: String::new(),
        }
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == SignatureKind::Data {
            return formatter.write_str(self.kind.as_str());
        }
        write!(formatter, "{}:{}", self.kind, self.uuid)
    }
}

/// What a host's configuration files say of a DRBD resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrbdConfig {
    /// Minor numbers of its volumes.
    pub minors: Vec<u32>,
    /// Its ports on both hosts.
    pub ports: Vec<u16>,
    /// The devices below it on this host, as they are written and without symbolic links.
    pub disks: Vec<String>,
    /// Whether the file is the operator's.
    pub ours: bool,
}

/// The record of DRBD metadata created here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRecord {
    /// DRBD's device UUID, lower-case hexadecimal digits as wipefs prints them; `None`: the metadata was about to be
    /// made.
    pub device_uuid: Option<String>,
    /// The whole device was seen to read as zeroes before.
    pub zeroes: bool,
    /// The minor number it was given.
    pub minor: u32,
    /// The port it was given.
    pub port: u16,
}

/// A DRBD resource with one volume, as `drbdsetup` shows it on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its minor number.
    pub minor: u32,
    /// Its role here.
    pub role: Role,
    /// Its connection to the peer.
    pub connection: ConnectionState,
    /// The peer's role.
    pub peer_role: Role,
    /// The state of its disk here.
    pub disk: DiskState,
    /// The peer's disk.
    pub peer_disk: DiskState,
    /// The disk below it here; `None`: it has none, or that was not told.
    pub attached: Option<Attached>,
    /// What is replicated or resynchronised.
    pub replication: ReplicationState,
    /// Why DRBD has frozen what is written to it, in its own words (`drbdsetup events2`, "suspended"): fencing, no-data,
    /// quorum, user.
    pub suspended: Option<String>,
    /// The size of its device in KiB; 0: not known.
    pub size: u64,
    /// Blocks that DRBD knows to differ from the peer's, in KiB: what a resync has still to copy, what was written while
    /// the peer was away, or what `drbdadm verify` has found.
    pub out_of_sync: u64,
    /// The current data generation's UUID; 0: not known.
    pub generation: u64,
    /// Generations that the current one came from, as far as DRBD remembers: the bitmap's and the history's
    /// UUIDs.
    pub ancestors: Vec<u64>,
}

/// A disk that is attached to a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The name under which it was attached.
    pub name: String,
    /// Where that leads.
    pub path: String,
}

/// DRBD's current UUID of a leg that has never held data (`UUID_JUST_CREATED`, drbd.h).
pub const JUST_CREATED: u64 = 4;

impl Resource {
    /// Whether this leg has never held data.
    pub fn is_blank(&self) -> bool {
        self.generation == JUST_CREATED
    }

    /// Whether this leg's data went on from the other's: it can be brought up to date from here, and loses
    /// nothing by that.
    pub fn descends_from(&self, other: &Self) -> bool {
        self.generation == other.generation || self.ancestors.contains(&other.generation)
    }

    /// Whether it is connected to its peer, replicating or resyncing.
    pub fn is_connected(&self) -> bool {
        self.connection == ConnectionState::Connected
    }

    /// How much of the device is the same on both legs, in percent, 100 only when nothing differs.
    pub fn in_sync(&self) -> Option<u8> {
        let differs = self.out_of_sync.min(self.size);
        let percent = (self.size - differs).saturating_mul(100).checked_div(self.size)?;
        u8::try_from(percent).ok()
    }

    /// Whether it holds current data, and so does its peer.
    pub fn is_up_to_date(&self) -> bool {
        self.disk == DiskState::UpToDate && self.peer_disk == DiskState::UpToDate
    }
}
