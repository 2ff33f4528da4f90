//! Service groups: what runs, and moves together.

mod availability;
mod group;
mod limits;
mod preset;
mod refuse;
mod report;
mod resources;
mod url;

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::{Desired, Group, ServiceKind},
    observed::{Host, LoadState, Probe, Question},
    plan::{Content, File, Keep, Step},
    reason::with_remedy,
    xml::Element,
};

use crate::{
    due::Due,
    facts::Facts,
    files::text,
    names,
    part::{Ground, Opening, Part},
    platform::Platform,
};

pub use availability::{availability, serving_node};
pub use group::members;
pub use preset::{Installed, delegated_paths, installed as installed_preset};
pub use refuse::{different_ids, is_the_hosts, one_unit};
pub use report::{problem, report};

/// What this part has to say.
pub const PART: Part = Part {
    packages,
    units: preset::units,
    ask,
    resolve: limits::resolve,
    files,
    drop_ins: |_| preset::neighbours().map(str::to_owned).collect(),
    openings,
    steps,
    objects: group::objects,
    refuse_one: refuse::on_one,
    refuse_installed: refuse::agents,
    refuse_both: refuse::on_both,
    waits: |facts| Some(format!("group {} is starting", starting_group(facts)?.name)),
};

/// Why a group's services could not be started on a host: a unit that is not there, or masked, or an agent that is not
/// there.
pub fn missing(group: &Group, node: &str, host: &Host, platform: &Platform) -> Option<String> {
    group.services.iter().find_map(|service| match &service.kind {
        ServiceKind::Ocf { agent, .. } => {
            let path = names::agent_file(agent);
            let is_there = host.paths.contains_key(&path);
            (!is_there).then(|| format!("{node} could not start ocf:{agent}: there is no {path}"))
        }
        kind => {
            let unit = unit(kind, platform)?;
            match host.units.get(unit)?.load {
                LoadState::NotFound => Some(format!(
                    "{node} could not start {unit}.service: there is no such unit"
                )),
                LoadState::Masked => Some(with_remedy(
                    &format!("{node} could not start {unit}.service: the unit is masked"),
                    &unmasked(node, unit),
                )),
                _ => None,
            }
        }
    })
}

/// What a person types who wants a masked unit back.
fn unmasked(node: &str, unit: &str) -> String {
    format!(
        "somebody has masked it there. When that is no longer wanted: on {node} `systemctl unmask {unit}`"
    )
}

/// The resources that the pair's groups and volumes are made of.
pub fn resources_of_ours(desired: &Desired) -> BTreeSet<String> {
    let groups = desired.groups.iter();
    let volumes = desired.volumes.iter().map(|volume| names::volume(&volume.name));
    groups
        .flat_map(|group| members(desired, group))
        .chain(volumes)
        .collect()
}

/// What runs the services of all groups.
fn services(desired: &Desired) -> impl Iterator<Item = &ServiceKind> {
    let services = desired.groups.iter().flat_map(|group| &group.services);
    services.map(|service| &service.kind)
}

/// The systemd unit behind a service, if one is.
fn unit<'a>(kind: &'a ServiceKind, platform: &Platform) -> Option<&'a str> {
    match kind {
        ServiceKind::Preset(preset) => Some(preset::installed(*preset, platform)?.unit),
        ServiceKind::Systemd(unit) => Some(unit),
        ServiceKind::Ocf { .. } => None,
    }
}

fn packages(desired: &Desired, platform: &Platform) -> Vec<&'static str> {
    // curl is what probes ask with.
    let presets = preset::of(desired).filter_map(|preset| preset::installed(preset, platform));
    std::iter::once("curl")
        .chain(presets.map(|installed| installed.package))
        .collect()
}

fn ask(desired: &Desired, _: Side, question: &mut Question) {
    // Of all distributions, since the host's is not known yet.
    let presets = Platform::all().flat_map(|platform| preset::units(&platform));
    let presets: BTreeSet<_> = presets.map(|(unit, _)| unit).collect();
    for unit in presets.into_iter().chain(preset::neighbours()) {
        question.units.push(format!("{unit}.service"));
    }
    for kind in services(desired) {
        match kind {
            ServiceKind::Systemd(unit) => question.units.push(format!("{unit}.service")),
            ServiceKind::Preset(preset) => question.users.extend(preset::user(*preset).map(str::to_owned)),
            ServiceKind::Ocf { agent, .. } => question.paths.push(names::agent_file(agent)),
        }
    }
    let files = desired.groups.iter().flat_map(|group| &group.files);
    for file in files {
        question.paths.push(file.path.clone());
        question.own_files.push(file.path.clone());
    }
    question.own_files.extend(preset::made().map(str::to_owned));
    question.probes.extend(probes(desired, None));
}

