//! What keeps a disk or a directory from becoming a volume's.

use hapair_model::{
    Both, Reason,
    desired::{Desired, Disk, Partition, Volume},
    observed::{Device, DrbdConfig, Host, Signature, SignatureKind},
    plan::{Finding, Subject},
    reason::with_remedy,
};

use super::{
    by_hand,
    devices::{self, has_only_our_partitions},
    leg, replacement,
    split_brain::split_brain,
    state,
};
use crate::{
    at_boot,
    facts::{Facts, OneHost},
    ids, names, paths,
    platform::{Platform, drbd},
};

/// The smallest device for a volume: room for DRBD's metadata, a journal and some data.
const SMALLEST_DEVICE: u64 = 64 << 20;

/// What is wrong on one host.
pub fn on_one(one: &OneHost<'_>, _: &Platform, findings: &mut Vec<Finding>) {
    module(one, findings);
    for volume in &one.desired.volumes {
        device(volume, one, findings);
        if !one.may_run(volume) {
            hidden_files(volume, one, findings);
            let about = Subject::Volume(volume.name.clone());
            findings.extend(at_boot::finding(one, about, &volume.mount_point));
        }
        mount_point(volume, one, findings);
    }
    shared_devices(one.desired, one.name(), one.host, findings);
}

/// What is wrong between the two.
pub fn on_both(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    for volume in &facts.desired.volumes {
        split(volume, facts, findings);
        owner(volume, facts, findings);
    }
    sources(facts, findings);
}

/// A kernel without the module, or with one that is not understood.
fn module(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let (name, host) = (one.name(), one.host);
    let message = match host.drbd_major {
        _ if one.desired.volumes.is_empty() => return,
        Some(major) if drbd::is_supported(major) => return,
        None => format!("{name}: the running kernel {} has no DRBD module", host.kernel),
        Some(other) => format!(
            "{name}: the running kernel's DRBD module is version {other}, expected {}: others are not \
             understood yet",
            drbd::supported()
        ),
    };
    findings.push(Finding::about_pair(Reason::DrbdModuleMissing, message));
}

fn split(volume: &Volume, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let legs = facts.hosts.as_ref().map(|host| host.resources.get(&volume.name));
    if state::is_split(legs.clone()) == Some(true) {
        findings.push(Finding::new(
            Subject::Volume(volume.name.clone()),
            Reason::SplitBrain,
            split_brain(facts.desired, volume, &legs),
        ));
    }
}

/// Whose files would be somebody else's on the other node. For a volume that was born this is no reason to stop; the
/// pair's redundancy tells of it.
fn owner(volume: &Volume, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let is_born = facts
        .hosts
        .any(|host| host.volume_records.contains_key(&volume.name));
    if let Some(message) = different_ids(facts.desired, volume, &facts.hosts).filter(|_| !is_born) {
        findings.push(Finding::new(
            Subject::Volume(volume.name.clone()),
            Reason::IdsDiffer,
            message,
        ));
    }
}

/// A user or group of a volume that has another number on each host.
pub fn different_ids(desired: &Desired, volume: &Volume, hosts: &Both<&Host>) -> Option<String> {
    let (user, group) = volume.owner.split_once(':')?;
    ids::of_user(desired, hosts, "spec.filesystem.owner", user)
        .or_else(|| ids::of_group(desired, hosts, "spec.filesystem.group", group))
}

fn mount_point(volume: &Volume, one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    if let Some(trouble) = paths::at_mount_point(one.host, &volume.mount_point) {
        findings.push(paths::finding(
            one.name(),
            Subject::Volume(volume.name.clone()),
            &format!("spec.filesystem.mountPoint {}: {trouble}", volume.mount_point),
        ));
    }
}

