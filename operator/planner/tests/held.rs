//! A pair whose spec cannot be carried out as a whole: its nodes go into standby and come out of it all the same, so
//! that a person can mend what is wrong, and nothing else is done.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason, Side,
    desired::Desired,
    observed::{ConnectionState, DiskState},
    plan::{Finding, Next, Plan, Step, Subject},
};
use situations::*;

/// What intake finds in a spec.
fn invalid() -> [Finding; 1] {
    [Finding::new(
        Subject::Group("tomcat".into()),
        Reason::InvalidSpec,
        "spec.probe: it cannot be carried out".into(),
    )]
}

fn held(desired: &Desired, hosts: &Hosts) -> Plan {
    hapair_planner::plan_in_part(desired, &seen(hosts), invalid().to_vec(), &fresh())
}

/// A pair at rest whose first node is to go into standby.
fn to_standby() -> (Desired, Hosts) {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    (desired, hosts)
}

#[test]
fn a_node_goes_into_standby_whatever_another_object_says() {
    let (desired, hosts) = to_standby();
    let plan = held(&desired, &hosts);
    assert_eq!(plan.findings, invalid());
    let stage = stage_of(&plan);
    let steps = [&stage.steps.first, &stage.steps.second].map(|steps| steps.len());
    assert_eq!(steps.iter().sum::<usize>(), 1, "{stage:?}");
    let pushes = |step: &Step| matches!(step, Step::PushCib { cib, .. } if cib.contains("standby"));
    assert!(stage.steps.any(|steps| steps.iter().any(pushes)), "{stage:?}");
}

#[test]
fn nothing_else_is_done() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.groups[0].services.clear();
    desired.token = 10_000;
    assert_eq!(held(&desired, &hosts).next, Next::Rest);
}

#[test]
fn a_volume_that_is_not_understood_counts_as_long_as_the_cluster_has_it() {
    let (mut desired, mut hosts) = to_standby();
    desired.volumes.clear();
    assert_ne!(held(&desired, &hosts).next, Next::Rest);
    let leg = hosts.second.resources.get_mut("logs").unwrap();
    leg.connection = ConnectionState::Connecting;
    leg.disk = DiskState::Outdated;
    assert_eq!(held(&desired, &hosts).next, Next::Rest);
}

#[test]
fn not_with_a_silent_host_and_not_on_hosts_that_may_not_be_the_pairs() {
    let (desired, hosts) = to_standby();
    let silent = hapair_planner::plan_in_part(&desired, &second_silent(&hosts), invalid().to_vec(), &fresh());
    assert_eq!(silent.next, Next::Rest);
    for side in Side::BOTH {
        let mut foreign = hosts.clone();
        foreign[side].name = "another".into();
        let plan = held(&desired, &foreign);
        assert_eq!(plan.next, Next::Rest);
        assert!(
            plan.findings
                .iter()
                .any(|finding| finding.reason == Reason::HostNameMismatch)
        );
    }
}
