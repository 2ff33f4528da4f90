//! Reasons that need nobody: what they leave as it is. Those that need somebody are in advice.rs.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Fencing},
    observed::{HostView, Record},
    report::{Condition, Report},
};
use hapair_planner::{plan, report, teardown};
use situations::*;

fn reported(desired: &Desired, observed: &Both<HostView>) -> Report {
    report(desired, observed, &plan(desired, observed, &fresh()), None)
}

fn condition<'a>(conditions: &'a [Condition], type_: &str) -> &'a Condition {
    let mut conditions = conditions.iter();
    conditions.find(|condition| condition.type_ == type_).unwrap()
}

#[test]
fn a_pair_at_rest_is_as_declared_and_serving() {
    let desired = tomcat_pair();
    let report = reported(&desired, &seen(&at_rest(&desired)));
    let reason = |type_| condition(&report.pair.conditions, type_).reason;
    assert_eq!(reason("Ready"), Reason::AsDeclared);
    assert_eq!(reason("Available"), Reason::Serving);
    assert_eq!(reason("HostsReachable"), Reason::Healthy);
}

/// A person has chosen it, so the pair is Ready; the risk is shown.
#[test]
fn disabled_fencing_is_shown_and_makes_nothing_less_ready() {
    let mut desired = tomcat_pair();
    desired.fencing = Fencing::Disabled;
    for side in Side::BOTH {
        desired.nodes[side].devices.clear();
    }
    let report = reported(&desired, &seen(&at_rest(&desired)));
    let fencing = condition(&report.pair.conditions, "FencingReady");
    assert_eq!(
        (fencing.holds, fencing.reason),
        (Some(false), Reason::FencingDisabled)
    );
    assert_eq!(condition(&report.pair.conditions, "Ready").holds, Some(true));
}

/// It passes by itself, so nobody is called: Stalled is False.
#[test]
fn a_pair_that_leaves_its_hosts_says_so_and_is_not_stalled() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired).map(|mut host| {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
            name: None,
        });
        host
    });
    let observed = seen(&hosts);
    let report = report(&desired, &observed, &teardown(&desired, &observed), None);
    let ready = condition(&report.pair.conditions, "Ready");
    assert_eq!((ready.holds, ready.reason), (Some(false), Reason::TearingDown));
    assert_eq!(condition(&report.pair.conditions, "Stalled").holds, Some(false));
}
