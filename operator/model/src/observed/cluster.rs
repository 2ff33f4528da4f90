//! pacemaker's view of the cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{FencingStatus, ResourceRole, Task};

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
    /// Resources that have failed so often on a node that the cluster does not try them there any more.
    pub given_up: Vec<GivenUp>,
}

impl Cluster {
    /// Whether it has quorum and a DC: what it says is so, and what is changed through it holds. A host that is joining,
    /// or alone, has a configuration of its own for a while.
    pub fn decides(&self) -> bool {
        self.quorate && self.has_dc
    }
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

/// A resource whose fail-count on a node has reached its migration-threshold (pacemaker's "Failure Handling").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The resource.
    pub resource: String,
    /// Where.
    pub node: String,
    /// How often it has failed there, as pacemaker writes it: a number, or INFINITY.
    pub times: String,
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
    /// Node attributes by which our agent `link` tells that an interface has no link.
    pub links_down: BTreeSet<String>,
}

/// How the node attributes begin that our agent `link` sets: 1 while an interface has a link, 0 otherwise.
pub const LINK_ATTRIBUTE: &str = "link-";

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
    /// What it is there.
    pub role: ResourceRole,
    /// Where it is active.
    pub nodes: Vec<String>,
    /// It has failed.
    pub failed: bool,
    /// The configuration no longer has it; the cluster stops it.
    pub orphaned: bool,
    /// The cluster will not touch it before a person does.
    pub blocked: bool,
    /// The cluster leaves it as it is, as a person has asked it to (`pcs resource unmanage`).
    pub unmanaged: bool,
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub resource: String,
    /// What it was asked to do.
    pub task: Task,
    /// Where.
    pub node: String,
    /// What the agent said.
    pub message: String,
    /// How often the monitor is repeated, in milliseconds, where the same one has gone well since and nothing was done in
    /// between: pacemaker acts upon the failure when it begins its monitors anew, as after a maintenance mode, and stops
    /// what runs.
    pub passed: Option<u32>,
    /// When it failed since something was missing on the node (OCF_ERR_INSTALLED), in Unix seconds of its clock. The
    /// cluster does not try that again by itself before the failure expires.
    pub missing_at: Option<i64>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource,
            task,
            node,
            message,
            ..
        } = self;
        write!(formatter, "{resource} failed to {task} on {node}: {message}")
    }
}

/// A fencing action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceEvent {
    /// Whom.
    pub target: String,
    /// How far it is.
    pub status: FencingStatus,
    /// When it ended: "2026-11-23 17:00:55Z".
    pub completed: Option<String>,
}

impl Cluster {
    /// Whether this resource has not started, and has not failed either.
    pub fn is_idle(&self, id: &str) -> bool {
        self.node_of(id).is_none() && !self.failures.iter().any(|failure| failure.resource == id)
    }

    /// A resource that the configuration no longer has and that is still active.
    pub fn leftover(&self) -> Option<&ClusterResource> {
        self.resources
            .iter()
            .find(|each| each.orphaned && !each.nodes.is_empty())
    }

    /// The node on which this resource runs.
    pub fn node_of(&self, id: &str) -> Option<&str> {
        self.active_in_role(id, &ResourceRole::Started)
    }

    /// Where this resource is active in this role.
    pub fn active_in_role(&self, id: &str, role: &ResourceRole) -> Option<&str> {
        let mut resources = self.resources.iter();
        let found = resources.find(|each| each.id == id && each.role == *role && !each.nodes.is_empty());
        found.and_then(|each| each.nodes.first()).map(String::as_str)
    }
}
