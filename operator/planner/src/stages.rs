//! The stages of bringing a pair to what is declared, each `None` when it has nothing (left) to do.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Secret, Side,
    desired::{Desired, Group, Partition, Volume},
    digest,
    observed::{ConnectionState, Firewall, Host, Job, Resource, Signature},
    plan::{File, FollowUp, Next, PackageManager, Stage, Step},
    xml::Element,
};

use crate::{
    FreshKeys, cib, desired_cib, devices,
    facts::{Facts, Member},
    fencing, files, firewall, groups, keys, names,
    platform::{Platform, services},
    standby,
    volumes::{self, FirstData},
};

/// How long a failed installation is left alone before it is tried again, in seconds.
const INSTALL_PAUSE: u64 = 60;

/// Makes a stage of both hosts' steps; none when there are no steps.
pub fn stage(name: &'static str, steps: Both<Vec<Step>>) -> Option<Next> {
    steps
        .any(|steps| !steps.is_empty())
        .then_some(Next::Run(Stage { name, steps }))
}

/// A stage with steps on one host only.
pub fn stage_on(name: &'static str, side: Side, steps: Vec<Step>) -> Option<Next> {
    let mut both = Both::from_fn(|_| Vec::new());
    both[side] = steps;
    stage(name, both)
}

fn platform(host: &Host) -> Platform {
    Platform::of(&host.distribution)
        .expect("an unsupported distribution is refused before anything is planned")
}

/// Packages first: whatever else a host needs comes with them. Everything they would start is kept from
/// starting.
pub fn packages(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    if hosts.all(|host| is_installed(desired, host)) {
        return None;
    }
    let steps = Both::from_fn(|side| match &hosts[side].install {
        _ if is_installed(desired, hosts[side]) => Vec::new(),
        Some(Job::Running) => Vec::new(),
        Some(Job::Failed { age, .. }) if *age < INSTALL_PAUSE => Vec::new(),
        Some(Job::Failed { .. }) | None => vec![install(desired, hosts[side])],
    });
    stage("install packages", steps).or_else(|| Some(Next::Wait("packages are being installed".into())))
}

/// Whether all packages are there, and nothing is kept from starting any more on their account.
pub fn is_installed(desired: &Desired, host: &Host) -> bool {
    missing_packages(desired, host).is_empty() && !host.pending.iter().any(|mark| mark.starts_with("unmask-"))
}

/// Packages that this host lacks.
pub fn missing_packages(desired: &Desired, host: &Host) -> Vec<String> {
    let wanted = platform(host).packages(desired);
    wanted
        .into_iter()
        .filter(|name| !host.packages.contains_key(*name))
        .map(str::to_owned)
        .collect()
}

fn install(desired: &Desired, host: &Host) -> Step {
    let (platform, packages) = (platform(host), missing_packages(desired, host));
    // What is there already may be needed at any moment: the peer may fail while a package cannot be had.
    let units = platform
        .units()
        .into_iter()
        .filter(|(_, package)| packages.iter().any(|missing| missing == package))
        .map(|(unit, _)| unit);
    let mask = units.filter(|unit| {
        !host
            .units
            .get(*unit)
            .is_some_and(hapair_model::observed::Unit::is_active)
    });
    Step::InstallPackages {
        manager: platform.manager,
        mask: mask.map(str::to_owned).collect(),
        packages,
    }
}

/// Everything that is files and daemons below pacemaker: keys, configuration, corosync, DRBD's metadata and
/// connection.
pub fn prepare(facts: &Facts<'_>, fresh: &FreshKeys) -> Option<Next> {
    let keys = keys::files(facts, fresh);
    stage(
        "prepare the hosts",
        Both::from_fn(|side| prepare_one(facts, side, &keys[side])),
    )
}

