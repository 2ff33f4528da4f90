//! What each step does on a machine: the scripts of operator/hosts/scripts, change by change, each safe to
//! repeat as they are.

use hapair_model::{
    Side,
    host::Authority,
    observed::{CorosyncConf, JUST_CREATED, Record, VolumeRecord},
    plan::{Content, File, FollowUp, Step},
    xml::Element,
};

use crate::{
    drbd,
    hosts::{Run, Stop},
    machine::{BlockDevice, Connection, Disk, DiskState, Filter, Job, Metadata, StoredFile, Work},
    pacemaker,
    world::World,
};

/// Ticks that an installation takes.
const INSTALLATION: u32 = 20;
/// Ticks that a file system's first content takes.
const FILLING: u32 = 4;

/// The record of who manages the machine, before anything else.
pub async fn take_ownership(run: &mut Run<'_>, authority: &Authority) -> Result<(), Stop> {
    let record = Record {
        owner: authority.owner.to_string(),
        epoch: authority.epoch,
    };
    if run.look(|world, side| world.machines[side].disk.owner.as_ref() == Some(&record)) {
        return Ok(());
    }
    run.change("record the owner", |world, side| {
        world.machines[side].disk.owner = Some(record)
    })
    .await
}

/// Carries out a step.
pub async fn carry_out(run: &mut Run<'_>, step: &Step) -> Result<(), Stop> {
    match step {
        Step::InstallPackages { packages, mask, .. } => install(run, packages, mask).await,
        Step::HoldPackages { packages } => {
            let packages = packages.clone();
            run.change("hold packages", |world, side| {
                world.machines[side].disk.held.extend(packages)
            })
            .await
        }
        Step::WriteFile(file) => write_file(run, file).await,
        Step::SetHostname { name } => {
            let name = name.clone();
            run.change("set the hostname", |world, side| {
                world.machines[side].disk.hostname = name
            })
            .await
        }
        Step::WriteHostsBlock { lines } => {
            let lines = lines.clone();
            run.change("write the hosts block", |world, side| {
                world.machines[side].disk.hosts_block = lines
            })
            .await
        }
        Step::EnableUnits { units } => enable(run, units).await,
        Step::DisableUnits { units } => disable(run, units).await,
        Step::RestartUnits { units } => restart(run, units).await,
        Step::ReloadUnits => Ok(()),
        Step::OpenFirewall { .. } => {
            run.change("open the firewall", |world, side| {
                read_rules(&mut world.machines[side].disk)
            })
            .await
        }
        Step::CloseFirewall { .. } => {
            run.change("close the firewall", |world, side| {
                let disk = &mut world.machines[side].disk;
                let path = disk.firewall.as_ref().map(Filter::path);
                path.map(|path| disk.files.remove(path));
                read_rules(disk);
            })
            .await
        }
        Step::ReloadCorosync => {
            run.change("reload corosync", |world, side| {
                let members = |content: Option<&Vec<u8>>| {
                    content.map(|text| CorosyncConf::parse(&String::from_utf8_lossy(text)))
                };
                let new = members(
                    world.machines[side]
                        .disk
                        .files
                        .get(COROSYNC)
                        .map(|file| &file.content),
                );
                // corosync does not take another id while it runs, and cannot join its peer with it after the
                // next start.
                if members(world.machines[side].memory.corosync.as_ref()) != new {
                    let name = world.names[side].clone();
                    world.broken.push(format!(
                        "{name}: the cluster's name or a node's id is changed while it runs"
                    ));
                }
                world.machines[side].memory.corosync = world.machines[side]
                    .disk
                    .files
                    .get(COROSYNC)
                    .map(|file| file.content.clone());
                world.machines[side]
                    .disk
                    .pending
                    .remove(&FollowUp::ReloadCorosync.mark());
            })
            .await
        }
        Step::MakePartition {
            disk,
            name,
            overwrite,
            ..
        } => make_partition(run, disk, name, overwrite.as_deref()).await,
        Step::CreateMetadata {
            resource,
            device,
            overwrite,
            minor,
            port,
        } => create_metadata(run, resource, device, overwrite.as_deref(), *minor, *port).await,
        Step::RecordMetadata {
            resource,
            uuid,
            minor,
            port,
        } => {
            let record = VolumeRecord {
                device_uuid: Some(uuid.clone()),
                zeroes: false,
                minor: *minor,
                port: *port,
            };
            let name = resource.clone();
            run.change("record the metadata", |world, side| {
                drop(world.machines[side].disk.volume_records.insert(name, record))
            })
            .await
        }
        Step::BringUp { resource } => bring_up(run, resource).await,
        Step::CreateFirstGeneration { resource, .. } => create_first_generation(run, resource).await,
        Step::MakeFilesystem { resource, .. } => make_filesystem(run, resource).await,
        Step::SeedCib { cib } => seed_cib(run, cib).await,
        Step::PushCib { cib, planned_on } => push_cib(run, cib, planned_on).await,
        Step::CleanUp { resource } => {
            let resource = resource.clone();
            run.change("clean up", |world, side| {
                world.failures.retain(|failure| failure.resource != resource);
                let pending = &mut world.machines[side].disk.pending;
                pending.remove(&FollowUp::Adjust(resource.trim_start_matches("volume-").to_owned()).mark());
                pending.remove(&FollowUp::CleanUp(resource).mark());
            })
            .await
        }
        Step::SetAdminPassword { digest, .. } => {
            let digest = digest.expose().to_vec();
            run.change("start pcsd", |world, side| {
                world.machines[side].disk.enabled.insert("pcsd".into());
                world.machines[side].start_unit("pcsd");
            })
            .await?;
            run.change("record the password", |world, side| {
                world.machines[side].disk.admin_password = Some(digest)
            })
            .await
        }
        Step::AuthenticatePcs { nodes, .. } => {
            let nodes: Vec<_> = nodes.iter().map(|(name, _)| name.clone()).collect();
            run.change("log pcs in", |world, _| {
                for side in Side::BOTH {
                    world.machines[side].disk.pcs_hosts.extend(nodes.clone());
                }
            })
            .await
        }
        Step::TakeDown { resource } => take_down(run, resource).await,
        Step::LeaveCluster => leave_cluster(run).await,
        Step::Forget { files } => forget(run, files).await,
    }
}

