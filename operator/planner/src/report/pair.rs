//! The HAPair's status.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    Reason, Side,
    observed::{Cluster, DiskState, Failure, FencingStatus, HostView, Task},
    plan::Subject,
    report::{Condition, NodeReport, PairReport},
};

use crate::{
    bans, names,
    parts::{address, fencing, service, volume},
    platform::Platform,
    released, stages,
    view::View,
};

pub fn pair(view: &View<'_>) -> PairReport {
    let observations = [
        hosts_reachable(view),
        quorate(view),
        fencing::ready(view),
        redundancy(view),
        available(view),
        paused(view),
    ];
    // While the cluster is being made, that there is none is not what people need to read.
    let counts = view.cluster.is_some() || view.desired.paused;
    let bad = observations
        .iter()
        .filter(|each| counts && each.holds != Some(true) && each.type_ != "Paused");
    let mut problems: Vec<_> = bad.map(|each| (each.reason, each.message.clone())).collect();
    problems.extend(
        view.volumes()
            .filter_map(|volume| volume::pairs_problem(view, volume)),
    );
    problems.extend(view.floating_ips().filter_map(|ip| address::problem(view, ip)));
    problems.extend(view.groups().filter_map(|group| service::problem(view, group)));
    let any_finding = view.finding(&Subject::Pair).or_else(|| view.findings.first());
    let mut conditions = view.verdict(&Subject::Pair, any_finding, problems);
    let fencing = fencing_word(&observations[2]);
    conditions.extend(observations);
    PairReport {
        conditions,
        active: view
            .desired
            .groups
            .iter()
            .find_map(|group| service::serving_node(view, group).ok())
            .or_else(|| {
                view.desired
                    .volumes
                    .iter()
                    .find_map(|volume| volume::primary(view, &volume.name))
            }),
        nodes_online: view.cluster.map(|cluster| {
            format!(
                "{}/2",
                cluster
                    .nodes
                    .values()
                    .filter(|node| node.online && !node.unclean)
                    .count()
            )
        }),
        data: view
            .volumes()
            .map(|volume| volume::data(view, &volume.name))
            .max_by_key(|data| badness(data.as_deref()))
            .flatten(),
        fencing: Some(fencing.into()),
        nodes: view
            .desired
            .nodes
            .iter()
            .map(|(side, node)| NodeReport {
                name: node.name.clone(),
                reachable: view.hosts[side].is_some(),
                state: node_state(view, &node.name),
            })
            .collect(),
        released: {
            let hosts: Vec<_> = view.hosts.iter().filter_map(|(_, host)| *host).collect();
            released::names(view.desired, &hosts, view.cib)
        },
        fenced: fenced(view),
    }
}

/// When each node was fenced last.
fn fenced(view: &View<'_>) -> BTreeMap<String, String> {
    let events = view
        .cluster
        .iter()
        .flat_map(|cluster| &cluster.fencing)
        .filter(|event| event.status == FencingStatus::Success);
    let mut last = BTreeMap::new();
    for (target, time) in events.filter_map(|event| Some((event.target.clone(), event.completed.clone()?))) {
        let latest = last.entry(target).or_insert_with(|| time.clone());
        // Times of this form are ordered as text is.
        *latest = time.max(std::mem::take(latest));
    }
    last
}

/// Orders data states, so that the worst volume stands for the pair.
fn badness(data: Option<&str>) -> usize {
    data.map_or(3, |data| {
        data.split('/')
            .filter(|disk| DiskState::from(*disk) != DiskState::UpToDate)
            .count()
    })
}

fn node_state(view: &View<'_>, name: &str) -> String {
    view.cluster
        .and_then(|cluster| cluster.nodes.get(name))
        .map_or("Unknown", |node| node.state())
        .into()
}

fn fencing_word(condition: &Condition) -> &'static str {
    match (condition.reason, condition.holds) {
        (Reason::FencingDisabled, _) => "Disabled",
        (_, Some(true)) => "Ready",
        (_, Some(false)) => "NotReady",
        (_, None) => "Unknown",
    }
}

fn hosts_reachable(view: &View<'_>) -> Condition {
    let silent = view.findings.iter().find(|finding| {
        matches!(
            finding.reason,
            Reason::HostUnreachable
                | Reason::HostKeyMismatch
                | Reason::SshDenied
                | Reason::NotRoot
                | Reason::HostGarbled
        )
    });
    match silent {
        Some(finding) => Condition::new(
            "HostsReachable",
            Some(false),
            finding.reason,
            finding.message.clone(),
        ),
        None if view.observed.all(|host| matches!(host, HostView::Seen(_))) => Condition::new(
            "HostsReachable",
            Some(true),
            Reason::Healthy,
            "both hosts answer".into(),
        ),
        None => Condition::new(
            "HostsReachable",
            None,
            Reason::NotObserved,
            "the hosts have not been asked".into(),
        ),
    }
}

fn quorate(view: &View<'_>) -> Condition {
    match view.cluster {
        Some(cluster) if cluster.quorate => Condition::new(
            "Quorate",
            Some(true),
            Reason::Healthy,
            "the cluster has quorum".into(),
        ),
        Some(_) => Condition::new(
            "Quorate",
            Some(false),
            Reason::NoQuorum,
            "the cluster has no quorum: nothing is started".into(),
        ),
        None if view.hosts.any(Option::is_some) => Condition::new(
            "Quorate",
            Some(false),
            Reason::NoQuorum,
            "pacemaker is not running on any reachable host".into(),
        ),
        None => Condition::new("Quorate", None, Reason::NotObserved, "no host answers".into()),
    }
}

