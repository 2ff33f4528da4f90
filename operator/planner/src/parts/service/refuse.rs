//! What keeps a service from being run by the cluster.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Group, Service, ServiceKind},
    observed::{Host, Limit, LoadState},
    plan::{Finding, Subject},
    reason::with_remedy,
    xml::Element,
};

use super::{group, preset, services, unit};
use crate::{
    facts::{Facts, OneHost},
    ids, names, paths,
    platform::Platform,
    released,
};

/// What is wrong on one host.
pub fn on_one(one: &OneHost<'_>, platform: &Platform, findings: &mut Vec<Finding>) {
    places(one, findings);
    open_files(one, platform, findings);
    units(one.desired, platform, one.name(), one.host, findings);
}

/// What is wrong between the two.
pub fn on_both(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    if let Some(member) = facts.quorate_member {
        partly_taken_over(member.cib, facts.desired, findings);
    }
    for group in &facts.desired.groups {
        users(group, facts, findings);
    }
}

/// Whose files on a volume would be somebody else's on the other node. For volumes that were born this is no reason to
/// stop; the pair's redundancy tells of it.
fn users(group: &Group, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let is_born = |volume: &String| facts.hosts.any(|host| host.volume_records.contains_key(volume));
    if group.volumes.iter().all(is_born) {
        return;
    }
    if let Some(message) = different_ids(facts.desired, group, &facts.hosts) {
        findings.push(Finding::new(
            Subject::Group(group.name.clone()),
            Reason::IdsDiffer,
            message,
        ));
    }
}

/// A user as whom a service writes to a group's volumes, and that has another number on each host.
pub fn different_ids(desired: &Desired, group: &Group, hosts: &Both<&Host>) -> Option<String> {
    if group.volumes.is_empty() {
        return None;
    }
    group.services.iter().find_map(|service| {
        let field = format!("spec.services[name={}]", service.name);
        let user = |side: Side| {
            let platform = Platform::of(&hosts[side].distribution)?;
            hosts[side]
                .units
                .get(unit(&service.kind, &platform)?)?
                .user
                .as_deref()
        };
        let preset = match &service.kind {
            ServiceKind::Preset(preset) => preset::user(*preset),
            ServiceKind::Systemd(_) | ServiceKind::Ocf { .. } => None,
        };
        let (first, second) = (user(Side::First), user(Side::Second));
        let named_differently = || {
            ids::differ(
                desired,
                &format!("{field}: the user of its unit"),
                first?,
                second?,
            )
        };
        named_differently().or_else(|| ids::of_user(desired, hosts, &field, preset.or(first).or(second)?))
    })
}

/// A service that has another unit on each of the two cannot move between them: its kind.
pub fn one_unit(desired: &Desired, first: &Platform, second: &Platform) -> Option<String> {
    let kind = services(desired).find(|kind| unit(kind, first) != unit(kind, second))?;
    match kind {
        ServiceKind::Preset(preset) => Some(preset.to_string()),
        ServiceKind::Systemd(_) | ServiceKind::Ocf { .. } => None,
    }
}

/// Places of files that cannot be used.
fn places(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    for group in &one.desired.groups {
        for (at, file) in group.files.iter().enumerate() {
            if let Some(trouble) = paths::at_file(one.host, &file.path, &file.owner) {
                findings.push(paths::finding(
                    one.name(),
                    Subject::Group(group.name.clone()),
                    &format!("spec.files[{at}].path {}: {trouble}", file.path),
                ));
            }
        }
    }
}

/// Before a volume's first data: programs that write below its mount point, and are neither services of its groups nor told by
/// a preset to let go.
fn open_files(one: &OneHost<'_>, platform: &Platform, findings: &mut Vec<Finding>) {
    let OneHost { desired, host, .. } = *one;
    for volume in desired.volumes.iter().filter(|volume| !one.may_run(volume)) {
        let uses = |group: &&Group| group.volumes.contains(&volume.name);
        let services = desired
            .groups
            .iter()
            .filter(uses)
            .flat_map(|group| &group.services);
        let (mut own, mut told): (Vec<&str>, Vec<&str>) = Default::default();
        for service in services {
            own.extend(unit(&service.kind, platform).map(|unit| id_of(host, unit)));
            told.extend(preset::neighbours_of(&service.kind));
        }
        let is_ours = |who: &&str| own.contains(who) || told.contains(who);
        let who = host.open_files.get(&volume.name).into_iter().flatten();
        let others: Vec<_> = who.map(String::as_str).filter(|who| !is_ours(who)).collect();
        if !others.is_empty() {
            let message = format!(
                "{}: {} has files open below spec.filesystem.mountPoint {}. Nothing was changed",
                one.name(),
                others.join(", "),
                volume.mount_point
            );
            findings.push(Finding::new(
                Subject::Volume(volume.name.clone()),
                Reason::MountPointInUse,
                message,
            ));
        }
    }
}