fn prepare_one(facts: &Facts<'_>, side: Side, keys: &[File]) -> Vec<Step> {
    let (desired, host) = (facts.desired, facts.hosts[side]);
    let node = &desired.nodes[side];
    let mut steps = Vec::new();
    if host.name != node.name {
        steps.push(Step::SetHostname {
            name: node.name.clone(),
        });
    }
    let platform = platform(host);
    let unheld = platform
        .held()
        .iter()
        .filter(|name| !host.held.iter().any(|held| held == *name))
        .map(|name| (*name).to_owned());
    let unheld: Vec<_> = unheld.collect();
    if platform.manager == PackageManager::Apt && desired.install_packages && !unheld.is_empty() {
        steps.push(Step::HoldPackages { packages: unheld });
    }
    let lines: Vec<_> = desired
        .nodes
        .iter()
        .map(|(_, node)| {
            format!(
                "{} {}",
                node.links.first().map_or(&node.address, |(_, a)| a),
                node.name
            )
        })
        .collect();
    if host.hosts_block != lines {
        steps.push(Step::WriteHostsBlock { lines });
    }
    steps.extend(keys.iter().cloned().map(Step::WriteFile));
    let changed = changed_files(desired, host, side);
    let due = Due::of(host, keys.iter().chain(&changed));
    steps.extend(changed.into_iter().map(Step::WriteFile));
    if let Some(firewall) = host.firewall.filter(|_| due.has(&FollowUp::OpenFirewall)) {
        steps.push(Step::OpenFirewall { firewall });
    }
    steps.extend(disable(desired, host, &platform));
    steps.extend(corosync(host, &due));
    for volume in &desired.volumes {
        steps.extend(leg(volume, facts, side, &due));
    }
    let vain = desired.volumes.iter().filter(|volume| {
        due.has(&FollowUp::Adjust(volume.name.clone())) && has_failed_while_down(volume, host)
    });
    steps.extend(vain.map(|volume| Step::CleanUp {
        resource: names::volume(&volume.name),
    }));
    // A device that the cluster does not have yet has no failures to forget.
    let in_cib = |id: &String| host.has_in_cib(id);
    steps.extend(
        due.clean_ups()
            .filter(in_cib)
            .map(|resource| Step::CleanUp { resource }),
    );
    steps
}

/// What has to follow: files that change now, and files that changed before a crash.
struct Due(BTreeSet<String>);

impl Due {
    fn of<'a>(host: &Host, changed: impl Iterator<Item = &'a File>) -> Self {
        let now = changed
            .filter_map(|file| file.follow_up.as_ref())
            .map(FollowUp::mark);
        Self(host.pending.iter().cloned().chain(now).collect())
    }

    /// Resources whose failures are to be forgotten.
    fn clean_ups(&self) -> impl Iterator<Item = String> {
        let prefix = FollowUp::CleanUp(String::new()).mark();
        self.0
            .iter()
            .filter_map(move |mark| mark.strip_prefix(&prefix).map(str::to_owned))
    }

    fn has(&self, follow_up: &FollowUp) -> bool {
        self.0.contains(&follow_up.mark())
    }
}

fn changed_files(desired: &Desired, host: &Host, side: Side) -> Vec<File> {
    let differs = |file: &File| {
        let facts = host.files.get(&file.path);
        facts.is_none_or(|facts| {
            facts.digest != file.content.digest()
                || facts.mode != mode(&file.mode)
                || facts.owner != file.owner
        })
    };
    let files = files::wanted(desired, side, host.drbd_major.unwrap_or(8), platform(host).tomcat);
    files
        .into_iter()
        .chain(firewall::files(desired, side, host.firewall))
        .filter(differs)
        .collect()
}