fn redundancy(view: &View<'_>) -> Condition {
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
    let standby = || standby().map(|(_, node)| (Reason::NodeStandby, format!("{} is in standby", node.name)));
    match maintenance(view, cluster)
        .or_else(|| view.all_stopped())
        .or_else(|| unmanaged(view, cluster))
        .or(worst)
        .or_else(|| ban(view, cluster))
        .or_else(|| failed_start(view, cluster))
        .or_else(|| missing_there(view))
        .or_else(|| different_ids(view))
        .or_else(standby)
    {
        Some((reason, message)) => no(reason, message),
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
    let what = if cluster.maintenance { "the cluster" } else { node? };
    Some((
        Reason::Maintenance,
        format!(
            "{what} is in maintenance mode: nothing is taken over, and nothing that fails is started again"
        ),
    ))
}

/// What one node writes would belong to somebody else on the other.
fn different_ids(view: &View<'_>) -> Option<(Reason, String)> {
    let hosts = view.hosts.clone().complete()?;
    let mut volumes = view.volumes();
    let message = volumes.find_map(|volume| volume::different_ids(view.desired, volume, &hosts))?;
    Some((Reason::IdsDiffer, message))
}

/// What a group needs and what could not be started on the node where the group does not run: the cluster does not try
/// it there again before the failure is forgotten.
fn failed_start(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    view.desired.groups.iter().find_map(|group| {
        let serving = service::serving_node(view, group).ok()?;
        let mut members = service::members(view.desired, group);
        members.extend(group.volumes.iter().map(|name| names::volume(name)));
        let is_in_the_way = |failure: &&Failure| {
            failure.node != serving
                && matches!(failure.task, Task::Start | Task::Promote)
                && members.contains(&failure.resource)
                && !view.is_standby(&failure.node)
        };
        let failure = cluster.failures.iter().find(is_in_the_way)?;
        Some((
            Reason::ResourceFailed,
            format!(
                "{} could not take group {} over: {} failed to {} there: {}",
                failure.node, group.name, failure.resource, failure.task, failure.message
            ),
        ))
    })
}

/// What a node that does not serve lacks, and the cluster's groups need. What both nodes lack is being installed on
/// both.
fn missing_there(view: &View<'_>) -> Option<(Reason, String)> {
    let mut desired = view.desired.clone();
    desired
        .groups
        .retain(|group| view.cib.is_some_and(|cib| cib.has(&names::group(&group.name))));
    let platform = |side: Side| Platform::of(&view.hosts[side]?.distribution);
    let serves = |node: &str| {
        let mut groups = desired.groups.iter();
        groups.any(|group| service::serving_node(view, group).is_ok_and(|serving| serving == node))
    };
    let mut others = desired.nodes.iter().filter(|(_, node)| !serves(&node.name));
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
        let unit = groups.find_map(|group| service::missing_unit(group, host, &own))?;
        let message = format!(
            "{} could not start {unit}.service: the unit is not there, or masked",
            node.name
        );
        Some((Reason::UnitNotFound, message))
    })
}

/// Something of ours that the cluster leaves as it is.
fn unmanaged(view: &View<'_>, cluster: &Cluster) -> Option<(Reason, String)> {
    let desired = view.desired;
    let members = desired
        .groups
        .iter()
        .flat_map(|group| service::members(desired, group));
    let volumes = desired.volumes.iter().map(|volume| names::volume(&volume.name));
    let ours: BTreeSet<_> = members.chain(volumes).collect();
    let left = cluster
        .resources
        .iter()
        .find(|each| each.unmanaged && ours.contains(&each.id))?;
    Some((
        Reason::Maintenance,
        format!(
            "{} is not managed: it is neither taken over nor started again",
            left.id
        ),
    ))
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
    Some((
        reason,
        format!(
            "{} cannot be taken over by {}: the constraint {} forbids it{why}",
            ban.resource, ban.node, ban.id
        ),
    ))
}

fn available(view: &View<'_>) -> Condition {
    let all: Vec<_> = view
        .groups()
        .map(|group| (group, service::availability(view, group)))
        .filter(|(_, (_, reason, _))| *reason != Reason::NothingDeclared)
        .collect();
    let worst = all
        .iter()
        .find(|(_, (holds, ..))| *holds == Some(false))
        .or_else(|| all.iter().find(|(_, (holds, ..))| holds.is_none()));
    let Some((group, (holds, reason, message))) = worst.or(all.first()) else {
        return Condition::new(
            "Available",
            None,
            Reason::NothingDeclared,
            "the pair has no service group with services, addresses or volumes".into(),
        );
    };
    let of_which = match all.len() {
        1 => String::new(),
        _ => format!("group {}: ", group.name),
    };
    Condition::new("Available", *holds, *reason, format!("{of_which}{message}"))
}

fn paused(view: &View<'_>) -> Condition {
    match view.desired.paused {
        true => Condition::new(
            "Paused",
            Some(true),
            Reason::PausedByUser,
            "the pair is observed and not changed".into(),
        ),
        false => Condition::new(
            "Paused",
            Some(false),
            Reason::Healthy,
            "the pair is not paused".into(),
        ),
    }
}
