//! What a host looks like once a step is done. operator/hosts/tests/meaning.rs holds it against what the scripts do and
//! what the simulator does.

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    digest,
    observed::{
        Attached, CorosyncConf, Device, DiskState, DrbdConfig, Failure, FileFacts, Host, JUST_CREATED,
        KnownPeer, Resource, Role, Signature, SignatureKind, Unit, VolumeRecord,
    },
    plan::{Content, File, FollowUp, Keep, Step},
    xml::Element,
};

use crate::{
    names,
    parts::{keys, volume},
    platform::Platform,
    whole,
};

/// A generation that is not the first.
const SOME_GENERATION: u64 = 0x31FB_4757_5D89_66C6;
/// The device UUID that metadata is taken to get.
const SOME_UUID: &str = "f44642132f79ec16";

/// Whether a step takes the host's record of who manages it away.
pub fn forgets(step: &Step) -> bool {
    matches!(step, Step::Forget { .. })
}

/// Later than everything that the hosts have recorded.
const NOW: i64 = i64::MAX;

/// What the hosts look like once a step has been done on one of them. What the cluster makes of it is not in it.
pub fn carry_out(step: &Step, desired: &Desired, side: Side, hosts: &mut Both<Host>) {
    follow(step, &mut hosts[side]);
    match step {
        Step::CreateFirstGeneration { resource, .. } => first_generation(resource, hosts),
        Step::ForgetFailure { resource, node, .. } => {
            for side in Side::BOTH {
                let is_it = |failure: &Failure| failure.resource == *resource && failure.node == *node;
                if let Some(cluster) = &mut hosts[side].cluster {
                    cluster
                        .failures
                        .retain(|failure| !(is_it(failure) && failure.passed.is_some()));
                }
            }
        }
        Step::CleanUp { resource } => {
            for side in Side::BOTH {
                if let Some(cluster) = &mut hosts[side].cluster {
                    cluster.failures.retain(|failure| failure.resource != *resource);
                }
            }
        }
        Step::PushCib { cib, .. } => {
            // The live configuration is one, whichever node changes it.
            for side in Side::BOTH {
                if hosts[side].cib.is_some() {
                    configure(cib, &mut hosts[side]);
                }
            }
        }
        // It is the nodes' own business which of them was asked.
        Step::AuthenticatePcs { nodes, .. } => {
            for side in Side::BOTH {
                hosts[side].pcs_hosts = nodes.iter().map(|(name, _)| name.clone()).collect();
            }
        }
        _ => one(step, desired, side, &mut hosts[side]),
    }
}

fn one(step: &Step, desired: &Desired, side: Side, host: &mut Host) {
    match step {
        Step::InstallPackages { packages, .. } => install(packages, host),
        Step::HoldPackages { packages } => host.held.extend(packages.iter().cloned()),
        Step::WriteFile(file) => write(file, desired, side, host),
        Step::SetHostname { name } => host.name.clone_from(name),
        Step::WriteHostsBlock { lines } => host.hosts_block.clone_from(lines),
        Step::EnableUnits { units } => enable(units, desired, host),
        Step::DisableUnits { units } => {
            let is_clustered = host.units.get("pacemaker").is_some_and(Unit::is_active);
            let disabled = host.units.iter_mut().filter(|(name, _)| units.contains(name));
            // What the cluster runs goes on (the script disable-units), and so does what DRBD has up.
            for (name, unit) in disabled {
                unit.enabled = false;
                if !is_clustered && name != "drbd" {
                    unit.active = "inactive".into();
                }
            }
        }
        Step::ReloadUnits => {
            for unit in host.units.values_mut() {
                unit.outdated = false;
            }
        }
        Step::MakePartition { name, .. } => partition(name, desired, side, host),
        Step::CreateMetadata {
            resource,
            minor,
            port,
            ..
        } => {
            let device = host.devices.entry(resource.clone()).or_default();
            device.signatures = vec![Signature {
                kind: SignatureKind::Drbd,
                uuid: SOME_UUID.into(),
            }];
            record(host, resource, SOME_UUID, (*minor, *port), true);
        }
        Step::RecordMetadata {
            resource,
            uuid,
            minor,
            port,
        } => record(host, resource, uuid, (*minor, *port), false),
        Step::BringUp { resource } => {
            let minor = host.volume_records.get(resource).map_or(0, |record| record.minor);
            let blank = || blank(minor);
            let leg = host.resources.entry(resource.clone()).or_insert_with(blank);
            if leg.disk.is_without_disk() {
                leg.disk = DiskState::Inconsistent;
                leg.generation = JUST_CREATED;
                leg.attached = attached(resource, desired, side);
            }
        }
        Step::Detach { resource, .. } => {
            host.pending.push(FollowUp::Attach(resource.clone()).mark());
            if let Some(leg) = host.resources.get_mut(resource) {
                (leg.disk, leg.attached) = (DiskState::Diskless, None);
            }
        }
        Step::MakeFilesystem { resource, .. } => {
            host.devices.entry(resource.clone()).or_default().label = Some(volume::COMPLETE.into());
        }
        Step::SeedCib { cib } => configure(cib, host),
        Step::SetAdminPassword { digest, .. } => {
            host.admin_password = Some(digest.clone());
            enable(&["pcsd".to_owned()], desired, host);
        }
        Step::TakeDown { resource } => {
            host.resources.remove(resource);
            host.drbd_config.remove(resource);
            host.files.remove(&names::resource_file(resource));
        }
        Step::Unfence { resource, .. } => {
            let id = names::fence_constraint(resource);
            if let Some(cib) = &mut host.cib {
                let constraints = cib.first_mut("configuration").first_mut("constraints");
                constraints.children.retain(|each| each.id() != Some(&id));
            }
        }
        Step::GiveBack { paths } => {
            host.service_files.retain(|path| !paths.contains(path));
            host.files.retain(|path, _| !paths.contains(path));
        }
        Step::LeaveCluster => leave(host),
        Step::Forget { files } => forget(files, desired, host),
        // What follows them is not seen, or is a mark that has gone.
        Step::ReloadCorosync
        | Step::RestartUnits { .. }
        | Step::OpenFirewall { .. }
        | Step::CloseFirewall { .. } => {}
        Step::CreateFirstGeneration { .. }
        | Step::PushCib { .. }
        | Step::CleanUp { .. }
        | Step::ForgetFailure { .. }
        | Step::AuthenticatePcs { .. } => {
            unreachable!("what a step makes of both hosts is not looked for here")
        }
    }
}

