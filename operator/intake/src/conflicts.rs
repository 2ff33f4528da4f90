//! Contradictions between the objects of a pair. Everything that is named exists; every disk, mount point,
//! path, address and unit has one owner.

use std::{collections::BTreeMap, net::IpAddr};

use hapair_crds::HAPair;
use hapair_model::{
    Reason, Side,
    desired::{Disk, FloatingIp, Group, ServiceKind, Volume},
    plan::{Finding, Subject},
};
use kube::ResourceExt;

use crate::places::{forbidden_file, forbidden_mount_point, is_within};

/// The children of a pair that stay.
pub struct Children<'a> {
    /// Volumes.
    pub volumes: &'a [Volume],
    /// Floating IPs.
    pub floating_ips: &'a [FloatingIp],
    /// Service groups.
    pub groups: &'a [Group],
}

/// Every contradiction.
pub fn find(pair: &HAPair, children: &Children<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |about, reason, message| findings.push(Finding::new(about, reason, message));
    references(pair, children, &mut find);
    files(children, &mut find);
    disks(children.volumes, &mut find);
    mount_points(children.volumes, &mut find);
    addresses(pair, children.floating_ips, &mut find);
    units(children.groups, &mut find);
    parameters(pair, children.groups, &mut find);
    findings
}

type Find<'a> = &'a mut dyn FnMut(Subject, Reason, String);

/// Everything that is named has to exist, and be in one group only.
fn references(pair: &HAPair, children: &Children<'_>, find: Find<'_>) {
    let mut users: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for group in children.groups {
        let known_volume = |name: &str| children.volumes.iter().any(|volume| volume.name == name);
        let known_ip = |name: &str| children.floating_ips.iter().any(|ip| ip.name == name);
        let volumes = group
            .volumes
            .iter()
            .map(|name| ("volumes", "ReplicatedVolume", name, known_volume(name)));
        let ips = group
            .floating_ips
            .iter()
            .map(|name| ("floatingIPs", "FloatingIP", name, known_ip(name)));
        for (field, kind, name, known) in volumes.chain(ips) {
            let about = Subject::Group(group.name.clone());
            if !known {
                let message = format!(
                    "spec.{field}: there is no {kind} {name:?} of pair {:?}, or it is being deleted",
                    pair.name_any()
                );
                find(about, Reason::DanglingReference, message);
            } else if let Some(other) = users.insert((kind, name), &group.name) {
                find(
                    about,
                    Reason::Conflict,
                    format!("spec.{field}: {kind} {name:?} is already in group {other:?}"),
                );
            }
        }
    }
}

/// Files whose place is someone else's: another group's, the operator's, the host's, or a volume, which only
/// one node has mounted.
fn files(children: &Children<'_>, find: Find<'_>) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for group in children.groups {
        for (at, file) in group.files.iter().enumerate() {
            let path = file.path.as_str();
            let on_volume = || {
                let volume = children
                    .volumes
                    .iter()
                    .find(|volume| is_within(path, &volume.mount_point))?;
                Some(format!(
                    "it would lie on volume {:?}, which is mounted on one node only",
                    volume.name
                ))
            };
            let twice = owners
                .insert(path, &group.name)
                .map(|other| format!("group {other:?} has a file there already"));
            if let Some(why) = forbidden_file(path).or_else(on_volume).or(twice) {
                find(
                    Subject::Group(group.name.clone()),
                    Reason::Conflict,
                    format!("spec.files[{at}].path: {path}: {why}"),
                );
            }
        }
    }
}

/// Disks that two volumes claim.
fn disks(volumes: &[Volume], find: Find<'_>) {
    for (at, one) in volumes.iter().enumerate() {
        for other in &volumes[..at] {
            for side in Side::BOTH {
                if let Some(device) = common_device(&one.disks[side], &other.disks[side]) {
                    let message = format!("spec.disks: {device} is also a disk of volume {:?}", other.name);
                    find(Subject::Volume(one.name.clone()), Reason::Conflict, message);
                }
            }
        }
    }
}

/// The device that two disks both want whole. Partitions share a disk in peace.
fn common_device<'a>(one: &'a Disk, other: &'a Disk) -> Option<&'a str> {
    let whole = |disk: &'a Disk| {
        disk.partition
            .as_ref()
            .map_or(disk.device.as_str(), |partition| partition.disk.as_str())
    };
    (whole(one) == whole(other) && (one.partition.is_none() || other.partition.is_none())).then(|| whole(one))
}

/// Mount points that would cover what belongs to others, or another volume.
fn mount_points(volumes: &[Volume], find: Find<'_>) {
    for (at, one) in volumes.iter().enumerate() {
        let about = || Subject::Volume(one.name.clone());
        let place = &one.mount_point;
        if let Some(why) = forbidden_mount_point(place) {
            find(
                about(),
                Reason::InvalidSpec,
                format!("spec.filesystem.mountPoint: {place}: {why}"),
            );
        }
        for other in &volumes[..at] {
            if is_within(place, &other.mount_point) || is_within(&other.mount_point, place) {
                let message = format!(
                    "spec.filesystem.mountPoint: {place} and {} of volume {:?} lie within each other",
                    other.mount_point, other.name
                );
                find(about(), Reason::Conflict, message);
            }
        }
    }
}

