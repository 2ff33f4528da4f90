//! What the hosts said, and what they were asked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{Secret, xml::Element};

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
    pub devices: Vec<(String, String)>,
    /// Disks on which a partition is to be made, each with the volume it is for.
    pub disks: Vec<(String, String)>,
    /// Mount points whose files are to be counted before there is a volume, each with the volume it is for.
    pub mount_points: Vec<(String, String)>,
    /// Files that are the pair's own wherever they are, beside those of its packages.
    pub own_files: Vec<String>,
    /// URLs to ask, each with the group it is for.
    pub probes: Vec<(String, String)>,
    /// Addresses that must not answer on the network, when they are not on one of the hosts.
    pub addresses: Vec<String>,
    /// Keys whose contents are wanted: the peer has lost them.
    pub keys: Vec<String>,
    /// OCF agents, `provider:agent`, whose parameters are wanted: the cluster does not run them as declared
    /// yet.
    pub agents: Vec<String>,
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
    /// The major version of the running kernel's DRBD module, loaded or not; `None` when it has none.
    pub drbd_major: Option<u32>,
    /// DRBD resources that are up, by name.
    pub resources: BTreeMap<String, Resource>,
    /// DRBD resources that are configured here, by name, whoever made them.
    pub drbd_config: BTreeMap<String, DrbdConfig>,
    /// File systems that are mounted here, by the DRBD device they are on.
    pub filesystems: BTreeMap<String, Mounted>,
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
    /// Addresses on interfaces, each `address/prefix`, with the interface.
    pub addresses: Vec<(String, String)>,
    /// Answers of the probes, by URL: the HTTP status, or 0 for none.
    pub probes: BTreeMap<String, u16>,
    /// Of the addresses that were asked about: those that another machine answers for.
    pub taken: Vec<String>,
    /// The digest of the password that hacluster was given here.
    pub admin_password: Option<Secret>,
    /// The nodes on which pcs is logged in.
    pub pcs_hosts: Vec<String>,
}

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
}

/// A file system that is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounted {
    /// It takes no writes.
    pub read_only: bool,
    /// How full it is, in percent, 100 only when nothing is left: space, or inodes if there is less left of
    /// them. `None`: it does not tell.
    pub used: Option<u8>,
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
        let made = |volume: &'a str| Some((volume, &peer.volume_records.get(volume)?.device_uuid));
        let legs = volumes.filter_map(made).filter(|(_, uuid)| *uuid != "pending");
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
    },
}

/// A systemd unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// `LoadState`: loaded, not-found, masked…
    pub load: String,
    /// `ActiveState`.
    pub active: String,
    /// Whether systemd starts it by itself.
    pub enabled: bool,
    /// Its files are newer than what systemd knows of it (`NeedDaemonReload`).
    pub outdated: bool,
    /// How long systemd lets a start take (`TimeoutStartUSec`).
    pub start_limit: Limit,
    /// How long systemd lets a stop take, before it kills (`TimeoutStopUSec`).
    pub stop_limit: Limit,
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
        self.active == "active"
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
    /// What it is: ext4, LVM2_member, drbd, gpt…
    pub kind: String,
    /// Its UUID, where it has one.
    pub uuid: String,
}

impl Signature {
    /// The kind of what has no signature, and does not read as zeroes.
    pub const DATA: &str = "data";
    /// The kind of a disk's partition; its UUID is the partition's own.
    pub const PARTITION: &str = "part";

