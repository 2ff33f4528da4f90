//! A plan that breaks a promise is stopped. The planner makes none, so these are made by hand.

mod situations;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hapair_model::{
    Both, Reason,
    desired::Desired,
    observed::HostView,
    plan::{Finding, Next, Plan, Stage, Step, Subject},
};
use hapair_planner::promises;
use situations::*;

/// The words with which a plan is stopped.
fn broken(desired: &Desired, observed: &Both<HostView>, plan: Plan) -> String {
    let check = AssertUnwindSafe(|| promises::of_plan(desired, observed, plan));
    let payload = catch_unwind(check).expect_err("it was let through");
    payload
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| format!("{payload:?}"))
}

fn stage(first: Vec<Step>, second: Vec<Step>) -> Plan {
    Plan {
        next: Next::Run(Stage {
            name: "a stage",
            steps: Both::new(first, second),
        }),
        findings: Vec::new(),
    }
}

#[test]
fn a_paused_pair_a_silent_host_and_an_empty_stage() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let reload = || vec![Step::ReloadUnits];
    assert!(broken(&desired, &seen(&hosts), stage(vec![], vec![])).contains("a stage without steps"));
    let silent = second_silent(&hosts);
    assert!(broken(&desired, &silent, stage(vec![], reload())).contains("node2 did not answer"));
    promises::of_plan(&desired, &silent, stage(reload(), vec![]));
    desired.paused = true;
    assert!(broken(&desired, &seen(&hosts), stage(reload(), vec![])).contains("a paused pair is changed"));
}

#[test]
fn what_stops_everything_and_what_says_nothing() {
    let desired = tomcat_pair();
    let observed = seen(&at_rest(&desired));
    let with = |reason, message: &str| {
        let mut plan = stage(vec![Step::ReloadUnits], vec![]);
        plan.findings
            .push(Finding::new(Subject::Pair, reason, message.into()));
        plan
    };
    assert!(broken(&desired, &observed, with(Reason::ForeignCluster, "x")).contains("in spite of"));
    assert!(broken(&desired, &observed, with(Reason::Conflict, "")).contains("without words"));
    promises::of_plan(&desired, &observed, with(Reason::Conflict, "x"));
}
