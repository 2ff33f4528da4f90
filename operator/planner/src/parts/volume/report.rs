//! The status of a ReplicatedVolume, and what of it the pair's has.

use hapair_model::{
    Both, Reason,
    desired::Volume,
    observed::{ConnectionState, DiskState, Mounted, Resource, Role},
    plan::Subject,
    reason::with_remedy,
    report::{Condition, VolumeReport},
};

use super::{split_brain::split_brain, state};
use crate::{at_boot, view::View};

/// The volume's status.
pub fn report(view: &View<'_>, volume: &Volume) -> VolumeReport {
    let about = Subject::Volume(volume.name.clone());
    let problem = volume_problem(view, volume);
    let legs = legs(view, volume);
    let known = legs.any(Option::is_some);
    let split = state::is_split(legs.clone());
    let connected = legs
        .iter()
        .filter_map(|(_, leg)| *leg)
        .all(Resource::is_connected);
    let up_to_date = view
        .disks(&volume.name)
        .all(|disk| *disk == Some(&DiskState::UpToDate));
    let (reason, message) = problem
        .clone()
        .unwrap_or((Reason::Healthy, "both nodes have the newest data".into()));
    let mut conditions = view.verdict(
        &about,
        view.finding(&about),
        problem.into_iter().chain(pairs_problem(view, volume)),
    );
    conditions.push(writable(view, volume));
    conditions.push(Condition::new(
        "UpToDate",
        known.then_some(up_to_date),
        reason,
        message.clone(),
    ));
    let (reason, message) = match connected {
        true if known => (Reason::Healthy, "the two legs are connected".into()),
        _ => (
            if known {
                Reason::Disconnected
            } else {
                Reason::NotObserved
            },
            message,
        ),
    };
    conditions.push(Condition::new(
        "Connected",
        known.then_some(connected),
        reason,
        message,
    ));
    let (status, reason, message) = match split.filter(|_| known) {
        Some(true) => (Some(true), Reason::SplitBrain, "the two legs hold diverged data"),
        Some(false) => (
            Some(false),
            Reason::Healthy,
            "the legs' data has not diverged, as far as is seen",
        ),
        None if known => (
            None,
            Reason::NotObserved,
            "the legs are not connected, and what data both of them hold is not seen",
        ),
        None => (None, Reason::NotObserved, "no leg is seen"),
    };
    conditions.push(Condition::new("SplitBrain", status, reason, message.into()));
    VolumeReport {
        conditions,
        primary: primary(view, &volume.name),
        data: data(view, &volume.name),
        // Coarse, so that a long resync does not write a status every second.
        synced: legs
            .iter()
            .find_map(|(_, leg)| leg.filter(|leg| leg.replication.is_resync())?.in_sync())
            .map(|percent| format!("{}%", percent / 5 * 5)),
        used: mounted(view, volume).and_then(|mounted| mounted.used),
        read_only: mounted(view, volume).map(|mounted| mounted.read_only),
        minor: volume.numbers.map(|numbers| numbers.minor),
        port: volume.numbers.map(|numbers| numbers.port),
    }
}

/// The volume's file system, where it is mounted.
fn mounted<'a>(view: &View<'a>, volume: &Volume) -> Option<&'a Mounted> {
    view.hosts
        .iter()
        .find_map(|(_, host)| (*host)?.filesystems.get(&format!("/dev/drbd{}", volume.minor())))
}

/// What of a volume counts for the pair as a whole, whether the other node could take it over or not.
pub fn pairs_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    filesystem_problem(view, volume).or_else(|| at_boot::problem(view, &volume.mount_point))
}

/// Why the volume's file system takes no writes.
fn filesystem_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let (mounted, name) = (mounted(view, volume)?, &volume.name);
    if mounted.read_only {
        return Some((
            Reason::FilesystemReadOnly,
            format!("volume {name}: {} has gone read-only", volume.mount_point),
        ));
    }
    (mounted.used == Some(100)).then(|| {
        (
            Reason::FilesystemFull,
            format!("volume {name}: {} is full", volume.mount_point),
        )
    })
}

