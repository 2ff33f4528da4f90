//! Conditions as `metav1.Condition` has them, with the bounds that the Go type states and the derived schema
//! lacks.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observation about the object, in the form of `metav1.Condition`.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, for instance `Ready`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 316))]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The `metadata.generation` this was observed for.
    #[schemars(range(min = 0))]
    pub observed_generation: i64,
    /// When `status` last changed.
    #[schemars(schema_with = "date_time")]
    pub last_transition_time: Timestamp,
    /// One word of the documented list of reasons (docs/reasons.md).
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// What happened, on which host, what was expected and what to do.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// A time, as the API server checks it.
pub fn date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "format": "date-time"})
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be told now.
    Unknown,
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// The types of conditions, each with what `True` means.
pub mod condition_types {
    /// Everything is as declared.
    pub const READY: &str = "Ready";
    /// The service answers on its floating address.
    pub const AVAILABLE: &str = "Available";
    /// It has been Available, or where a kind has no such condition, Ready. The one condition that remembers:
    /// what was never well is not there yet, and what was well before is degraded.
    pub const ESTABLISHED: &str = "Established";
    /// The operator is bringing the hosts to the declared state (kstatus, abnormal when True).
    pub const RECONCILING: &str = "Reconciling";
    /// The operator cannot go on without a person (kstatus, abnormal when True).
    pub const STALLED: &str = "Stalled";
    /// Both hosts answer over SSH.
    pub const HOSTS_REACHABLE: &str = "HostsReachable";
    /// The cluster has quorum.
    pub const QUORATE: &str = "Quorate";
    /// Each node can be fenced by its device.
    pub const FENCING_READY: &str = "FencingReady";
    /// The other node could take over now.
    pub const REDUNDANCY_HEALTHY: &str = "RedundancyHealthy";
    /// The pair is looked at but not changed, as asked.
    pub const PAUSED: &str = "Paused";
    /// The volume's data is current on both nodes.
    pub const UP_TO_DATE: &str = "UpToDate";
    /// The volume's two legs are connected.
    pub const CONNECTED: &str = "Connected";
    /// The volume's two legs hold diverged data.
    pub const SPLIT_BRAIN: &str = "SplitBrain";
    /// The volume's file system takes writes.
    pub const WRITABLE: &str = "Writable";
    /// The floating IP is on a node.
    pub const ASSIGNED: &str = "Assigned";
    /// The group runs on a node.
    pub const RUNNING: &str = "Running";
}
