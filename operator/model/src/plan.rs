//! What has to change, as data: the next stage, whose steps may run side by side on the two hosts and in
//! order on each.

use serde::Serialize;

use crate::{Both, Reason, Secret, Side, digest, observed::Firewall, reason::Scope};

/// What to do next with a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The next thing to do.
    pub next: Next,
    /// What stands in the way, or should be known, each about one object.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// To do nothing, for these findings.
    pub fn at_rest(findings: Vec<Finding>) -> Self {
        Self {
            next: Next::Rest,
            findings,
        }
    }

    /// To run a stage, with nothing in the way.
    pub fn to_run(stage: Stage) -> Self {
        Self {
            next: Next::Run(stage),
            findings: Vec::new(),
        }
    }

    /// Whether nothing is to be done, and nothing is in the way.
    pub fn is_empty(&self) -> bool {
        self.next == Next::Rest && self.findings.is_empty()
    }
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing: everything is as declared, or a person has to act first.
    Rest,
    /// Look again soon: something is under way on the hosts.
    Wait(String),
    /// Run this stage, then look again.
    Run(Stage),
}

impl Next {
    /// A stage of both hosts' steps; none when there are no steps.
    pub fn stage(name: &'static str, steps: Both<Vec<Step>>) -> Option<Self> {
        steps
            .any(|steps| !steps.is_empty())
            .then_some(Self::Run(Stage { name, steps }))
    }

    /// A stage with steps on one host only.
    pub fn stage_on(name: &'static str, side: Side, steps: Vec<Step>) -> Option<Self> {
        let mut both = Both::from_fn(|_| Vec::new());
        both[side] = steps;
        Self::stage(name, both)
    }
}

/// Steps for both hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// What it brings about, for a person.
    pub name: &'static str,
    /// Each host's steps, in order.
    pub steps: Both<Vec<Step>>,
}

