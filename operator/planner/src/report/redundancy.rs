//! Whether the other node could take over now.

use hapair_model::{
    Reason, Side,
    desired::{Desired, Group, Node},
    observed::{Ban, Cluster, Failure, GivenUp, Host, Task, Unit},
    plan::File,
    reason::with_remedy,
    report::Condition,
};

use crate::{
    bans, failures, ids, names,
    part::Ground,
    parts::{fencing, link, service, volume},
    paths,
    platform::Platform,
    stages,
    view::{View, told_standby},
    whole,
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
    for (side, node) in view.desired.nodes.iter() {
        match cluster.nodes.get(&node.name) {
            Some(state) if state.unclean => {
                return no(
                    Reason::NodeUnclean,
                    format!("{} is unclean: the cluster waits until it is fenced", node.name),
                );
            }
            Some(state) if !state.online => {
                return no(Reason::NodeOffline, not_in_the_cluster(view, side, node));
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
        .or_else(|| disabled(view))
        .or(worst)
        .or_else(|| ban(view, cluster))
        .or_else(|| failed_start(view, cluster))
        .or_else(|| given_up(view, cluster))
        .or_else(|| mounted_outside(view))
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

/// A node that is away. One whose host answers can be brought back from here.
fn not_in_the_cluster(view: &View<'_>, side: Side, node: &Node) -> String {
    let message = format!("{} is not in the cluster", node.name);
    let is_stopped = |host: &Host| !host.units.get("pacemaker").is_some_and(Unit::is_active);
    match view.hosts[side].is_some_and(is_stopped) {
        true => with_remedy(
            &format!("{message}: pacemaker does not run there"),
            &format!(
                "on {} `pcs cluster start`. Outside of a pause the operator starts it by itself",
                node.name
            ),
        ),
        false => message,
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
        let members = needed(view.desired, group);
        let is_in_the_way = |failure: &&Failure| {
            Some(&failure.node) != serving.as_ref()
                && (matches!(failure.task, Task::Start | Task::Promote) || failure.missing_at.is_some())
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

/// What has failed so often on the node where the group does not run that the cluster does not try it there any more.
fn given_up(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    view.desired.groups.iter().find_map(|group| {
        let serving = service::serving_node(view, group).ok();
        let needed = needed(view.desired, group);
        let is_in_the_way = |each: &&GivenUp| {
            Some(&each.node) != serving.as_ref() && needed.contains(&each.resource) && !view.is_standby(&each.node)
        };
        let GivenUp { resource, node, times } = cluster.given_up.iter().find(is_in_the_way)?;
        let message = format!(
            "{node} could not take group {} over: {resource} has failed there as often as it may (fail-count {times}), and the cluster does \
             not try it there any more",
            group.name
        );
        let remedy = format!(
            "find out why it failed there (`kubectl hapair logs` shows both journals). The cluster forgets it ten minutes after the last \
             failure, and at once with `pcs resource cleanup {resource}` on one of the nodes"
        );
        Some((Reason::ResourceFailed, with_remedy(&message, &remedy)))
    })
}

/// What has to run on a node for a group to run there.
fn needed(desired: &Desired, group: &Group) -> Vec<String> {
    let volumes = group.volumes.iter().map(|name| names::volume(name));
    service::members(desired, group)
        .into_iter()
        .chain(volumes)
        .collect()
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
    let is_there = |id: String| view.cib.is_some_and(|cib| cib.has(&id));
    desired.groups.retain(|group| is_there(names::group(&group.name)));
    desired
        .volumes
        .retain(|volume| is_there(names::volume(&volume.name)));
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
        if let Some(message) = groups.find_map(|group| service::missing(group, &node.name, host, &own)) {
            return Some((Reason::UnitNotFound, message));
        }
        let peer = peer?;
        files_missing(&desired, side, host, peer, &own)
            .or_else(|| ids::missing(&node.name, host, peer).map(|message| (Reason::IdsDiffer, message)))
            .or_else(|| mount_point_unusable(&desired, &node.name, host))
    })
}

/// What would be taken for a volume, or keep one from being given up.
fn mounted_outside(view: &View<'_>) -> Option<(Reason, String)> {
    view.volumes()
        .find_map(|volume| volume::mounted_outside(view, volume))
}

/// A file that the node needs, and its peer has.
fn files_missing(
    desired: &Desired,
    side: Side,
    host: &Host,
    peer: &Host,
    platform: &Platform,
) -> Option<(Reason, String)> {
    let files = whole::files(desired, side, &Ground::of(host, *platform));
    let is_missing =
        |file: &&File| !host.files.contains_key(&file.path) && peer.files.contains_key(&file.path);
    let file = files.iter().find(is_missing)?;
    let message = format!("{} lacks the file {}", desired.nodes[side].name, file.path);
    Some(match desired.paused {
        true => (
            Reason::PausedByUser,
            format!("{message}, which is written once the pause has ended"),
        ),
        false => (Reason::Converging, message),
    })
}

/// Something else where a volume would be mounted.
fn mount_point_unusable(desired: &Desired, node: &str, host: &Host) -> Option<(Reason, String)> {
    desired.volumes.iter().find_map(|volume| {
        let trouble = paths::at_mount_point(host, &volume.mount_point)?;
        let message = format!("{node} could not mount {}: {trouble}", volume.mount_point);
        Some((Reason::PathUnusable, message))
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

/// Something of ours that the cluster runs nowhere, since somebody wants it so.
fn disabled(view: &View<'_>) -> Option<(Reason, String)> {
    let ours = service::resources_of_ours(view.desired);
    ours.iter().find_map(|id| view.disabled(id))
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
