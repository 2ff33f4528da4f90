//! Standby is to move the service. Where it would only stop it, since the peer could not take over now, it
//! waits until the peer can.

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::Desired,
    observed::{Cluster, DiskState, Role, Task},
};

use crate::{bans, cib, facts::Facts, names, parts::service};

/// The declaration without a standby that has to wait: such a node stays as it is.
pub fn allowed(facts: &Facts<'_>) -> Desired {
    let mut allowed = facts.desired.clone();
    for side in Side::BOTH {
        if waits(facts, side).is_some() {
            allowed.nodes[side].standby = None;
        }
    }
    allowed
}

/// What a standby that is declared, and not yet in force, waits for. With both nodes declared in standby
/// nothing is to serve, and nothing waits.
pub fn waits(facts: &Facts<'_>, side: Side) -> Option<String> {
    let desired = facts.desired;
    let (node, peer) = (&desired.nodes[side], &desired.nodes[side.peer()]);
    if node.standby != Some(true) || peer.standby == Some(true) {
        return None;
    }
    let member = facts.quorate_member;
    if member.is_some_and(|member| cib::is_standby(member.cib, &node.name)) {
        return None;
    }
    let missing_place = || missing_place(desired, member?.cluster, &peer.name);
    let missing = missing_data(facts, side.peer()).or_else(missing_place)?;
    Some(format!("{} goes into standby once {missing}", node.name))
}

/// The volume of which this node could not go on with the newest data.
fn missing_data(facts: &Facts<'_>, side: Side) -> Option<String> {
    let (desired, host) = (facts.desired, facts.hosts[side]);
    let has_it = |volume: &str| {
        let leg = host.resources.get(volume);
        leg.is_some_and(|leg| {
            leg.role == Role::Primary || leg.is_connected() && leg.disk == DiskState::UpToDate
        })
    };
    let volume = volumes(facts).into_iter().find(|volume| !has_it(volume))?;
    Some(format!(
        "volume {volume} is UpToDate on {}",
        desired.nodes[side].name
    ))
}

/// The volumes that are declared, and those that the cluster has of ours: one whose object is not understood, or
/// gone, is written to all the same.
fn volumes(facts: &Facts<'_>) -> BTreeSet<String> {
    let declared = facts.desired.volumes.iter().map(|volume| volume.name.clone());
    let records = facts.quorate_member.map(|member| cib::records(member.cib));
    let in_cluster = records
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| names::volume_of(&key));
    declared.chain(in_cluster).collect()
}

/// Why what moves could not run on this node, if it does not run there already.
fn missing_place(desired: &Desired, cluster: &Cluster, name: &str) -> Option<String> {
    let of_groups = desired
        .groups
        .iter()
        .flat_map(|group| service::members(desired, group));
    let runs_here = |id: &String| cluster.node_of(id) == Some(name);
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
        .find(|failure| failure.node == name && matches!(failure.task, Task::Start | Task::Promote))?;
    Some(format!(
        "the failure of {} on {name} is forgotten",
        failed.resource
    ))
}