fn writable(view: &View<'_>, volume: &Volume) -> Condition {
    match (mounted(view, volume), filesystem_problem(view, volume)) {
        (None, _) => Condition::new(
            "Writable",
            None,
            Reason::NotObserved,
            "it is not mounted on any reachable host".into(),
        ),
        (Some(_), Some((reason, message))) => Condition::new("Writable", Some(false), reason, message),
        (Some(Mounted { used: Some(used), .. }), None) => Condition::new(
            "Writable",
            Some(true),
            Reason::Healthy,
            format!("less than {} percent are used", used / 5 * 5 + 5),
        ),
        (Some(_), None) => Condition::new("Writable", Some(true), Reason::Healthy, "it takes writes".into()),
    }
}

fn legs<'a>(view: &View<'a>, volume: &Volume) -> Both<Option<&'a Resource>> {
    Both::from_fn(|side| view.hosts[side].and_then(|host| host.resources.get(&volume.name)))
}

/// Why the other node could not take the volume over now.
pub fn volume_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let name = &volume.name;
    let legs = legs(view, volume);
    let disks = view.disks(name);
    if state::are_both_primary(legs.clone()) {
        return Some((
            Reason::TwoPrimaries,
            format!("volume {name}: both legs are Primary, and not connected: both nodes may be writing"),
        ));
    }
    if state::is_split(legs.clone()) == Some(true) {
        return Some((Reason::SplitBrain, split_brain(view.desired, volume, &legs)));
    }
    if !legs.any(Option::is_some) {
        return Some((
            Reason::NotObserved,
            format!("volume {name} is not up on any reachable host"),
        ));
    }
    let mut standby = None;
    for (side, disk) in disks.iter() {
        let node = &view.desired.nodes[side].name;
        if *disk != Some(&DiskState::UpToDate) && view.is_standby(node) {
            standby = Some((
                Reason::NodeStandby,
                format!("volume {name}: {node} is in standby, where its data grows old"),
            ));
            continue;
        }
        match disk {
            Some(disk) if disk.is_without_disk() => {
                return Some((
                    Reason::DiskFailed,
                    format!("volume {name}: {node} has lost its disk"),
                ));
            }
            Some(DiskState::UpToDate) => {}
            // What is known of the other leg tells more.
            Some(DiskState::DUnknown) | None if disks[side.peer()] != Some(&DiskState::UpToDate) => {}
            Some(DiskState::DUnknown) | None => {
                // Only a leg that has given nothing up and is written to goes on while the other stays as it
                // is.
                let goes_on = legs[side.peer()].is_some_and(|leg| {
                    leg.role == Role::Primary && leg.connection != ConnectionState::StandAlone
                });
                let older = if goes_on {
                    "; its data is older than its peer's"
                } else {
                    ""
                };
                return Some((
                    Reason::Disconnected,
                    format!("volume {name}: {node} is not connected{older}"),
                ));
            }
            Some(other) => {
                let syncing = legs.any(|leg| leg.is_some_and(|leg| leg.replication.is_resync()));
                let peer = &view.desired.nodes[side.peer()].name;
                let apart = !syncing && legs.any(|leg| leg.is_some_and(|leg| !leg.is_connected()));
                if apart && disks[side.peer()] == Some(&DiskState::UpToDate) && !view.is_standby(peer) {
                    return Some((
                        Reason::Disconnected,
                        format!("volume {name}: {node} is not connected; its data is {other}"),
                    ));
                }
                let reason = if syncing {
                    Reason::Resyncing
                } else {
                    Reason::StaleData
                };
                let newest = if view.is_standby(peer) {
                    format!("; {peer} has newer data, and is in standby")
                } else {
                    String::new()
                };
                return left_alone(view, volume).or_else(|| {
                    Some((
                        reason,
                        format!("volume {name}: the data on {node} is {other}{newest}"),
                    ))
                });
            }
        }
    }
    if standby.is_some() {
        return standby;
    }
    if let Some(problem) = different_blocks(view, volume, &legs) {
        return Some(problem);
    }
    let apart = legs.find(|leg| leg.is_some_and(|leg| !leg.is_connected()))?;
    if let Some((_, node)) = view
        .desired
        .nodes
        .iter()
        .find(|(_, node)| view.is_standby(&node.name))
    {
        return Some((
            Reason::NodeStandby,
            format!("volume {name}: {} is in standby, and its leg is down", node.name),
        ));
    }
    Some((
        Reason::Disconnected,
        format!(
            "volume {name}: {} is not connected to its peer",
            view.desired.nodes[apart].name
        ),
    ))
}