fn device(volume: &Volume, one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let OneHost { side, host, .. } = *one;
    let (name, node) = (&volume.name, one.name());
    let mut say =
        |reason, message| findings.push(Finding::new(Subject::Volume(name.clone()), reason, message));
    let record = host.volume_records.get(name);
    // A resource of this name that is configured or up, and whose file is not ours, is someone's.
    let foreign = host
        .drbd_config
        .get(name)
        .map_or(host.resources.contains_key(name), |config| !config.ours);
    if foreign && record.is_none() {
        let message = format!(
            "{node}: there is a DRBD resource {name} already, which hapair-operator did not make. Nothing \
             was changed."
        );
        return say(Reason::Conflict, message);
    }
    let (disk, unknown) = (&volume.disks[side], Device::default());
    let device = host.devices.get(name).unwrap_or(&unknown);
    let gets_another = replacement::replaced(volume, one).is_some() || replacement::is_under_way(name, host);
    if host.resources.contains_key(name) && !gets_another {
        return;
    }
    if let Some(other) = resource_with(host, name, &disk.device, &device.path) {
        let message = format!(
            "{node}: {} belongs to the DRBD resource {other}, which is not this volume's. Nothing was \
             changed.",
            disk.device
        );
        return say(Reason::DeviceInUse, message);
    }
    if gets_another {
        if let Some((reason, message)) = replacement::problem(volume, one) {
            say(reason, format!("{node}: {message}"));
        }
        return;
    }
    let is_expected = |uuid: &&str| one.may_run(volume) && !carries_metadata(device, uuid);
    if let Some(uuid) = made(volume, one).filter(is_expected) {
        let message = format!("{node}: {}", missing_leg(&disk.device, device, uuid, host));
        let remedy = by_hand::replace(uuid, is_blank(disk, device, uuid, host, name));
        return say(Reason::LegMissing, with_remedy(&message, &remedy));
    }
    // A blank one is filled from the other node's leg.
    let holds_another = |uuid: &&str| !device.signatures.is_empty() && !carries_metadata(device, uuid);
    if let Some(uuid) = leg::kept(name, host).filter(holds_another) {
        let message = format!("{node}: {}", missing_leg(&disk.device, device, uuid, host));
        return say(
            Reason::LegMissing,
            with_remedy(&message, &by_hand::begin_anew(name, node)),
        );
    }
    if let Some((reason, message)) = of_new_disk(volume, one, 0) {
        say(reason, format!("{node}: {message}"));
    }
}

/// Why a disk cannot become the volume's leg, which needs so many bytes.
pub fn of_new_disk(volume: &Volume, one: &OneHost<'_>, needed: u64) -> Option<(Reason, String)> {
    let OneHost { side, host, .. } = *one;
    let (name, node) = (&volume.name, one.name());
    let (disk, unknown) = (&volume.disks[side], Device::default());
    let device = host.devices.get(name).unwrap_or(&unknown);
    let record = host.volume_records.get(name);
    match &disk.partition {
        Some(partition) if !device.exists => {
            let whole = host.disks.get(name).unwrap_or(&unknown);
            let taken =
                || shared(&partition.disk, whole).or_else(|| carries(&partition.disk, whole, disk, node));
            let size = partition.size_mib.unwrap_or(0) << 20;
            if size > 0 && size < needed {
                let (size, needed) = (size >> 20, (needed >> 20) + 1);
                let message = format!("a partition of {size} MiB is declared, and the leg needs {needed}");
                return Some((Reason::DeviceTooSmall, message));
            }
            let needed = needed.max(size);
            unusable(&partition.disk, whole, needed).or_else(|| {
                if has_only_our_partitions(whole) {
                    too_little_left(partition, whole, one, needed)
                } else {
                    taken()
                }
            })
        }
        _ if devices::has_a_partition_of_ours(device) => {
            let message = format!("{} holds partitions of volumes. Nothing was changed", disk.device);
            Some((Reason::DeviceInUse, message))
        }
        _ => unusable(&disk.device, device, needed).or_else(|| {
            let is_pending = record.is_some_and(|record| record.device_uuid.is_none());
            let is_uuid = |uuid: &str| made(volume, one) == Some(uuid) || leg::kept(name, host) == Some(uuid);
            let is_ours = |each: &Signature| match each.kind {
                SignatureKind::Drbd => is_pending || is_uuid(&each.uuid),
                // A partition that was made for the volume holds what was on the disk before.
                SignatureKind::Data => disk.partition.is_some() || is_pending && disk.overwrite.is_some(),
                _ => false,
            };
            if device.signatures.iter().any(is_ours) {
                None
            } else {
                carries(&disk.device, device, disk, node)
            }
        }),
    }
}

