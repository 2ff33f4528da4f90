//! Everything that is files and daemons below pacemaker.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::Host,
    plan::{File, Next, PackageManager, Step},
};

use super::platform;
use crate::{
    due::Due,
    facts::Facts,
    part::Ground,
    parts::{
        keys::{self, FreshKeys},
        volume,
    },
    whole,
};

/// Keys, configuration, corosync, DRBD's metadata and connection.
pub fn prepare(facts: &Facts<'_>, fresh: &FreshKeys) -> Option<Next> {
    let keys = keys::files(facts, fresh);
    Next::stage(
        "prepare the hosts",
        Both::from_fn(|side| prepare_one(facts, side, &keys[side])),
    )
}

fn prepare_one(facts: &Facts<'_>, side: Side, keys: &[File]) -> Vec<Step> {
    let (desired, host) = (facts.desired, facts.hosts[side]);
    let mut steps = of_the_host(desired, host, side);
    steps.extend(keys.iter().cloned().map(Step::WriteFile));
    let mut changed = changed_files(desired, host, side);
    changed.retain(|file| !volume::is_kept(facts, side, &file.path));
    let due = Due::of(host, keys.iter().chain(&changed));
    steps.extend(changed.into_iter().map(Step::WriteFile));
    for part in whole::parts() {
        steps.extend((part.steps)(facts, side, &due));
    }
    // A device that the cluster does not have yet has no failures to forget.
    let failed = due.clean_ups().filter(|id| host.has_in_cib(id));
    steps.extend(failed.map(|resource| Step::CleanUp { resource }));
    steps
}

/// The host's name, its packages held, the names of both nodes.
fn of_the_host(desired: &Desired, host: &Host, side: Side) -> Vec<Step> {
    let (node, platform) = (&desired.nodes[side], platform(host));
    let mut steps = Vec::new();
    if host.name != node.name {
        steps.push(Step::SetHostname {
            name: node.name.clone(),
        });
    }
    let held = platform.held().iter().map(|name| (*name).to_owned());
    let packages: Vec<_> = held.filter(|name| !host.held.contains(name)).collect();
    if platform.manager == PackageManager::Apt && desired.install_packages && !packages.is_empty() {
        steps.push(Step::HoldPackages { packages });
    }
    let nodes = desired.nodes.iter();
    let lines: Vec<_> = nodes
        .map(|(_, node)| format!("{} {}", node.first_address(), node.name))
        .collect();
    if host.hosts_block != lines {
        steps.push(Step::WriteHostsBlock { lines });
    }
    steps
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
    let files = whole::files(desired, side, &Ground::of(host, platform(host)));
    files.into_iter().filter(differs).collect()
}

/// A mode as stat(1) prints it.
fn mode(octal: &str) -> &str {
    let digits = octal.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}
