//! What to ask the hosts: exactly what the plan and the report look at.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Side,
    desired::{Desired, ServiceKind},
    observed::{HostView, Question},
    xml::Element,
};

use crate::{
    files, firewall, keys, live, names, paths,
    platform::{MADE_BY_TOMCAT, Platform, UNITS, services, tomcat_units},
};

/// What to ask each host.
pub fn question(desired: &Desired) -> Both<Question> {
    Both::from_fn(|side| one(desired, side))
}

/// What to ask once more, when the first answers tell that there is more to ask: every service where the
/// cluster has it, when that is not where it is declared, and keys that one host has lost.
pub fn second_question(desired: &Desired, observed: &Both<HostView>) -> Option<Both<Question>> {
    let first = question(desired);
    let cib = live::member(observed).and_then(|host| host.cib.as_ref());
    let probes = cib.map_or_else(|| first.first.probes.clone(), |cib| probes(desired, Some(cib)));
    let (keys, agents) = (keys::to_be_read(observed), new_agents(desired, cib));
    let second = first.clone().map(|question| Question {
        probes: probes.clone(),
        keys: keys.clone(),
        agents: agents.clone(),
        ..question
    });
    (second != first).then_some(second)
}

/// Agents of services that the cluster does not run with just these parameters.
fn new_agents(desired: &Desired, cib: Option<&Element>) -> Vec<String> {
    let runs = |agent: &str, parameters: &[(String, String)]| {
        let is_it = |each: &Element| {
            agent
                == format!(
                    "{}:{}",
                    each.get("provider").unwrap_or_default(),
                    each.get("type").unwrap_or_default()
                )
        };
        let has = |each: &Element, (name, value): &(String, String)| {
            each.all()
                .iter()
                .any(|pair| pair.get("name") == Some(name) && pair.get("value") == Some(value))
        };
        cib.is_some_and(|cib| {
            cib.primitives()
                .any(|each| is_it(each) && parameters.iter().all(|pair| has(each, pair)))
        })
    };
    let agents: BTreeSet<_> = services(desired)
        .filter_map(|kind| match kind {
            ServiceKind::Ocf { agent, parameters } if !runs(agent, parameters) => Some(agent.clone()),
            ServiceKind::Ocf { .. } | ServiceKind::Systemd(_) | ServiceKind::Tomcat => None,
        })
        .collect();
    agents.into_iter().collect()
}

fn probes(desired: &Desired, cib: Option<&Element>) -> Vec<(String, String)> {
    desired
        .groups
        .iter()
        .filter_map(|group| Some((group.name.clone(), live::url(desired, group, cib)?)))
        .collect()
}

fn one(desired: &Desired, side: Side) -> Question {
    let mut units: Vec<String> = UNITS
        .into_iter()
        .chain(tomcat_units())
        .map(str::to_owned)
        .collect();
    units.extend(
        ["firewalld", "nftables", "rsyslog"]
            .iter()
            .chain(&firewall::IPTABLES_UNITS)
            .map(|unit| (*unit).to_owned()),
    );
    units.extend(services(desired).filter_map(|kind| match kind {
        ServiceKind::Systemd(unit) => Some(unit.clone()),
        ServiceKind::Tomcat | ServiceKind::Ocf { .. } => None,
    }));
    let mounts = desired
        .volumes
        .iter()
        .map(|volume| names::mount_unit(&volume.mount_point));
    let jobs = desired
        .volumes
        .iter()
        .map(|volume| format!("{}.service", names::filesystem_job(&volume.name)));
    Question {
        packages: packages(desired),
        units: units
            .into_iter()
            .map(|unit| format!("{unit}.service"))
            .chain(mounts)
            .chain(jobs)
            .collect(),
        files: files::paths(desired, side)
            .into_iter()
            .chain(firewall::PATHS.map(str::to_owned))
            .collect(),
        paths: paths::asked(desired),
        devices: desired
            .volumes
            .iter()
            .map(|volume| (volume.name.clone(), volume.disks[side].device.clone()))
            .collect(),
        disks: desired
            .volumes
            .iter()
            .filter_map(|volume| {
                Some((
                    volume.name.clone(),
                    volume.disks[side].partition.as_ref()?.disk.clone(),
                ))
            })
            .collect(),
        mount_points: desired
            .volumes
            .iter()
            .map(|volume| (volume.name.clone(), volume.mount_point.clone()))
            .collect(),
        own_files: own_files(desired),
        probes: probes(desired, None),
        addresses: desired
            .floating_ips
            .iter()
            .map(|ip| ip.address.to_string())
            .collect(),
        keys: Vec::new(),
        agents: Vec::new(),
    }
}

/// Files that are the pair's own: those of its groups, and what packages make when they are configured, which
/// their lists do not name.
fn own_files(desired: &Desired) -> Vec<String> {
    let declared = desired
        .groups
        .iter()
        .flat_map(|group| &group.files)
        .map(|file| file.path.clone());
    declared
        .chain(MADE_BY_TOMCAT.iter().map(|path| (*path).to_owned()))
        .collect()
}

/// The host is asked before its distribution is known, so for the packages of all of them.
fn packages(desired: &Desired) -> Vec<String> {
    let names: BTreeSet<_> = Platform::all()
        .flat_map(|platform| platform.packages(desired))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}
