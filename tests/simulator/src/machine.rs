//! One machine: what survives a power cut, and what does not.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    host::Line,
    observed::{Firewall, JUST_CREATED, Record, Signature, VolumeRecord},
    xml::Element,
};

/// Ticks that a boot takes: longer than the cluster needs to fence who was lost.
const BOOT: u32 = 20;

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its disks and what is on them.
    pub disk: Disk,
    /// What a power cut takes away.
    pub memory: Memory,
    /// Whether it has power.
    pub on: bool,
    /// Whether sshd runs.
    pub sshd: bool,
    /// Ticks until it has booted.
    pub booting: u32,
    /// How often it has lost its power: what ran before is gone.
    pub boots: u32,
    /// pacemaker was stopped in order, and not started since.
    pub left_in_order: bool,
}

/// What survives a power cut.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// `uname -n`.
    pub hostname: String,
    /// Installed packages.
    pub packages: BTreeSet<String>,
    /// Packages held against upgrades.
    pub held: BTreeSet<String>,
    /// Units that systemd starts by itself.
    pub enabled: BTreeSet<String>,
    /// Units that systemd does not start whatever happens.
    pub masked: BTreeSet<String>,
    /// Files by path.
    pub files: BTreeMap<String, StoredFile>,
    /// What stood first where a service's file is, by path.
    pub originals: BTreeMap<String, Option<StoredFile>>,
    /// The managed block of /etc/hosts.
    pub hosts_block: Vec<String>,
    /// The record of who manages the machine.
    pub owner: Option<Record>,
    /// Records of DRBD metadata that was created here.
    pub volume_records: BTreeMap<String, VolumeRecord>,
    /// The same of a pair that has left.
    pub kept_records: BTreeMap<String, VolumeRecord>,
    /// What its programs have said.
    pub journal: Vec<Line>,
    /// Whether nobody can read that.
    pub journal_is_lost: bool,
    /// What has to follow changed files.
    pub pending: BTreeSet<String>,
    /// The cluster's configuration.
    pub cib: Option<Element>,
    /// Block devices by path.
    pub devices: BTreeMap<String, BlockDevice>,
    /// The digest of hacluster's password.
    pub admin_password: Option<Vec<u8>>,
    /// Where pcs is logged in.
    pub pcs_hosts: BTreeSet<String>,
    /// The firewall, when there is one.
    pub firewall: Option<Filter>,
}

/// A firewall that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which one.
    pub kind: Firewall,
    /// An administrator lets the pair's traffic in.
    pub by_hand: bool,
    /// The rules of ours that it has read.
    pub rules: Vec<u8>,
}

impl Filter {
    /// Where our rules for it are.
    pub fn path(&self) -> &'static str {
        match self.kind {
            Firewall::Firewalld => "/etc/firewalld/policies/hapair.xml",
            Firewall::Ufw | Firewall::Nftables => "/etc/hapair/firewall.rules",
        }
    }

    /// Whether it lets in what comes for this port.
    pub fn lets_in(&self, port: u16) -> bool {
        let rules = String::from_utf8_lossy(&self.rules);
        self.by_hand || rules.contains(&format!("\"{port}\"")) || rules.contains(&format!(" {port} "))
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// What it holds.
    pub content: Vec<u8>,
    /// In octal.
    pub mode: String,
    /// `user:group`.
    pub owner: String,
}

/// What a power cut takes away.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Units that run.
    pub active: BTreeSet<String>,
    /// The transient units, with the seconds they still take.
    pub jobs: BTreeMap<String, Job>,
    /// Ticks since an installation failed, if the last one did.
    pub failed_installation: Option<u32>,
    /// The configuration corosync runs with.
    pub corosync: Option<Vec<u8>>,
    /// DRBD resources that are up, by name.
    pub legs: BTreeMap<String, Leg>,
    /// Resources of the cluster that are active here, with their roles.
    pub resources: BTreeMap<String, &'static str>,
    /// Floating addresses.
    pub addresses: BTreeSet<String>,
    /// Whether this node has seen its peer since it started: wait_for_all.
    pub met_peer: bool,
    /// Whether this node waits for its peer to be fenced.
    pub peer_unclean: bool,
}

/// A transient unit.
#[derive(Clone, Debug)]
pub struct Job {
    /// Seconds that it still takes.
    pub left: u32,
    /// What it brings about.
    pub work: Work,
}

/// What a transient unit brings about.
#[derive(Clone, Debug)]
pub enum Work {
    /// Packages.
    Packages(Vec<String>),
    /// A file system with its first content on the volume with this resource.
    Filesystem {
        /// The DRBD resource.
        resource: String,
    },
}

/// A block device.
#[derive(Clone, Debug, Default)]
pub struct BlockDevice {
    /// In bytes.
    pub size: u64,
    /// Signatures other than DRBD's.
    pub signatures: Vec<Signature>,
    /// Names of its partitions.
    pub partitions: Vec<String>,
    /// Where it is mounted.
    pub in_use: Option<String>,
    /// DRBD's metadata.
    pub metadata: Option<Metadata>,
    /// The label of the file system on it.
    pub label: Option<String>,
    /// The records that clients have written: what must never be lost.
    pub records: BTreeSet<u32>,
}

/// DRBD's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Device UUID, 16 hexadecimal digits.
    pub device_uuid: String,
    /// The current data generation.
    pub current: u64,
    /// The generation of the peer that the bitmap counts from; 0: none.
    pub bitmap: u64,
    /// Older generations.
    pub history: Vec<u64>,
    /// The data is consistent.
    pub consistent: bool,
    /// The data is known to be older than the peer's.
    pub outdated: bool,
    /// It was Primary when it was written last.
    pub primary: bool,
}