/// Addresses that something else has: a node, a BMC, another floating IP, the network itself.
fn addresses(pair: &HAPair, floating_ips: &[FloatingIp], find: Find<'_>) {
    let taken = addresses_of_hosts(pair);
    for (at, one) in floating_ips.iter().enumerate() {
        let about = || Subject::FloatingIp(one.name.clone());
        let twin = floating_ips[..at]
            .iter()
            .find(|other| other.address == one.address)
            .map(|other| format!("floating IP {:?}", other.name));
        if let Some(owner) = twin.or_else(|| taken.get(&one.address).cloned()) {
            find(
                about(),
                Reason::Conflict,
                format!("spec.address: {} is also the address of {owner}", one.address),
            );
        }
        if let Some(what) = no_host_address(one) {
            find(
                about(),
                Reason::InvalidSpec,
                format!(
                    "spec.address: {}/{} is {what}, no address of a host",
                    one.address, one.prefix
                ),
            );
        }
    }
}

/// The addresses of the nodes and of the devices that can cut their power, with what they belong to.
fn addresses_of_hosts(pair: &HAPair) -> BTreeMap<IpAddr, String> {
    let mut taken = BTreeMap::new();
    for node in &pair.spec.nodes {
        for device in node.fencing.iter().flatten() {
            let parameters = device
                .agent
                .iter()
                .flat_map(|agent| agent.parameters.iter().flatten())
                .map(|parameter| &parameter.value);
            let ipmi = device.ipmi.iter().map(|ipmi| &ipmi.address);
            let all = parameters
                .chain(ipmi)
                .chain(device.redfish.iter().map(|redfish| &redfish.address));
            taken.extend(
                all.filter_map(|address| address.parse().ok())
                    .map(|address| (address, format!("the fencing device of {}", node.name))),
            );
        }
        let own = std::iter::once(&node.address).chain(node.links.iter().flatten().map(|link| &link.address));
        taken.extend(
            own.filter_map(|address| address.parse().ok())
                .map(|address| (address, format!("a node, {}", node.name))),
        );
    }
    taken
}

/// What an address is that no host can have: its network's own, or the one to all of the network.
fn no_host_address(ip: &FloatingIp) -> Option<&'static str> {
    let (bits, all_ones, width) = match ip.address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), u128::from(u32::MAX), 32),
        IpAddr::V6(six) => (u128::from(six), u128::MAX, 128),
    };
    if ip.address.is_multicast() || ip.address.is_unspecified() || ip.address.is_loopback() {
        return Some("a multicast, unspecified or loopback address");
    }
    // A network of two or one has no such addresses (RFC 3021, RFC 6164).
    let host_bits = width - u32::from(ip.prefix);
    let mask = if host_bits < 2 {
        return None;
    } else {
        all_ones >> (width - host_bits)
    };
    match bits & mask {
        0 => Some("the network's own address"),
        host if host == mask && ip.address.is_ipv4() => Some("the network's broadcast address"),
        _ => None,
    }
}

/// Units that belong to the cluster or to the host. Units that two services claim are known only with the
/// distribution: a preset has its unit, too.
fn units(groups: &[Group], find: Find<'_>) {
    for group in groups {
        for service in &group.services {
            let ServiceKind::Systemd(unit) = &service.kind else {
                continue;
            };
            if hapair_planner::is_the_hosts(unit) {
                let message = format!(
                    "spec.services[name={}].systemd.unit: {unit} belongs to the cluster or to the host; no \
                     service can be made of it",
                    service.name
                );
                find(Subject::Group(group.name.clone()), Reason::Conflict, message);
            }
        }
    }
}

/// Values of agents' parameters that the cluster's configuration cannot hold.
fn parameters(pair: &HAPair, groups: &[Group], find: Find<'_>) {
    for group in groups {
        for service in &group.services {
            let ServiceKind::Ocf { parameters, .. } = &service.kind else {
                continue;
            };
            for (name, value) in parameters {
                if let Some(why) = cannot_be_carried(value) {
                    let message = format!(
                        "spec.services[name={}].ocf.parameters[name={name}].value: {why}",
                        service.name
                    );
                    find(Subject::Group(group.name.clone()), Reason::InvalidSpec, message);
                }
            }
        }
    }
    for (index, node) in pair.spec.nodes.iter().enumerate() {
        for (level, agent) in node
            .fencing
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(level, device)| Some((level, device.agent.as_ref()?)))
        {
            for parameter in agent.parameters.iter().flatten() {
                if let Some(why) = cannot_be_carried(&parameter.value) {
                    let field = format!(
                        "spec.nodes[{index}].fencing[{level}].agent.parameters[name={}].value",
                        parameter.name
                    );
                    find(Subject::Pair, Reason::InvalidSpec, format!("{field}: {why}"));
                }
            }
        }
    }
}

/// Why pacemaker does not carry a value as it is. Seen on pacemaker 2.1.5: of a value with a character
/// outside of ASCII and one that XML escapes behind it, the end is mutilated ("é & x"), or the whole change
/// is refused ("한글 <b>": "No message of desired type"); a tab becomes a space.
pub fn cannot_be_carried(value: &str) -> Option<&'static str> {
    if value.chars().any(char::is_control) {
        return Some(
            "pacemaker's configuration does not hold tabs, line breaks and other control characters; put the \
             value into a file, and name that",
        );
    }
    (!value.is_ascii() && value.contains(['&', '<', '>', '"', '\''])).then_some(
        "pacemaker does not carry characters outside of ASCII together with one of & < > \" '; put the value \
         into a file, and name that",
    )
}
