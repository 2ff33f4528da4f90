//! What each step does on a machine: the scripts of operator/hosts/scripts, change by change, each safe to
//! repeat as they are.

mod cluster;
mod disks;
mod system;

use cluster::{forget, give_back, leave_cluster, push_cib, seed_cib};
use disks::{
    bring_up, create_first_generation, create_metadata, detach, make_filesystem, make_partition, take_down,
};
use hapair_model::{
    Side,
    host::Authority,
    observed::{CorosyncConf, Failure, Record, VolumeRecord},
    plan::{FollowUp, Step},
};
use system::{disable, enable, install, read_rules, restart, write_file};

use crate::{
    drbd,
    hosts::{Run, Stop},
    machine::Filter,
};

/// The record of who manages the machine, before anything else.
pub async fn take_ownership(run: &mut Run<'_>, authority: &Authority) -> Result<(), Stop> {
    let record = Record {
        owner: authority.owner.to_string(),
        epoch: authority.epoch,
        name: Some(authority.owner.name.clone()),
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
        Step::ForgetFailure { resource, node, .. } => {
            let (resource, node) = (resource.clone(), node.clone());
            run.change("forget a failure", move |world, _| {
                let is_it = |failure: &Failure| failure.resource == resource && failure.node == node;
                world
                    .failures
                    .retain(|failure| !(is_it(failure) && failure.passed.is_some()));
            })
            .await
        }
        Step::Unfence { resource, .. } => {
            let resource = resource.clone();
            run.change("take the constraint away", move |world, _| {
                if drbd::is_equal(world, &resource) {
                    world.allow_promotion(&resource);
                }
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
        Step::Detach { resource, disk } => detach(run, resource, disk.is_some()).await,
        Step::TakeDown { resource } => take_down(run, resource).await,
        Step::LeaveCluster => leave_cluster(run).await,
        Step::GiveBack { paths } => give_back(run, paths).await,
        Step::Forget { files } => forget(run, files).await,
    }
}

const COROSYNC: &str = "/etc/corosync/corosync.conf";
