//! Taking things off the hosts: children that are being deleted, or the whole pair. Data always stays on its
//! disks.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Leaving},
    observed::{Cluster, Host, HostView, Job, Role},
    plan::{Finding, Next, Plan, Step, Subject},
};

use crate::{
    facts::Facts,
    firewall,
    lint::{Purpose, checked},
    names, promises, refuse, whole,
};

/// DRBD resources of volumes that are leaving, once the cluster no longer has them and has stopped using
/// them.
pub fn volumes(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let present = desired
        .leaving
        .volumes
        .iter()
        .filter(|name| hosts.any(|host| is_on(host, name)));
    let (used, idle): (Vec<_>, Vec<_>) =
        present.partition(|name| facts.owns(&names::volume(name)) || hosts.any(|host| is_used(host, name)));
    let steps = Both::from_fn(|side| {
        let down = idle.iter().filter(|name| is_on(hosts[side], name));
        down.map(|name| Step::TakeDown {
            resource: (*name).clone(),
        })
        .collect()
    });
    Next::stage("take volumes down", steps)
        .or_else(|| {
            used.first()
                .map(|name| Next::Wait(format!("volume {name} is still in use")))
        })
        .or_else(|| {
            keys(&desired.leaving)
                .find(|key| facts.owns(key))
                .map(|key| Next::Wait(format!("{key} is stopping")))
        })
}

/// Files of groups that are leaving, once the cluster no longer has them.
pub fn files(facts: &Facts<'_>) -> Option<Next> {
    let steps = Both::from_fn(|side| {
        let paths = to_give_back(facts.desired, facts.hosts[side]);
        if paths.is_empty() {
            Vec::new()
        } else {
            vec![Step::GiveBack { paths }]
        }
    });
    Next::stage("give back what files of services replaced", steps)
}

/// Files of groups that are leaving, which this host still has, and which no group that stays declares.
fn to_give_back(desired: &Desired, host: &Host) -> Vec<String> {
    let declared: BTreeSet<_> = desired
        .groups
        .iter()
        .flat_map(|group| &group.files)
        .map(|file| &file.path)
        .collect();
    let written = desired.leaving.files.intersection(&host.service_files);
    written.filter(|path| !declared.contains(path)).cloned().collect()
}

/// Whether the cluster still runs something of the volume here, or its DRBD resource is Primary.
fn is_used(host: &Host, volume: &str) -> bool {
    let ids = [names::volume(volume), names::filesystem(volume)];
    let runs = |cluster: &Cluster| {
        cluster
            .resources
            .iter()
            .any(|each| ids.contains(&each.id) && !each.nodes.is_empty())
    };
    host.cluster.as_ref().is_some_and(runs)
        || host
            .resources
            .get(volume)
            .is_some_and(|leg| leg.role == Role::Primary)
}

/// The keys of everything that is leaving.
fn keys(leaving: &Leaving) -> impl Iterator<Item = String> {
    let groups = leaving.groups.iter().map(|name| names::group(name));
    groups
        .chain(leaving.floating_ips.iter().map(|name| names::ip(name)))
        .chain(leaving.volumes.iter().map(|name| names::volume(name)))
}

/// Whether the volume's resource is configured here, by us: one of someone else's with the same name is none
/// of it.
fn is_on(host: &Host, volume: &str) -> bool {
    host.drbd_config.get(volume).is_some_and(|config| config.ours)
}

/// Of the children that are leaving: those of which nothing is left on the hosts.
pub fn gone(desired: &Desired, observed: &Both<HostView>) -> Leaving {
    let Some(facts) = Facts::seen(desired, observed) else {
        return Leaving::default();
    };
    let (hosts, known) = (&facts.hosts, facts.tells_what_runs());
    let stopped = !hosts.any(|host| {
        host.cluster
            .as_ref()
            .is_some_and(|cluster| cluster.leftover().is_some())
    });
    let left = |key: String| known && stopped && !facts.owns(&key);
    let has_files = hosts.any(|host| !to_give_back(desired, host).is_empty());
    let Leaving {
        volumes,
        floating_ips,
        groups,
        files,
    } = &desired.leaving;
    Leaving {
        volumes: volumes
            .iter()
            .filter(|name| left(names::volume(name)) && !hosts.any(|host| is_on(host, name)))
            .cloned()
            .collect(),
        floating_ips: floating_ips
            .iter()
            .filter(|name| left(names::ip(name)))
            .cloned()
            .collect(),
        groups: groups
            .iter()
            .filter(|name| left(names::group(name)) && !has_files)
            .cloned()
            .collect(),
        files: files.clone(),
    }
}

