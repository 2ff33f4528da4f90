//! The API `hapair.dev/v1alpha1`: four kinds, the rules the API server enforces for them, and the words of
//! their statuses.
//!
//! Absent fields are never filled in by the schema (a default there would be a permanent difference in Git);
//! their meaning when absent is part of each description, and applied by intake.

mod common;
mod condition;
mod definitions;
mod failover;
mod floating_ip;
mod ha_pair;
mod replicated_volume;
pub mod requests;
mod service_group;

pub use common::{DeletionPolicy, LocalReference, Management, SecretReference};
pub use condition::{Condition, ConditionStatus, condition_types};
pub use definitions::definitions;
pub use failover::{Failover, FailoverCause, FailoverPhase};
pub use floating_ip::{FloatingIP, FloatingIPSpec, FloatingIPStatus, WhenLinkDown};
pub use ha_pair::{
    AgentFencing, AgentParameter, ClusterAdmin, Corosync, Delegation, Fencing, FencingDevice, FencingMode,
    FencingTls, HAPair, HAPairSpec, HAPairStatus, IpmiFencing, Link, Node, NodeSsh, NodeStatus,
    PrivilegeLevel, PutBack, RedfishFencing, Replication, Retained, Ssh,
};
pub use replicated_volume::{
    CopyFrom, Disk, Empty, Filesystem, FilesystemType, InitialData, ReplicatedVolume, ReplicatedVolumeSpec,
    ReplicatedVolumeStatus,
};
pub use service_group::{
    Expansion, File, FileKeyReference, HttpProbe, OcfService, PresetService, Probe, Service, ServiceGroup,
    ServiceGroupSpec, ServiceGroupStatus, SystemdService,
};

/// The API group of every kind.
pub const GROUP: &str = "hapair.dev";

/// The `status.observedGeneration` of an object that the operator has not looked at yet.
pub const UNOBSERVED: i64 = -1;
/// The finalizer that keeps an object until its `deletionPolicy` has been carried out.
pub const FINALIZER: &str = "hapair.dev/finalizer";

/// The field manager under which the operator applies statuses and finalizers.
pub const FIELD_MANAGER: &str = "hapair-operator";
