//! Packages, files, units, firewall.

use hapair_model::plan::{Content, File, FollowUp, Keep};

use crate::{
    hosts::{Run, Stop},
    machine::{Disk, Job, StoredFile, Work},
};

/// Ticks that an installation takes.
const INSTALLATION: u32 = 20;

/// The firewall reads our rules for it again.
pub(super) fn read_rules(disk: &mut Disk) {
    if let Some(filter) = &mut disk.firewall {
        let file = disk.files.get(filter.path());
        filter.rules = file.map(|file| file.content.clone()).unwrap_or_default();
    }
    disk.pending.remove(&FollowUp::OpenFirewall.mark());
}

pub(super) async fn install(run: &mut Run<'_>, packages: &[String], mask: &[String]) -> Result<(), Stop> {
    if run.look(|world, side| world.machines[side].memory.jobs.contains_key("hapair-packages")) {
        return Ok(());
    }
    let (work, mask) = (Work::Packages(packages.to_vec()), mask.to_vec());
    run.change("start the installation", |world, side| {
        world.unpack(side, &mask);
        world.machines[side].memory.jobs.insert(
            "hapair-packages".into(),
            Job {
                left: INSTALLATION,
                work,
            },
        );
    })
    .await
}

pub(super) async fn write_file(run: &mut Run<'_>, file: &File) -> Result<(), Stop> {
    if let Some(mark) = file.follow_up.as_ref().map(FollowUp::mark) {
        run.change(format!("mark {mark}"), |world, side| {
            world.machines[side].disk.pending.insert(mark)
        })
        .await?;
    }
    let content = match &file.content {
        Content::Text(text) | Content::WithDrbdSecret(text) => text.clone().into_bytes(),
        Content::Secret(secret) => secret.expose().to_vec(),
    };
    // As stat(1) prints it.
    let mode =
        u32::from_str_radix(&file.mode, 8).map_or_else(|_| file.mode.clone(), |mode| format!("{mode:o}"));
    let stored = StoredFile {
        content,
        mode,
        owner: file.owner.clone(),
    };
    let (path, keep) = (file.path.clone(), file.keep);
    run.change(format!("write {path}"), |world, side| {
        let disk = &mut world.machines[side].disk;
        if keep == Keep::Original {
            let original = disk.files.get(&path).cloned();
            disk.originals.entry(path.clone()).or_insert(original);
        }
        disk.files.insert(path, stored)
    })
    .await
    .map(drop)
}

pub(super) async fn enable(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
    let all = units.to_vec();
    run.change(format!("enable {}", units.join(" ")), |world, side| {
        world.machines[side].disk.enabled.extend(all)
    })
    .await?;
    for unit in units {
        if run.look(|world, side| world.machines[side].runs(unit)) {
            continue;
        }
        let unit = unit.clone();
        run.change(format!("start {unit}"), |world, side| {
            world.machines[side].start_unit(&unit);
            let pending = &mut world.machines[side].disk.pending;
            pending.remove(&format!("restart-{unit}"));
            pending.remove(&format!("reload-{unit}"));
            if unit == "pacemaker" {
                pending.retain(|mark| !mark.starts_with("clean-up-"));
            }
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn disable(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
    let units = units.to_vec();
    run.change(format!("disable {}", units.join(" ")), |world, side| {
        for unit in units {
            world.machines[side].disk.enabled.remove(&unit);
            if !world.machines[side].runs("pacemaker") && unit != "drbd" {
                world.machines[side].memory.active.remove(&unit);
            }
        }
    })
    .await
}

pub(super) async fn restart(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
    if run.look(|world, side| world.machines[side].runs("pacemaker")) {
        return Err(Stop::Failed("pacemaker runs".into()));
    }
    let units = units.to_vec();
    run.change(format!("restart {}", units.join(" ")), |world, side| {
        for unit in units {
            world.machines[side].memory.active.remove(&unit);
            world.machines[side].start_unit(&unit);
            world.machines[side]
                .disk
                .pending
                .remove(&format!("restart-{unit}"));
            world.machines[side]
                .disk
                .pending
                .remove(&format!("reload-{unit}"));
        }
    })
    .await
}
