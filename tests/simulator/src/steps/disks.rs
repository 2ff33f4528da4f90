//! Partitions, metadata, legs, file systems.

use hapair_model::{
    Side,
    observed::{JUST_CREATED, VolumeRecord},
    plan::FollowUp,
};

use crate::{
    drbd,
    hosts::{Run, Stop},
    machine::{BlockDevice, Connection, DiskState, Job, Metadata, Work},
    world::World,
};

/// Ticks that a file system's first content takes.
const FILLING: u32 = 4;

/// What the script `signatures` prints of a device.
pub(super) fn signatures(device: &BlockDevice) -> String {
    let mut all: Vec<_> = device.signatures.iter().map(ToString::to_string).collect();
    all.extend(
        device
            .metadata
            .as_ref()
            .map(|metadata| format!("drbd:{}", metadata.printed_uuid())),
    );
    all.sort_unstable();
    all.join("+")
}

pub(super) async fn make_partition(
    run: &mut Run<'_>,
    disk: &str,
    name: &str,
    overwrite: Option<&str>,
) -> Result<(), Stop> {
    let link = format!("/dev/disk/by-partlabel/{name}");
    if run.look(|world, side| world.machines[side].disk.devices.contains_key(&link)) {
        return Ok(());
    }
    let found = run.look(|world, side| world.machines[side].disk.devices.get(disk).map(signatures));
    let found = found.ok_or_else(|| Stop::Failed(format!("{disk} does not exist")))?;
    let ours = run.look(|world, side| {
        world.machines[side].disk.devices[disk]
            .partitions
            .iter()
            .all(|name| name.starts_with("hapair-"))
    });
    let parts = run.look(|world, side| world.machines[side].disk.devices[disk].partitions.len());
    if !(parts > 0 && ours || found.is_empty() || Some(found.as_str()) == overwrite) {
        return Err(Stop::Failed(format!(
            "{disk} holds {found}, expected a blank disk"
        )));
    }
    let (disk, name) = (disk.to_owned(), name.to_owned());
    run.change(format!("partition {disk}"), |world, side| {
        if let Some(device) = world.machines[side].device_mut(&disk) {
            if parts == 0 {
                device.signatures = vec![hapair_model::observed::Signature {
                    kind: "gpt".into(),
                    uuid: "table".into(),
                }];
                device.label = None;
            }
            device.partitions.push(name);
            let partition = BlockDevice {
                size: 256 << 20,
                ..BlockDevice::default()
            };
            world.machines[side].disk.devices.insert(link, partition);
        }
    })
    .await
}

pub(super) async fn create_metadata(
    run: &mut Run<'_>,
    resource: &str,
    device: &str,
    overwrite: Option<&str>,
    minor: u32,
    port: u16,
) -> Result<(), Stop> {
    let record = |uuid: Option<&str>| VolumeRecord {
        device_uuid: uuid.map(|uuid| uuid.trim_start_matches('0').to_owned()),
        zeroes: true,
        minor,
        port,
    };
    let found = run.look(|world, side| world.machines[side].disk.devices.get(device).map(signatures));
    let found = found.ok_or_else(|| Stop::Failed(format!("{device} does not exist")))?;
    let known = run.look(|world, side| {
        world.machines[side]
            .disk
            .volume_records
            .get(resource)
            .map(|record| record.device_uuid.clone())
    });
    let blank = run.look(|world, side| {
        world.machines[side].disk.devices[device]
            .metadata
            .as_ref()
            .is_some_and(Metadata::is_blank)
    });
    let (resource, device) = (resource.to_owned(), device.to_owned());
    match known.as_ref().map(Option::as_deref) {
        Some(None) if found.starts_with("drbd:") && blank => {
            let uuid = found.trim_start_matches("drbd:").to_owned();
            let finished = record(Some(&uuid));
            return run
                .change("record the metadata", |world, side| {
                    drop(
                        world.machines[side]
                            .disk
                            .volume_records
                            .insert(resource, finished),
                    )
                })
                .await;
        }
        Some(Some(uuid)) if found == format!("drbd:{uuid}") => return Ok(()),
        _ => {}
    }
    if !found.is_empty() && Some(found.as_str()) != overwrite {
        return Err(Stop::Failed(format!(
            "{device} holds {found}, expected a blank device"
        )));
    }
    if !found.is_empty() {
        let device = device.clone();
        run.change("wipe the device", |world, side| {
            if let Some(device) = world.machines[side].device_mut(&device) {
                (device.signatures, device.metadata, device.label) = (Vec::new(), None, None);
                device.records.clear();
            }
        })
        .await?;
    }
    let (pending, name) = (record(None), resource.clone());
    run.change("record that metadata is being made", |world, side| {
        drop(world.machines[side].disk.volume_records.insert(name, pending))
    })
    .await?;
    let path = device.clone();
    let uuid = run
        .change("create-md", |world, side| {
            let uuid = format!("{:016x}", world.fresh_generation());
            let Some(device) = world.machines[side].device_mut(&path) else {
                return uuid;
            };
            if !device.signatures.is_empty() || device.metadata.is_some() || !device.records.is_empty() {
                let broken = format!("create-md on {path}, which holds something");
                world.broken.push(broken);
                return uuid;
            }
            device.metadata = Some(Metadata::blank(uuid.clone()));
            uuid
        })
        .await?;
    let finished = record(Some(&uuid));
    run.change("record the metadata", |world, side| {
        drop(
            world.machines[side]
                .disk
                .volume_records
                .insert(resource, finished),
        )
    })
    .await
}

