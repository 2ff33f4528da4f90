//! Whether the other node could take over now.

use hapair_model::{
    Reason, Side,
    desired::Node,
    observed::{Ban, Cluster, Failure, Task},
    reason::with_remedy,
    report::Condition,
};

use crate::{
    bans, failures, names,
    parts::{fencing, link, service, volume},
    platform::Platform,
    stages,
    view::{View, told_standby},
};

/// RedundancyHealthy of the pair.
pub fn healthy(view: &View<'_>) -> Condition {
    let no = |reason, message| Condition::new("RedundancyHealthy", Some(false), reason, message);
    let Some(cluster) = view.cluster else {
        return Condition::new(
            "RedundancyHealthy",
            None,
            Reason::NotObserved,
            "no host could be asked that is in the cluster".into(),
        );
    };
    for (_, node) in view.desired.nodes.iter() {
        match cluster.nodes.get(&node.name) {
            Some(state) if state.unclean => {
                return no(
                    Reason::NodeUnclean,
                    format!("{} is unclean: the cluster waits until it is fenced", node.name),
                );
            }
            Some(state) if !state.online => {
                return no(
                    Reason::NodeOffline,
                    format!("{} is not in the cluster", node.name),
                );
            }
            // crm_mon calls it standby, too, as long as it may not run anything yet.
            Some(state) if state.pending => {
                return no(
                    Reason::NodeOffline,
                    format!("{} is on its way into the cluster", node.name),
                );
            }
            Some(state) if state.standby && !view.is_standby(&node.name) => {
                return no(
                    // The operator takes it out of it.
                    match view.desired.paused {
                        true => Reason::NodeOffline,
                        false => Reason::Converging,
                    },
                    format!(
                        "{} is in standby, and spec.nodes[].standby says that it is not",
                        node.name
                    ),
                );
            }
            Some(_) => {}
            None => {
                return no(
                    Reason::NodeOffline,
                    format!("the cluster does not know {}", node.name),
                );
            }
        }
    }
    // What is wrong counts before what someone wants.
    let problems: Vec<_> = view
        .volumes()
        .filter_map(|volume| volume::volume_problem(view, volume))
        .collect();
    let worst = problems
        .iter()
        .find(|(reason, _)| *reason != Reason::NodeStandby)
        .cloned();
    let standby = || {
        view.desired
            .nodes
            .iter()
            .find(|(_, node)| view.is_standby(&node.name))
    };
    let standby =
        || standby().map(|(_, node)| told_standby(&node.name, &format!("{} is in standby", node.name)));
    match maintenance(view, cluster)
        .or_else(|| view.all_stopped())
        .or_else(|| without_fence(view, cluster))
        .or_else(|| unmanaged(view, cluster))
        .or(worst)
        .or_else(|| ban(view, cluster))
        .or_else(|| failed_start(view, cluster))
        .or_else(|| missing_there(view))
        .or_else(|| different_ids(view))
        .or_else(|| link_down_there(view))
        .or_else(standby)
    {
        Some((reason, message)) => no(reason, message),
        None if let Some(message) = unseen(view) => {
            Condition::new("RedundancyHealthy", None, Reason::NotObserved, message)
        }
        None => Condition::new(
            "RedundancyHealthy",
            Some(true),
            Reason::Healthy,
            "the other node could take over now".into(),
        ),
    }
}

fn maintenance(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    let is_left_alone = |name: &str| cluster.nodes.get(name).is_some_and(|node| node.maintenance);
    let node = view
        .desired
        .nodes
        .iter()
        .find(|(_, node)| is_left_alone(&node.name))
        .map(|(_, node)| node.name.as_str());
    let (what, command) = match cluster.maintenance {
        true => (
            "the cluster",
            "pcs property set maintenance-mode=false".to_owned(),
        ),
        false => (node?, format!("pcs node unmaintenance {}", node?)),
    };
    let message = format!(
        "{what} is in maintenance mode: nothing is taken over, and nothing that fails is started again"
    );
    let remedy = format!("when the maintenance is over, `{command}` on one of the nodes");
    Some((Reason::Maintenance, with_remedy(&message, &remedy)))
}

/// What one node writes would belong to somebody else on the other.
fn different_ids(view: &View<'_>) -> Option<(Reason, String)> {
    let hosts = view.hosts.clone().complete()?;
    let of_volume = || {
        view.volumes()
            .find_map(|volume| volume::different_ids(view.desired, volume, &hosts))
    };
    let of_service = || {
        view.groups()
            .find_map(|group| service::different_ids(view.desired, group, &hosts))
    };
    let message = of_volume().or_else(of_service)?;
    Some((Reason::IdsDiffer, message))
}

/// What a group needs and what could not be started on the node where the group does not run: the cluster does not try
/// it there again before the failure is forgotten.
fn failed_start(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    view.desired.groups.iter().find_map(|group| {
        // While it is on its way, or runs nowhere, no node is the one where it may have failed to start.
        let serving = service::serving_node(view, group).ok();
        let mut members = service::members(view.desired, group);
        members.extend(group.volumes.iter().map(|name| names::volume(name)));
        let is_in_the_way = |failure: &&Failure| {
            Some(&failure.node) != serving.as_ref()
                && matches!(failure.task, Task::Start | Task::Promote)
                && members.contains(&failure.resource)
                && !view.is_standby(&failure.node)
        };
        let failure = cluster.failures.iter().find(is_in_the_way)?;
        let message = match serving {
            Some(_) => failures::told_as(
                failure,
                &format!(
                    "{} could not take group {} over: {} failed to {} there: {}",
                    failure.node, group.name, failure.resource, failure.task, failure.message
                ),
            ),
            None => failures::told(failure),
        };
        Some((Reason::ResourceFailed, message))
    })
}

