//! What to tell people: conditions, each an observation, none a memory.

mod pair;
mod redundancy;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::HostView,
    plan::{Finding, Plan, Subject},
    reason::Class,
    report::{ChildReport, Condition, PairReport, Report, VolumeReport},
};

use crate::{
    parts::{address, service, volume},
    promises, refuse,
    view::{View, concerning},
};

/// Statuses of the pair and its children. `failure` is how the last stage went wrong, if it did.
pub fn report(
    desired: &Desired,
    observed: &Both<HostView>,
    plan: &Plan,
    failure: Option<&Finding>,
) -> Report {
    let failed_installation = |side: Side| refuse::failed_installation(desired, side, observed[side].host()?);
    let failures = failure
        .cloned()
        .into_iter()
        .chain(Side::BOTH.into_iter().filter_map(failed_installation));
    let findings = plan.findings.iter().cloned().chain(failures).collect();
    let view = View::new(desired, observed, &plan.next, findings);
    let volumes = desired
        .volumes
        .iter()
        .map(|volume| (volume.name.clone(), volume::report(&view, volume)))
        .collect();
    let floating_ips = desired
        .floating_ips
        .iter()
        .map(|ip| (ip.name.clone(), address::report(&view, ip)))
        .collect();
    let groups = desired
        .groups
        .iter()
        .map(|group| (group.name.clone(), service::report(&view, group)))
        .collect();
    promises::of_report(Report {
        pair: pair::pair(&view),
        volumes,
        floating_ips,
        groups,
    })
}

/// The report of a pair about which nothing can be said but one finding.
pub fn held_pair(finding: &Finding) -> Report {
    Report {
        pair: PairReport {
            conditions: held_up(Some(finding)),
            ..PairReport::default()
        },
        ..Report::default()
    }
}

/// The report of a volume whose spec was not understood, or that is leaving.
pub fn unreported_volume(about: &Subject, findings: &[Finding]) -> VolumeReport {
    VolumeReport {
        conditions: held_up(concerning(about, findings)),
        ..VolumeReport::default()
    }
}

/// The report of a floating IP or group whose spec was not understood, or that is leaving.
pub fn unreported_child(about: &Subject, findings: &[Finding]) -> ChildReport {
    ChildReport {
        conditions: held_up(concerning(about, findings)),
        ..ChildReport::default()
    }
}

fn held_up(finding: Option<&Finding>) -> Vec<Condition> {
    let (reason, message) = finding.map_or((Reason::TearingDown, "it is being taken off the hosts"), |f| {
        (f.reason, f.message.as_str())
    });
    let stalled = finding.is_some_and(|finding| finding.reason.class() == Class::NeedsPerson);
    let underway = finding.is_none();
    vec![
        Condition::new("Ready", Some(false), reason, message.into()),
        Condition::new("Reconciling", Some(underway), reason, message.into()),
        Condition::new("Stalled", Some(stalled), reason, message.into()),
    ]
}
