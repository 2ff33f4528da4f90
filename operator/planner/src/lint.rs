//! The rules a plan must never break, whoever made it. What is refused here is a defect of the planner;
//! nothing is run.

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Fencing, Node},
    observed::{CorosyncConf, Host},
    plan::{Content, File, Finding, Next, Step, Subject},
    xml::Element,
};

use crate::{
    cib,
    devices::{all_signatures, has_a_partition_of_ours, has_only_our_partitions, holds_mere_data},
    keys, names, stages, standby,
};

/// The plan, or why it is not run.
pub fn checked(desired: &Desired, hosts: &Both<&Host>, next: Next) -> Result<Next, Finding> {
    if let Next::Run(stage) = &next {
        for (side, steps) in stage.steps.iter() {
            for step in steps {
                broken_rule(desired, hosts, side, step).map_or(Ok(()), |rule| {
                    let message = format!(
                        "{}: the step {} would break a safety rule: {rule}",
                        desired.nodes[side].name,
                        step.name()
                    );
                    Err(Finding {
                        about: Subject::Pair,
                        reason: Reason::PlanRefused,
                        message,
                    })
                })?;
            }
        }
        let minting = |steps: &Vec<Step>| steps.iter().any(|step| matches!(step, Step::Mint { .. }));
        let minted: Vec<_> = stage
            .steps
            .iter()
            .flat_map(|(_, steps)| steps)
            .filter_map(minted_resource)
            .collect();
        if minted
            .iter()
            .enumerate()
            .any(|(at, name)| minted[..at].contains(name))
            && stage.steps.all(minting)
        {
            let message = "a first generation would be minted on both nodes".to_owned();
            return Err(Finding {
                about: Subject::Pair,
                reason: Reason::PlanRefused,
                message,
            });
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
        Step::CreateMetadata {
            resource, overwrite, ..
        } => {
            let device = host.devices.get(resource)?;
            let pending = host
                .volume_records
                .get(resource)
                .is_some_and(|record| record.device_uuid == "pending");
            let pending = pending && (!holds_mere_data(device) || overwrite.is_some());
            let consented = pending
                || device.signatures.is_empty()
                || overwrite.as_deref() == Some(all_signatures(device).as_str());
            let id = names::volume(resource);
            let in_cib = hosts.any(|host| {
                host.cib
                    .as_ref()
                    .is_some_and(|cib| cib.all().iter().any(|each| each.id() == Some(&id)))
            });
            if in_cib
                && host
                    .volume_records
                    .get(resource)
                    .is_some_and(|record| record.device_uuid != "pending")
            {
                return Some("a leg that was made before is not made again");
            }
            (!consented || host.resources.contains_key(resource))
                .then_some("nothing that holds data is overwritten without consent that names it")
        }
        Step::MakePartition { disk, overwrite, .. } => {
            let volume = desired.volumes.iter().find(|each| {
                each.disks[side]
                    .partition
                    .as_ref()
                    .is_some_and(|part| part.disk == *disk)
            })?;
            let device = host.disks.get(&volume.name)?;
            let free = device.signatures.is_empty() || has_only_our_partitions(device);
            let consented = overwrite.as_deref() == Some(all_signatures(device).as_str())
                && !has_a_partition_of_ours(device);
            (!free && !consented)
                .then_some("no disk that holds anything is partitioned without consent that names it")
        }
        Step::Mint { resource, .. } => {
            let blank = hosts.all(|host| {
                host.resources
                    .get(resource)
                    .is_some_and(hapair_model::observed::Resource::is_blank)
            });
            (!blank).then_some("a first generation is minted only when both legs are blank")
        }
        Step::MakeFilesystem { resource, .. } => {
            let volume = desired.volume(resource)?;
            crate::volumes::is_in_cluster(volume, hosts)
                .then_some("no file system is made on a volume that the cluster runs")
        }
        Step::SetHostname { .. } => {
            let clustered =
                host.cib_on_disk.is_some() || host.cluster.is_some() || host.corosync_cluster.is_some();
            clustered.then_some("a host that is in a cluster is not renamed")
        }
        Step::SeedCib { .. } => {
            stages::is_formed(hosts).then_some("a cluster that has a configuration is not given another")
        }
        Step::WriteFile(file) if keys::is_key(&file.path) && stages::is_formed(hosts) => {
            let is_lost = !host.shared_keys.contains_key(&file.path);
            let is_the_peers = hosts[side.peer()].shared_keys.get(&file.path) == Some(&file.content.digest());
            (!is_lost || !is_the_peers).then_some("the keys of a cluster that was formed are not replaced")
        }
        Step::WriteFile(file) if file.path == names::COROSYNC_CONF && stages::is_formed(hosts) => {
            changes_members(hosts, host, file)
        }
        Step::PushCib { cib, .. } => match Element::parse(cib) {
            Ok(wanted) => changes_nodes(host, &wanted)
                .or_else(|| stops_the_service(desired, hosts, &wanted))
                .or_else(|| broken_rule_of_a_change(desired, host, &wanted)),
            Err(_) => Some("a configuration is well-formed XML"),
        },
        Step::TakeDown { resource } => {
            let id = names::volume(resource);
            let in_cib = hosts.any(|host| {
                host.cib
                    .as_ref()
                    .is_some_and(|cib| cib.all().iter().any(|each| each.id() == Some(&id)))
            });
            let serves = hosts.any(|host| {
                host.resources
                    .get(resource)
                    .is_some_and(|leg| leg.role == "Primary")
            });
            (in_cib || serves)
                .then_some("no resource is taken down that the cluster runs, or that is Primary")
        }
        Step::LeaveCluster | Step::Forget { .. } => {
            Some("nothing is stopped or forgotten unless the pair is being taken off its hosts")
        }
        _ => None,
    }
}

const MEMBERS: &str = "a cluster that was formed keeps its name, its nodes' names and their ids";

/// A corosync.conf that does not fit the cluster which was formed: its live configuration, the daemon that
/// runs, the file that it started with.
fn changes_members(hosts: &Both<&Host>, host: &Host, file: &File) -> Option<&'static str> {
    let (Content::Text(text) | Content::WithDrbdSecret(text)) = &file.content else {
        return Some(MEMBERS);
    };
    let wanted = CorosyncConf::parse(text);
    let live = hosts.iter().find_map(|(_, host)| host.cib.as_ref());
    let nodes: Vec<_> = live
        .and_then(|cib| cib.at(&["configuration", "nodes"]))
        .map(|nodes| nodes.children.iter())
        .into_iter()
        .flatten()
        .collect();
    let other_ids = nodes.iter().any(|node| {
        let id = node
            .get("uname")
            .and_then(|name| wanted.nodes.get(name))
            .map(ToString::to_string);
        id.as_deref() != node.id()
    });
    let other_name = host
        .corosync_cluster
        .as_ref()
        .is_some_and(|name| *name != wanted.cluster_name);
    // Debian's own file names a single node.
    let other_file = host
        .corosync_conf
        .as_ref()
        .filter(|present| present.nodes.len() > 1)
        .is_some_and(|present| {
            present.cluster_name != wanted.cluster_name
                || live.is_none() && present.nodes != wanted.nodes
                || present.nodes.keys().ne(wanted.nodes.keys())
        });
    (other_ids || other_name || other_file).then_some(MEMBERS)
}