/// Before a volume's first data: files on its mount point that are not carried over. They would vanish from
/// sight without a word.
fn hidden_files(volume: &Volume, one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let OneHost { side, host, .. } = *one;
    let node = one.name();
    let returns = leg::kept(&volume.name, host).is_some();
    let carried = volume.copy_from == Some(side);
    let Some(&number) = host
        .hidden_files
        .get(&volume.name)
        .filter(|number| **number > 0 && !returns && !carried)
    else {
        return;
    };
    if volume.disks[side].hide_files == Some(number) {
        return;
    }
    let files = if number == 1 {
        "a file".to_owned()
    } else {
        format!("{number} files")
    };
    let message = format!(
        "{node}: spec.filesystem.mountPoint {} holds {files} that the volume would hide. Nothing was \
         changed. Move them, name the node in \
         spec.initialData.copyFrom, or set spec.disks[node={node}].hideFiles to {number}.",
        volume.mount_point
    );
    findings.push(Finding::new(
        Subject::Volume(volume.name.clone()),
        Reason::MountPointNotEmpty,
        message,
    ));
}

/// The metadata that this host's leg of a volume was made with.
pub fn made<'a>(volume: &Volume, one: &OneHost<'a>) -> Option<&'a str> {
    let record = one.host.volume_records.get(&volume.name);
    record
        .and_then(|record| record.device_uuid.as_deref())
        .or_else(|| one.remembered_leg(&volume.name))
}

/// Whether the declared device carries this metadata.
pub fn has_metadata(volume: &Volume, host: &Host, uuid: &str) -> bool {
    let device = host.devices.get(&volume.name);
    device.is_some_and(|device| carries_metadata(device, uuid))
}

fn carries_metadata(device: &Device, uuid: &str) -> bool {
    device
        .signatures
        .iter()
        .any(|signature| signature.kind == SignatureKind::Drbd && signature.uuid == uuid)
}

/// Whether a blank disk stands where a leg was, or one that other legs have a place on again, and the leg is nowhere else.
fn is_blank(disk: &Disk, device: &Device, expected: &str, host: &Host, volume: &str) -> bool {
    let place = match &disk.partition {
        Some(_) if !device.exists => host.disks.get(volume),
        _ => Some(device),
    };
    let is_blank = |place: &Device| {
        let is_empty = place.signatures.is_empty() && place.partitions.is_empty();
        place.exists && place.in_use.is_none() && (is_empty || has_only_our_partitions(place))
    };
    place.is_some_and(is_blank) && !host.metadata_elsewhere.contains_key(expected)
}

fn missing_leg(path: &str, device: &Device, expected: &str, host: &Host) -> String {
    let found = match (device.exists, device.signatures.is_empty()) {
        (false, _) => "does not exist".to_owned(),
        (true, true) => "is blank".to_owned(),
        (true, false) => format!("holds {}", devices::all_signatures(device)),
    };
    let elsewhere = match host.metadata_elsewhere.get(expected) {
        Some(other) => format!("It is on {other}: name that by a name that lasts, below /dev/disk/by-id"),
        None => "It is on no device of this host".to_owned(),
    };
    format!(
        "{path} {found}, expected DRBD's metadata {expected} of this volume. {elsewhere}. Nothing was changed"
    )
}

/// The other DRBD resource, whoever made it, that has this device: below it, or as its own.
fn resource_with<'a>(host: &'a Host, volume: &str, declared: &str, path: &str) -> Option<&'a str> {
    let is_it = |device: &str| device == declared || device == path;
    let has = |config: &DrbdConfig| {
        config.disks.iter().any(|disk| is_it(disk))
            || config
                .minors
                .iter()
                .any(|minor| is_it(&format!("/dev/drbd{minor}")))
    };
    let mut others = host.drbd_config.iter().filter(|(name, _)| *name != volume);
    others
        .find(|(_, config)| has(config))
        .map(|(name, _)| name.as_str())
}

/// Why a device cannot be used whatever is on it.
fn unusable(path: &str, device: &Device, needed: u64) -> Option<(Reason, String)> {
    let least = needed.max(SMALLEST_DEVICE);
    if !device.exists {
        return Some((
            Reason::DeviceNotFound,
            format!("{path} does not exist or is no block device"),
        ));
    }
    if let Some(usage) = &device.in_use {
        return Some((
            Reason::DeviceInUse,
            format!("{path} is in use: {usage}. Nothing was changed."),
        ));
    }
    if device.size < least {
        let (has, least) = (device.size >> 20, least >> 20);
        return Some((
            Reason::DeviceTooSmall,
            format!("{path} has {has} MiB, at least {least} MiB are needed"),
        ));
    }
    None
}

