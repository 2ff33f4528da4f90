//! Packages first: whatever else a host needs comes with them.

use hapair_model::{
    Both,
    desired::Desired,
    observed::{Host, Job, Unit},
    plan::{Next, Step},
};

use super::platform;
use crate::{facts::Facts, platform::Platform, whole};

/// How long a failed installation is left alone before it is tried again, in seconds.
const INSTALL_PAUSE: u64 = 60;

/// Installs what is missing. Everything that it would start is kept from starting.
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
    Next::stage("install packages", steps).or_else(|| Some(Next::Wait("packages are being installed".into())))
}

/// Whether all packages are there, and nothing is kept from starting any more on their account.
pub fn is_installed(desired: &Desired, host: &Host) -> bool {
    missing(desired, host, &platform(host)).is_empty()
        && !host.pending.iter().any(|mark| mark.starts_with("unmask-"))
}

/// Packages that this host lacks.
pub fn missing(desired: &Desired, host: &Host, platform: &Platform) -> Vec<String> {
    whole::packages(desired, platform)
        .into_iter()
        .filter(|name| !host.packages.contains_key(*name))
        .map(str::to_owned)
        .collect()
}

fn install(desired: &Desired, host: &Host) -> Step {
    let platform = platform(host);
    let packages = missing(desired, host, &platform);
    // What is there already may be needed at any moment: the peer may fail while a package cannot be had.
    let units = whole::units(&platform)
        .into_iter()
        .filter(|(_, package)| packages.iter().any(|missing| missing == package))
        .map(|(unit, _)| unit);
    let mask = units.filter(|unit| !host.units.get(*unit).is_some_and(Unit::is_active));
    Step::InstallPackages {
        manager: platform.manager,
        mask: mask.map(str::to_owned).collect(),
        packages,
    }
}