/// A configuration in which a node that the cluster has is gone, or has another id.
fn changes_nodes(host: &Host, wanted: &Element) -> Option<&'static str> {
    let nodes = |cib: &Element| -> Vec<(Option<String>, Option<String>)> {
        let section = cib
            .at(&["configuration", "nodes"])
            .map(|nodes| nodes.children.iter())
            .into_iter()
            .flatten();
        section
            .map(|node| (node.id().map(str::to_owned), node.get("uname").map(str::to_owned)))
            .collect()
    };
    let wanted = nodes(wanted);
    nodes(host.cib.as_ref()?)
        .iter()
        .any(|node| !wanted.contains(node))
        .then_some(MEMBERS)
}

/// Whether a value of the configuration is one of the declared secrets. A device's user may have the same
/// name as its password.
fn holds_a_secret(desired: &Desired, cib: &Element) -> bool {
    let devices = || desired.nodes.iter().flat_map(|(_, node)| &node.devices);
    let secrets = desired
        .admin_password
        .iter()
        .chain(devices().filter_map(|device| device.password.as_ref()));
    let secrets: Vec<_> = secrets
        .map(|secret| String::from_utf8_lossy(secret.expose()).trim().to_owned())
        .collect();
    let declared = |value: &str| {
        devices()
            .flat_map(|device| &device.parameters)
            .any(|(_, each)| each == value)
    };
    let values = cib
        .all()
        .into_iter()
        .filter(|each| each.name == "nvpair")
        .filter_map(|each| each.get("value"));
    values
        .into_iter()
        .any(|value| secrets.iter().any(|secret| secret == value) && !declared(value))
}