/// The marks that a step takes away, as its script does.
fn follow(step: &Step, host: &mut Host) {
    let is_idle = |unit: &String| !host.units.get(unit).is_some_and(Unit::is_active);
    let done: Vec<FollowUp> = match step {
        Step::ReloadCorosync => vec![FollowUp::ReloadCorosync],
        Step::RestartUnits { .. } => vec![FollowUp::ReloadCorosync, FollowUp::RestartCorosync],
        Step::EnableUnits { units } if units.iter().any(is_idle) => {
            vec![FollowUp::ReloadCorosync, FollowUp::RestartCorosync]
        }
        Step::BringUp { resource } => {
            vec![
                FollowUp::Adjust(resource.clone()),
                FollowUp::Attach(resource.clone()),
            ]
        }
        Step::OpenFirewall { .. } => vec![FollowUp::OpenFirewall],
        Step::CleanUp { resource } => {
            let volume = names::volume_of(resource).map(FollowUp::Adjust);
            volume
                .into_iter()
                .chain([FollowUp::CleanUp(resource.clone())])
                .collect()
        }
        _ => Vec::new(),
    };
    host.pending
        .retain(|mark| !done.iter().any(|each| each.mark() == *mark));
    if matches!(step, Step::EnableUnits { units } if units.iter().any(|unit| unit == "pacemaker")) {
        let prefix = FollowUp::CleanUp(String::new()).mark();
        host.pending.retain(|mark| !mark.starts_with(&prefix));
    }
}

/// Packages, and the units that are known to come with them.
fn install(packages: &[String], host: &mut Host) {
    let known = Platform::of(&host.distribution)
        .map(|platform| whole::units(&platform))
        .unwrap_or_default();
    for (unit, package) in known {
        if packages.iter().any(|each| each == package) {
            let unit = host.units.entry(unit.to_owned()).or_default();
            unit.load = "loaded".into();
        }
    }
    host.packages
        .extend(packages.iter().map(|package| (package.clone(), String::new())));
    host.pending.retain(|mark| !mark.starts_with("unmask-"));
    host.mended_at = Some(NOW);
}

fn write(file: &File, desired: &Desired, side: Side, host: &mut Host) {
    let mark = file.follow_up.as_ref().map(FollowUp::mark);
    host.pending
        .extend(mark.filter(|mark| !host.pending.contains(mark)));
    host.mended_at = Some(NOW);
    let digest = file.content.digest();
    if keys::is_key(&file.path) {
        host.shared_keys.insert(file.path.clone(), digest);
        return;
    }
    let facts = FileFacts {
        digest,
        mode: file.mode.trim_start_matches('0').into(),
        owner: file.owner.clone(),
    };
    host.files.insert(file.path.clone(), facts);
    if file.keep == Keep::Original {
        host.service_files.insert(file.path.clone());
    }
    if let Content::Text(text) = &file.content {
        match file.path.as_str() {
            names::COROSYNC_CONF => host.corosync_conf = Some(CorosyncConf::parse(text)),
            names::PEER => host.known_peer = KnownPeer::parse(text),
            _ => {}
        }
    }
    let mut volumes = desired.volumes.iter();
    if let Some(volume) = volumes.find(|volume| names::resource_file(&volume.name) == file.path) {
        host.drbd_config.insert(volume.name.clone(), config(volume, side));
    }
}