/// A disk of the pair's volumes that has no room for another partition, beside those that are made before it.
fn too_little_left(
    partition: &Partition,
    disk: &Device,
    one: &OneHost<'_>,
    needed: u64,
) -> Option<(Reason, String)> {
    let mine = one.desired.volumes.iter().filter_map(|volume| {
        let there = one
            .host
            .devices
            .get(&volume.name)
            .is_some_and(|device| device.exists);
        let other = volume.disks[one.side].partition.as_ref()?;
        (!there && other.disk == partition.disk).then_some(other)
    });
    let before = mine.take_while(|other| other.name != partition.name);
    let taken: u64 = before.map(|other| other.size_mib.unwrap_or(0) << 20).sum();
    let left = disk.free?.saturating_sub(taken);
    let least = needed.max(SMALLEST_DEVICE);
    let message = || {
        let (path, left, least) = (&partition.disk, left >> 20, least >> 20);
        format!("{path} has {left} MiB left beside its partitions, at least {least} MiB are needed")
    };
    (left < least).then(|| (Reason::DeviceTooSmall, message()))
}

/// A disk that volumes share with someone else: no consent covers the volumes.
fn shared(path: &str, disk: &Device) -> Option<(Reason, String)> {
    let message = || {
        format!(
            "{path} holds partitions of volumes beside others. Nothing was changed. Make a partition by hand \
             and name it as device."
        )
    };
    devices::has_a_partition_of_ours(disk).then(|| (Reason::DeviceNotBlank, message()))
}

/// What a device carries, unless nothing, or nothing but what may be overwritten.
fn carries(path: &str, device: &Device, disk: &Disk, node: &str) -> Option<(Reason, String)> {
    let all = devices::all_signatures(device);
    if device.signatures.is_empty() || disk.overwrite.as_ref() == Some(&all) {
        return None;
    }
    let told = |each: &Signature| match (&each.kind, each.uuid.as_str()) {
        (SignatureKind::Data, _) => "data without a signature".to_owned(),
        (kind, "") => kind.to_string(),
        (SignatureKind::Partition, uuid) => format!("a partition (PARTUUID {uuid})"),
        (kind, uuid) => format!("{kind} (UUID {uuid})"),
    };
    let found = device
        .signatures
        .iter()
        .map(told)
        .collect::<Vec<_>>()
        .join(" and ");
    let message = format!(
        "{path} holds {found}, expected a blank device. Nothing was changed. To use it anyway set \
         spec.disks[node={node}].overwrite to \"{all}\"."
    );
    Some((Reason::DeviceNotBlank, message))
}

/// One device under two names is still one device.
fn shared_devices(desired: &Desired, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    for (at, volume) in desired.volumes.iter().enumerate() {
        let path = |volume: &Volume| {
            host.devices
                .get(&volume.name)
                .map(|device| device.path.as_str())
                .filter(|path| !path.is_empty())
        };
        let twin = desired.volumes[..at]
            .iter()
            .find(|other| path(volume).is_some() && path(other) == path(volume));
        if let Some((twin, path)) = twin.zip(path(volume)) {
            let message = format!(
                "{node}: {path} is also the device of volume {:?}. Nothing was changed.",
                twin.name
            );
            findings.push(Finding::new(
                Subject::Volume(volume.name.clone()),
                Reason::Conflict,
                message,
            ));
        }
    }
}

/// What is copied while a service writes to it is not what is there in the end: later writes would be hidden
/// below the volume.
fn sources(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let runs = |id: &String| {
        hosts.any(|host| {
            host.cluster
                .as_ref()
                .is_some_and(|cluster| cluster.node_of(id).is_some())
        })
    };
    for volume in desired
        .volumes
        .iter()
        .filter(|volume| volume.copy_from.is_some() && !facts.is_in_cluster(volume))
    {
        let group = desired
            .groups
            .iter()
            .find(|group| group.volumes.contains(&volume.name));
        if let Some(group) = group.filter(|group| {
            group
                .services
                .iter()
                .map(|service| desired.id(names::service(group, service)))
                .any(|id| runs(&id))
        }) {
            let message = format!(
                "spec.initialData.copyFrom: {} is to be copied while group {} runs, which may write there; \
                 later writes would be hidden. Nothing was changed.",
                volume.mount_point, group.name
            );
            findings.push(Finding::new(
                Subject::Volume(volume.name.clone()),
                Reason::SourceInUse,
                message,
            ));
        }
    }
}
