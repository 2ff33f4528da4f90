//! How far a volume is on its way from two blank disks to a file system.

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    observed::{ConnectionState, Host, Resource},
};

use crate::{
    facts::{Facts, OneHost},
    names,
};

/// The label of a file system whose first content is complete (see the script make-filesystem).
const COMPLETE: &str = "hapair";

/// Where a volume stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstData {
    /// A leg is not up yet.
    Unprepared,
    /// Both legs are up and have never held data: one generation is made on the elected one, after they
    /// have met.
    Blank,
    /// One leg holds data, the other never did: connecting is all it takes.
    Joining,
    /// There is data, but the file system's first content is not complete.
    Formatting,
    /// Done.
    Complete,
}

/// Where a volume stands. A volume that the cluster already runs was born before.
///
/// A leg that never held any data carries the current UUID 4 (`UUID_JUST_CREATED`, drbd.h). Two such legs
/// need one generation, made on one of them, after they have met: two generations are a split brain from the start.
pub fn first_data(volume: &Volume, facts: &Facts<'_>) -> FirstData {
    let hosts = &facts.hosts;
    if facts.is_in_cluster(volume) {
        return FirstData::Complete;
    }
    let legs = hosts
        .as_ref()
        .map(|host| host.resources.get(&volume.name))
        .complete();
    let Some(legs) = legs else {
        return FirstData::Unprepared;
    };
    match (legs.first.is_blank(), legs.second.is_blank()) {
        (true, true) => FirstData::Blank,
        (true, false) | (false, true) => FirstData::Joining,
        (false, false) if is_labelled(volume, hosts) => FirstData::Complete,
        (false, false) => FirstData::Formatting,
    }
}

/// The node on which a volume's first generation is made and its file system made.
pub fn elected(desired: &Desired, volume: &Volume) -> Side {
    volume.copy_from.or(desired.preferred).unwrap_or(Side::First)
}

/// The metadata on this host's device when it is the volume's, although the host has no record of it: its
/// peer remembers it, or it was kept when the pair left this host.
pub fn recovered_leg(volume: &Volume, one: &OneHost<'_>) -> Option<String> {
    let host = one.host;
    let signatures = host
        .devices
        .get(&volume.name)
        .map(|device| device.signatures.as_slice())
        .unwrap_or_default();
    let is_there = |uuid: &&str| {
        signatures
            .iter()
            .any(|signature| signature.kind == "drbd" && signature.uuid == **uuid)
    };
    one.remembered_leg(&volume.name)
        .or_else(|| kept_leg(&volume.name, host))
        .filter(is_there)
        .map(str::to_owned)
}

/// The metadata that this host's leg of a volume had when an earlier pair left the host.
pub fn kept_leg<'a>(volume: &str, host: &'a Host) -> Option<&'a str> {
    let kept = host
        .kept_records
        .get(volume)
        .filter(|_| !host.volume_records.contains_key(volume))?;
    Some(kept.device_uuid.as_str()).filter(|uuid| *uuid != "pending")
}

/// Whether the first content is being written on this host: the job that does it runs.
pub fn is_being_filled(volume: &Volume, host: &Host) -> bool {
    host.units
        .get(&names::filesystem_job(&volume.name))
        .is_some_and(|unit| matches!(unit.active.as_str(), "active" | "activating"))
}

/// Whether both legs hold the same current data and are connected.
pub fn is_redundant(volume: &Volume, hosts: &Both<&Host>) -> bool {
    hosts.all(|host| {
        host.resources
            .get(&volume.name)
            .is_some_and(|leg| leg.is_connected() && leg.is_up_to_date())
    })
}

/// Whether the legs' data has diverged: DRBD has given up the connection, and neither leg's data went on from
/// the other's. StandAlone alone says little: a leg is StandAlone for a moment whenever it is brought up or
/// taken down. `None`: the legs are not connected, and what data they hold is not seen.
pub fn is_split(legs: Both<Option<&Resource>>) -> Option<bool> {
    let stands_alone = legs.any(|leg| leg.is_some_and(|leg| leg.connection == ConnectionState::StandAlone));
    // A leg that is not seen may have given up, too; not one that the other is connected to.
    let is_told = legs.all(|leg| leg.is_some()) || legs.any(|leg| leg.is_some_and(Resource::is_connected));
    if !stands_alone && is_told {
        return Some(false);
    }
    let legs = legs
        .complete()
        .filter(|legs| legs.all(|leg| leg.generation != 0))?;
    let blank = legs.any(|leg| leg.is_blank());
    Some(!blank && !legs.first.descends_from(legs.second) && !legs.second.descends_from(legs.first))
}

fn is_labelled(volume: &Volume, hosts: &Both<&Host>) -> bool {
    hosts.any(|host| {
        host.devices
            .get(&volume.name)
            .is_some_and(|device| device.label.as_deref() == Some(COMPLETE))
    })
}