/// One idempotent change on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Step {
    /// Install packages, with the named units masked meanwhile, as a transient unit that outlives the
    /// connection. Without packages: take away the masks that an installation has left which was cut short.
    InstallPackages {
        /// The package manager.
        manager: PackageManager,
        /// The packages that are missing.
        packages: Vec<String>,
        /// Units that must not start by themselves.
        mask: Vec<String>,
    },
    /// Hold packages against unattended upgrades.
    HoldPackages {
        /// The packages.
        packages: Vec<String>,
    },
    /// Write a file whole or not at all.
    WriteFile(File),
    /// Give the host its name.
    SetHostname {
        /// The name.
        name: String,
    },
    /// Make the managed block of /etc/hosts hold these lines.
    WriteHostsBlock {
        /// The lines.
        lines: Vec<String>,
    },
    /// Enable units and start them.
    EnableUnits {
        /// The units.
        units: Vec<String>,
    },
    /// Disable units, and stop them where the cluster does not run them.
    DisableUnits {
        /// The units.
        units: Vec<String>,
    },
    /// Restart units that run with an older file.
    RestartUnits {
        /// The units.
        units: Vec<String>,
    },
    /// Make the firewall let in what the file of rules names.
    OpenFirewall {
        /// Which firewall.
        firewall: Firewall,
    },
    /// Take the operator's rules out of the firewall.
    CloseFirewall {
        /// Which firewall.
        firewall: Firewall,
    },
    /// Tell the running corosync to read its file again.
    ReloadCorosync,
    /// Read the unit files again.
    ReloadUnits,
    /// Make a partition on a disk that is blank, or has nothing but partitions of volumes.
    MakePartition {
        /// The disk.
        disk: String,
        /// The partition's name.
        name: String,
        /// Its size in MiB; `None`: all that is left.
        size_mib: Option<u64>,
        /// The signatures that may be overwritten, as `type:uuid`, several joined by `+`.
        overwrite: Option<String>,
    },
    /// Make DRBD metadata on a blank device, and record whose it is.
    CreateMetadata {
        /// The DRBD resource.
        resource: String,
        /// The device.
        device: String,
        /// The signatures that may be overwritten, as `type:uuid`, several joined by `+`.
        overwrite: Option<String>,
        /// Its minor number, kept in the record.
        minor: u32,
        /// Its port, kept in the record.
        port: u16,
    },
    /// Record the metadata below a leg that is up and holds the volume's data: a person may have put a new
    /// disk there.
    RecordMetadata {
        /// The DRBD resource.
        resource: String,
        /// The metadata's device UUID, as wipefs prints it.
        uuid: String,
        /// The resource's minor number.
        minor: u32,
        /// Its port.
        port: u16,
    },
    /// Bring a DRBD resource up as Secondary.
    BringUp {
        /// The DRBD resource.
        resource: String,
    },
    /// Give two blank, connected legs their first data generation.
    CreateFirstGeneration {
        /// The DRBD resource.
        resource: String,
        /// Its minor number.
        minor: u32,
        /// Both legs are known to read as zeroes, so nothing has to be copied.
        skip_sync: bool,
    },
    /// Make the file system, with its first content.
    MakeFilesystem {
        /// The DRBD resource.
        resource: String,
        /// Its minor number.
        minor: u32,
        /// ext4 or xfs.
        filesystem: &'static str,
        /// Where it will be mounted.
        mount_point: String,
        /// Owner of its root.
        owner: String,
        /// Mode of its root.
        mode: String,
        /// Copy what the mount point's directory holds.
        copy: bool,
    },
    /// Put the cluster's first configuration in place, before pacemaker ever starts.
    SeedCib {
        /// The whole CIB.
        cib: String,
    },
    /// Change the running cluster's configuration.
    PushCib {
        /// The whole CIB as it shall be; what differs from the live one is applied as one patch.
        cib: String,
        /// The version the change was planned on, `admin_epoch.epoch`; a CIB that has moved on is left alone.
        planned_on: String,
    },
    /// Make the cluster forget a resource's failures, so that it tries again.
    CleanUp {
        /// The resource's id.
        resource: String,
    },
    /// Make the cluster forget one failure of a monitor.
    ForgetFailure {
        /// The resource's id.
        resource: String,
        /// Where it failed.
        node: String,
        /// How often the monitor is repeated, in milliseconds.
        interval_ms: u32,
    },
    /// Run DRBD's handler once more that takes the constraint of a lost peer away, since the peer has the newest data
    /// again.
    Unfence {
        /// The DRBD resource.
        resource: String,
        /// Its minor.
        minor: u32,
    },
    /// Give hacluster its password and start pcsd.
    SetAdminPassword {
        /// What is kept to recognise the password by.
        #[serde(skip)]
        digest: Secret,
        /// The password.
        #[serde(skip)]
        password: Secret,
    },
    /// Log pcs in on both nodes, from one of them.
    AuthenticatePcs {
        /// Node names and addresses.
        nodes: Vec<(String, String)>,
        /// The password.
        #[serde(skip)]
        password: Secret,
    },
    /// Take a leg's disk away from it, since it gets another one. The disk is left as it is.
    Detach {
        /// The DRBD resource.
        resource: String,
        /// Its disk; `None` when it is without one already.
        disk: Option<String>,
    },
    /// Take a DRBD resource down and forget its configuration. Its data and metadata stay on the disk.
    TakeDown {
        /// The DRBD resource.
        resource: String,
    },
    /// Put back what stood where a service's files are, or nothing where there was nothing.
    GiveBack {
        /// The services' files.
        paths: Vec<String>,
    },
    /// Stop and disable the cluster on this host. Data stays.
    LeaveCluster,
    /// Remove everything the operator wrote on this host, its record of ownership last.
    Forget {
        /// Files that were written.
        files: Vec<String>,
    },
}

