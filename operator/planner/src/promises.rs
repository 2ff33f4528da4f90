//! What every plan and report keeps, whatever was declared and seen. It is checked in every build: one that does
//! not is a defect of the planner. It ends that pair's turn before anything comes of it, and nobody else's.

use std::collections::BTreeSet;

use hapair_model::{
    Both,
    desired::Desired,
    observed::HostView,
    plan::{Next, Plan},
    reason::Scope,
    report::{Condition, Report},
};

/// A plan as it leaves the planner.
///
/// # Panics
/// When it changes a host that was not seen, a pair that is paused or about which a finding stops everything; when
/// it has a stage without steps, or says something without words.
pub fn of_plan(desired: &Desired, observed: &Both<HostView>, plan: Plan) -> Plan {
    match &plan.next {
        Next::Rest => {}
        Next::Wait(what) => assert!(!what.is_empty(), "the plan waits for nothing that has a name"),
        Next::Run(stage) => {
            let name = stage.name;
            assert!(!desired.paused, "a paused pair is changed: {name}");
            assert!(
                stage.steps.any(|steps| !steps.is_empty()),
                "a stage without steps: {name}"
            );
            for (side, view) in observed.iter() {
                assert!(
                    view.host().is_some() || stage.steps[side].is_empty(),
                    "{} did not answer, and is changed: {name}",
                    desired.nodes[side].name
                );
            }
            let stops = plan
                .findings
                .iter()
                .find(|finding| finding.stops == Scope::Everything);
            assert!(stops.is_none(), "{name} is planned in spite of {stops:?}");
        }
    }
    let mut said = plan.findings.iter();
    assert!(
        said.all(|finding| !finding.message.is_empty()),
        "a finding without words: {:?}",
        plan.findings
    );
    plan
}

/// A report as it leaves the planner.
///
/// # Panics
/// When an object has a condition twice or without words, or is Ready and Stalled at once.
pub fn of_report(report: Report) -> Report {
    let children = report
        .floating_ips
        .iter()
        .chain(&report.groups)
        .map(|(name, child)| (name.as_str(), &child.conditions));
    let volumes = report
        .volumes
        .iter()
        .map(|(name, volume)| (name.as_str(), &volume.conditions));
    for (name, conditions) in children
        .chain(volumes)
        .chain([("the pair", &report.pair.conditions)])
    {
        of_conditions(name, conditions);
    }
    report
}

fn of_conditions(name: &str, conditions: &[Condition]) {
    let types: BTreeSet<_> = conditions.iter().map(|condition| condition.type_).collect();
    assert!(
        types.len() == conditions.len(),
        "{name} has a condition twice: {conditions:?}"
    );
    let silent = conditions.iter().find(|condition| condition.message.is_empty());
    assert!(
        silent.is_none(),
        "{name} has a condition without words: {silent:?}"
    );
    let holds = |type_: &str| {
        conditions
            .iter()
            .any(|condition| condition.type_ == type_ && condition.holds == Some(true))
    };
    assert!(
        !(holds("Ready") && holds("Stalled")),
        "{name} is Ready, and needs a person: {conditions:?}"
    );
}

#[cfg(test)]
mod tests {
    use hapair_model::{
        Reason,
        report::{ChildReport, PairReport},
    };

    use super::*;

    fn condition(type_: &'static str, holds: bool, message: &str) -> Condition {
        Condition {
            type_,
            holds: Some(holds),
            reason: Reason::Healthy,
            message: message.into(),
        }
    }

    fn reported(conditions: Vec<Condition>) {
        let group = ChildReport {
            conditions,
            ..ChildReport::default()
        };
        of_report(Report {
            pair: PairReport::default(),
            groups: [("tomcat".to_owned(), group)].into(),
            ..Report::default()
        });
    }

    #[test]
    #[should_panic(expected = "tomcat has a condition twice")]
    fn a_condition_that_is_there_twice_is_a_defect() {
        reported(vec![
            condition("Ready", true, "a"),
            condition("Ready", false, "b"),
        ]);
    }

    #[test]
    #[should_panic(expected = "tomcat has a condition without words")]
    fn a_condition_without_words_is_a_defect() {
        reported(vec![condition("Ready", true, "")]);
    }

    #[test]
    #[should_panic(expected = "tomcat is Ready, and needs a person")]
    fn an_object_that_is_ready_and_stalled_is_a_defect() {
        reported(vec![
            condition("Ready", true, "a"),
            condition("Stalled", true, "b"),
        ]);
    }

    #[test]
    fn conditions_that_agree_are_none() {
        reported(vec![
            condition("Ready", true, "a"),
            condition("Stalled", false, "b"),
        ]);
    }
}
