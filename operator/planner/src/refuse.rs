//! What keeps a pair from being changed at all. Everything is checked before anything is done, and all of it
//! is reported at once.

use std::collections::BTreeMap;

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Disk, FloatingIp, Group, ServiceKind, Volume},
    observed::{Device, DrbdConfig, Host, HostView, Job, Limit, Signature, Silence},
    plan::{Finding, Subject},
};

use crate::{
    devices::{self, has_only_our_partitions},
    firewall, keys, names, paths,
    platform::{Platform, SUPPORTED, services},
    released, stages, volumes,
};

/// The smallest device for a volume: room for DRBD's metadata, a journal and some data.
const SMALLEST_DEVICE: u64 = 64 << 20;

/// Everything that stands in the way.
pub fn findings(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (side, view) in observed.iter() {
        match view {
            HostView::Silent(silence) => findings.push(silent(desired, side, silence)),
            HostView::Seen(host) => {
                let peer = observed[side.peer()].host();
                foreign_cluster(desired, side, host, peer, &mut findings);
                one_host(
                    desired,
                    side,
                    host,
                    peer,
                    &|volume| may_be_alive(volume, observed),
                    &mut findings,
                );
            }
        }
    }
    if let Some(hosts) = observed.as_ref().map(HostView::host).complete()
        && findings.is_empty()
    {
        both_hosts(desired, &hosts, &mut findings);
    }
    findings
}

/// Hosts that do not answer.
pub fn silent_hosts(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let silence = |(side, view): (Side, &HostView)| match view {
        HostView::Silent(why) => Some(silent(desired, side, why)),
        HostView::Seen(_) => None,
    };
    observed.iter().filter_map(silence).collect()
}

fn about_pair(reason: Reason, message: String) -> Finding {
    Finding {
        about: Subject::Pair,
        reason,
        message,
    }
}

fn silent(desired: &Desired, side: Side, silence: &Silence) -> Finding {
    let node = &desired.nodes[side];
    let (name, address) = (&node.name, &node.address);
    match silence {
        Silence::Unreachable(why) => about_pair(
            Reason::HostUnreachable,
            format!("{name}: no answer over SSH at {address}: {why}"),
        ),
        Silence::UnknownHostKey { offered } => about_pair(
            Reason::HostKeyMismatch,
            format!(
                "{name}: the host at {address} shows none of the pinned keys. It offers {}. Nothing was sent \
                 to it.",
                offered.join(", ")
            ),
        ),
        Silence::Denied(why) => about_pair(
            Reason::SshDenied,
            format!("{name}: the host at {address} refuses the SSH key or user: {why}"),
        ),
        Silence::NotRoot(why) => about_pair(
            Reason::NotRoot,
            format!("{name}: the SSH user cannot become root (expected: sudo without a password): {why}"),
        ),
        Silence::Garbled(what) => about_pair(
            Reason::HostGarbled,
            format!("{name}: the answer is not understood: {what}"),
        ),
    }
}

/// A cluster that no record of the operator's vouches for, whatever its name. A host that has lost its record
/// is vouched for by its peer's, when both are in one cluster, or the peer remembers it.
fn foreign_cluster(
    desired: &Desired,
    side: Side,
    host: &Host,
    peer: Option<&Host>,
    findings: &mut Vec<Finding>,
) {
    let name = &desired.nodes[side].name;
    let vouches = |host: &Host| host.owner.is_some();
    let is_peers = |peer: &Host| {
        vouches(peer)
            && (keys::remembers(peer, host)
                || peer
                    .cluster
                    .as_ref()
                    .is_some_and(|cluster| cluster.nodes.get(name).is_some_and(|node| node.online)))
    };
    let what = match &host.corosync_cluster {
        Some(cluster) if *cluster != desired.name => format!(
            "is in a cluster named {cluster:?}, expected none or {:?}",
            desired.name
        ),
        _ if vouches(host) || peer.is_some_and(is_peers) => return,
        Some(cluster) => format!("is in a cluster named {cluster:?} that hapair-operator did not form"),
        None if host.cluster.is_some() || host.cib_on_disk.is_some() => {
            "has a cluster's configuration (/var/lib/pacemaker/cib) that is not hapair-operator's".to_owned()
        }
        None => return,
    };
    findings.push(about_pair(
        Reason::ForeignCluster,
        format!("{name} {what}. Nothing was changed."),
    ));
}

