//! What keeps a pair from being changed at all. Everything is checked before anything is done, and all of it
//! is reported at once.

mod hosts;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::{Host, HostView, Job},
    plan::{Finding, Subject},
};

use crate::{
    facts::{Facts, OneHost},
    parts::PARTS,
    platform::{Platform, supported},
    stages,
};

/// Everything that stands in the way.
pub fn findings(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (side, view) in observed.iter() {
        match view {
            HostView::Silent(silence) => findings.push(hosts::silent(desired, side, silence)),
            HostView::Seen(host) => {
                let peer = observed[side.peer()].host();
                let one = OneHost {
                    desired,
                    side,
                    host,
                    peer,
                };
                hosts::foreign_cluster(&one, &mut findings);
                one_host(&one, &mut findings);
            }
        }
    }
    if let Some(facts) = Facts::seen(desired, observed)
        && findings.is_empty()
    {
        both_hosts(&facts, &mut findings);
    }
    findings
}

/// Hosts that do not answer.
pub fn silent_hosts(desired: &Desired, observed: &Both<HostView>) -> Vec<Finding> {
    let silence = |(side, view): (Side, &HostView)| match view {
        HostView::Silent(why) => Some(hosts::silent(desired, side, why)),
        HostView::Seen(_) => None,
    };
    observed.iter().filter_map(silence).collect()
}

/// A finding about the whole pair.
pub fn about_pair(reason: Reason, message: String) -> Finding {
    Finding {
        about: Subject::Pair,
        reason,
        message,
    }
}

fn one_host(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let OneHost {
        desired, side, host, ..
    } = *one;
    let name = one.name();
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
    let clustered = host.is_clustered() || host.corosync_cluster.is_some();
    if host.name != name && (clustered || !desired.nodes[side].set_hostname) {
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
            format!("{name} runs {found}; supported are {}", supported()),
        ));
        return;
    };
    packages(one, &platform, findings);
    for part in &PARTS {
        (part.refuse_one)(one, &platform, findings);
    }
}

fn packages(one: &OneHost<'_>, platform: &Platform, findings: &mut Vec<Finding>) {
    let (desired, name) = (one.desired, one.name());
    let missing = stages::missing_packages(desired, one.host, platform);
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

fn both_hosts(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    hosts::releases(facts, findings);
    for part in &PARTS {
        (part.refuse_both)(facts, findings);
    }
}
