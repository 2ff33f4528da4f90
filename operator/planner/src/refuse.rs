//! What keeps a pair from being changed at all. Everything is checked before anything is done, and all of it
//! is reported at once.

mod hosts;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::{Host, HostView, Job},
    plan::Finding,
    reason::{Scope, with_remedy},
};

use crate::{
    facts::{Facts, OneHost},
    platform::{Platform, supported},
    released, stages, whole,
};

/// Everything that stands in the way.
pub fn findings(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for side in Side::BOTH {
        doubts_about(desired, observed, side, &mut findings);
        if let Some(one) = OneHost::seen(desired, observed, side) {
            one_host(&one, &mut findings);
        }
    }
    if let Some(facts) = Facts::seen(desired, observed)
        && findings.iter().all(|finding| finding.stops == Scope::Nothing)
    {
        both_hosts(&facts, &mut findings);
    }
    findings
}

/// Hosts that do not answer, or may not be the pair's.
pub fn doubts(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for side in Side::BOTH {
        doubts_about(desired, observed, side, &mut findings);
    }
    findings
}

fn doubts_about(desired: &Desired, observed: &Both<HostView>, side: Side, findings: &mut Vec<Finding>) {
    if let HostView::Silent(silence) = &observed[side] {
        findings.push(hosts::silent(desired, side, silence));
    }
    if let Some(one) = OneHost::seen(desired, observed, side) {
        hosts::foreign_cluster(&one, findings);
        hosts::managed_elsewhere(&one, findings);
        hosts::other_name(&one, findings);
    }
}

/// Hosts that do not answer.
pub fn silent_hosts(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let silence = |(side, view): (Side, &HostView)| match view {
        HostView::Silent(why) => Some(hosts::silent(desired, side, why)),
        HostView::Seen(_) => None,
    };
    observed.iter().filter_map(silence).collect()
}

fn one_host(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let (name, host) = (one.name(), one.host);
    let Some(platform) = Platform::of(&host.distribution) else {
        let found = format!("{} {}", host.distribution.id, host.distribution.version);
        findings.push(Finding::about_pair(
            Reason::UnsupportedDistribution,
            format!("{name} runs {found}; supported are {}", supported()),
        ));
        return;
    };
    let missing = stages::missing_packages(one.desired, host, &platform);
    if !missing.is_empty() && !one.desired.install_packages {
        let message = format!(
            "{name} lacks {}, and spec.packages is Unmanaged",
            missing.join(", ")
        );
        findings.push(Finding::about_pair(Reason::PackagesMissing, message));
    }
    for part in whole::parts() {
        (part.refuse_one)(one, &platform, findings);
        if missing.is_empty() {
            (part.refuse_installed)(one, findings);
        }
    }
}

/// How often an installation fails in the same words before a person is needed.
const OFTEN: u32 = 3;

/// The installation that has failed on a host, for the report: it is tried again by itself.
pub fn failed_installation(desired: &Desired, side: Side, host: &Host) -> Option<Finding> {
    match &host.install {
        Some(Job::Failed { message, times, .. })
            if Platform::of(&host.distribution).is_some() && !stages::is_installed(desired, host) =>
        {
            let node = &desired.nodes[side].name;
            let message = format!("{node}: the packages could not be installed: {message}");
            let remedy = format!(
                "mend the package sources of {node}. The operator tries again by itself after a minute, or at once after this: on {node} \
                 `systemctl reset-failed hapair-packages`"
            );
            let reason = match *times < OFTEN {
                true => Reason::PackagesFailed,
                false => Reason::PackagesKeepFailing,
            };
            Some(Finding::about_pair(reason, with_remedy(&message, &remedy)))
        }
        _ => None,
    }
}

fn both_hosts(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    hosts::releases(facts, findings);
    let live = facts.quorate_member.map(|member| member.cib);
    released::forgotten_amiss(facts.desired, live, findings);
    for part in whole::parts() {
        (part.refuse_both)(facts, findings);
    }
}
