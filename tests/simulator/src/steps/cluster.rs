//! The cluster's configuration, and the end of it.

use hapair_model::xml::Element;

use super::COROSYNC;
use crate::{
    hosts::{Run, Stop},
    pacemaker,
};

pub(super) async fn seed_cib(run: &mut Run<'_>, cib: &str) -> Result<(), Stop> {
    let cib = Element::parse(cib).map_err(|error| Stop::Failed(error.to_string()))?;
    if run.look(|world, side| world.machines[side].runs("pacemaker")) {
        return Err(Stop::Failed("pacemaker runs already".into()));
    }
    if run.look(|world, side| {
        world.machines[side]
            .disk
            .cib
            .as_ref()
            .is_some_and(|present| *present != cib)
    }) {
        return Err(Stop::Failed("there is another configuration".into()));
    }
    run.change("seed the CIB", |world, side| {
        world.machines[side].disk.cib = Some(cib)
    })
    .await
}

pub(super) async fn push_cib(run: &mut Run<'_>, cib: &str, planned_on: &str) -> Result<(), Stop> {
    let mutilated = run.look(|world, _| {
        world
            .mutilates
            .map_or_else(|| cib.to_owned(), |text| cib.replace(text, ""))
    });
    let cib = Element::parse(&mutilated).map_err(|error| Stop::Failed(error.to_string()))?;
    // What is pushed is a patch: it undoes nothing that someone else has changed since the look. Here both
    // are one moment.
    let pushed = run.change("push the CIB", |world, side| {
        let now = world.machines[side]
            .disk
            .cib
            .as_ref()
            .map(pacemaker::version)
            .unwrap_or_default();
        let now = format!("{}.{}", now.0, now.1);
        if now != planned_on {
            return Err(format!(
                "the configuration is at {now}, the change was planned on {planned_on}"
            ));
        }
        world.change_cib(side, |live| live.children = cib.children);
        Ok(())
    });
    pushed.await?.map_err(Stop::Failed)
}

pub(super) async fn leave_cluster(run: &mut Run<'_>) -> Result<(), Stop> {
    run.change("disable the cluster", |world, side| {
        for unit in ["pacemaker", "corosync"] {
            world.machines[side].disk.enabled.remove(unit);
        }
    })
    .await?;
    run.change("stop the cluster", |world, side| {
        if !world.may_leave {
            world.broken.push(format!(
                "the cluster is stopped on {}, and nobody asked for that",
                world.names[side]
            ));
        }
        world.stop_cluster(side);
    })
    .await?;
    run.change("put the configuration aside", |world, side| {
        world.machines[side].disk.cib = None;
        world.machines[side].disk.files.remove(COROSYNC);
    })
    .await
}

/// What stood where services' files are is there again, file by file.
pub(super) async fn give_back(run: &mut Run<'_>, paths: &[String]) -> Result<(), Stop> {
    for path in paths.iter().cloned() {
        run.change(format!("give back {path}"), |world, side| {
            let disk = &mut world.machines[side].disk;
            match disk.originals.remove(&path) {
                Some(Some(file)) => drop(disk.files.insert(path, file)),
                Some(None) => drop(disk.files.remove(&path)),
                None => {}
            }
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn forget(run: &mut Run<'_>, files: &[String]) -> Result<(), Stop> {
    let written = run.look(|world, side| {
        world.machines[side]
            .disk
            .originals
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    });
    give_back(run, &written).await?;
    let files = files.to_vec();
    run.change("remove files", |world, side| {
        let disk = &mut world.machines[side].disk;
        disk.files.retain(|path, _| {
            !files.contains(path)
                && !path.starts_with("/etc/hapair/")
                && !path.ends_with(".mount.d/hapair.conf")
        });
    })
    .await?;
    run.change("remove the hosts block", |world, side| {
        world.machines[side].disk.hosts_block.clear()
    })
    .await?;
    run.change("remove the records", |world, side| {
        let disk = &mut world.machines[side].disk;
        disk.kept_records.append(&mut disk.volume_records);
        disk.pending.clear();
        disk.files.remove("/var/lib/hapair/drbd.key");
        disk.files.remove("/var/lib/hapair/peer");
        disk.admin_password = None;
    })
    .await?;
    run.change("remove the record of ownership", |world, side| {
        world.machines[side].disk.owner = None
    })
    .await
}
