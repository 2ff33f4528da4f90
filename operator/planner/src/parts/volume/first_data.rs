//! How far a volume is on its way from two blank disks to a file system, and the stage that brings it there.

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    observed::{ActiveState, Host},
    plan::{Next, Step},
};

use crate::{facts::Facts, names};

/// The label of a file system whose first content is complete (see the script make-filesystem).
pub const COMPLETE: &str = "hapair";

/// Where a volume stands.
enum FirstData {
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

/// First generation and file system of volumes that have none.
pub fn first_data(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    if !facts.tells_what_runs() {
        return None;
    }
    let mut steps = Both::from_fn(|_| Vec::new());
    let mut waiting = None;
    for volume in &desired.volumes {
        let (resource, minor) = (volume.name.clone(), volume.minor());
        if hosts.any(|host| is_being_filled(volume, host)) {
            waiting = Some(format!("volume {resource} is getting its first content"));
            continue;
        }
        match progress(volume, facts) {
            FirstData::Complete => {}
            FirstData::Unprepared => waiting = Some(format!("volume {resource} is not up on both nodes")),
            FirstData::Joining => waiting = Some(format!("volume {resource} is joining its peer")),
            FirstData::Blank => {
                let skip_sync = hosts.all(|host| {
                    host.volume_records
                        .get(&resource)
                        .is_some_and(|record| record.zeroes)
                });
                let side = elected(desired, volume);
                steps[side].push(Step::CreateFirstGeneration {
                    resource,
                    minor,
                    skip_sync,
                });
                steps[side].push(make_filesystem(volume));
            }
            FirstData::Formatting => steps[elected(desired, volume)].push(make_filesystem(volume)),
        }
    }
    Next::stage("give the volumes their first data", steps).or_else(|| waiting.map(Next::Wait))
}

/// Where a volume stands. A volume that the cluster already runs was born before.
///
/// A leg that never held any data carries the current UUID 4 (`UUID_JUST_CREATED`, drbd.h). Two such legs
/// need one generation, made on one of them, after they have met: two generations are a split brain from the start.
fn progress(volume: &Volume, facts: &Facts<'_>) -> FirstData {
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
fn elected(desired: &Desired, volume: &Volume) -> Side {
    volume.copy_from.or(desired.preferred).unwrap_or(Side::First)
}

/// Whether the first content is being written on this host: the job that does it runs.
fn is_being_filled(volume: &Volume, host: &Host) -> bool {
    host.units
        .get(&names::filesystem_job(&volume.name))
        .is_some_and(|unit| matches!(unit.active, ActiveState::Active | ActiveState::Activating))
}

fn is_labelled(volume: &Volume, hosts: &Both<&Host>) -> bool {
    hosts.any(|host| {
        host.devices
            .get(&volume.name)
            .is_some_and(|device| device.label.as_deref() == Some(COMPLETE))
    })
}

fn make_filesystem(volume: &Volume) -> Step {
    Step::MakeFilesystem {
        resource: volume.name.clone(),
        minor: volume.minor(),
        filesystem: volume.filesystem.name(),
        mount_point: volume.mount_point.clone(),
        owner: volume.owner.clone(),
        mode: volume.mode.clone(),
        copy: volume.copy_from.is_some(),
    }
}