    /// Data without a signature.
    pub fn data() -> Self {
        Self {
            kind: Self::DATA.into(),
            uuid: String::new(),
        }
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == Self::DATA {
            return formatter.write_str(Self::DATA);
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
    /// DRBD's device UUID, 16 lower-case hexadecimal digits.
    pub device_uuid: String,
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
    /// Primary, Secondary, Unknown.
    pub role: String,
    /// Connected, Connecting, StandAlone…
    pub connection: String,
    /// The peer's role.
    pub peer_role: String,
    /// UpToDate, Inconsistent, Diskless…
    pub disk: String,
    /// The peer's disk.
    pub peer_disk: String,
    /// Established, SyncSource, SyncTarget…
    pub replication: String,
    /// How much of a resync is done, in percent.
    pub done: Option<u8>,
    /// The current data generation's UUID; 0: not known.
    pub generation: u64,
    /// Generations that the current one came from, as far as DRBD remembers: the bitmap's and the history's
    /// UUIDs.
    pub ancestors: Vec<u64>,
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
        self.connection == "Connected"
    }

    /// Whether it holds current data, and so does its peer.
    pub fn is_up_to_date(&self) -> bool {
        self.disk == "UpToDate" && self.peer_disk == "UpToDate"
    }
}

/// pacemaker's view, from `crm_mon --output-as=xml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Whether this partition has quorum.
    pub quorate: bool,
    /// Whether a DC has been elected.
    pub has_dc: bool,
    /// Nodes, by name.
    pub nodes: BTreeMap<String, ClusterNode>,
    /// Primitive resources, by id; instances of a clone are several entries.
    pub resources: Vec<ClusterResource>,
    /// Failed operations.
    pub failures: Vec<Failure>,
    /// Node names the cluster is fencing, or has failed to fence.
    pub fencing: Vec<FenceEvent>,
    /// Whether the whole cluster is in maintenance mode.
    pub maintenance: bool,
    /// Constraints that keep a resource off a node.
    pub bans: Vec<Ban>,
}

/// A constraint that keeps a resource, or its promoted role, off a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The constraint's id.
    pub id: String,
    /// The resource.
    pub resource: String,
    /// Where it must not be.
    pub node: String,
}

/// A node as pacemaker sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterNode {
    /// Member of the cluster.
    pub online: bool,
    /// Runs no services.
    pub standby: bool,
    /// Its state is not known for certain; it will be fenced.
    pub unclean: bool,
    /// On its way in.
    pub pending: bool,
    /// The cluster leaves everything on it as it is.
    pub maintenance: bool,
}

impl ClusterNode {
    /// The word for its state that the status shows.
    pub fn state(&self) -> &'static str {
        match self {
            Self { unclean: true, .. } => "Unclean",
            Self { online: false, .. } => "Offline",
            Self { pending: true, .. } => "Pending",
            Self { standby: true, .. } => "Standby",
            Self { .. } => "Online",
        }
    }
}

/// An instance of a primitive resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterResource {
    /// Its id, without an instance number.
    pub id: String,
    /// Started, Stopped, Promoted, Unpromoted (older builds say Master, Slave; both are read).
    pub role: String,
    /// Where it is active.
    pub nodes: Vec<String>,
    /// It has failed.
    pub failed: bool,
    /// The configuration no longer has it; the cluster stops it.
    pub orphaned: bool,
    /// The cluster will not touch it before a person does.
    pub blocked: bool,
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub resource: String,
    /// start, stop, monitor…
    pub task: String,
    /// Where.
    pub node: String,
    /// What the agent said.
    pub message: String,
}

/// A fencing action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceEvent {
    /// Whom.
    pub target: String,
    /// success, failed or pending.
    pub status: String,
    /// When it ended: "2026-11-23 17:00:55Z".
    pub completed: Option<String>,
}

impl Cluster {
    /// Whether this resource has not started, and has not failed either.
    pub fn is_idle(&self, id: &str) -> bool {
        self.active_in_role(id, "Started").is_none()
            && !self.failures.iter().any(|failure| failure.resource == id)
    }

    /// A resource that the configuration no longer has and that is still active.
    pub fn leftover(&self) -> Option<&ClusterResource> {
        self.resources
            .iter()
            .find(|each| each.orphaned && !each.nodes.is_empty())
    }

    /// Where this resource is active in this role.
    pub fn active_in_role(&self, id: &str, role: &str) -> Option<&str> {
        let found = self
            .resources
            .iter()
            .find(|each| each.id == id && each.role == role && !each.nodes.is_empty());
        found.and_then(|each| each.nodes.first()).map(String::as_str)
    }
}
