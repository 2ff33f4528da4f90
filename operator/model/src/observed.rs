//! What the hosts said, and what they were asked.

mod cluster;
mod storage;
mod system;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::{Secret, xml::Element};

pub use cluster::{Ban, Cluster, ClusterNode, ClusterResource, Failure, FenceEvent, GivenUp, LINK_ATTRIBUTE};
pub use storage::{Attached, Device, DrbdConfig, JUST_CREATED, Mounted, Resource, Signature, VolumeRecord};
pub use system::{
    AtBoot, CorosyncConf, Distribution, FileFacts, Firewall, HostAddress, Job, KnownPeer, Limit, PathFacts,
    PathKind, Record, Unit, User, owner_in_words,
};
pub use words::{
    ActiveState, ConnectionState, DiskState, FencingStatus, LoadState, ReplicationState, ResourceRole, Role,
    SignatureKind, Task,
};

/// What to ask a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Packages whose versions are wanted.
    pub packages: Vec<String>,
    /// systemd units whose states are wanted.
    pub units: Vec<String>,
    /// Files whose digest, mode and owner are wanted.
    pub files: Vec<String>,
    /// Places below which others may write: their kind, owner and mode are wanted, and those of every
    /// directory above them.
    pub paths: Vec<String>,
    /// Block devices, each with the volume it is for.
    pub devices: Vec<Place>,
    /// Disks on which a partition is to be made, each with the volume it is for.
    pub disks: Vec<Place>,
    /// Mount points whose files are to be counted before there is a volume, each with the volume it is for.
    pub mount_points: Vec<Place>,
    /// Files that are the pair's own wherever they are, beside those of its packages.
    pub own_files: Vec<String>,
    /// URLs to ask, each with the group it is for.
    pub probes: Vec<Probe>,
    /// Addresses that must not answer on the network, when they are not on one of the hosts.
    pub addresses: Vec<String>,
    /// Keys whose contents are wanted: the peer has lost them.
    pub keys: Vec<String>,
    /// OCF agents, `provider:agent`, whose parameters are wanted: the cluster does not run them as declared
    /// yet.
    pub agents: Vec<String>,
    /// Users whose numbers are wanted.
    pub users: Vec<String>,
    /// Groups whose numbers are wanted.
    pub groups: Vec<String>,
}

/// A path on the host, with the volume that it is asked about for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The volume's name.
    pub volume: String,
    /// The path.
    pub path: String,
}

/// A URL that a service answers at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The group's name.
    pub group: String,
    /// The URL.
    pub url: String,
    /// How long an answer may take, in seconds.
    pub timeout: u16,
}

/// A host, or why there is nothing to be known of it.
#[derive(Clone, Debug, PartialEq)]
pub enum HostView {
    /// It answered.
    Seen(Box<Host>),
    /// It did not.
    Silent(Silence),
}

impl HostView {
    /// The host, if it answered.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Self::Seen(host) => Some(host),
            Self::Silent(_) => None,
        }
    }
}

/// Why a host did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// No connection, or it broke. Says nothing about whether the host is up.
    Unreachable(String),
    /// It shows another host key than the ones that were pinned; `offered` are the fingerprints it showed.
    UnknownHostKey {
        /// SHA-256 fingerprints with their key types.
        offered: Vec<String>,
    },
    /// It refuses the key, or the user.
    Denied(String),
    /// The user is neither root nor allowed to become it.
    NotRoot(String),
    /// It answered with something that is not understood.
    Garbled(String),
}