fn config(volume: &Volume, side: Side) -> DrbdConfig {
    DrbdConfig {
        minors: vec![volume.minor()],
        ports: vec![volume.port()],
        disks: vec![volume.disks[side].device.clone()],
        ours: true,
    }
}

fn enable(units: &[String], desired: &Desired, host: &mut Host) {
    for name in units {
        let unit = host.units.entry(name.clone()).or_default();
        unit.load = "loaded".into();
        unit.active = "active".into();
        unit.enabled = true;
        if name == "corosync" {
            host.corosync_cluster = Some(desired.name.clone());
        }
    }
}

fn partition(name: &str, desired: &Desired, side: Side, host: &mut Host) {
    for volume in &desired.volumes {
        let made = volume.disks[side]
            .partition
            .as_ref()
            .filter(|partition| partition.name == name);
        if made.is_some() {
            let size = host.disks.get(&volume.name).map_or(0, |disk| disk.size);
            let device = Device {
                exists: true,
                size,
                ..Device::default()
            };
            host.devices.insert(volume.name.clone(), device);
            host.disks
                .entry(volume.name.clone())
                .or_default()
                .partitions
                .push(name.to_owned());
        }
    }
}

fn record(host: &mut Host, volume: &str, uuid: &str, (minor, port): (u32, u16), zeroes: bool) {
    let record = VolumeRecord {
        device_uuid: Some(uuid.to_owned()),
        zeroes,
        minor,
        port,
    };
    host.volume_records.insert(volume.to_owned(), record);
}

/// A leg that has just come up, and never held data. Its peer's is on its way, too.
fn blank(minor: u32) -> Resource {
    Resource {
        minor,
        role: Role::Secondary,
        peer_role: Role::Secondary,
        connection: "Connected".into(),
        disk: DiskState::Inconsistent,
        peer_disk: DiskState::Inconsistent,
        replication: "Established".into(),
        attached: None,
        suspended: None,
        size: 0,
        out_of_sync: 0,
        generation: JUST_CREATED,
        ancestors: Vec::new(),
    }
}

/// The declared disk, by its declared name.
fn attached(resource: &str, desired: &Desired, side: Side) -> Option<Attached> {
    let mut volumes = desired.volumes.iter();
    let name = &volumes.find(|volume| volume.name == resource)?.disks[side].device;
    Some(Attached {
        name: name.clone(),
        path: name.clone(),
    })
}

fn first_generation(resource: &str, hosts: &mut Both<Host>) {
    for side in Side::BOTH {
        if let Some(leg) = hosts[side].resources.get_mut(resource) {
            (leg.disk, leg.peer_disk) = (DiskState::UpToDate, DiskState::UpToDate);
            leg.generation = SOME_GENERATION;
        }
    }
}

fn configure(cib: &str, host: &mut Host) {
    let Ok(parsed) = Element::parse(cib) else { return };
    host.cib_on_disk = Some(digest(cib.as_bytes()));
    host.cib = Some(parsed);
}

fn leave(host: &mut Host) {
    for name in ["pacemaker", "corosync"] {
        if let Some(unit) = host.units.get_mut(name) {
            (unit.active, unit.enabled) = ("inactive".into(), false);
        }
    }
    (host.cluster, host.cib, host.cib_on_disk, host.corosync_cluster) = (None, None, None, None);
    host.files.remove(names::COROSYNC_CONF);
    host.corosync_conf = None;
    host.resources.clear();
}

/// What stood at the place of a service's file before is given back; that the pair wrote it is over.
fn forget(files: &[String], desired: &Desired, host: &mut Host) {
    let of_services: Vec<_> = desired
        .groups
        .iter()
        .flat_map(|group| &group.files)
        .map(|file| &file.path)
        .collect();
    host.files
        .retain(|path, _| !files.contains(path) && !of_services.contains(&path));
    host.service_files.clear();
    host.hosts_block.clear();
    host.kept_records.append(&mut host.volume_records);
    host.pending.clear();
    host.shared_keys.clear();
    (host.known_peer, host.admin_password, host.owner) = (None, None, None);
}