impl Step {
    /// What it does, in a word; also the name of the script that does it on a host.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InstallPackages { .. } => "install-packages",
            Self::HoldPackages { .. } => "hold-packages",
            Self::WriteFile(_) => "write-file",
            Self::SetHostname { .. } => "set-hostname",
            Self::WriteHostsBlock { .. } => "write-hosts-block",
            Self::EnableUnits { .. } => "enable-units",
            Self::DisableUnits { .. } => "disable-units",
            Self::RestartUnits { .. } => "restart-units",
            Self::OpenFirewall { .. } => "open-firewall",
            Self::CloseFirewall { .. } => "close-firewall",
            Self::ReloadCorosync => "reload-corosync",
            Self::ReloadUnits => "reload-units",
            Self::MakePartition { .. } => "make-partition",
            Self::CreateMetadata { .. } => "create-metadata",
            Self::RecordMetadata { .. } => "record-metadata",
            Self::BringUp { .. } => "bring-up",
            Self::CreateFirstGeneration { .. } => "create-first-generation",
            Self::MakeFilesystem { .. } => "make-filesystem",
            Self::SeedCib { .. } => "seed-cib",
            Self::PushCib { .. } => "push-cib",
            Self::CleanUp { .. } => "clean-up",
            Self::ForgetFailure { .. } => "forget-failure",
            Self::Unfence { .. } => "unfence",
            Self::SetAdminPassword { .. } => "set-admin-password",
            Self::AuthenticatePcs { .. } => "authenticate-pcs",
            Self::Detach { .. } => "detach",
            Self::TakeDown { .. } => "take-down",
            Self::GiveBack { .. } => "give-back",
            Self::LeaveCluster => "leave-cluster",
            Self::Forget { .. } => "forget",
        }
    }

    /// What it does and to what, for a person; no secret is in it.
    pub fn summary(&self) -> String {
        let what = match self {
            Self::InstallPackages { packages, .. } if packages.is_empty() => {
                "take the masks away that an installation left".into()
            }
            Self::InstallPackages { packages, .. } | Self::HoldPackages { packages } => packages.join(", "),
            Self::WriteFile(file) => {
                let then = file
                    .follow_up
                    .as_ref()
                    .map(|follow_up| format!(", then {}", follow_up.mark()))
                    .unwrap_or_default();
                format!("{} ({} {}){then}", file.path, file.owner, file.mode)
            }
            Self::SetHostname { name } => name.clone(),
            Self::WriteHostsBlock { lines } => lines.join("; "),
            Self::EnableUnits { units } | Self::DisableUnits { units } | Self::RestartUnits { units } => {
                units.join(", ")
            }
            Self::OpenFirewall { firewall } | Self::CloseFirewall { firewall } => firewall.name().into(),
            Self::ReloadCorosync | Self::ReloadUnits => String::new(),
            Self::MakePartition {
                disk, name, size_mib, ..
            } => match size_mib {
                Some(size) => format!("{name}, {size} MiB, on {disk}"),
                None => format!("{name}, all that is left, on {disk}"),
            },
            Self::CreateMetadata { resource, device, .. } => format!("DRBD's, for {resource}, on {device}"),
            Self::RecordMetadata { resource, uuid, .. } => format!("DRBD's, of {resource}: {uuid}"),
            Self::BringUp { resource }
            | Self::TakeDown { resource }
            | Self::CleanUp { resource }
            | Self::Unfence { resource, .. } => resource.clone(),
            Self::Detach {
                resource,
                disk: Some(disk),
            } => format!("{resource} from {disk}, which is left as it is"),
            Self::Detach { resource, disk: None } => format!("{resource} from the disk that is gone"),
            Self::ForgetFailure { resource, node, .. } => format!("of {resource}'s monitor on {node}"),
            Self::CreateFirstGeneration {
                resource,
                skip_sync: true,
                ..
            } => {
                format!("the first data generation of {resource}; both legs are blank, nothing is copied")
            }
            Self::CreateFirstGeneration { resource, .. } => {
                format!("the first data generation of {resource}, from this node")
            }
            Self::MakeFilesystem {
                resource,
                filesystem,
                mount_point,
                ..
            } => format!("{filesystem} on {resource}, for {mount_point}"),
            Self::SeedCib { .. } => "the cluster's first configuration".into(),
            Self::PushCib { .. } => "the cluster's configuration, as one patch".into(),
            Self::SetAdminPassword { .. } => "of hacluster".into(),
            Self::AuthenticatePcs { nodes, .. } => nodes
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
            Self::GiveBack { paths } => format!("what stood at {} before", paths.join(", ")),
            Self::LeaveCluster => "stop and disable the cluster on this node; data stays".into(),
            Self::Forget { .. } => "remove what the operator wrote on this host; data stays".into(),
        };
        if what.is_empty() {
            self.name().into()
        } else {
            format!("{}: {what}", self.name())
        }
    }
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// Debian's.
    Apt,
    /// Fedora's and its relatives'.
    Dnf,
}