fn one_host(
    desired: &Desired,
    side: Side,
    host: &Host,
    peer: Option<&Host>,
    alive: &dyn Fn(&Volume) -> bool,
    findings: &mut Vec<Finding>,
) {
    let name = &desired.nodes[side].name;
    if let Some(record) = &host.owner
        && record.owner != desired.owner.to_string()
        && Some(&record.owner) != desired.take_over_from.as_ref()
    {
        let message = format!(
            "{name} is managed by {owner}, not by this HAPair ({}). Nothing was changed. To take it over \
             from there, set spec.takeOverFrom to {owner}.",
            desired.owner,
            owner = record.owner
        );
        findings.push(about_pair(Reason::ManagedElsewhere, message));
    }
    let clustered = host.cib_on_disk.is_some() || host.cluster.is_some() || host.corosync_cluster.is_some();
    if host.name != *name && (clustered || !desired.nodes[side].set_hostname) {
        let remedy = if clustered {
            "A cluster knows the host by its name: rename it back"
        } else {
            "Rename it, or set spec.nodes[].hostname to Managed"
        };
        let message = format!(
            "{name}: the host calls itself {:?} (uname -n), expected {name:?}. Nothing was changed. \
             {remedy}.",
            host.name
        );
        findings.push(about_pair(Reason::HostNameMismatch, message));
    }
    let Some(platform) = Platform::of(&host.distribution) else {
        let found = format!("{} {}", host.distribution.id, host.distribution.version);
        findings.push(about_pair(
            Reason::UnsupportedDistribution,
            format!("{name} runs {found}; supported are {SUPPORTED}"),
        ));
        return;
    };
    packages(desired, name, host, findings);
    match host.drbd_major.filter(|_| !desired.volumes.is_empty()) {
        Some(8) => {}
        None if desired.volumes.is_empty() => {}
        None => findings.push(about_pair(
            Reason::DrbdModuleMissing,
            format!("{name}: the running kernel {} has no DRBD module", host.kernel),
        )),
        Some(other) => {
            let message = format!(
                "{name}: the running kernel's DRBD module is version {other}, expected 8.4: others are not \
                 understood yet"
            );
            findings.push(about_pair(Reason::DrbdModuleMissing, message));
        }
    }
    for volume in &desired.volumes {
        let remembered = keys::remembered_leg(&volume.name, host, peer);
        device(volume, side, name, host, remembered, alive(volume), findings);
        if !alive(volume) {
            hidden_files(volume, side, name, host, findings);
        }
    }
    shared_devices(desired, name, host, findings);
    paths::findings(desired, name, host, findings);
    for ip in &desired.floating_ips {
        network(ip, side, name, host, findings);
    }
    units(desired, &platform, name, host, findings);
    if stages::missing_packages(desired, host).is_empty() {
        agents(desired, name, host, findings);
    }
}

/// OCF agents that a service names, by what they say of themselves.
fn agents(desired: &Desired, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    for (group, service) in desired
        .groups
        .iter()
        .flat_map(|group| group.services.iter().map(move |service| (group, service)))
    {
        let ServiceKind::Ocf { agent, parameters } = &service.kind else {
            continue;
        };
        let field = format!("spec.services[name={}].ocf", service.name);
        let mut say = |reason, message| {
            findings.push(Finding {
                about: Subject::Group(group.name.clone()),
                reason,
                message,
            })
        };
        match host.agents.get(agent) {
            Some(None) => say(
                Reason::UnitNotFound,
                format!("{field}.agent: {node} has no agent ocf:{agent} that tells its parameters"),
            ),
            Some(Some(known)) => {
                for (name, _) in parameters.iter().filter(|(name, _)| !known.contains(name)) {
                    let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let message = format!(
                        "{field}.parameters[name={name}]: ocf:{agent} on {node} has no such parameter; it \
                         has {known}"
                    );
                    say(Reason::InvalidSpec, message);
                }
            }
            None => {}
        }
    }
}

fn packages(desired: &Desired, name: &str, host: &Host, findings: &mut Vec<Finding>) {
    let missing = stages::missing_packages(desired, host);
    if missing.is_empty() {
        return;
    }
    if !desired.install_packages {
        let message = format!(
            "{name} lacks {}, and spec.packages is Unmanaged",
            missing.join(", ")
        );
        findings.push(about_pair(Reason::PackagesMissing, message));
    }
}

