//! Standby is to move the service. Where it would only stop it, since the peer could not take over now, it
//! waits until the peer can.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Cluster, DiskState, Host, Role},
};

use crate::{bans, cib, groups};

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

/// What a standby that is declared, and not yet in force, waits for. With both nodes declared in standby
/// nothing is to serve, and nothing waits.
pub fn waits(desired: &Desired, hosts: &Both<&Host>, side: Side) -> Option<String> {
    let (node, peer) = (&desired.nodes[side], &desired.nodes[side.peer()]);
    if node.standby != Some(true) || peer.standby == Some(true) {
        return None;
    }
    // What a host says that is not in the cluster yet, or is alone, is not known to be so.
    let view = hosts.find(|host| {
        host.cib.is_some()
            && host
                .cluster
                .as_ref()
                .is_some_and(|cluster| cluster.has_dc && cluster.quorate)
    });
    let view = view.and_then(|side| hosts[side].cluster.as_ref().zip(hosts[side].cib.as_ref()));
    if view.is_some_and(|(_, cib)| cib::is_standby(cib, &node.name)) {
        return None;
    }
    let missing = missing_data(desired, hosts, side.peer());
    let missing =
        missing.or_else(|| view.and_then(|(cluster, _)| missing_place(desired, cluster, &peer.name)))?;
    Some(format!("{} goes into standby once {missing}", node.name))
}

/// The volume of which this node could not go on with the newest data.
fn missing_data(desired: &Desired, hosts: &Both<&Host>, side: Side) -> Option<String> {
    let has_it = |volume: &str| {
        let leg = hosts[side].resources.get(volume);
        leg.is_some_and(|leg| {
            leg.role == Role::Primary || leg.is_connected() && leg.disk == DiskState::UpToDate
        })
    };
    let volume = desired.volumes.iter().find(|volume| !has_it(&volume.name))?;
    Some(format!(
        "volume {} is UpToDate on {}",
        volume.name, desired.nodes[side].name
    ))
}

/// Why what moves could not run on this node, if it does not run there already.
fn missing_place(desired: &Desired, cluster: &Cluster, name: &str) -> Option<String> {
    let of_groups = desired
        .groups
        .iter()
        .flat_map(|group| groups::members(desired, group));
    let runs_here = |id: &String| cluster.active_in_role(id, "Started") == Some(name);
    if of_groups.into_iter().all(|id| runs_here(&id)) {
        return None;
    }
    if cluster
        .nodes
        .get(name)
        .is_none_or(|node| node.state() != "Online" || node.maintenance)
        || cluster.maintenance
    {
        return Some(format!("{name} can run services"));
    }
    if let Some(ban) = bans::of_ours(desired, cluster).find(|ban| ban.node == name) {
        return Some(format!(
            "the constraint {} does not keep {} off {name} any more",
            ban.id, ban.resource
        ));
    }
    let failed = cluster
        .failures
        .iter()
        .find(|failure| failure.node == name && matches!(failure.task.as_str(), "start" | "promote"))?;
    Some(format!(
        "the failure of {} on {name} is forgotten",
        failed.resource
    ))
}