pub(super) async fn bring_up(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    let name = resource.to_owned();
    run.change(format!("bring {resource} up"), |world, side| {
        drbd::up(&mut world.machines[side], &name)
    })
    .await?
    .map_err(Stop::Failed)?;
    // drbdadm ends once the leg is connecting.
    run.wait_for("connecting", |world, side| {
        world.connection(side, resource) != Some(Connection::Configured)
    })
    .await?;
    for due in [FollowUp::Adjust, FollowUp::Attach] {
        let mark = due(resource.to_owned()).mark();
        if run.look(|world, side| world.machines[side].disk.pending.contains(&mark)) {
            run.change(format!("unmark {mark}"), |world, side| {
                world.machines[side].disk.pending.remove(&mark)
            })
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn detach(run: &mut Run<'_>, resource: &str, has_disk: bool) -> Result<(), Stop> {
    let is_needed = run.look(|world, side| {
        let peers = world.machines[side.peer()].memory.legs.get(resource);
        let leg = world.machines[side].memory.legs.get(resource);
        let has = leg.is_some_and(|leg| leg.disk != DiskState::Diskless);
        has != has_disk
            || leg.is_some_and(|leg| has && leg.primary || leg.connection != Connection::Connected)
            || leg.is_some() && peers.is_none_or(|leg| leg.disk != DiskState::UpToDate)
    });
    if is_needed {
        return Err(Stop::Failed(format!("{resource} is needed as it is")));
    }
    let mark = FollowUp::Attach(resource.to_owned()).mark();
    run.change(format!("mark {mark}"), |world, side| {
        world.machines[side].disk.pending.insert(mark)
    })
    .await?;
    if !has_disk {
        return Ok(());
    }
    let name = resource.to_owned();
    run.change(format!("detach {resource}"), |world, side| {
        drbd::detach(world, side, &name)
    })
    .await
}

pub(super) async fn create_first_generation(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    let connection = |world: &World, side: Side| world.connection(side, resource);
    run.wait_for("connected to the peer", |world, side| {
        connection(world, side) == Some(Connection::Connected)
    })
    .await?;
    let generation = |world: &World, side: Side| {
        world.machines[side]
            .metadata(resource)
            .map(|metadata| metadata.current)
    };
    if run.look(|world, side| generation(world, side) != Some(JUST_CREATED)) {
        let current = run
            .look(|world, side| world.machines[side].memory.legs.get(resource).map(|leg| leg.disk))
            == Some(DiskState::UpToDate);
        return if current {
            Ok(())
        } else {
            Err(Stop::Failed("this leg already holds data".into()))
        };
    }
    if run.look(|world, side| generation(world, side.peer()) != Some(JUST_CREATED)) {
        return Err(Stop::Failed("the peer's leg is not blank".into()));
    }
    let resource = resource.to_owned();
    run.change("new-current-uuid", |world, _| {
        let current = world.fresh_generation();
        for side in Side::BOTH {
            let blank = world.machines[side]
                .metadata(&resource)
                .is_some_and(Metadata::is_blank);
            if !blank {
                world
                    .broken
                    .push(format!("{resource}: a first generation is made over data"));
            }
            if let Some(metadata) = world.machines[side].metadata_mut(&resource) {
                (metadata.current, metadata.consistent) = (current, true);
            }
            if let Some(leg) = world.machines[side].memory.legs.get_mut(&resource) {
                leg.disk = DiskState::UpToDate;
            }
        }
    })
    .await
}

pub(super) async fn make_filesystem(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    let job = format!("hapair-filesystem-{resource}");
    if run.look(|world, side| world.machines[side].memory.jobs.contains_key(&job)) {
        return Ok(());
    }
    let name = resource.to_owned();
    let promoted = run
        .change(format!("{job}: primary"), |world, side| {
            drbd::promote(world, side, &name)
        })
        .await?;
    promoted.map_err(Stop::Failed)?;
    let label = run.look(|world, side| drbd::content_label(&world.machines[side], resource));
    let name = resource.to_owned();
    if label.as_deref() == Some("hapair") {
        return run
            .change(format!("{job}: secondary"), |world, side| {
                drbd::demote(&mut world.machines[side], &name)
            })
            .await;
    }
    run.change(format!("{job}: mkfs"), |world, side| {
        let records = world.machines[side]
            .records_mut(&name)
            .is_some_and(|records| !records.is_empty());
        if records {
            world.broken.push(format!("mkfs on {name}, which holds records"));
        }
        world.label(side, &name, "hapair-new");
        let work = Work::Filesystem {
            resource: name.clone(),
        };
        world.machines[side]
            .memory
            .jobs
            .insert(job, Job { left: FILLING, work });
    })
    .await?;
    let job = format!("hapair-filesystem-{resource}");
    run.wait_for("the first content", |world, side| {
        !world.machines[side].memory.jobs.contains_key(&job)
    })
    .await
}

pub(super) async fn take_down(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    if run.look(|world, side| {
        world.machines[side]
            .memory
            .legs
            .get(resource)
            .is_some_and(|leg| leg.primary)
    }) {
        return Err(Stop::Failed(format!("{resource} is Primary")));
    }
    let name = resource.to_owned();
    run.change(format!("take {resource} down"), |world, side| {
        drbd::down(world, side, &name)
    })
    .await?;
    let path = format!("/etc/drbd.d/{resource}.res");
    run.change(format!("put {path} aside"), |world, side| {
        drop(world.machines[side].disk.files.remove(&path))
    })
    .await
}