/// Whether fencing is on in the operator's own set of options.
fn fences(cib: &Element) -> bool {
    let options = cib
        .at(&["configuration", "crm_config"])
        .map(Element::all)
        .unwrap_or_default();
    let mut values = options
        .into_iter()
        .filter(|each| each.get("name") == Some("stonith-enabled"))
        .filter_map(|each| each.get("value"));
    values.next().is_some_and(|value| value == "true") && values.all(|value| value == "true")
}

fn stops_the_service(desired: &Desired, hosts: &Both<&Host>, wanted: &Element) -> Option<&'static str> {
    let too_early = |(side, node): (Side, &Node)| {
        cib::is_standby(wanted, &node.name) && standby::waits(desired, hosts, side).is_some()
    };
    desired
        .nodes
        .iter()
        .any(too_early)
        .then_some("a node that serves goes into standby only when its peer can take over")
}

/// What a change of the running cluster's configuration must not do.
fn broken_rule_of_a_change(desired: &Desired, host: &Host, wanted: &Element) -> Option<&'static str> {
    if holds_a_secret(desired, wanted) {
        return Some("no secret enters the configuration");
    }
    if desired.fencing == Fencing::Required && !fences(wanted) {
        return Some("fencing is not switched off while it is required");
    }
    let live = host.cib.as_ref()?;
    let active = |id: &str| {
        host.cluster.as_ref().is_some_and(|cluster| {
            cluster
                .resources
                .iter()
                .any(|r| r.id == id && !r.nodes.is_empty())
        })
    };
    let ours = cib::owned(live);
    let present = wanted.all();
    for section in ["resources", "constraints"] {
        let elements = live
            .at(&["configuration", section])
            .map(|section| section.children.iter())
            .into_iter()
            .flatten();
        for element in elements {
            let id = element.id().unwrap_or_default();
            let kept = present
                .iter()
                .find(|each| each.id() == element.id() && each.name == element.name);
            // A constraint cannot outlive what it names.
            let dangles = cib::references(element).any(|named| {
                !present
                    .iter()
                    .any(|each| each.name != "obj_ref" && each.id() == Some(named))
            });
            if !ours.iter().any(|each| each == id) && !dangles && kept.is_none_or(|kept| *kept != element) {
                return Some("what is not the operator's stays as it is in the configuration");
            }
            // A fencing device may simply go: stopping it stops nothing.
            let services = element
                .all()
                .into_iter()
                .filter(|each| each.name == "primitive" && each.get("class") != Some("stonith"));
            let mut running = services.filter_map(Element::id).filter(|id| active(id));
            let stays = |id: &str| {
                present
                    .iter()
                    .any(|each| each.name == "primitive" && each.id() == Some(id))
            };
            // A member may leave a group that stays: the cluster stops it by itself.
            if section == "resources" && kept.is_none() && running.any(|id| !stays(id)) {
                return Some("nothing that runs is taken out of the configuration before it was stopped");
            }
        }
    }
    None
}
