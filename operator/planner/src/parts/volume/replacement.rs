//! A leg that gets another disk: the spec names a new one for a node, or a person has said that the one which the leg had is
//! gone for good.
//!
//! The leg gives its disk up if it has one, its file names the new one, which gets metadata of its own, is attached, and is
//! filled from the peer. A mark stands from before the first of these until the disk is attached: without it a leg that has no
//! disk has lost it, and gets it back from a person alone. Until the mark is there the file stays as it is, too.

use hapair_model::{
    Both, Reason, Side,
    desired::Volume,
    observed::{DiskState, Host, Resource, Role},
    plan::{FollowUp, Next, Step},
    reason::with_remedy,
};

use super::refuse;
use crate::facts::{Facts, OneHost};

/// Bytes of a sector (drbd.h).
const SECTOR: u64 = 512;

/// Where a leg is to get another disk, or its own again: the one that it has had until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced<'a> {
    /// The leg has it, and gives it up.
    Attached(&'a str),
    /// The leg is without it already, or cannot come up without it.
    Gone(&'a str),
    /// The leg is up without it, and it answers again.
    Returned,
}

/// Whether a leg here has given its disk up for another one, or is about to.
pub fn is_under_way(volume: &str, host: &Host) -> bool {
    host.pending.contains(&FollowUp::Attach(volume.to_owned()).mark())
}

/// The disk in whose place a leg of a volume that was born gets another one.
pub fn replaced<'a>(volume: &'a Volume, one: &OneHost<'a>) -> Option<Replaced<'a>> {
    let (leg, had) = (one.host.resources.get(&volume.name), had(volume, one)?);
    let first = had.first().copied();
    let is_another = first.is_some() && !is_declared(volume, one, &had);
    match leg.map(|leg| &leg.disk) {
        None | Some(DiskState::Diskless) if is_under_way(&volume.name, one.host) => None,
        None | Some(DiskState::Diskless) => {
            let made = refuse::made(volume, one)?;
            let is_lost = is_another || one.desired.lost_legs.contains(made);
            let first = first.unwrap_or(&volume.disks[one.side].device);
            let replaced = match refuse::has_metadata(volume, one.host, made) {
                true => leg.map(|_| Replaced::Returned),
                false => Some(Replaced::Gone(first)),
            };
            replaced.filter(|_| is_lost && one.may_run(volume))
        }
        // On its way to be without one.
        Some(disk) if disk.is_without_disk() => None,
        Some(_) => is_another.then_some(Replaced::Attached(first?)),
    }
}

/// Under which names the leg's disk is known: by what DRBD itself says, else by the file, which may be lost. `None`: the
/// resource is someone else's.
fn had<'a>(volume: &Volume, one: &OneHost<'a>) -> Option<Vec<&'a str>> {
    let attached = one
        .host
        .resources
        .get(&volume.name)
        .and_then(|leg| leg.attached.as_ref());
    match (attached, one.host.drbd_config.get(&volume.name)) {
        (_, Some(config)) if !config.ours => None,
        (Some(disk), _) => Some(vec![&disk.name, &disk.path]),
        (None, Some(config)) => Some(config.disks.iter().map(String::as_str).collect()),
        (None, None) => Some(Vec::new()),
    }
}

/// One disk under two names is still one disk.
fn is_declared(volume: &Volume, one: &OneHost<'_>, names: &[&str]) -> bool {
    let declared = volume.disks[one.side].device.as_str();
    let path = one
        .host
        .devices
        .get(&volume.name)
        .map(|device| device.path.as_str());
    names.iter().any(|disk| *disk == declared || Some(*disk) == path)
}

/// Why a leg does not get another disk now, although it is to. One that waits for the other node's leg, which is getting one,
/// has no problem.
pub fn problem(volume: &Volume, one: &OneHost<'_>) -> Option<(Reason, String)> {
    let replaced = replaced(volume, one);
    if let Some(replaced) = replaced
        && let Some(obstacle) = obstacle(volume, one, replaced)
    {
        let peer_goes =
            other(one).is_some_and(|peer| is_under_way(&volume.name, peer.host) || is_next(volume, &peer));
        let declared = &volume.disks[one.side].device;
        let (runs_on, is_left) = match replaced {
            Replaced::Attached(disk) => (format!("runs on {disk}"), ". The running leg is left as it is"),
            Replaced::Gone(disk) => (format!("had {disk}"), ""),
            Replaced::Returned => return None,
        };
        let message = format!("the volume {runs_on}, and spec.disks names {declared}. {obstacle}{is_left}");
        return (!peer_goes).then_some((Reason::DiskChanged, message));
    }
    let leg = one.host.resources.get(&volume.name);
    let is_without = leg.is_none_or(|leg| leg.disk.is_without_disk());
    match replaced {
        None if is_without && is_under_way(&volume.name, one.host) => {}
        Some(Replaced::Attached(_)) if let Some(copy) = copy_of_the_leg(volume, one) => return Some(copy),
        Some(Replaced::Attached(_) | Replaced::Gone(_)) => {}
        None | Some(Replaced::Returned) => return None,
    }
    let sizes = [leg, peers(volume, one)];
    let size = sizes.into_iter().flatten().map(|leg| leg.size).max();
    refuse::of_new_disk(volume, one, least_device(size.unwrap_or(0) << 10))
}

