//! A volume's leg on one host: its partition, its metadata, its connection.

use hapair_model::{
    Side,
    desired::{Partition, Volume},
    observed::{ConnectionState, Host, Resource, SignatureKind},
    plan::{FollowUp, Step},
};

use super::{devices, replacement};
use crate::{
    due::Due,
    facts::{Facts, OneHost},
    names,
};

/// A leg's metadata and connection, until the cluster has the volume: from then on the resource agent brings
/// it up and down.
pub fn steps(volume: &Volume, facts: &Facts<'_>, side: Side, due: &Due) -> Vec<Step> {
    if !facts.tells_what_runs() {
        return Vec::new();
    }
    // Its file names the disk that it has.
    if replacement::replaced(volume, &facts.host(side)).is_some() {
        return Vec::new();
    }
    let (host, resource) = (facts.hosts[side], volume.name.clone());
    let in_cluster = facts.is_in_cluster(volume);
    let up = host.resources.get(&volume.name);
    let mut steps = Vec::new();
    if let Some(uuid) = recovered(volume, &facts.host(side)) {
        steps.push(Step::RecordMetadata {
            resource: resource.clone(),
            uuid,
            minor: volume.minor(),
            port: volume.port(),
        });
    } else if !has_own_metadata(volume, host) {
        let disk = &volume.disks[side];
        let (device, overwrite) = (disk.device.clone(), disk.overwrite.clone());
        let is_made = host.devices.get(&volume.name).is_some_and(|device| device.exists);
        if let Some(Partition { disk, name, size_mib }) = disk.partition.clone().filter(|_| !is_made) {
            steps.push(Step::MakePartition {
                disk,
                name,
                size_mib,
                overwrite: overwrite.clone(),
            });
        }
        // A partition of ours holds what was on the disk before; that it may go was said then.
        let left = host
            .devices
            .get(&volume.name)
            .is_some_and(devices::holds_mere_data);
        let overwrite = if is_made && disk.partition.is_some() && left {
            Some(SignatureKind::Data.to_string())
        } else {
            overwrite
        };
        steps.push(Step::CreateMetadata {
            resource: resource.clone(),
            device,
            overwrite,
            minor: volume.minor(),
            port: volume.port(),
        });
    }
    steps.extend(up.and_then(|leg| record(volume, host, leg)));
    let connecting = up.is_some_and(|leg| leg.connection == ConnectionState::StandAlone && leg.is_blank());
    // To adjust a leg that has lost its disk would attach the disk again.
    let has_disk = up.is_some_and(|leg| !leg.disk.is_without_disk());
    let is_adjusted =
        due.has(&FollowUp::Adjust(resource.clone())) || due.has(&FollowUp::Attach(resource.clone()));
    let is_attached =
        up.is_some() && replacement::is_under_way(&resource, host) && has_own_metadata(volume, host);
    if up.is_none() && !in_cluster || has_disk && is_adjusted || is_attached || connecting {
        steps.push(Step::BringUp { resource });
    } else if up.is_none() && replacement::is_under_way(&resource, host) && has_failed(volume, facts, side) {
        // The disk without which the cluster could not start it has its successor now.
        let resource = names::volume(&volume.name);
        steps.push(Step::CleanUp { resource });
    }
    steps
}

/// Whether the cluster remembers that it could not start the leg on this host.
fn has_failed(volume: &Volume, facts: &Facts<'_>, side: Side) -> bool {
    let (id, node) = (names::volume(&volume.name), &facts.desired.nodes[side].name);
    let failures = facts.cluster().map(|cluster| cluster.failures.iter());
    failures
        .into_iter()
        .flatten()
        .any(|failure| failure.resource == id && failure.node == *node)
}

/// The record of a leg's metadata is made anew when the leg holds the volume's data on other metadata: DRBD
/// knows the peer by its data, not by that.
fn record(volume: &Volume, host: &Host, leg: &Resource) -> Option<Step> {
    let uuid = host.metadata.get(&volume.name)?;
    let known = host
        .volume_records
        .get(&volume.name)
        .is_some_and(|record| record.device_uuid.as_ref() == Some(uuid));
    let (resource, minor, port) = (volume.name.clone(), volume.minor(), volume.port());
    (!known && leg.is_connected() && leg.is_up_to_date()).then(|| Step::RecordMetadata {
        resource,
        uuid: uuid.clone(),
        minor,
        port,
    })
}

/// Whether the device carries the metadata that was made for this volume.
fn has_own_metadata(volume: &Volume, host: &Host) -> bool {
    let leg = host.resources.get(&volume.name);
    let gets_another = replacement::is_under_way(&volume.name, host);
    if leg.is_some_and(|leg| !leg.disk.is_without_disk() || !gets_another) {
        return true;
    }
    let Some(record) = host.volume_records.get(&volume.name) else {
        return false;
    };
    let signatures = host
        .devices
        .get(&volume.name)
        .map(|device| device.signatures.as_slice())
        .unwrap_or_default();
    signatures.iter().any(|signature| {
        signature.kind == SignatureKind::Drbd && Some(&signature.uuid) == record.device_uuid.as_ref()
    })
}

/// The metadata on this host's device when it is the volume's, although the host has no record of it: its
/// peer remembers it, or it was kept when the pair left this host.
fn recovered(volume: &Volume, one: &OneHost<'_>) -> Option<String> {
    let host = one.host;
    let signatures = host
        .devices
        .get(&volume.name)
        .map(|device| device.signatures.as_slice())
        .unwrap_or_default();
    let is_there = |uuid: &&str| {
        signatures
            .iter()
            .any(|signature| signature.kind == SignatureKind::Drbd && signature.uuid == **uuid)
    };
    one.remembered_leg(&volume.name)
        .or_else(|| kept(&volume.name, host))
        .filter(is_there)
        .map(str::to_owned)
}

/// The metadata that this host's leg of a volume had when an earlier pair left the host.
pub fn kept<'a>(volume: &str, host: &'a Host) -> Option<&'a str> {
    let kept = host
        .kept_records
        .get(volume)
        .filter(|_| !host.volume_records.contains_key(volume))?;
    kept.device_uuid.as_deref()
}