/// The firewall reads our rules for it again.
fn read_rules(disk: &mut Disk) {
    if let Some(filter) = &mut disk.firewall {
        let file = disk.files.get(filter.path());
        filter.rules = file.map(|file| file.content.clone()).unwrap_or_default();
    }
    disk.pending.remove(&FollowUp::OpenFirewall.mark());
}

const COROSYNC: &str = "/etc/corosync/corosync.conf";

async fn install(run: &mut Run<'_>, packages: &[String], mask: &[String]) -> Result<(), Stop> {
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

async fn write_file(run: &mut Run<'_>, file: &File) -> Result<(), Stop> {
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
    let path = file.path.clone();
    run.change(format!("write {path}"), |world, side| {
        world.machines[side].disk.files.insert(path, stored)
    })
    .await
    .map(drop)
}

async fn enable(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
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

async fn disable(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
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

async fn restart(run: &mut Run<'_>, units: &[String]) -> Result<(), Stop> {
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

/// What the script `signatures` prints of a device.
fn signatures(device: &BlockDevice) -> String {
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

async fn make_partition(
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

async fn create_metadata(
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

async fn bring_up(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    let name = resource.to_owned();
    run.change(format!("bring {resource} up"), |world, side| {
        drbd::up(&mut world.machines[side], &name)
    })
    .await?
    .map_err(Stop::Failed)?;
    let mark = FollowUp::Adjust(resource.to_owned()).mark();
    if run.look(|world, side| world.machines[side].disk.pending.contains(&mark)) {
        run.change(format!("unmark {mark}"), |world, side| {
            world.machines[side].disk.pending.remove(&mark)
        })
        .await?;
    }
    Ok(())
}

async fn create_first_generation(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
    let connection = |world: &World, side: Side| {
        world.machines[side]
            .memory
            .legs
            .get(resource)
            .map(|leg| leg.connection)
    };
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

async fn make_filesystem(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
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

async fn seed_cib(run: &mut Run<'_>, cib: &str) -> Result<(), Stop> {
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

async fn push_cib(run: &mut Run<'_>, cib: &str, planned_on: &str) -> Result<(), Stop> {
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

async fn take_down(run: &mut Run<'_>, resource: &str) -> Result<(), Stop> {
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

async fn leave_cluster(run: &mut Run<'_>) -> Result<(), Stop> {
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

async fn forget(run: &mut Run<'_>, files: &[String]) -> Result<(), Stop> {
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