/// Each group's URL with its name: where the cluster has it, by its configuration.
pub fn probes(desired: &Desired, cib: Option<&Element>) -> Vec<Probe> {
    let url = |group: &Group| {
        Some(Probe {
            group: group.name.clone(),
            url: url::current(desired, group, cib)?,
            timeout: group.probe.as_ref()?.timeout,
        })
    };
    desired.groups.iter().filter_map(url).collect()
}

/// Agents of services that the cluster does not run with just these parameters.
pub fn new_agents(desired: &Desired, cib: Option<&Element>) -> Vec<String> {
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
            ServiceKind::Ocf { .. } | ServiceKind::Systemd(_) | ServiceKind::Preset(_) => None,
        })
        .collect();
    agents.into_iter().collect()
}

/// Units whose journal tells of the services, under whatever name a distribution has them.
pub fn journal_units(desired: &Desired) -> Vec<String> {
    let units =
        services(desired).flat_map(|kind| Platform::all().filter_map(|platform| unit(kind, &platform)));
    let units: BTreeSet<_> = units.collect();
    units.into_iter().map(str::to_owned).collect()
}

fn files(desired: &Desired, side: Side, ground: &Ground) -> Vec<File> {
    let agent = include_str!("../../files/http").to_owned();
    let mut files = vec![text(names::HTTP_AGENT, "755", agent)];
    files.extend(preset::of(desired).flat_map(|preset| preset::files(preset, &ground.platform)));
    let declared = desired.groups.iter().flat_map(|group| &group.files);
    files.extend(declared.map(|file| File {
        path: file.path.clone(),
        mode: file.mode.clone(),
        owner: file.owner.clone(),
        content: Content::Secret(file.content[side].clone()),
        keep: Keep::Original,
        follow_up: None,
    }));
    files
}

fn openings(desired: &Desired, _: Side) -> Vec<Opening> {
    let probes = desired.groups.iter().filter_map(|group| group.probe.as_ref());
    probes
        .map(|probe| Opening::from_anywhere("tcp", probe.port))
        .collect()
}

/// Units that the cluster runs are none of systemd's business.
fn steps(facts: &Facts<'_>, side: Side, _: &Due) -> Vec<Step> {
    let host = facts.hosts[side];
    let Some(platform) = Platform::of(&host.distribution) else {
        return Vec::new();
    };
    // Before there is a cluster a service may run by itself; its data is about to be copied.
    let is_loose = |unit: &&str| {
        host.units
            .get(*unit)
            .is_some_and(|state| state.enabled || (!host.is_clustered() && state.is_active()))
    };
    let units = services(facts.desired).flat_map(|kind| own_units(kind, &platform));
    let units: Vec<_> = units.filter(is_loose).map(str::to_owned).collect();
    if units.is_empty() {
        return Vec::new();
    }
    vec![Step::DisableUnits { units }]
}

/// The unit behind a service, and those that would start it by themselves.
fn own_units<'a>(kind: &'a ServiceKind, platform: &Platform) -> Vec<&'a str> {
    match kind {
        ServiceKind::Preset(preset) => {
            let installed = preset::installed(*preset, platform);
            installed.map_or_else(Vec::new, |installed| installed.units().collect())
        }
        kind => unit(kind, platform).into_iter().collect(),
    }
}

/// A group whose members have not all started, and have not failed either.
pub fn starting_group<'a>(facts: &Facts<'a>) -> Option<&'a Group> {
    let (desired, cluster) = (facts.desired, facts.cluster()?);
    let can_run = cluster.nodes.values().any(|node| node.online && !node.standby);
    let waiting = desired
        .groups
        .iter()
        .find(|group| members(desired, group).iter().any(|id| cluster.is_idle(id)));
    waiting.filter(|_| can_run && cluster.failures.is_empty())
}
