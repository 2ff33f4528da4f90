//! The HAPair's status.

use std::collections::BTreeMap;

use hapair_model::{
    Reason,
    observed::{DiskState, FencingStatus, HostView},
    plan::Subject,
    reason::with_remedy,
    report::{Condition, NodeReport, PairReport},
};

use super::redundancy;
use crate::{
    parts::{address, fencing, service, volume},
    released,
    view::View,
};

pub fn pair(view: &View<'_>) -> PairReport {
    let observations = [
        hosts_reachable(view),
        quorate(view),
        fencing::ready(view),
        redundancy::healthy(view),
        available(view),
        paused(view),
    ];
    let any_finding = view.finding(&Subject::Pair).or_else(|| view.findings.first());
    let mut conditions = view.verdict(&Subject::Pair, any_finding, problems(view, &observations));
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
            // A host that is alone may know of an older configuration.
            let is_quorate = view.cluster.is_some_and(|cluster| cluster.quorate);
            let cib = view.cib.filter(|_| is_quorate);
            cib.map(|cib| released::left(view.desired, &hosts, cib))
        },
        fenced: fenced(view),
    }
}

/// What is wrong, the cause before what follows from it.
fn problems(view: &View<'_>, observations: &[Condition]) -> Vec<(Reason, String)> {
    // While the cluster is being made, that there is none is not what people need to read.
    let counts = view.cluster.is_some() || view.desired.paused;
    let bad = observations
        .iter()
        .filter(|each| counts && each.holds != Some(true) && each.type_ != "Paused");
    let (follows, first): (Vec<_>, Vec<_>) =
        bad.partition(|each| matches!(each.type_, "RedundancyHealthy" | "Available"));
    let told = |each: &Condition| (each.reason, each.message.clone());
    let volumes = view
        .volumes()
        .filter_map(|volume| volume::pairs_problem(view, volume));
    let addresses = view.floating_ips().filter_map(|ip| address::problem(view, ip));
    let groups = view.groups().filter_map(|group| service::problem(view, group));
    let (causes, others): (Vec<_>, Vec<_>) = volumes
        .chain(addresses)
        .chain(groups)
        .partition(|(reason, _)| keeps_from_answering(*reason));
    let first = first.into_iter().map(told);
    first
        .chain(causes)
        .chain(follows.into_iter().map(told))
        .chain(others)
        .collect()
}

/// Whether clients may get no answer because of it.
fn keeps_from_answering(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AssignedTwice
            | Reason::LinkDown
            | Reason::RunsTwice
            | Reason::FilesystemReadOnly
            | Reason::FilesystemFull
    )
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
            with_remedy(
                "pacemaker is not running on any reachable host",
                "`pcs cluster start` on each host that answers; while both answer and there is no pause, the operator starts it. A node that \
                 starts alone waits for its peer",
            ),
        ),
        None => Condition::new("Quorate", None, Reason::NotObserved, "no host answers".into()),
    }
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