/// A file as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Where.
    pub path: String,
    /// In octal, without a leading zero.
    pub mode: String,
    /// `user:group`.
    pub owner: String,
    /// What it holds.
    pub content: Content,
    /// What becomes of what stood there.
    pub keep: Keep,
    /// What has to follow once it has changed.
    pub follow_up: Option<FollowUp>,
}

/// What becomes of what stood at a file's path before it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Keep {
    /// It is replaced.
    #[default]
    Nothing,
    /// The last five versions stay on the host, dated: a file of the cluster.
    Versions,
    /// What stood there first is given back when the group or the pair leaves the host: a file of a service.
    Original,
}

/// What has to follow once a file has changed. The host keeps a mark of it from before the change until it is
/// done, so that a crash in between leaves no daemon with an older file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum FollowUp {
    /// corosync reads its configuration again.
    ReloadCorosync,
    /// corosync starts anew: it reads its key only then.
    RestartCorosync,
    /// DRBD adjusts a resource that is up.
    Adjust(String),
    /// A leg that has given its disk up gets the one that its file names.
    Attach(String),
    /// The firewall lets in what its file of rules names.
    OpenFirewall,
    /// The cluster forgets the failures of a resource, whose cause may be mended now.
    CleanUp(String),
}

impl FollowUp {
    /// The mark's name below `/var/lib/hapair/pending`.
    pub fn mark(&self) -> String {
        match self {
            Self::ReloadCorosync => "reload-corosync".into(),
            Self::RestartCorosync => "restart-corosync".into(),
            Self::Adjust(resource) => format!("adjust-{resource}"),
            Self::Attach(resource) => format!("attach-{resource}"),
            Self::OpenFirewall => "open-firewall".into(),
            Self::CleanUp(resource) => format!("clean-up-{resource}"),
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Content {
    /// Text that may be shown.
    Text(String),
    /// Bytes that may not.
    Secret(#[serde(skip)] Secret),
    /// A text in which `@SECRET@` stands for the pair's DRBD secret, which only the hosts know.
    WithDrbdSecret(String),
}

impl Content {
    /// The digest a probe reports of a file with this content.
    pub fn digest(&self) -> String {
        match self {
            Self::Text(text) | Self::WithDrbdSecret(text) => digest(text.as_bytes()),
            Self::Secret(secret) => digest(secret.expose()),
        }
    }
}

/// Something a person should know about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which object.
    pub about: Subject,
    /// Why.
    pub reason: Reason,
    /// What happened, where, what was expected, what to do.
    pub message: String,
    /// What it keeps from being done.
    #[serde(skip)]
    pub stops: Scope,
}

impl Finding {
    /// Something that was found about an object.
    pub fn new(about: Subject, reason: Reason, message: String) -> Self {
        Self {
            about,
            reason,
            message,
            stops: reason.stops(),
        }
    }

    /// Something that was found about the whole pair.
    pub fn about_pair(reason: Reason, message: String) -> Self {
        Self::new(Subject::Pair, reason, message)
    }
}

/// An object of the pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Subject {
    /// The HAPair.
    Pair,
    /// A ReplicatedVolume, by name.
    Volume(String),
    /// A FloatingIP, by name.
    FloatingIp(String),
    /// A ServiceGroup, by name.
    Group(String),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pair => write!(formatter, "the HAPair"),
            Self::Volume(name) => write!(formatter, "ReplicatedVolume {name}"),
            Self::FloatingIp(name) => write!(formatter, "FloatingIP {name}"),
            Self::Group(name) => write!(formatter, "ServiceGroup {name}"),
        }
    }
}