/// Blocks that differ although both legs are UpToDate and nothing is being copied: `drbdadm verify` has found them.
fn different_blocks(
    view: &View<'_>,
    volume: &Volume,
    legs: &Both<Option<&Resource>>,
) -> Option<(Reason, String)> {
    let is_at_rest =
        |leg: &Resource| leg.is_connected() && !leg.replication.is_resync() && leg.is_up_to_date();
    let legs = legs
        .clone()
        .complete()
        .filter(|legs| legs.all(|leg| is_at_rest(leg)))?;
    let size = legs.first.out_of_sync.max(legs.second.out_of_sync);
    let serving = legs.find(|leg| leg.role == Role::Primary)?;
    let (name, nodes) = (
        &volume.name,
        view.desired.nodes.as_ref().map(|node| node.name.as_str()),
    );
    let (serving, other) = (nodes[serving], nodes[serving.peer()]);
    (size > 0).then(|| {
        let what = format!("volume {name}: {size} KiB differ between {serving}, which serves, and {other}");
        // Whoever verified has set an algorithm for that, with which the two do not connect again.
        let remedy = format!(
            "on {other} `drbdadm disconnect {name} && drbdadm connect {name}`, then on {serving} `drbdadm adjust {name}`: \
             that copies them from {serving}"
        );
        (Reason::BlocksDiffer, with_remedy(&what, &remedy))
    })
}

/// What DRBD says of a volume to which nothing can be written at the moment.
pub fn frozen(view: &View<'_>, volume: &Volume) -> Option<String> {
    let why = legs(view, volume).iter().find_map(|(_, leg)| {
        let primary = leg.filter(|leg| leg.role == Role::Primary)?;
        primary.suspended.clone()
    })?;
    Some(format!(
        "volume {}: DRBD has frozen its writes (suspended:{why})",
        volume.name
    ))
}

/// A leg that does not know whether its peer wrote later, while the peer is away and the cluster would go on. Without a
/// word of a person DRBD's agent does not let it be promoted (ocf:linbit:drbd, adjust_master_score).
pub fn left_alone(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let side = view
        .disks(&volume.name)
        .find(|disk| disk.is_some_and(|disk| *disk == DiskState::Consistent))?;
    let is_alone = view.hosts[side.peer()].is_none() && view.cluster.is_some_and(|cluster| cluster.quorate);
    let (name, nodes) = (
        &volume.name,
        view.desired.nodes.as_ref().map(|node| node.name.as_str()),
    );
    let (node, peer) = (nodes[side], nodes[side.peer()]);
    is_alone.then(|| {
        let what = format!("volume {name}: the data on {node} is Consistent, and {peer} may have written later");
        let remedy = format!(
            "bring {peer} back. Where it cannot come back, and {node} served last, type on {node} `drbdadm primary --force {name} && \
             drbdadm secondary {name}`. What only {peer} has written is lost then, and DRBD calls it a split brain \
             when {peer} comes back; the status shows what to type then"
        );
        (Reason::StaleData, with_remedy(&what, &remedy))
    })
}

/// The disk states of the first and the second node.
pub fn data(view: &View<'_>, volume: &str) -> Option<String> {
    let disks = view.disks(volume);
    disks.any(Option::is_some).then(|| {
        let disks = disks.map(|disk| disk.map_or("Unknown", DiskState::as_str));
        format!("{}/{}", disks.first, disks.second)
    })
}

/// The node on which DRBD is Primary.
pub fn primary(view: &View<'_>, volume: &str) -> Option<String> {
    let side = view.hosts.find(|host| {
        host.and_then(|host| host.resources.get(volume))
            .is_some_and(|leg| leg.role == Role::Primary)
    })?;
    Some(view.desired.nodes[side].name.clone())
}
