//! Decides. Pure functions of what is declared and what was seen: no clock, no I/O, no randomness but what is
//! handed in.
//!
//! [`question`] says what to ask the hosts, [`plan`] what to do next, [`report`] what to tell people. A plan
//! is made in the order in which an administrator would work: refuse what cannot be, packages, files and
//! daemons, the first data of the volumes, the first start, changes of the running cluster, the conveniences. Only
//! the next stage is planned: the one after it depends on what the hosts say then. [`foresee`] guesses at all of them,
//! for people.

mod at_boot;
mod bans;
mod cib;
mod desired_cib;
mod due;
mod effect;
mod elements;
mod facts;
mod failover;
mod failures;
mod files;
mod firewall;
mod foresee;
mod ids;
mod leave;
mod lint;
mod live;
mod merge;
mod names;
mod newcomers;
mod part;
mod parts;
mod paths;
mod platform;
pub mod promises;
mod question;
mod refuse;
mod released;
mod releases;
mod report;
mod resolve;
mod stages;
mod standby;
mod takeover;
mod view;
mod whole;

use facts::Facts;
use hapair_model::{
    Both,
    desired::Desired,
    observed::HostView,
    plan::{Finding, Next, Plan},
    reason::Scope,
};
use parts::{administration, keys, volume};

pub use effect::{purpose, put_back, wanted_and_got};
pub use failover::failover;
pub use foresee::{End, Foreseen, after, carry_out, foresee};
pub use leave::{gone, teardown};
pub use lint::{Purpose, Rule, Severity, checked};
pub use live::{Holder, holder};
pub use parts::keys::FreshKeys;
pub use parts::service::{Installed, delegated_paths, is_the_hosts, journal_units};
pub use question::{question, second_question};
pub use releases::{KnownRelease, releases};
pub use report::{held_pair, report, unreported_child, unreported_volume};
pub use resolve::resolve;

/// What to do next with a pair.
///
/// With a silent host nothing is planned: unreachable is not down, and half a pair is not changed. With other
/// findings nothing is, but for what they do not stop.
pub fn plan(desired: &Desired, observed: &Both<HostView>, fresh: &FreshKeys) -> Plan {
    plan_in_part(desired, observed, Vec::new(), fresh)
}

/// The plan of a pair whose spec cannot be carried out as a whole: what `findings` do not stop, and to say why.
pub fn plan_in_part(
    desired: &Desired,
    observed: &Both<HostView>,
    findings: Vec<Finding>,
    fresh: &FreshKeys,
) -> Plan {
    let (rest, findings) = newcomers::left_out(desired, observed, findings);
    match rest {
        Some(rest) => planned(&rest, observed, findings, |facts| Some(next(facts, fresh))),
        None => planned(desired, observed, findings, stages::standby_alone),
    }
}

/// The plan of a pair whose spec is not understood: to do nothing, and say why.
pub fn held(desired: &Desired, observed: &Both<HostView>, findings: &[Finding]) -> Plan {
    Plan::at_rest([findings, &refuse::silent_hosts(desired, observed)].concat())
}

/// What is next, as far as the findings do not stop it and it keeps the safety rules.
fn planned(
    desired: &Desired,
    observed: &Both<HostView>,
    mut findings: Vec<Finding>,
    next: impl FnOnce(&Facts<'_>) -> Option<Next>,
) -> Plan {
    let is_stopped = desired.paused || findings.iter().any(|finding| finding.stops == Scope::Everything);
    let Some(facts) = Facts::seen(desired, observed).filter(|_| !is_stopped) else {
        return Plan::at_rest(findings);
    };
    let next = next(&facts).unwrap_or(Next::Rest);
    let plan = match checked(Purpose::Converge, desired, &facts.hosts, next) {
        Ok(next) => Plan { next, findings },
        Err(refusal) => {
            findings.push(refusal);
            Plan::at_rest(findings)
        }
    };
    promises::of_plan(desired, observed, plan)
}

fn next(facts: &Facts<'_>, fresh: &FreshKeys) -> Next {
    // Packages may not be had for long.
    let packages = match stages::packages(facts) {
        Some(Next::Wait(what)) => stages::standby_alone(facts).or(Some(Next::Wait(what))),
        other => other,
    };
    packages
        .or_else(|| volume::detach(facts))
        .or_else(|| stages::prepare(facts, fresh))
        .or_else(|| volume::first_data(facts))
        .or_else(|| stages::start(facts))
        .or_else(|| stages::configure(facts))
        .or_else(|| leave::volumes(facts))
        .or_else(|| leave::files(facts))
        .or_else(|| stages::reload_units(facts))
        // A standby may wait for it.
        .or_else(|| volume::unfence(facts))
        .or_else(|| stages::forget_failures(facts))
        .or_else(|| stages::settle_down(facts))
        .or_else(|| keys::remember(facts))
        .or_else(|| administration::administer(facts))
        .unwrap_or(Next::Rest)
}
