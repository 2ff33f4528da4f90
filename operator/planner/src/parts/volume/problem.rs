//! What is wrong with a volume: why the other node could not take it over now, and what keeps it from being written to.

use hapair_model::{
    Both, Reason, Side,
    desired::Volume,
    observed::{Cluster, ConnectionState, DiskState, Failure, Resource, Role, Task},
    reason::with_remedy,
};

use super::{by_hand, replacement, split_brain::split_brain, state};
use crate::{
    failures, names,
    view::{View, told_standby},
};

type Legs<'a> = Both<Option<&'a Resource>>;

/// The legs of a volume on the hosts that answer.
pub fn legs<'a>(view: &View<'a>, volume: &Volume) -> Legs<'a> {
    Both::from_fn(|side| view.hosts[side].and_then(|host| host.resources.get(&volume.name)))
}

/// Why the other node could not take the volume over now.
pub fn volume_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let legs = legs(view, volume);
    diverged(view, volume, &legs)
        .or_else(|| could_not_start(view, volume))
        .or_else(|| gets_another_disk(view, volume, &legs))
        .or_else(|| nowhere_up(view, volume, &legs))
        .or_else(|| worse_leg(view, volume, &legs))
        .or_else(|| grows_old(view, volume))
        .or_else(|| different_blocks(view, volume, &legs))
        .or_else(|| not_connected(view, volume, &legs))
}

fn diverged(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
    if state::are_both_primary(legs.clone()) {
        let name = &volume.name;
        let what =
            format!("volume {name}: both legs are Primary, and not connected: both nodes may be writing");
        let remedy = by_hand::give_up_one(name, &volume.mount_point);
        return Some((Reason::TwoPrimaries, with_remedy(&what, &remedy)));
    }
    (state::is_split(legs.clone()) == Some(true))
        .then(|| (Reason::SplitBrain, split_brain(view.desired, volume, legs)))
}

/// A leg that has given its disk up for another one.
fn gets_another_disk(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
    let is_it = |side: &Side| {
        let host = view.hosts[*side];
        host.is_some_and(|host| replacement::is_under_way(&volume.name, host))
            && legs[*side].is_none_or(|leg| leg.disk.is_without_disk())
    };
    let side = Side::BOTH.into_iter().find(is_it)?;
    let (name, node) = (&volume.name, &view.desired.nodes[side].name);
    let message = format!("volume {name}: the leg on {node} is getting another disk");
    Some((Reason::Resyncing, message))
}

/// A leg that is not there since the cluster could not start it. That it is not connected follows from this.
fn could_not_start(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let id = names::volume(&volume.name);
    let is_missing = |node: &str| {
        let host = view.desired.side(node).and_then(|side| view.hosts[side]);
        host.is_some_and(|host| !host.resources.contains_key(&volume.name)) && !view.is_in_standby(node)
    };
    let is_it = |failure: &&Failure| {
        failure.resource == id && failure.task == Task::Start && is_missing(&failure.node)
    };
    let failure = view.cluster?.failures.iter().find(is_it)?;
    let message = format!("volume {}: {failure}", volume.name);
    Some((Reason::ResourceFailed, failures::told_as(failure, &message)))
}

fn nowhere_up(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
    if legs.any(Option::is_some) {
        return None;
    }
    let name = &volume.name;
    Some(match view.hosts.all(Option::is_some) {
        true => (Reason::NotRunning, format!("volume {name} is up on neither node")),
        false => (
            Reason::NotObserved,
            format!("volume {name} is not up on any reachable host"),
        ),
    })
}

/// Whether a leg misses what is written, since its node is in standby.
fn is_left_behind(view: &View<'_>, volume: &Volume, side: Side) -> bool {
    view.disks(&volume.name)[side] != Some(&DiskState::UpToDate)
        && view.is_standby(&view.desired.nodes[side].name)
}

fn grows_old(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let mut sides = Side::BOTH.into_iter();
    let side = sides.find(|side| is_left_behind(view, volume, *side))?;
    let node = &view.desired.nodes[side].name;
    let message = format!(
        "volume {}: {node} is in standby, where its data grows old",
        volume.name
    );
    Some(told_standby(node, &message))
}

/// A leg whose disk is not as it has to be, for another reason than a standby.
fn worse_leg(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
    let disks = view.disks(&volume.name);
    let mut sides = Side::BOTH
        .into_iter()
        .filter(|side| !is_left_behind(view, volume, *side));
    sides.find_map(|side| {
        let node = &view.desired.nodes[side].name;
        match disks[side] {
            Some(disk) if disk.is_without_disk() => {
                let message = format!("volume {}: {node} has lost its disk", volume.name);
                let remedy = by_hand::attach(node, made(view, volume, side));
                Some((Reason::DiskFailed, with_remedy(&message, &remedy)))
            }
            Some(DiskState::UpToDate) => None,
            // What is known of the other leg tells more.
            Some(DiskState::DUnknown) | None if disks[side.peer()] != Some(&DiskState::UpToDate) => None,
            Some(DiskState::DUnknown) | None => Some(apart(view, volume, &unknown(node, legs[side.peer()]))),
            Some(other) => Some(not_current(view, volume, legs, side, other)),
        }
    })
}

