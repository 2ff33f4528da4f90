//! What there is to say about a pair and its children, before it is given the form of a status.

use std::collections::BTreeMap;

use crate::{Reason, plan::Subject};

/// Whether a condition holds; `None` means that it cannot be told.
pub type Holds = Option<bool>;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type, for instance `Ready`.
    pub type_: &'static str,
    /// Whether it holds.
    pub holds: Holds,
    /// Why.
    pub reason: Reason,
    /// For a person.
    pub message: String,
}

impl Condition {
    /// A condition.
    pub fn new(type_: &'static str, holds: Holds, reason: Reason, message: String) -> Self {
        Self {
            type_,
            holds,
            reason,
            message,
        }
    }
}

/// The statuses of a pair and its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The HAPair's.
    pub pair: PairReport,
    /// The ReplicatedVolumes', by name.
    pub volumes: BTreeMap<String, VolumeReport>,
    /// The FloatingIPs', by name.
    pub floating_ips: BTreeMap<String, ChildReport>,
    /// The ServiceGroups', by name.
    pub groups: BTreeMap<String, ChildReport>,
}

/// A HAPair's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairReport {
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// The node that serves.
    pub active: Option<String>,
    /// `2/2`.
    pub nodes_online: Option<String>,
    /// `UpToDate/UpToDate`.
    pub data: Option<String>,
    /// Ready, NotReady, Disabled or Unknown.
    pub fencing: Option<String>,
    /// The nodes.
    pub nodes: Vec<NodeReport>,
    /// What was left by objects which are gone; `None`: no host can tell.
    pub released: Option<Vec<Released>>,
    /// When each node was fenced last, as pacemaker writes it, of those that were.
    pub fenced: BTreeMap<String, String>,
}

/// A resource of the cluster that was left by an object which is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Its id.
    pub id: String,
    /// The object.
    pub object: Option<Subject>,
}

/// What is told of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Whether its host answers.
    pub reachable: bool,
    /// What the cluster says of it.
    pub state: String,
}

/// A ReplicatedVolume's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeReport {
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Where DRBD is Primary.
    pub primary: Option<String>,
    /// The disk states of the first and the second node.
    pub data: Option<String>,
    /// How far a resync is.
    pub synced: Option<String>,
    /// How full its file system is, in percent.
    pub used: Option<u8>,
    /// Whether its file system has gone read-only; `None`: it is mounted on no host that answers.
    pub read_only: Option<bool>,
    /// DRBD's minor number.
    pub minor: Option<u32>,
    /// DRBD's port.
    pub port: Option<u16>,
}

/// A FloatingIP's or ServiceGroup's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildReport {
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Where it is.
    pub node: Option<String>,
}
