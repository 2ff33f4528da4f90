//! The rules a plan must never break, whoever made it. What is refused here is a defect of the planner; nothing is run.

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::Host,
    plan::{Finding, Next, Step, Subject},
};

use crate::{
    devices::{all_signatures, has_a_partition_of_ours, has_only_our_partitions},
    stages,
};

/// The plan, or why it is not run.
pub fn checked(desired: &Desired, hosts: &Both<&Host>, next: Next) -> Result<Next, Finding> {
    if let Next::Run(stage) = &next {
        for (side, steps) in stage.steps.iter() {
            for step in steps {
                broken_rule(desired, hosts, side, step).map_or(Ok(()), |rule| {
                    let message = format!("{}: the step {step:?} would break a safety rule: {rule}", desired.nodes[side].name);
                    Err(Finding { about: Subject::Pair, reason: Reason::PlanRefused, message })
                })?;
            }
        }
        let minting = |steps: &Vec<Step>| steps.iter().any(|step| matches!(step, Step::Mint { .. }));
        let minted: Vec<_> = stage.steps.iter().flat_map(|(_, steps)| steps).filter_map(minted_resource).collect();
        if minted.iter().enumerate().any(|(at, name)| minted[..at].contains(name)) && stage.steps.all(minting) {
            let message = "a first generation would be minted on both nodes".to_owned();
            return Err(Finding { about: Subject::Pair, reason: Reason::PlanRefused, message });
        }
    }
    Ok(next)
}

fn minted_resource(step: &Step) -> Option<&str> {
    match step {
        Step::Mint { resource, .. } => Some(resource),
        _ => None,
    }
}

fn broken_rule(desired: &Desired, hosts: &Both<&Host>, side: Side, step: &Step) -> Option<&'static str> {
    let host = hosts[side];
    match step {
        Step::CreateMetadata { resource, overwrite, .. } => {
            let device = host.devices.get(resource)?;
            let pending = host.volume_records.get(resource).is_some_and(|record| record.device_uuid == "pending");
            let consented = pending || device.signatures.is_empty() || overwrite.as_deref() == Some(all_signatures(device).as_str());
            (!consented || host.resources.contains_key(resource))
                .then_some("nothing that holds data is overwritten without consent that names it")
        }
        Step::MakePartition { disk, overwrite, .. } => {
            let volume = desired.volumes.iter().find(|each| each.disks[side].partition.as_ref().is_some_and(|part| part.disk == *disk))?;
            let device = host.disks.get(&volume.name)?;
            let free = device.signatures.is_empty() || has_only_our_partitions(device);
            let consented = overwrite.as_deref() == Some(all_signatures(device).as_str()) && !has_a_partition_of_ours(device);
            (!free && !consented).then_some("no disk that holds anything is partitioned without consent that names it")
        }
        Step::Mint { resource, .. } => {
            let blank = hosts.all(|host| host.resources.get(resource).is_some_and(hapair_model::observed::Resource::is_blank));
            (!blank).then_some("a first generation is minted only when both legs are blank")
        }
        Step::MakeFilesystem { resource, .. } => {
            let volume = desired.volume(resource)?;
            crate::volumes::is_in_cluster(volume, hosts).then_some("no file system is made on a volume that the cluster runs")
        }
        Step::SetHostname { .. } => {
            let clustered = host.cib_on_disk.is_some() || host.cluster.is_some() || host.corosync_cluster.is_some();
            clustered.then_some("a host that is in a cluster is not renamed")
        }
        Step::SeedCib { .. } => stages::is_formed(hosts).then_some("a cluster that has a configuration is not given another"),
        Step::WriteFile(file) if file.path.ends_with("/authkey") => {
            stages::is_formed(hosts).then_some("the keys of a cluster that was formed are not replaced")
        }
        _ => None,
    }
}
