//! What is declared: a pair and its children, checked and with every default applied.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Both, Secret, Side, plan::Subject};

/// Everything that is declared about one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The HAPair's name; also the cluster's.
    pub name: String,
    /// Who manages these hosts: this HAPair of this Kubernetes cluster.
    pub owner: Owner,
    /// The owner the hosts may be taken over from.
    pub take_over_from: Option<String>,
    /// The two nodes.
    pub nodes: Both<Node>,
    /// Whether nodes are fenced.
    pub fencing: Fencing,
    /// The password of hacluster, when pcsd authentication is wanted.
    pub admin_password: Option<Secret>,
    /// Whether missing packages are installed.
    pub install_packages: bool,
    /// Whether the hosts' firewall is opened for what the pair needs.
    pub open_firewall: bool,
    /// Milliseconds without a word after which corosync takes a node for lost.
    pub token: u32,
    /// The link that carries DRBD's traffic.
    pub replication_link: u8,
    /// Where the service starts when both nodes could run it.
    pub preferred: Option<Side>,
    /// Observe, but change nothing.
    pub paused: bool,
    /// Volumes, by name.
    pub volumes: Vec<Volume>,
    /// Floating IPs, by name.
    pub floating_ips: Vec<FloatingIp>,
    /// Service groups, by name.
    pub groups: Vec<Group>,
    /// Children that are being deleted with `deletionPolicy: Teardown`.
    pub leaving: Leaving,
    /// Hosts that a person has accepted in a node's place although they have lost what they were known by:
    /// machine-ids by node.
    pub accepted: BTreeMap<String, String>,
    /// What a person wants off the hosts although its object is gone, by its id in the cluster's configuration.
    pub forgotten: BTreeSet<String>,
    /// Legs that a person has given up, since their disks are gone for good: by the UUID of the metadata that they had.
    pub lost_legs: BTreeSet<String>,
    /// Ids in the cluster's configuration that differ from those which the names give: what runs keeps its
    /// id.
    pub ids: BTreeMap<String, String>,
}

/// Who manages a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// UID of the Kubernetes cluster: that of its kube-system namespace.
    pub cluster: String,
    /// UID of the HAPair.
    pub pair: String,
    /// Its namespace and name, `NAMESPACE/NAME`, for people.
    pub name: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.cluster, self.pair)
    }
}

/// Names of children that are being taken off the hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Volumes.
    pub volumes: Vec<String>,
    /// Floating IPs.
    pub floating_ips: Vec<String>,
    /// Service groups.
    pub groups: Vec<String>,
    /// The files of these groups' services.
    pub files: BTreeSet<String>,
}

impl Leaving {
    /// Whether this object is one of them.
    pub fn has(&self, object: &Subject) -> bool {
        match object {
            Subject::Pair => false,
            Subject::Volume(name) => self.volumes.contains(name),
            Subject::FloatingIp(name) => self.floating_ips.contains(name),
            Subject::Group(name) => self.groups.contains(name),
        }
    }

    /// Adds an object.
    pub fn add(&mut self, object: Subject) {
        match object {
            Subject::Pair => {}
            Subject::Volume(name) => self.volumes.push(name),
            Subject::FloatingIp(name) => self.floating_ips.push(name),
            Subject::Group(name) => self.groups.push(name),
        }
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.floating_ips.is_empty() && self.groups.is_empty()
    }
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// corosync's id of it: what the cluster has, and before there is one, from the order of the names. A
    /// running corosync does not take another, and a node whose id has changed cannot join again.
    pub id: u32,
    /// Its name in the cluster, which is the host's own.
    pub name: String,
    /// Where SSH reaches it.
    pub address: String,
    /// Its address on each corosync link, by link number.
    pub links: Vec<(u8, String)>,
    /// Devices that can cut its power, in the order in which they are tried.
    pub devices: Vec<FenceDevice>,
    /// Whether the host is given this name when it has another.
    pub set_hostname: bool,
    /// Whether it is to run services; `None` leaves that to an administrator.
    pub standby: Option<bool>,
}

impl Node {
    /// The node's address on its first link.
    pub fn first_address(&self) -> &str {
        self.links.first().map_or(&self.address, |(_, address)| address)
    }

    /// The node's address on a link.
    pub fn link(&self, number: u8) -> Option<&str> {
        self.links
            .iter()
            .find(|(each, _)| *each == number)
            .map(|(_, address)| address.as_str())
    }
}

/// Whether nodes are fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// Nothing is taken over from a node before its power is off.
    Required,
    /// Unprotected.
    Disabled,
}

/// A device that can cut a node's power, as a fence agent and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceDevice {
    /// The agent, for instance `fence_ipmilan`.
    pub agent: String,
    /// Its parameters, none of them secret.
    pub parameters: Vec<(String, String)>,
    /// What the device calls the node; `None`: by the node's name.
    pub plug: Option<String>,
    /// The password, which reaches the agent through a file only root can read.
    pub password: Option<Secret>,
    /// How its certificate is verified.
    pub tls: Tls,
}

/// How a device's certificate is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// By the authorities that the host trusts.
    #[default]
    System,
    /// By this authority, in PEM.
    Authority(Secret),
    /// Not at all.
    Unverified,
}

/// The numbers by which DRBD knows a volume on both hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The minor number of its device: `/dev/drbd0` has 0.
    pub minor: u32,
    /// Its TCP port.
    pub port: u16,
}