/// OCF agents that a service names, by what they say of themselves.
pub fn agents(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let (desired, node, host) = (one.desired, one.name(), one.host);
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
            findings.push(Finding::new(Subject::Group(group.name.clone()), reason, message))
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

fn units(desired: &Desired, platform: &Platform, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    // What the cluster has was there first.
    let runs = |group: &&Group| host.has_in_cib(&names::group(&group.name));
    let (first, later): (Vec<_>, Vec<_>) = desired.groups.iter().partition(runs);
    for group in first.into_iter().chain(later) {
        for service in &group.services {
            let mut say = |reason, message| {
                findings.push(Finding::new(Subject::Group(group.name.clone()), reason, message))
            };
            let declared = unit(&service.kind, platform);
            if let Some(unit) = declared.map(|unit| id_of(host, unit)) {
                let message =
                    if let Some((other, its_service)) = owners.insert(unit, (&group.name, &service.name)) {
                        Some(format!(
                            "which is the service {its_service} of group {other:?} already"
                        ))
                    } else {
                        is_the_hosts(unit).then(|| "which belongs to the cluster or to the host".into())
                    };
                if let Some(why) = message {
                    let message = format!("{node}: the service {} is the unit {unit}, {why}", service.name);
                    say(Reason::Conflict, message);
                }
            }
            if let Some(message) = stops_too_soon(service, platform, node, host) {
                say(Reason::InvalidSpec, message);
            }
            if let Some(message) = without_unit(service, platform, node, host) {
                say(Reason::UnitNotFound, message);
            }
        }
    }
}

/// What systemd calls a unit here: it may be declared by an alias.
fn id_of<'a>(host: &'a Host, unit: &'a str) -> &'a str {
    let known = host.units.get(unit).map(|known| known.id.as_str());
    known.filter(|id| !id.is_empty()).unwrap_or(unit)
}

/// Whether a unit is one without which there is no cluster, or no way to the host.
pub fn is_the_hosts(unit: &str) -> bool {
    const THE_HOSTS: [&str; 16] = [
        "NetworkManager",
        "corosync",
        "corosync-qdevice",
        "dbus",
        "drbd",
        "drbd-graceful-shutdown",
        "firewalld",
        "networking",
        "nftables",
        "pacemaker",
        "pacemaker_remote",
        "pcsd",
        "sbd",
        "ssh",
        "sshd",
        "ufw",
    ];
    THE_HOSTS.contains(&unit) || unit.starts_with("systemd-") || unit.starts_with("hapair-")
}

/// A stop time-out below the unit's own limit.
fn stops_too_soon(service: &Service, platform: &Platform, node: &str, host: &Host) -> Option<String> {
    let (seconds, limit) = (service.stop_timeout?, unit_limit(host, platform, &service.kind)?);
    (seconds < limit).then(|| {
        format!(
            "spec.services[name={}].stopTimeoutSeconds: {seconds} s, and systemd lets the unit take {limit} s on \
             {node} (TimeoutStopSec): the node would be fenced while the service stops in order",
            service.name
        )
    })
}

/// A service that this host has no unit for.
fn without_unit(service: &Service, platform: &Platform, node: &str, host: &Host) -> Option<String> {
    let name = &service.name;
    let is_loaded = |unit: &str| {
        host.units
            .get(unit)
            .is_some_and(|state| state.load == LoadState::Loaded)
    };
    match &service.kind {
        ServiceKind::Preset(preset) if unit(&service.kind, platform).is_none() => Some(format!(
            "{node}: spec.services[name={name}].{preset}: its distribution has no package of {preset} that a pair \
             could run. Nothing was changed. Install it, and name its unit in systemd.unit."
        )),
        ServiceKind::Systemd(unit) if !is_loaded(unit) => {
            let is_masked = host
                .units
                .get(unit)
                .is_some_and(|state| state.load == LoadState::Masked);
            Some(match is_masked {
                true => with_remedy(
                    &format!(
                        "{node}: the systemd unit {unit}.service, which the service {name} names, is masked"
                    ),
                    &super::unmasked(node, unit),
                ),
                false => {
                    format!("{node}: there is no systemd unit {unit}.service, which the service {name} names")
                }
            })
        }
        ServiceKind::Preset(_) | ServiceKind::Systemd(_) | ServiceKind::Ocf { .. } => None,
    }
}

/// How long systemd lets a stop of the service's unit take here, in seconds.
fn unit_limit(host: &Host, platform: &Platform, kind: &ServiceKind) -> Option<u32> {
    match host.units.get(unit(kind, platform)?)?.stop_limit {
        Limit::Seconds(seconds) => Some(seconds),
        Limit::Unknown | Limit::Endless => None,
    }
}

/// Groups that declare a part of what was released together: to take only that would stop the rest.
fn partly_taken_over(cib: &Element, desired: &Desired, findings: &mut Vec<Finding>) {
    let declared: BTreeSet<_> = desired
        .groups
        .iter()
        .flat_map(|group| group::members(desired, group))
        .collect();
    let is_declared_itself = |id: &str| desired.groups.iter().any(|group| names::group(&group.name) == id);
    for resource in released::resources(cib, desired) {
        let (Some(id), members) = (
            resource.id(),
            resource.primitives().filter_map(Element::id).collect::<Vec<_>>(),
        ) else {
            continue;
        };
        let rest: Vec<_> = members
            .iter()
            .filter(|member| !declared.contains(**member))
            .copied()
            .collect();
        if rest.is_empty() || is_declared_itself(id) {
            continue;
        }
        for group in &desired.groups {
            let common: Vec<_> = group::members(desired, group)
                .into_iter()
                .filter(|each| members.contains(&each.as_str()))
                .collect();
            if common.is_empty() {
                continue;
            }
            let message = format!(
                "the cluster still has {id}, which was left by an object that is gone (deletionPolicy: \
                 Retain): {} are in it together with {}",
                common.join(", "),
                rest.join(", "),
            );
            let remedy = format!(
                "declare what these are in group {:?}, too, or remove them: `pcs resource delete {}` on one of the nodes",
                group.name,
                rest.join(" ")
            );
            let message = with_remedy(&message, &remedy);
            findings.push(Finding::new(
                Subject::Group(group.name.clone()),
                Reason::Conflict,
                message,
            ));
        }
    }
}