/// The metadata that a leg was made with, as its host or the other one knows it.
fn made<'a>(view: &View<'a>, volume: &Volume, side: Side) -> Option<&'a str> {
    let own = || {
        view.hosts[side]?
            .volume_records
            .get(&volume.name)?
            .device_uuid
            .as_ref()
    };
    let peers = || {
        view.hosts[side.peer()]?
            .known_peer
            .as_ref()?
            .legs
            .get(&volume.name)
    };
    own().or_else(peers).map(String::as_str)
}

/// A leg of which nothing is known, while its peer's is good.
fn unknown(node: &str, peer: Option<&Resource>) -> String {
    // Only a leg that has given nothing up and is written to goes on while the other stays as it is.
    let goes_on =
        peer.is_some_and(|leg| leg.role == Role::Primary && leg.connection != ConnectionState::StandAlone);
    let older = if goes_on {
        "; its data is older than its peer's"
    } else {
        ""
    };
    format!("{node} is not connected{older}")
}

/// A leg with older data.
fn not_current(
    view: &View<'_>,
    volume: &Volume,
    legs: &Legs<'_>,
    side: Side,
    disk: &DiskState,
) -> (Reason, String) {
    let [node, peer] = [side, side.peer()].map(|side| &view.desired.nodes[side].name);
    let is_any = |holds: fn(&Resource) -> bool| legs.any(|leg| leg.is_some_and(holds));
    let syncing = is_any(|leg| leg.replication.is_resync());
    let are_apart = !syncing && is_any(|leg| !leg.is_connected());
    let peers = view.disks(&volume.name)[side.peer()];
    if are_apart && peers == Some(&DiskState::UpToDate) && !view.is_standby(peer) {
        let what = format!("{node} is not connected; its data is {disk}");
        return apart(view, volume, &what);
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
    let message = format!("volume {}: the data on {node} is {disk}{newest}", volume.name);
    left_alone(view, volume).unwrap_or((reason, message))
}

/// Legs that are good and not connected.
fn not_connected(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
    let side = legs.find(|leg| leg.is_some_and(|leg| !leg.is_connected()))?;
    let mut nodes = view.desired.nodes.iter();
    if let Some((_, node)) = nodes.find(|(_, node)| view.is_standby(&node.name)) {
        let message = format!(
            "volume {}: {} is in standby, and its leg is down",
            volume.name, node.name
        );
        return Some(told_standby(&node.name, &message));
    }
    let node = &view.desired.nodes[side].name;
    Some(apart(
        view,
        volume,
        &format!("{node} is not connected to its peer"),
    ))
}

/// Legs that are not connected: DRBD tries again by itself, but for a leg that stands alone.
fn apart(view: &View<'_>, volume: &Volume, what: &str) -> (Reason, String) {
    let name = &volume.name;
    let message = format!("volume {name}: {what}");
    let alone = legs(view, volume)
        .find(|leg| leg.is_some_and(|leg| leg.connection == ConnectionState::StandAlone))
        .map(|side| &view.desired.nodes[side].name);
    let message = match alone {
        Some(node) => with_remedy(
            &format!("{message}. {node} is StandAlone: it does not try to connect"),
            &by_hand::connect(name, node),
        ),
        None => message,
    };
    (Reason::Disconnected, message)
}

/// Blocks that differ although both legs are UpToDate and nothing is being copied: `drbdadm verify` has found them.
fn different_blocks(view: &View<'_>, volume: &Volume, legs: &Legs<'_>) -> Option<(Reason, String)> {
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
        let remedy = by_hand::copy_blocks(name, serving, other);
        (Reason::BlocksDiffer, with_remedy(&what, &remedy))
    })
}

/// What DRBD says of a volume to which nothing can be written at the moment, on the node where its group runs.
pub fn frozen(view: &View<'_>, volume: &Volume, node: &str) -> Option<String> {
    let why = legs(view, volume).iter().find_map(|(_, leg)| {
        let primary = leg.filter(|leg| leg.role == Role::Primary)?;
        primary.suspended.clone()
    })?;
    let name = &volume.name;
    let message =
        format!("volume {name}: DRBD has frozen its writes (suspended:{why}); the group runs on {node}");
    // Its own reasons end by themselves.
    Some(if why.split(',').any(|word| word == "user") {
        with_remedy(&message, &by_hand::write_again(name, node))
    } else {
        message
    })
}

/// A leg that does not know whether its peer wrote later, while the peer is away and the cluster would go on. Without a
/// word of a person DRBD's agent does not let it be promoted (ocf:linbit:drbd, adjust_master_score).
pub fn left_alone(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let side = view
        .disks(&volume.name)
        .find(|disk| disk.is_some_and(|disk| *disk == DiskState::Consistent))?;
    let (name, nodes) = (
        &volume.name,
        view.desired.nodes.as_ref().map(|node| node.name.as_str()),
    );
    let (node, peer) = (nodes[side], nodes[side.peer()]);
    // One that the operator alone does not reach may be writing.
    let is_off = |cluster: &Cluster| {
        let state = cluster.nodes.get(peer);
        cluster.quorate && state.is_some_and(|state| !state.online && !state.unclean)
    };
    let is_alone = view.hosts[side.peer()].is_none() && view.cluster.is_some_and(is_off);
    is_alone.then(|| {
        let what =
            format!("volume {name}: the data on {node} is Consistent, and {peer} may have written later");
        let remedy = by_hand::go_on_alone(name, node, peer);
        (Reason::StaleData, with_remedy(&what, &remedy))
    })
}
