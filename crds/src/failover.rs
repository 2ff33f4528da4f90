//! How the service came to where it is, as the pair's status has it.

use std::fmt;

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::date_time;

/// A move of a group from one node to the other, by the hosts' own journals.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failover {
    /// The ServiceGroup.
    #[schemars(length(min = 1, max = 253))]
    pub group: String,
    /// Where it served.
    #[schemars(length(min = 1, max = 63))]
    pub from: String,
    /// Where it served then.
    #[schemars(length(min = 1, max = 63))]
    pub to: String,
    /// Why.
    pub cause: FailoverCause,
    /// When it began, by the clock of the node in `to`: with the last word of a node that was lost, or with the first stop.
    #[schemars(schema_with = "date_time")]
    pub start_time: Timestamp,
    /// From then until the service answered, as `47.1s`; where a group has no probe, until it was started.
    #[schemars(length(max = 15))]
    pub duration: String,
    /// Where the time went, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub phases: Vec<FailoverPhase>,
}

/// Why a group has moved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum FailoverCause {
    /// Its node was lost or could not stop it, and was fenced.
    Fenced,
    /// It was stopped on its node: for a switchover, a standby, a shutdown, a failure, or a link that was lost.
    Stopped,
}

/// A part of a failover.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailoverPhase {
    /// Membership (token and consensus of corosync), Fencing, FencingDelay, Stop, Promotion, Filesystem, Address, Service or Probe.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// How long it took, as `6.3s`.
    #[schemars(length(max = 15))]
    pub duration: String,
}

/// In a sentence.
impl fmt::Display for Failover {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group,
            from,
            to,
            cause,
            duration,
            phases,
            ..
        } = self;
        match cause {
            FailoverCause::Fenced => write!(
                formatter,
                "{from} was fenced, and group {group} serves on {to} after {duration}"
            )?,
            FailoverCause::Stopped => write!(
                formatter,
                "group {group} was moved from {from} to {to} within {duration}"
            )?,
        }
        let parts: Vec<_> = phases
            .iter()
            .map(|phase| format!("{} {}", phase.name, phase.duration))
            .collect();
        match parts.is_empty() {
            true => Ok(()),
            false => write!(formatter, " ({})", parts.join(", ")),
        }
    }
}
