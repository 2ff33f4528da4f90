//! Fencing devices as resources of the cluster.

use hapair_model::{Side, desired::Desired, observed::Cluster};

use crate::names;

/// The ids of the devices that fence this node.
pub fn devices_of(desired: &Desired, side: Side) -> impl Iterator<Item = String> {
    let node = &desired.nodes[side];
    (0..node.devices.len()).map(|level| names::fence(node, level))
}

/// Whether the device that fences this node has somewhere to run: on its peer, unless that is away or in
/// standby. Fencing itself does not need the resource to run; what is lost meanwhile is its monitoring.
pub fn can_run(desired: &Desired, cluster: &Cluster, target: Side) -> bool {
    let peer = &desired.nodes[target.peer()].name;
    cluster
        .nodes
        .get(peer)
        .is_some_and(|node| node.online && !node.standby && !node.pending)
}