/// Whether a group runs on this node.
fn serves(view: &View<'_>, node: &str) -> bool {
    let mut groups = view.desired.groups.iter();
    groups.any(|group| service::serving_node(view, group).is_ok_and(|serving| serving == node))
}

/// The nodes that would be taken over from: those that serve, and while nothing does, either.
fn lost<'a>(view: &'a View<'_>) -> impl Iterator<Item = (Side, &'a Node)> {
    let none_serves = !view
        .desired
        .nodes
        .iter()
        .any(|(_, node)| serves(view, &node.name));
    let nodes = view.desired.nodes.iter();
    nodes.filter(move |(_, node)| none_serves || serves(view, &node.name))
}

/// A node that serves, and that could not be fenced.
fn without_fence(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    let message = lost(view).find_map(|(side, _)| fencing::keeps_from_taking_over(view, cluster, side))?;
    Some((Reason::FencingFailed, message))
}

/// A node that would take over, and that does not answer: the cluster's word is not all that counts.
fn unseen(view: &View<'_>) -> Option<String> {
    let silent = |(side, _): &(Side, &Node)| view.hosts[side.peer()].is_none();
    let (side, _) = lost(view).find(silent)?;
    let node = &view.desired.nodes[side.peer()].name;
    Some(format!(
        "{node} does not answer: whether it could take over is not known"
    ))
}

/// What a node that does not serve lacks, and the cluster's groups need. What both nodes lack is being installed on
/// both.
fn missing_there(view: &View<'_>) -> Option<(Reason, String)> {
    let mut desired = view.desired.clone();
    desired
        .groups
        .retain(|group| view.cib.is_some_and(|cib| cib.has(&names::group(&group.name))));
    let platform = |side: Side| Platform::of(&view.hosts[side]?.distribution);
    let mut others = desired.nodes.iter().filter(|(_, node)| !serves(view, &node.name));
    others.find_map(|(side, node)| {
        let (host, own) = (view.hosts[side]?, platform(side)?);
        let peer = view.hosts[side.peer()].filter(|_| platform(side.peer()) == Some(own));
        let mut packages = stages::missing_packages(&desired, host, &own);
        packages.retain(|name| peer.is_none_or(|peer| peer.packages.contains_key(name)));
        if !packages.is_empty() {
            let reason = match desired.install_packages {
                true => Reason::Converging,
                false => Reason::PackagesMissing,
            };
            return Some((reason, format!("{} lacks {}", node.name, packages.join(", "))));
        }
        let mut groups = desired.groups.iter();
        let missing = groups.find_map(|group| service::missing(group, host, &own))?;
        Some((
            Reason::UnitNotFound,
            format!("{} could not start {missing}", node.name),
        ))
    })
}

/// Something of ours that the cluster leaves as it is.
fn unmanaged(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    let ours = service::resources_of_ours(view.desired);
    let left = cluster
        .resources
        .iter()
        .find(|each| each.unmanaged && ours.contains(&each.id))?;
    let mut failures = cluster.failures.iter();
    // pacemaker lets go of what it could not stop, and takes it up again once the failure is forgotten.
    if let Some(failure) = failures.find(|each| each.resource == left.id && each.task == Task::Stop) {
        return Some((Reason::ResourceFailed, failures::told(failure)));
    }
    let message = format!(
        "{} is not managed: it is neither taken over nor started again",
        left.id
    );
    let remedy = format!(
        "when that is no longer wanted, `pcs resource manage {}` on one of the nodes",
        left.id
    );
    Some((Reason::Maintenance, with_remedy(&message, &remedy)))
}

/// A constraint that keeps something of ours off a node. DRBD keeps the promoted role off a node in standby,
/// which is as it should be.
fn ban(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    let ban = bans::of_ours(view.desired, cluster).find(|ban| !view.is_standby(&ban.node))?;
    let (reason, why) = match bans::is_drbds(ban) {
        // It may be all that is left of what a Primary knew that has just gone.
        true => (Reason::StaleData, ", since its data may not be the newest"),
        false => (Reason::Banned, ""),
    };
    let message = format!(
        "{} cannot be taken over by {}: the constraint {} forbids it{why}",
        ban.resource, ban.node, ban.id
    );
    Some((reason, with_remedy(&message, &lifted(ban))))
}

/// How a constraint goes.
fn lifted(ban: &Ban) -> String {
    let Ban { id, resource, node } = ban;
    if bans::is_drbds(ban) {
        format!(
            "bring the other node back, and wait: DRBD takes the constraint away when the resync ends, and hapair-operator does if DRBD \
             has left it. Where that cannot be, as in a pause, and only if both legs are UpToDate: `pcs constraint delete {id}` on one \
             of the nodes"
        )
    } else if bans::is_of_a_move(ban) {
        format!("if nobody wants it any more, `pcs resource clear {resource} {node}` on one of the nodes")
    } else {
        format!(
            "ask who made it. If nobody wants it any more, `pcs constraint delete {id}` on one of the nodes"
        )
    }
}

/// An interface without a link on the node that does not serve: clients would not reach the service there.
fn link_down_there(view: &View<'_>) -> Option<(Reason, String)> {
    view.groups().find_map(|group| {
        let serving = service::serving_node(view, group).ok()?;
        let there = &view.desired.nodes[view.desired.side(&serving)?.peer()].name;
        link::watched(view.desired, group).find_map(|ip| link::down(view, ip, there))
    })
}