/// What a host said about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// `uname -n`.
    pub name: String,
    /// `uname -r`.
    pub kernel: String,
    /// From /etc/machine-id (machine-id(5)): made when the system is installed.
    pub machine_id: String,
    /// From /etc/os-release.
    pub distribution: Distribution,
    /// Who manages it, by its own record.
    pub owner: Option<Record>,
    /// Of the users that were asked about, and of those of the units: their numbers.
    pub users: BTreeMap<String, User>,
    /// Of the groups that were asked about: their numbers.
    pub groups: BTreeMap<String, u32>,
    /// Installed packages with their versions, of those that were asked for.
    pub packages: BTreeMap<String, String>,
    /// Packages held against upgrades.
    pub held: Vec<String>,
    /// The package installation, if one was started since the host booted.
    pub install: Option<Job>,
    /// Units that were asked for.
    pub units: BTreeMap<String, Unit>,
    /// Files that were asked for and exist.
    pub files: BTreeMap<String, FileFacts>,
    /// The places that were asked for and the directories above them, without following links; those that
    /// exist.
    pub paths: BTreeMap<String, PathFacts>,
    /// Marks of what has to follow a changed file and has not yet (see `FollowUp`).
    pub pending: Vec<String>,
    /// When a file was last written here or a package installed, in Unix seconds of its clock.
    pub mended_at: Option<i64>,
    /// The lines of the managed block of /etc/hosts.
    pub hosts_block: Vec<String>,
    /// What /etc/corosync/corosync.conf says, whether corosync runs or not.
    pub corosync_conf: Option<CorosyncConf>,
    /// The name of the corosync cluster that runs here.
    pub corosync_cluster: Option<String>,
    /// pacemaker's view, when it runs.
    pub cluster: Option<Cluster>,
    /// The live CIB, when pacemaker runs.
    pub cib: Option<Element>,
    /// Whether there is a CIB on disk, and the digest of its file.
    pub cib_on_disk: Option<String>,
    /// The firewall that runs.
    pub firewall: Option<Firewall>,
    /// A file of plain iptables rules that are loaded and keep something out.
    pub plain_rules: Option<String>,
    /// Devices that were asked for, by volume.
    pub devices: BTreeMap<String, Device>,
    /// Disks that were asked for, by volume.
    pub disks: BTreeMap<String, Device>,
    /// Files below mount points that were asked for, by volume; those of the pair's packages and its own are
    /// not counted. Not looked at once there is a leg.
    pub hidden_files: BTreeMap<String, u32>,
    /// Who has files open below a volume's mount point, by volume: units, or programs that are of none. Asked before there is
    /// a leg.
    pub open_files: BTreeMap<String, Vec<String>>,
    /// The major version of the running kernel's DRBD module, loaded or not; `None` when it has none.
    pub drbd_major: Option<u32>,
    /// DRBD resources that are up, by name.
    pub resources: BTreeMap<String, Resource>,
    /// Files of services that were written here, whose places the host remembers: what stood there is given back.
    pub service_files: BTreeSet<String>,
    /// DRBD resources that are configured here, by name, whoever made them.
    pub drbd_config: BTreeMap<String, DrbdConfig>,
    /// File systems that are mounted here, by the DRBD device they are on.
    pub filesystems: BTreeMap<String, Mounted>,
    /// The block device that is mounted on each directory where one is.
    pub mount_points: BTreeMap<String, String>,
    /// Every record of metadata that was created here: DRBD's device UUID and whether the device read as
    /// zeroes, by volume.
    pub volume_records: BTreeMap<String, VolumeRecord>,
    /// The same of volumes of an earlier pair, which has left this host.
    pub kept_records: BTreeMap<String, VolumeRecord>,
    /// The device UUID of DRBD's metadata below legs that the cluster runs, by volume.
    pub metadata: BTreeMap<String, String>,
    /// Devices with DRBD's metadata, by its device UUID; asked for while a leg is down that was made before.
    pub metadata_elsewhere: BTreeMap<String, String>,
    /// Digests of the keys that both hosts share, by path.
    pub shared_keys: BTreeMap<String, String>,
    /// The keys that were asked for, by path.
    pub keys: BTreeMap<String, Secret>,
    /// What it remembers of its peer.
    pub known_peer: Option<KnownPeer>,
    /// The parameters of the OCF agents that were asked for, by their own metadata; `None`: there is no such
    /// agent.
    pub agents: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Of the addresses and mount points that were asked about: those that its own configuration brings up at
    /// boot.
    pub at_boot: Vec<AtBoot>,
    /// Addresses on interfaces.
    pub addresses: Vec<HostAddress>,
    /// Answers of the probes, by URL: the HTTP status, or 0 for none.
    pub probes: BTreeMap<String, u16>,
    /// Of the addresses that were asked about: those that another machine answers for.
    pub taken: Vec<String>,
    /// The digest of the password that hacluster was given here.
    pub admin_password: Option<Secret>,
    /// The nodes on which pcs is logged in.
    pub pcs_hosts: Vec<String>,
}

impl Host {
    /// Whether pacemaker runs here, or has ever run with a configuration.
    pub fn is_clustered(&self) -> bool {
        self.cib_on_disk.is_some() || self.cluster.is_some()
    }

    /// Whether the live configuration has an element with this id.
    pub fn has_in_cib(&self, id: &str) -> bool {
        self.cib.as_ref().is_some_and(|cib| cib.has(id))
    }

    /// Whether it remembers the other: they have met while all was well.
    pub fn remembers(&self, peer: &Self) -> bool {
        let known = self.known_peer.as_ref();
        !peer.machine_id.is_empty() && known.is_some_and(|known| known.machine_id == peer.machine_id)
    }
}