/// A disk that carries the metadata of the leg that it is to replace was copied from it. What was written since then is not on it, and
/// DRBD would not know.
fn copy_of_the_leg(volume: &Volume, one: &OneHost<'_>) -> Option<(Reason, String)> {
    let made = refuse::made(volume, one)?;
    let declared = &volume.disks[one.side].device;
    refuse::has_metadata(volume, one.host, made).then(|| {
        let what = format!(
            "{declared} holds a copy of the running leg (drbd:{made}), expected a blank device: what was written since would be missing \
             on it. Nothing was changed"
        );
        let remedy = format!("on {} `wipefs --all {declared}`; it is filled from the other node's leg", one.name());
        (Reason::DeviceNotBlank, with_remedy(&what, &remedy))
    })
}

/// Whether the leg may get another disk now.
fn is_next(volume: &Volume, one: &OneHost<'_>) -> bool {
    let may = |replaced| obstacle(volume, one, replaced).is_none();
    replaced(volume, one).is_some_and(may) && !one.peer.is_some_and(|peer| is_under_way(&volume.name, peer))
}

/// What has to be so before a leg gets another disk.
fn obstacle(volume: &Volume, one: &OneHost<'_>, replaced: Replaced<'_>) -> Option<String> {
    let (leg, peers) = (one.host.resources.get(&volume.name), peers(volume, one));
    let peer = &one.desired.nodes[one.side.peer()].name;
    let obstacle = match replaced {
        Replaced::Returned => return None,
        Replaced::Attached(_) => needs_its_disk(volume, one, leg?),
        Replaced::Gone(_) if leg.is_none() => has_it_elsewhere(volume, one),
        Replaced::Gone(_) => None,
    };
    let is_joined = leg.is_none_or(|leg| leg.is_connected() && leg.peer_disk == DiskState::UpToDate);
    let is_whole = is_joined && peers.is_some_and(|peers| peers.disk == DiskState::UpToDate);
    obstacle.or_else(|| {
        (!is_whole)
            .then(|| format!("It is filled from {peer}, whose leg has to be connected and UpToDate for that"))
    })
}

/// A leg that is down, and whose disk is there under another name: nobody knows whether it has data that the other leg lacks.
fn has_it_elsewhere(volume: &Volume, one: &OneHost<'_>) -> Option<String> {
    let (node, made) = (one.name(), refuse::made(volume, one)?);
    let disk = one.host.metadata_elsewhere.get(made)?;
    (!one.desired.lost_legs.contains(made)).then(|| {
        format!(
            "The leg on {node} is down, and its disk is there: {disk}. It gives that up once it is up and connected; where it cannot come up \
             any more, `kubectl hapair replace-disk {made}`"
        )
    })
}

/// Why a leg cannot give up the disk that it has.
fn needs_its_disk(volume: &Volume, one: &OneHost<'_>, leg: &Resource) -> Option<String> {
    let (node, peer) = (one.name(), &one.desired.nodes[one.side.peer()].name);
    if !one.may_run(volume) {
        return Some("The volume is not in the cluster yet".into());
    }
    if leg.role == Role::Primary {
        return Some(format!(
            "The service uses the leg on {node}: move it to {peer} first (`kubectl hapair switchover`)"
        ));
    }
    let devices = &one.host.devices;
    let is_there = devices.get(&volume.name).is_some_and(|device| device.exists);
    let partition = volume.disks[one.side].partition.as_ref();
    if let Some(partition) = partition.filter(|_| is_there) {
        return Some(format!(
            "A partition {} is on another disk already: name the new one as device, or take the old one out",
            partition.name
        ));
    }
    leg.attached
        .is_none()
        .then(|| format!("What the leg on {node} has was not told by DRBD"))
}

/// The peer, if it answers.
fn other<'a>(one: &OneHost<'a>) -> Option<OneHost<'a>> {
    Some(OneHost {
        side: one.side.peer(),
        host: one.peer?,
        peer: Some(one.host),
        ..*one
    })
}

/// The peer's own leg.
fn peers<'a>(volume: &Volume, one: &OneHost<'a>) -> Option<&'a Resource> {
    one.peer?.resources.get(&volume.name)
}

/// The smallest device that has room for so many bytes beside DRBD's internal metadata.
fn least_device(data: u64) -> u64 {
    let mut size = data;
    while size - metadata(size).min(size) < data {
        size = data + metadata(size);
    }
    size
}

/// The size of DRBD's internal metadata on a device of so many bytes (drbd_nl.c, drbd_md_set_sector_offsets).
fn metadata(device: u64) -> u64 {
    (device.div_ceil(SECTOR).div_ceil(1 << 18) * 8 + 72) * SECTOR
}

/// The disks that are given up next. Of two legs of a volume one goes first.
pub fn detach(facts: &Facts<'_>) -> Option<Next> {
    let due = |side: Side| {
        let (one, other) = (facts.host(side), facts.host(side.peer()));
        let volumes = facts
            .desired
            .volumes
            .iter()
            .filter(|volume| facts.is_in_cluster(volume));
        volumes
            .filter(|volume| is_next(volume, &one) && (side == Side::First || !is_next(volume, &other)))
            .filter_map(|volume| {
                let disk = match replaced(volume, &one)? {
                    Replaced::Attached(disk) => Some(disk.to_owned()),
                    Replaced::Gone(_) | Replaced::Returned => None,
                };
                Some(Step::Detach {
                    resource: volume.name.clone(),
                    disk,
                })
            })
            .collect()
    };
    Next::stage("take a disk away that is replaced", Both::from_fn(due))
}