/// A DRBD resource with a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name, also DRBD's.
    pub name: String,
    /// The backing device on each node.
    pub disks: Both<Disk>,
    /// DRBD's numbers; none before the planner has chosen them in the light of what the hosts have.
    pub numbers: Option<Numbers>,
    /// The file system.
    pub filesystem: FilesystemType,
    /// Where it is mounted.
    pub mount_point: String,
    /// mount(8)'s options for it, beside the defaults.
    pub mount_options: Vec<String>,
    /// Owner of its root, `user:group`.
    pub owner: String,
    /// Mode of its root, in octal.
    pub mode: String,
    /// The node whose directory it holds at first; `None`: empty.
    pub copy_from: Option<Side>,
}

impl Volume {
    fn chosen(&self) -> Numbers {
        self.numbers
            .expect("a volume's numbers are chosen before anything is planned with it")
    }

    /// The minor number of its device.
    pub fn minor(&self) -> u32 {
        self.chosen().minor
    }

    /// DRBD's TCP port.
    pub fn port(&self) -> u16 {
        self.chosen().port
    }
}

/// A node's leg of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The block device.
    pub device: String,
    /// The partition that the device is, when it is to be made.
    pub partition: Option<Partition>,
    /// The signatures that may be overwritten, as `type:uuid`, several joined by `+`.
    pub overwrite: Option<String>,
    /// How many files the volume may hide on this node.
    pub hide_files: Option<u32>,
}

/// A partition that is made for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The disk.
    pub disk: String,
    /// Its name in the partition table.
    pub name: String,
    /// Its size; `None`: all that is left.
    pub size_mib: Option<u64>,
}

/// A file system's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilesystemType {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

impl FilesystemType {
    /// Its name as mount(8) spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// An address that follows the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIp {
    /// Its name.
    pub name: String,
    /// The address.
    pub address: std::net::IpAddr,
    /// The length of its network's prefix.
    pub prefix: u8,
    /// The interface that gets it on each node: the declared one, or the one that was found; `None`: there is
    /// none.
    pub interfaces: Both<Option<String>>,
    /// Whether the service moves when this interface loses its link.
    pub watched: bool,
}

/// What runs and moves together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Names of its volumes, in order.
    pub volumes: Vec<String>,
    /// Names of its floating IPs, in order.
    pub floating_ips: Vec<String>,
    /// Its services, in order.
    pub services: Vec<Service>,
    /// Files on both nodes.
    pub files: Vec<GroupFile>,
    /// How to ask whether it answers.
    pub probe: Option<HttpProbe>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name within the group.
    pub name: String,
    /// What runs it.
    pub kind: ServiceKind,
    /// How long a start may take, in seconds; `None`: as its unit says.
    pub start_timeout: Option<u32>,
    /// How long a stop may take, in seconds; `None`: as its unit says.
    pub stop_timeout: Option<u32>,
}

/// What runs a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// A service that is known, as the distribution packages it.
    Preset(Preset),
    /// A systemd unit that is already there, without `.service`.
    Systemd(String),
    /// An OCF agent that is already there.
    Ocf {
        /// Provider and agent, `heartbeat:pgsql`.
        agent: String,
        /// Its parameters.
        parameters: Vec<(String, String)>,
    },
}

/// Declares the presets, each with the field of a ServiceGroup's service that names it.
macro_rules! presets {
    ($($(#[doc = $about:literal])+ $name:ident $field:literal,)+) => {
        /// A service whose package and unit are known on each distribution.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Preset {
            $($(#[doc = $about])+ $name,)+
        }

        impl Preset {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        impl std::fmt::Display for Preset {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(match self {
                    $(Self::$name => $field,)+
                })
            }
        }
    };
}

presets! {
    /// Apache Tomcat.
    Tomcat "tomcat",
    /// nginx.
    Nginx "nginx",
    /// PostgreSQL.
    Postgresql "postgresql",
}

/// A file on both nodes, whose content may differ between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFile {
    /// Where it goes.
    pub path: String,
    /// What it holds on each node.
    pub content: Both<Secret>,
    /// `user:group`.
    pub owner: String,
    /// In octal.
    pub mode: String,
}

/// A GET request through the group's first floating IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// The statuses that are an answer; empty: as [`HttpProbe::judge`] has it.
    pub codes: Vec<u16>,
    /// How long an answer may take, in seconds.
    pub timeout: u16,
    /// After how many requests in a row without an answer the service is hung.
    pub failure_threshold: u16,
}

/// What a status says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It serves what is asked for.
    Serves,
    /// It works, and refuses what is asked for.
    Refuses,
    /// It does not work.
    Fails,
}

impl HttpProbe {
    /// What this status says of the service; 0 is no answer. The agent `http` judges in the same way.
    pub fn judge(&self, status: u16) -> Answer {
        match status {
            status if self.codes.contains(&status) => Answer::Serves,
            200..=399 if self.codes.is_empty() => Answer::Serves,
            400..=499 if self.codes.is_empty() => Answer::Refuses,
            _ => Answer::Fails,
        }
    }
}

impl Desired {
    /// The id that a resource has in the cluster's configuration, by the one that its names give.
    pub fn id(&self, given: String) -> String {
        self.ids.get(&given).cloned().unwrap_or(given)
    }

    /// Whether this object is declared, and stays.
    pub fn has(&self, object: &Subject) -> bool {
        match object {
            Subject::Pair => true,
            Subject::Volume(name) => self.volume(name).is_some(),
            Subject::FloatingIp(name) => self.floating_ip(name).is_some(),
            Subject::Group(name) => self.groups.iter().any(|group| group.name == *name),
        }
    }

    /// The volume of this name.
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// The floating IP of this name.
    pub fn floating_ip(&self, name: &str) -> Option<&FloatingIp> {
        self.floating_ips.iter().find(|ip| ip.name == name)
    }

    /// The side on which a node of this name is.
    pub fn side(&self, node: &str) -> Option<Side> {
        self.nodes.find(|each| each.name == node)
    }
}
