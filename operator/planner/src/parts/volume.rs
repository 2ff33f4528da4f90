//! Replicated volumes: disks, DRBD, file systems.

mod by_hand;
pub mod devices;
mod disks;
mod drbd;
mod filesystem;
mod first_data;
mod leg;
mod numbers;
mod problem;
mod refuse;
mod replacement;
mod report;
mod split_brain;
mod state;
mod unfence;

use hapair_model::{
    Side,
    desired::{Desired, FilesystemType, Volume},
    observed::{Place, Question},
    plan::{File, PackageManager, Step},
};

use crate::{
    due::Due,
    elements::Object,
    facts::Facts,
    files::text,
    names,
    part::{Ground, Opening, Part},
    platform::Platform,
};

pub use filesystem::{element as filesystem, writable};
pub use first_data::{COMPLETE, first_data};
pub use problem::{frozen, left_alone, volume_problem};
pub use refuse::different_ids;
pub use replacement::detach;
pub use report::{data, mounted_outside, pairs_problem, primary, report};
pub use unfence::unfence;

/// Whether a file names the disk of a leg that is to get another one, and keeps it until that is under way.
pub fn is_kept(facts: &Facts<'_>, side: Side, path: &str) -> bool {
    let mut volumes = facts.desired.volumes.iter();
    let volume = volumes.find(|volume| names::resource_file(&volume.name) == path);
    volume.is_some_and(|volume| {
        let is_replaced = |side| replacement::replaced(volume, &facts.host(side)).is_some();
        let is_under_way = replacement::is_under_way(&volume.name, facts.hosts[side]);
        is_replaced(side) || is_replaced(side.peer()) && !is_under_way
    })
}

/// What this part has to say.
pub const PART: Part = Part {
    packages,
    units: |_| vec![("drbd", "drbd-utils")],
    ask,
    resolve: |desired, observed| {
        numbers::resolve(desired, observed);
        disks::resolve(desired, observed);
    },
    files,
    drop_ins: |desired| mount_units(desired).collect(),
    openings,
    steps,
    objects,
    refuse_one: refuse::on_one,
    refuse_installed: |_, _| {},
    refuse_both: refuse::on_both,
    waits,
};

fn packages(desired: &Desired, platform: &Platform) -> Vec<&'static str> {
    let mut packages = vec!["drbd-utils"];
    let mut volumes = desired.volumes.iter();
    let makes_partitions = volumes.any(|volume| volume.disks.any(|disk| disk.partition.is_some()));
    packages.extend((makes_partitions && platform.manager == PackageManager::Apt).then_some("fdisk"));
    let mut volumes = desired.volumes.iter();
    let has_xfs = volumes.any(|volume| volume.filesystem == FilesystemType::Xfs);
    packages.extend(has_xfs.then_some("xfsprogs"));
    packages
}

fn mount_units(desired: &Desired) -> impl Iterator<Item = String> {
    desired
        .volumes
        .iter()
        .map(|volume| names::mount_unit(&volume.mount_point))
}

fn ask(desired: &Desired, side: Side, question: &mut Question) {
    question.units.push("drbd.service".into());
    question.units.extend(mount_units(desired));
    for volume in &desired.volumes {
        let (name, disk) = (&volume.name, &volume.disks[side]);
        question
            .units
            .push(format!("{}.service", names::filesystem_job(name)));
        question.paths.push(volume.mount_point.clone());
        let place = |path: &String| Place {
            volume: name.clone(),
            path: path.clone(),
        };
        question.devices.push(place(&disk.device));
        if let Some(partition) = &disk.partition {
            question.disks.push(place(&partition.disk));
        }
        question.mount_points.push(place(&volume.mount_point));
        if let Some((user, group)) = volume.owner.split_once(':') {
            question.users.push(user.into());
            question.groups.push(group.into());
        }
    }
}

fn files(desired: &Desired, _: Side, ground: &Ground) -> Vec<File> {
    if desired.volumes.is_empty() {
        return Vec::new();
    }
    let script = |path: &str, content: &str| text(path, "755", content.to_owned());
    // Before the resources that name them.
    let mut files = vec![
        script(names::WRITABLE_AGENT, include_str!("../../files/writable")),
        script(names::FENCE_PEER, include_str!("../../files/fence-peer")),
        script(names::UNFENCE_PEER, include_str!("../../files/unfence-peer")),
    ];
    for volume in &desired.volumes {
        files.push(drbd::file(desired, volume, &ground.drbd));
        files.push(filesystem::drop_in(volume));
    }
    files
}

fn openings(desired: &Desired, side: Side) -> Vec<Opening> {
    let peer = &desired.nodes[side.peer()];
    let address = peer.link(desired.replication_link).unwrap_or(&peer.address);
    let volumes = desired.volumes.iter();
    volumes
        .map(|volume| Opening::from(address, "tcp", volume.port()))
        .collect()
}

fn steps(facts: &Facts<'_>, side: Side, due: &Due) -> Vec<Step> {
    let (desired, host) = (facts.desired, facts.hosts[side]);
    let mut steps = Vec::new();
    // Resources of someone else need drbd.service to come up again.
    let foreign = host.resources.keys().any(|name| desired.volume(name).is_none());
    if !foreign && host.units.get("drbd").is_some_and(|unit| unit.enabled) {
        steps.push(Step::DisableUnits {
            units: vec!["drbd".into()],
        });
    }
    for volume in &desired.volumes {
        steps.extend(leg::steps(volume, facts, side, due));
    }
    steps
}

fn objects(desired: &Desired, platform: &Platform) -> Vec<Object> {
    let clone = |volume: &Volume| Object {
        key: names::volume(&volume.name),
        resources: vec![drbd::clone(volume, &platform.dialect)],
        ..Object::default()
    };
    desired.volumes.iter().map(clone).collect()
}

fn waits(facts: &Facts<'_>) -> Option<String> {
    // A node that a person keeps in standby has its volumes down.
    if facts.cluster()?.nodes.values().any(|node| node.standby) {
        return None;
    }
    let mut volumes = facts.desired.volumes.iter();
    let syncing = volumes.find(|volume| !state::is_redundant(volume, &facts.hosts))?;
    Some(format!("volume {} is not UpToDate on both nodes", syncing.name))
}