/// Whether the cluster runs this volume, or may run it: its configuration is not seen. A record alone says
/// little: that of a volume which has left stays on the host.
fn may_be_alive(volume: &Volume, observed: &Both<HostView>) -> bool {
    let hosts: Vec<_> = observed.iter().filter_map(|(_, view)| view.host()).collect();
    let configurations: Vec<_> = hosts.iter().filter_map(|host| host.cib.as_ref()).collect();
    let id = names::volume(&volume.name);
    let is_formed = hosts
        .iter()
        .any(|host| host.cib_on_disk.is_some() || host.cluster.is_some());
    if configurations.is_empty() {
        is_formed
    } else {
        configurations
            .iter()
            .any(|cib| cib.all().iter().any(|each| each.id() == Some(&id)))
    }
}

/// The installation that has failed on a host, for the report: it is tried again by itself.
pub fn failed_installation(desired: &Desired, side: Side, host: &Host) -> Option<Finding> {
    match &host.install {
        Some(Job::Failed { message, .. })
            if Platform::of(&host.distribution).is_some() && !stages::is_installed(desired, host) =>
        {
            let message = format!(
                "{}: the packages could not be installed: {message}",
                desired.nodes[side].name
            );
            Some(about_pair(Reason::PackagesFailed, message))
        }
        _ => None,
    }
}

fn device(
    volume: &Volume,
    side: Side,
    node: &str,
    host: &Host,
    remembered: Option<&str>,
    alive: bool,
    findings: &mut Vec<Finding>,
) {
    let name = &volume.name;
    let mut say = |reason, message| {
        findings.push(Finding {
            about: Subject::Volume(name.clone()),
            reason,
            message,
        })
    };
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
    if host.resources.contains_key(name) {
        if let Some(message) = changed_disk(volume, side, host) {
            say(Reason::DiskChanged, format!("{node}: {message}"));
        }
        return;
    }
    let (disk, unknown) = (&volume.disks[side], Device::default());
    let device = host.devices.get(name).unwrap_or(&unknown);
    if let Some(other) = resource_with(host, name, &disk.device, &device.path) {
        let message = format!(
            "{node}: {} belongs to the DRBD resource {other}, which is not this volume's. Nothing was \
             changed.",
            disk.device
        );
        return say(Reason::DeviceInUse, message);
    }
    let made = record
        .map(|record| record.device_uuid.as_str())
        .filter(|uuid| *uuid != "pending")
        .or(remembered);
    if let Some(uuid) = made.filter(|uuid| alive && !carries_metadata(device, uuid)) {
        return say(
            Reason::LegMissing,
            format!("{node}: {}", missing_leg(&disk.device, device, uuid, host)),
        );
    }
    let problem = match &disk.partition {
        Some(partition) if !device.exists => {
            let whole = host.disks.get(name).unwrap_or(&unknown);
            let taken =
                || shared(&partition.disk, whole).or_else(|| carries(&partition.disk, whole, disk, node));
            unusable(&partition.disk, whole, partition.size_mib.unwrap_or(0) << 20).or_else(|| {
                if has_only_our_partitions(whole) {
                    None
                } else {
                    taken()
                }
            })
        }
        _ => unusable(&disk.device, device, 0).or_else(|| {
            let is_pending = record.is_some_and(|record| record.device_uuid == "pending");
            let is_uuid = |uuid: &str| made == Some(uuid) || volumes::kept_leg(name, host) == Some(uuid);
            let is_ours = |each: &Signature| match each.kind.as_str() {
                "drbd" => is_pending || is_uuid(&each.uuid),
                // A partition that was made for the volume holds what was on the disk before.
                Signature::DATA => disk.partition.is_some() || is_pending && disk.overwrite.is_some(),
                _ => false,
            };
            if device.signatures.iter().any(is_ours) {
                None
            } else {
                carries(&disk.device, device, disk, node)
            }
        }),
    };
    if let Some((reason, message)) = problem {
        say(reason, format!("{node}: {message}"));
    }
}

/// Before a volume's first data: files on its mount point that are not carried over. They would vanish from
/// sight without a word.
fn hidden_files(volume: &Volume, side: Side, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let returns = volumes::kept_leg(&volume.name, host).is_some();
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
    findings.push(Finding {
        about: Subject::Volume(volume.name.clone()),
        reason: Reason::MountPointNotEmpty,
        message,
    });
}