/// What taking the whole pair off its hosts needs next. The plan rests, without findings, when nothing is
/// left of it.
pub fn teardown(desired: &Desired, observed: &Both<HostView>) -> Plan {
    let mut findings = refuse::silent_hosts(desired, observed);
    if desired.paused {
        let message = "the pair is being deleted, but it is paused: nothing is taken off its hosts".into();
        findings.push(Finding::new(Subject::Pair, Reason::PausedByUser, message));
    }
    let next = match observed.as_ref().map(HostView::host).complete() {
        Some(hosts) if findings.is_empty() => next_of_teardown(desired, &hosts)
            .map(|next| checked(Purpose::Teardown, desired, &hosts, next))
            .transpose(),
        _ => Ok(None),
    };
    let next = next.unwrap_or_else(|refusal| {
        findings.push(refusal);
        None
    });
    if next.is_some() {
        findings.push(Finding::new(
            Subject::Pair,
            Reason::TearingDown,
            "the pair is being taken off its hosts".into(),
        ));
    }
    let next = next.unwrap_or(Next::Rest);
    promises::of_plan(desired, observed, Plan { next, findings })
}

fn next_of_teardown(desired: &Desired, hosts: &Both<&Host>) -> Option<Next> {
    // A host that has no record of ours, or someone else's, is none of ours any more, whatever the spec says
    // of its address.
    let ours = |host: &Host| {
        desired.side(&host.name).is_some()
            && host
                .owner
                .as_ref()
                .is_some_and(|record| record.owner == desired.owner.to_string())
    };
    // What is being installed would start by itself, once nothing keeps it from that any more.
    if hosts.any(|host| ours(host) && host.install == Some(Job::Running)) {
        return Some(Next::Wait("packages are being installed".into()));
    }
    let runs = |host: &Host, unit: &str| {
        host.units
            .get(unit)
            .is_some_and(|unit| unit.is_active() || unit.enabled)
    };
    let stop = Both::from_fn(|side| {
        // A configuration that is left behind would make the next pair on these hosts look like one that was
        // formed already.
        let present = runs(hosts[side], "pacemaker")
            || runs(hosts[side], "corosync")
            || hosts[side].cib_on_disk.is_some();
        let stop = ours(hosts[side]) && present;
        if stop {
            vec![Step::LeaveCluster]
        } else {
            Vec::new()
        }
    });
    let forget = |side| {
        if !ours(hosts[side]) {
            return Vec::new();
        }
        let ours = hosts[side].drbd_config.iter().filter(|(_, config)| config.ours);
        let volumes = ours.map(|(name, _)| Step::TakeDown {
            resource: name.clone(),
        });
        let close = hosts[side]
            .firewall
            .filter(|_| desired.open_firewall)
            .map(|firewall| Step::CloseFirewall { firewall });
        // The resources' files are not among them: those that are ours have just been taken away.
        let files = whole::own_paths(desired, side)
            .into_iter()
            .filter(|path| !path.starts_with("/etc/drbd.d/"));
        let files = files.chain(firewall::PATHS.map(str::to_owned)).collect();
        volumes.chain(close).chain([Step::Forget { files }]).collect()
    };
    // A file system may be on its way to its first content.
    let in_use = |side: &Side| {
        let mut legs = hosts[*side].resources.iter();
        ours(hosts[*side]) && legs.any(|(name, leg)| leg.role == Role::Primary && is_on(hosts[*side], name))
    };
    Next::stage("stop the cluster", stop)
        .or_else(|| {
            let side = Side::BOTH.iter().find(|side| in_use(side))?;
            let node = &desired.nodes[*side].name;
            Some(Next::Wait(format!("a volume is still in use on {node}")))
        })
        .or_else(|| Next::stage("forget the pair", Both::from_fn(forget)))
}