impl Metadata {
    /// Metadata as create-md makes it.
    pub fn blank(device_uuid: String) -> Self {
        Self {
            device_uuid,
            current: JUST_CREATED,
            bitmap: 0,
            history: Vec::new(),
            consistent: false,
            outdated: false,
            primary: false,
        }
    }

    /// The device UUID as blkid and wipefs print it (`PRIx64`).
    pub fn printed_uuid(&self) -> &str {
        self.device_uuid.trim_start_matches('0')
    }

    /// Whether it has never held data.
    pub fn is_blank(&self) -> bool {
        self.current == JUST_CREATED
    }
}

/// A DRBD resource that is up on one machine.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The device below it.
    pub device: String,
    /// Its minor number.
    pub minor: u32,
    /// Primary or Secondary.
    pub primary: bool,
    /// Connected, Connecting, StandAlone.
    pub connection: Connection,
    /// The state of its own disk.
    pub disk: DiskState,
    /// Seconds of a resync that are left, on the target.
    pub resync: u32,
    /// Whether writes wait for the peer's fate.
    pub frozen: bool,
}

/// DRBD's connection states, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Brought up, and about to connect; DRBD calls this StandAlone too.
    Configured,
    /// Waiting for the peer.
    Connecting,
    /// With the peer.
    Connected,
    /// Given up, over diverged data.
    StandAlone,
}

/// DRBD's disk states, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// There is none.
    Diskless,
    /// Not usable yet, or the target of a resync.
    Inconsistent,
    /// Usable, but older than the peer's.
    Outdated,
    /// Usable; whether the peer's is newer is not known.
    Consistent,
    /// Current.
    UpToDate,
}

impl DiskState {
    /// As drbdsetup spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Diskless => "Diskless",
            Self::Inconsistent => "Inconsistent",
            Self::Outdated => "Outdated",
            Self::Consistent => "Consistent",
            Self::UpToDate => "UpToDate",
        }
    }
}

impl Machine {
    /// A bare machine with a blank second disk.
    pub fn bare(hostname: &str) -> Self {
        let disk = BlockDevice {
            size: 512 << 20,
            ..BlockDevice::default()
        };
        Self {
            disk: Disk {
                hostname: hostname.into(),
                devices: BTreeMap::from([("/dev/sdb".to_owned(), disk)]),
                ..Disk::default()
            },
            memory: Memory::default(),
            on: true,
            sshd: true,
            booting: 0,
            boots: 0,
            left_in_order: true,
        }
    }

    /// Whether it can be reached over SSH.
    pub fn answers(&self) -> bool {
        self.on && self.sshd && self.booting == 0
    }

    /// Whether this unit runs.
    pub fn runs(&self, unit: &str) -> bool {
        self.on && self.booting == 0 && self.memory.active.contains(unit)
    }

    /// Whether what comes for this port gets in.
    pub fn lets_in(&self, port: u16) -> bool {
        self.disk
            .firewall
            .as_ref()
            .is_none_or(|filter| filter.lets_in(port))
    }

    /// Whether pacemaker and corosync run.
    pub fn is_clustered(&self) -> bool {
        self.runs("corosync") && self.runs("pacemaker")
    }

    /// The power goes.
    pub fn cut_power(&mut self) {
        self.on = false;
        self.boots += 1;
        self.memory = Memory::default();
    }

    /// The power comes.
    pub fn start(&mut self) {
        if !self.on {
            self.on = true;
            self.booting = BOOT;
        }
    }

    /// What systemd does once the kernel runs.
    pub fn boot(&mut self) {
        self.sshd = true;
        let enabled: Vec<_> = self.disk.enabled.difference(&self.disk.masked).cloned().collect();
        for unit in enabled {
            self.start_unit(&unit);
        }
    }

    /// A unit starts.
    pub fn start_unit(&mut self, unit: &str) {
        if unit == "pacemaker" && !self.memory.active.contains("corosync") {
            self.start_unit("corosync");
        }
        self.left_in_order &= unit != "pacemaker";
        if self.memory.active.insert(unit.to_owned()) && unit == "corosync" {
            self.memory.corosync = self
                .disk
                .files
                .get("/etc/corosync/corosync.conf")
                .map(|file| file.content.clone());
        }
    }

    /// The device below a volume: the path, and what is there.
    pub fn device_mut(&mut self, path: &str) -> Option<&mut BlockDevice> {
        self.disk.devices.get_mut(path)
    }

    /// The metadata below a leg.
    pub fn metadata(&self, resource: &str) -> Option<&Metadata> {
        self.disk.devices.get(self.attached(resource)?)?.metadata.as_ref()
    }

    /// The disk of a leg, if it has one.
    pub fn attached(&self, resource: &str) -> Option<&str> {
        let leg = self.memory.legs.get(resource)?;
        (leg.disk != DiskState::Diskless).then_some(leg.device.as_str())
    }

    /// The metadata below a leg, to be changed.
    pub fn metadata_mut(&mut self, resource: &str) -> Option<&mut Metadata> {
        let device = self.attached(resource)?.to_owned();
        self.disk.devices.get_mut(&device)?.metadata.as_mut()
    }

    /// The records below a leg.
    pub fn records_mut(&mut self, resource: &str) -> Option<&mut BTreeSet<u32>> {
        let device = self.attached(resource)?.to_owned();
        self.disk
            .devices
            .get_mut(&device)
            .map(|device| &mut device.records)
    }
}