/// A running leg's disk is not the declared one. One disk under two names is still one disk.
fn changed_disk(volume: &Volume, side: Side, host: &Host) -> Option<String> {
    let running = &host
        .drbd_config
        .get(&volume.name)
        .filter(|config| config.ours)?
        .disks;
    let (declared, path) = (
        &volume.disks[side].device,
        host.devices
            .get(&volume.name)
            .map_or("", |device| device.path.as_str()),
    );
    let is_same = running.iter().any(|disk| disk == declared || disk == path);
    (!is_same && !running.is_empty()).then(|| {
        format!(
            "the volume runs on {}, and spec.disks names {declared}. The running leg is left as it is",
            running[0]
        )
    })
}

fn carries_metadata(device: &Device, uuid: &str) -> bool {
    device
        .signatures
        .iter()
        .any(|signature| signature.kind == "drbd" && signature.uuid == uuid)
}

/// A leg that was made here is not on its device any more. What is there may be somebody's, and the leg may
/// be elsewhere: nothing is offered.
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
        "{path} {found}, expected DRBD's metadata {expected} of this volume. {elsewhere}. Nothing was \
         changed."
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
    let told = |each: &Signature| match (each.kind.as_str(), each.uuid.as_str()) {
        (Signature::DATA, _) => "data without a signature".to_owned(),
        (kind, "") => kind.to_owned(),
        (Signature::PARTITION, uuid) => format!("a partition (PARTUUID {uuid})"),
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
            findings.push(Finding {
                about: Subject::Volume(volume.name.clone()),
                reason: Reason::Conflict,
                message,
            });
        }
    }
}

fn network(ip: &FloatingIp, side: Side, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let message = match &ip.interfaces[side] {
        None => format!(
            "{node}: {} lies in the network of no interface; correct it, or name the interface in \
             spec.interfaces",
            ip.address
        ),
        Some(name) if !host.addresses.iter().any(|(_, interface)| interface == name) => {
            format!("{node}: there is no interface {name} with an address, which spec.interfaces names")
        }
        Some(_) => return,
    };
    findings.push(Finding {
        about: Subject::FloatingIp(ip.name.clone()),
        reason: Reason::NetworkNotFound,
        message,
    });
}

fn units(desired: &Desired, platform: &Platform, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    // What the cluster has was there first.
    let runs = |group: &&Group| cib_has(host, &names::group(&group.name));
    let (first, later): (Vec<_>, Vec<_>) = desired.groups.iter().partition(runs);
    for group in first.into_iter().chain(later) {
        for service in &group.services {
            if let Some(unit) = platform.unit(&service.kind)
                && let Some((other, its_service)) = owners.insert(unit, (&group.name, &service.name))
            {
                let message = format!(
                    "{node}: the service {} is the unit {unit}, which is the service {its_service} of group \
                     {other:?} already",
                    service.name
                );
                findings.push(Finding {
                    about: Subject::Group(group.name.clone()),
                    reason: Reason::Conflict,
                    message,
                });
            }
            if let Some((limit, seconds)) = unit_limit(host, platform, &service.kind)
                .zip(service.stop_timeout)
                .filter(|(limit, seconds)| seconds < limit)
            {
                let message = format!(
                    "spec.services[name={}].stopTimeoutSeconds: {seconds} s, and systemd lets the unit take \
                     {limit} s on {node} (TimeoutStopSec): the node would be \
                     fenced while the service stops in order",
                    service.name
                );
                findings.push(Finding {
                    about: Subject::Group(group.name.clone()),
                    reason: Reason::InvalidSpec,
                    message,
                });
            }
            if let ServiceKind::Systemd(unit) = &service.kind
                && platform.unit(&service.kind).is_some()
                && host.units.get(unit).is_none_or(|state| state.load != "loaded")
            {
                let message = format!(
                    "{node}: there is no systemd unit {unit}.service, which the service {} names",
                    service.name
                );
                findings.push(Finding {
                    about: Subject::Group(group.name.clone()),
                    reason: Reason::UnitNotFound,
                    message,
                });
            }
        }
    }
}

fn cib_has(host: &Host, id: &str) -> bool {
    host.cib
        .as_ref()
        .is_some_and(|cib| cib.all().iter().any(|each| each.id() == Some(id)))
}

