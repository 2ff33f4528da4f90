//! `FloatingIP`: the address that follows the service.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, DeletionPolicy, LocalReference};

/// An address that is always on the node that serves.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "hapair.dev",
    version = "v1alpha1",
    kind = "FloatingIP",
    plural = "floatingips",
    singular = "floatingip",
    shortname = "hafip",
    category = "ha",
    namespaced,
    status = "FloatingIPStatus",
    derive = "PartialEq",
    selectable = ".spec.pairRef.name",
    printcolumn = r#"{"name":"Pair","type":"string","jsonPath":".spec.pairRef.name"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Address","type":"string","jsonPath":".spec.address"}"#,
    printcolumn = r#"{"name":"Node","type":"string","jsonPath":".status.node"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[x_kube(validation = Rule::new("self.pairRef == oldSelf.pairRef").message("a floating IP cannot move to \
    another pair").field_path(".pairRef"))]
pub struct FloatingIPSpec {
    /// The pair it lives on.
    pub pair_ref: LocalReference,
    /// The address with the length of its prefix, for instance 192.0.2.100/24. It goes to the interface, on
    /// each host, whose own network holds it.
    #[schemars(length(min = 4, max = 49), regex(pattern = r"^[0-9a-fA-F:.]+/[0-9]{1,3}$"))]
    pub address: String,
    /// The interface that gets it, by node; needed for an address that lies in the network of no interface.
    /// When absent: it is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".into()]))]
    pub interfaces: Option<Vec<NodeInterface>>,
    /// What happens to its group when the interface that gets it has no link on the node that serves, though the cluster is whole.
    /// MoveService: the group goes to the other node, where the interface has one. When absent: MoveService.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_link_down: Option<WhenLinkDown>,
    /// What deleting the floating IP does to the hosts. When absent: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// What happens when an interface has no link.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum WhenLinkDown {
    /// The group goes to the other node.
    MoveService,
    /// Nothing: nobody watches the interface.
    Ignore,
}

/// An interface of a node.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInterface {
    /// The node.
    #[schemars(length(min = 1, max = 63))]
    pub node: String,
    /// The interface's name there, for instance eno1.
    #[schemars(length(min = 1, max = 15), regex(pattern = r"^[A-Za-z0-9._@-]+$"))]
    pub name: String,
}

/// What was observed of the floating IP.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FloatingIPStatus {
    /// The `metadata.generation` this status is about; -1 while nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Observations, one for each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The node that has the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub node: Option<String>,
}
