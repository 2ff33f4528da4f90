//! Standby is to move the service. Where it would only stop it, since the peer could not take over now, it waits until the peer can.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Cluster, Host},
};

use crate::{cib, fencing, volumes};

/// The declaration without a standby that has to wait: such a node stays as it is.
pub fn allowed(desired: &Desired, hosts: &Both<&Host>) -> Desired {
    let mut allowed = desired.clone();
    for side in Side::BOTH {
        if waits(desired, hosts, side).is_some() {
            allowed.nodes[side].standby = None;
        }
    }
    allowed
}

/// What a standby that is declared, and not yet in force, waits for.
pub fn waits(desired: &Desired, hosts: &Both<&Host>, side: Side) -> Option<String> {
    let (node, peer) = (&desired.nodes[side], &desired.nodes[side.peer()]);
    let cluster = hosts.first.cluster.as_ref().or(hosts.second.cluster.as_ref())?;
    let in_force = hosts.any(|host| host.cib.as_ref().is_some_and(|cib| cib::is_standby(cib, &node.name)));
    // With both of them in standby nothing is to serve.
    if node.standby != Some(true) || in_force || peer.standby == Some(true) || !serves(desired, cluster, &node.name) {
        return None;
    }
    let missing = missing(desired, hosts, cluster, &peer.name)?;
    Some(format!("{} serves, and goes into standby once {missing}", node.name))
}

/// What is missing for this node to take over.
fn missing(desired: &Desired, hosts: &Both<&Host>, cluster: &Cluster, name: &str) -> Option<String> {
    if cluster.nodes.get(name).is_none_or(|node| node.state() != "Online") {
        return Some(format!("{name} can run services"));
    }
    let volume = desired.volumes.iter().find(|volume| volumes::is_in_cluster(volume, hosts) && !volumes::is_redundant(volume, hosts))?;
    Some(format!("volume {} is UpToDate on {name}", volume.name))
}

/// Whether something runs on this node that would have to go elsewhere.
fn serves(desired: &Desired, cluster: &Cluster, name: &str) -> bool {
    let devices: Vec<_> = fencing::devices(desired).collect();
    let moves = |role: &str| matches!(role, "Started" | "Promoted");
    cluster.resources.iter().any(|each| moves(&each.role) && !devices.contains(&each.id) && each.nodes.iter().any(|node| node == name))
}