/// How long systemd lets a stop of the service's unit take here, in seconds.
fn unit_limit(host: &Host, platform: &Platform, kind: &ServiceKind) -> Option<u32> {
    match host.units.get(platform.unit(kind)?)?.stop_limit {
        Limit::Seconds(seconds) => Some(seconds),
        Limit::Unknown | Limit::Endless => None,
    }
}

fn both_hosts(desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    releases(desired, hosts, findings);
    firewalls(desired, hosts, findings);
    keys::findings(desired, hosts, findings);
    for volume in &desired.volumes {
        if volumes::is_split(hosts.as_ref().map(|host| host.resources.get(&volume.name))) == Some(true) {
            let message = format!(
                "volume {}: the two legs hold diverged data; nothing is changed before a person has chosen",
                volume.name
            );
            findings.push(Finding {
                about: Subject::Volume(volume.name.clone()),
                reason: Reason::SplitBrain,
                message,
            });
        }
    }
    for ip in &desired.floating_ips {
        taken(ip, desired, hosts, findings);
    }
    sources(desired, hosts, findings);
    if let Some((_, cib)) = stages::quorate_member(hosts) {
        released::findings(cib, desired, findings);
    }
}

/// Rules that the operator cannot add to. A pair that was formed gets through them already.
fn firewalls(desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    if stages::is_formed(hosts) || !desired.open_firewall {
        return;
    }
    for (side, host) in hosts.iter() {
        if let Some(file) = host.plain_rules.as_ref().filter(|_| host.firewall.is_none()) {
            let message = format!(
                "{}: the rules of iptables in {file} keep something out, and hapair-operator does not change \
                 them. Let in {}, and set spec.firewall to Unmanaged.",
                desired.nodes[side].name,
                firewall::told(desired, side)
            );
            findings.push(about_pair(Reason::FirewallNotManaged, message));
        }
    }
}

/// A pair begins on one release. Later its hosts are upgraded one after the other, and it goes on; not where
/// a service has another unit on each.
fn releases(desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    let platforms = hosts.as_ref().map(|host| Platform::of(&host.distribution));
    let Some(platforms) = platforms
        .clone()
        .complete()
        .filter(|platforms| platforms.first != platforms.second)
    else {
        return;
    };
    let versions = hosts
        .as_ref()
        .map(|host| format!("{} {}", host.distribution.id, host.distribution.version));
    let needs_a_unit =
        services(desired).any(|kind| platforms.first.unit(kind) != platforms.second.unit(kind));
    let why = match stages::is_formed(hosts) {
        false => "a pair begins on one release",
        true if needs_a_unit => {
            "tomcat's unit has another name on each, so it cannot move between them until both run the same"
        }
        true => return,
    };
    let message = format!("the hosts run {} and {}: {why}", versions.first, versions.second);
    findings.push(about_pair(Reason::UnsupportedDistribution, message));
}

/// What is copied while a service writes to it is not what is there in the end: later writes would be hidden
/// below the volume.
fn sources(desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    let runs = |id: &String| {
        hosts.any(|host| {
            host.cluster
                .as_ref()
                .is_some_and(|cluster| cluster.active_in_role(id, "Started").is_some())
        })
    };
    for volume in desired
        .volumes
        .iter()
        .filter(|volume| volume.copy_from.is_some() && !volumes::is_in_cluster(volume, hosts))
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
            findings.push(Finding {
                about: Subject::Volume(volume.name.clone()),
                reason: Reason::SourceInUse,
                message,
            });
        }
    }
}

fn taken(ip: &FloatingIp, desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    let address = ip.address.to_string();
    let ours = hosts.any(|host| {
        host.addresses
            .iter()
            .any(|(each, _)| each.split('/').next() == Some(&address))
    });
    let id = desired.id(names::ip(&ip.name));
    let configured = hosts.any(|host| cib_has(host, &id));
    let seen_by = hosts.find(|host| host.taken.contains(&address));
    if let Some(side) = seen_by.filter(|_| !ours && !configured) {
        let message = format!(
            "{}: another machine answers for {address}. Nothing was changed.",
            desired.nodes[side].name
        );
        findings.push(Finding {
            about: Subject::FloatingIp(ip.name.clone()),
            reason: Reason::AddressTaken,
            message,
        });
    }
}