/// A mode as stat(1) prints it.
fn mode(octal: &str) -> &str {
    let digits = octal.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

/// Units that the cluster runs, or that would get in its way, are none of systemd's business.
fn disable(desired: &Desired, host: &Host, platform: &Platform) -> Option<Step> {
    // Resources of someone else need drbd.service to come up again.
    let foreign = host.resources.keys().any(|name| desired.volume(name).is_none());
    let mut units = if foreign { Vec::new() } else { vec!["drbd"] };
    units.extend(services(desired).filter_map(|kind| platform.unit(kind)));
    // Before there is a cluster a service may run by itself; its data is about to be copied.
    let clustered = host.is_clustered();
    let is_loose = |unit: &&str| {
        host.units
            .get(*unit)
            .is_some_and(|state| state.enabled || (!clustered && *unit != "drbd" && state.is_active()))
    };
    let units: Vec<_> = units.into_iter().filter(is_loose).map(str::to_owned).collect();
    (!units.is_empty()).then_some(Step::DisableUnits { units })
}

fn corosync(host: &Host, due: &Due) -> Option<Step> {
    let unit = host.units.get("corosync").cloned().unwrap_or_default();
    let units = vec!["corosync".to_owned()];
    match (unit.is_active(), unit.enabled) {
        (true, _) if due.has(&FollowUp::RestartCorosync) => Some(Step::RestartUnits { units }),
        (false, _) | (_, false) => Some(Step::EnableUnits { units }),
        (true, true) => due.has(&FollowUp::ReloadCorosync).then_some(Step::ReloadCorosync),
    }
}

/// A leg's metadata and connection, until the cluster has the volume: from then on the resource agent brings
/// it up and down.
fn leg(volume: &Volume, facts: &Facts<'_>, side: Side, due: &Due) -> Vec<Step> {
    if !facts.tells_what_runs() {
        return Vec::new();
    }
    let (host, resource) = (facts.hosts[side], volume.name.clone());
    let in_cluster = facts.is_in_cluster(volume);
    let up = host.resources.get(&volume.name);
    let mut steps = Vec::new();
    if let Some(uuid) = volumes::recovered_leg(volume, &facts.host(side)) {
        steps.push(Step::RecordMetadata {
            resource: resource.clone(),
            uuid,
            minor: volume.minor,
            port: volume.port,
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
            Some(Signature::DATA.to_owned())
        } else {
            overwrite
        };
        steps.push(Step::CreateMetadata {
            resource: resource.clone(),
            device,
            overwrite,
            minor: volume.minor,
            port: volume.port,
        });
    }
    steps.extend(up.and_then(|leg| record(volume, host, leg)));
    let connecting = up.is_some_and(|leg| leg.connection == ConnectionState::StandAlone && leg.is_blank());
    // To adjust a leg that has lost its disk would attach the disk again.
    let has_disk = up.is_some_and(|leg| !leg.disk.is_without_disk());
    if up.is_none() && !in_cluster || has_disk && due.has(&FollowUp::Adjust(resource.clone())) || connecting {
        steps.push(Step::BringUp { resource });
    }
    steps
}

/// Whether the cluster could not bring the leg up here. The file of its resource may have been missing then;
/// without a word it would try again only after the failure has expired.
fn has_failed_while_down(volume: &Volume, host: &Host) -> bool {
    let id = names::volume(&volume.name);
    let failures = host.cluster.iter().flat_map(|cluster| &cluster.failures);
    !host.resources.contains_key(&volume.name)
        && failures
            .into_iter()
            .any(|failure| failure.resource == id && failure.node == host.name)
}

/// The record of a leg's metadata is made anew when the leg holds the volume's data on other metadata: DRBD
/// knows the peer by its data, not by that.
fn record(volume: &Volume, host: &Host, leg: &Resource) -> Option<Step> {
    let uuid = host.metadata.get(&volume.name)?;
    let known = host
        .volume_records
        .get(&volume.name)
        .is_some_and(|record| record.device_uuid == *uuid);
    let (resource, minor, port) = (volume.name.clone(), volume.minor, volume.port);
    (!known && leg.is_connected() && leg.is_up_to_date()).then(|| Step::RecordMetadata {
        resource,
        uuid: uuid.clone(),
        minor,
        port,
    })
}

/// Whether the device carries the metadata that was made for this volume.
pub fn has_own_metadata(volume: &Volume, host: &Host) -> bool {
    if host.resources.contains_key(&volume.name) {
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
    signatures
        .iter()
        .any(|signature| signature.kind == "drbd" && signature.uuid == record.device_uuid)
}

/// First generation and file system of volumes that have none.
pub fn first_data(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    if !facts.tells_what_runs() {
        return None;
    }
    let mut steps = Both::from_fn(|_| Vec::new());
    let mut waiting = None;
    for volume in &desired.volumes {
        let (resource, minor) = (volume.name.clone(), volume.minor);
        if hosts.any(|host| volumes::is_being_filled(volume, host)) {
            waiting = Some(format!("volume {resource} is getting its first content"));
            continue;
        }
        match volumes::first_data(volume, facts) {
            FirstData::Complete => {}
            FirstData::Unprepared => waiting = Some(format!("volume {resource} is not up on both nodes")),
            FirstData::Joining => waiting = Some(format!("volume {resource} is joining its peer")),
            FirstData::Blank => {
                let skip_sync = hosts.all(|host| {
                    host.volume_records
                        .get(&resource)
                        .is_some_and(|record| record.zeroes)
                });
                let side = volumes::elected(desired, volume);
                steps[side].push(Step::CreateFirstGeneration {
                    resource,
                    minor,
                    skip_sync,
                });
                steps[side].push(make_filesystem(volume));
            }
            FirstData::Formatting => steps[volumes::elected(desired, volume)].push(make_filesystem(volume)),
        }
    }
    stage("give the volumes their first data", steps).or_else(|| waiting.map(Next::Wait))
}

fn make_filesystem(volume: &Volume) -> Step {
    Step::MakeFilesystem {
        resource: volume.name.clone(),
        minor: volume.minor,
        filesystem: volume.filesystem.name(),
        mount_point: volume.mount_point.clone(),
        owner: volume.owner.clone(),
        mode: volume.mode.clone(),
        copy: volume.copy_from.is_some(),
    }
}

/// pacemaker's start; the first one with the whole configuration already in place.
pub fn start(facts: &Facts<'_>) -> Option<Next> {
    let hosts = &facts.hosts;
    let seed = || {
        cib::seed(
            &standby::allowed(facts),
            &desired_cib::wanted(facts.desired, &platform(hosts.first)),
        )
        .to_string()
    };
    let seed = (!facts.formed).then(seed);
    let steps = Both::from_fn(|side| {
        let unit = hosts[side].units.get("pacemaker").cloned().unwrap_or_default();
        if unit.is_active() && unit.enabled {
            return Vec::new();
        }
        let seed = seed.clone().map(|cib| Step::SeedCib { cib });
        seed.into_iter()
            .chain([Step::EnableUnits {
                units: vec!["pacemaker".into()],
            }])
            .collect()
    });
    stage("start pacemaker", steps)
}

fn change(member: Member<'_>, wanted: &Element) -> Option<Next> {
    let push = || Step::PushCib {
        cib: wanted.to_string(),
        planned_on: cib::version(member.cib),
    };
    (*wanted != cib::without_status(member.cib))
        .then(|| stage_on("configure the cluster", member.side, vec![push()]))
        .flatten()
}

/// One patch of the running cluster's configuration, if it differs from what is declared.
pub fn configure(facts: &Facts<'_>) -> Option<Next> {
    let Some(member) = facts.quorate_member else {
        return Some(Next::Wait("the cluster is electing its DC".into()));
    };
    let (live, host) = (member.cib, facts.hosts[member.side]);
    let mut wanted = desired_cib::wanted(facts.desired, &platform(host).speaking_as(live));
    if settle_down(facts).is_some() {
        // The seed's short one does no harm meanwhile, and a change would make the cluster think again in the
        // middle of its first start.
        wanted.properties.retain(|(name, _)| *name != "dc-deadtime");
    }
    let active = member
        .cluster
        .resources
        .iter()
        .filter(|each| !each.nodes.is_empty());
    let running: Vec<_> = active.map(|each| each.id.as_str()).collect();
    change(
        member,
        &cib::merged(live, &standby::allowed(facts), &wanted, &running),
    )
}

/// What is harmless while something else is wrong: nodes of the running cluster go into standby and come out
/// of it.
pub fn standby_alone(facts: &Facts<'_>) -> Option<Next> {
    let member = facts.quorate_member?;
    change(member, &cib::with_standby(member.cib, &standby::allowed(facts)))
}

/// systemd reads units again whose files are newer than what it knows. That takes seconds, so a service that
/// is starting is not held up by it.
pub fn reload_units(facts: &Facts<'_>) -> Option<Next> {
    if starting_group(facts).is_some() {
        return None;
    }
    // The units that we give drop-ins to.
    let mounts = facts
        .desired
        .volumes
        .iter()
        .map(|volume| names::mount_unit(&volume.mount_point));
    let units: Vec<_> = mounts
        .chain([Firewall::Nftables.name().to_owned(), "rsyslog".to_owned()])
        .collect();
    let steps = Both::from_fn(|side| {
        let outdated = units.iter().any(|unit| {
            facts.hosts[side]
                .units
                .get(unit)
                .is_some_and(|unit| unit.outdated)
        });
        if outdated {
            vec![Step::ReloadUnits]
        } else {
            Vec::new()
        }
    });
    stage("let systemd read its units again", steps)
}

/// A group whose members have not all started, and have not failed either.
fn starting_group<'a>(facts: &Facts<'a>) -> Option<&'a Group> {
    let (desired, cluster) = (facts.desired, facts.cluster()?);
    let can_run = cluster.nodes.values().any(|node| node.online && !node.standby);
    let waiting = desired.groups.iter().find(|group| {
        groups::members(desired, group)
            .iter()
            .any(|id| cluster.is_idle(id))
    });
    waiting.filter(|_| can_run && cluster.failures.is_empty())
}

/// Waits while the cluster is still on its way: nodes joining, resources starting, data being copied.
pub fn settle_down(facts: &Facts<'_>) -> Option<Next> {
    let (desired, cluster) = (facts.desired, facts.cluster()?);
    if let Some(what) = Side::BOTH
        .into_iter()
        .find_map(|side| standby::waits(facts, side))
    {
        return Some(Next::Wait(what));
    }
    if let Some((name, _)) = cluster
        .nodes
        .iter()
        .find(|(_, node)| !node.online || node.pending)
    {
        return Some(Next::Wait(format!("node {name} is joining")));
    }
    if let Some(group) = starting_group(facts) {
        return Some(Next::Wait(format!("group {} is starting", group.name)));
    }
    let fenced = Side::BOTH
        .into_iter()
        .filter(|side| fencing::can_run(desired, cluster, *side));
    let mut devices = fenced.flat_map(|side| fencing::devices_of(desired, side));
    if let Some(device) = devices.find(|id| cluster.is_idle(id)) {
        return Some(Next::Wait(format!("{device} is starting")));
    }
    // A node that a person keeps in standby has its volumes down.
    if cluster.nodes.values().any(|node| node.standby) {
        return None;
    }
    let syncing = desired
        .volumes
        .iter()
        .find(|volume| !volumes::is_redundant(volume, &facts.hosts));
    syncing.map(|volume| Next::Wait(format!("volume {} is not UpToDate on both nodes", volume.name)))
}

/// pcs for the administrator: after the service, since nothing of it depends on pcs.
pub fn administer(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let password = desired.admin_password.as_ref()?;
    let known_as = Secret::new(digest(
        format!(
            "{}:{}",
            desired.owner.pair,
            String::from_utf8_lossy(password.expose())
        )
        .as_bytes(),
    ));
    let steps = Both::from_fn(|side| {
        let host = hosts[side];
        let runs = host
            .units
            .get("pcsd")
            .is_some_and(|unit| unit.is_active() && unit.enabled);
        if runs && host.admin_password.as_ref() == Some(&known_as) {
            return Vec::new();
        }
        vec![Step::SetAdminPassword {
            digest: known_as.clone(),
            password: password.clone(),
        }]
    });
    stage("set the administrator's password", steps).or_else(|| {
        let nodes: Vec<_> = desired
            .nodes
            .iter()
            .map(|(_, node)| {
                (
                    node.name.clone(),
                    node.links.first().map_or(&node.address, |(_, a)| a).clone(),
                )
            })
            .collect();
        let side = [Side::First, Side::Second].into_iter().find(|side| {
            nodes
                .iter()
                .any(|(name, _)| !hosts[*side].pcs_hosts.contains(name))
        })?;
        stage_on(
            "log pcs in on both nodes",
            side,
            vec![Step::AuthenticatePcs {
                nodes,
                password: password.clone(),
            }],
        )
    })
}
