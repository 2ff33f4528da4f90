//! Warnings are for what nobody has asked for: while a pair is made, and while a node comes back, there is none.

mod scenarios;

use hapair_simulator::experiment::run;
use scenarios::SCENARIOS;

/// The notes of the warnings that a scenario gives.
fn warnings(name: &str) -> Vec<String> {
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == name)
        .unwrap_or_else(|| panic!("there is no scenario {name:?}"));
    let end = run(&(scenario.start)(), None, 1, async |experiment| {
        let before = experiment.api.store().events.len();
        (scenario.act)(experiment);
        let rest = experiment.settle().await;
        experiment.api.store().events.drain(..before);
        experiment.end(rest)
    });
    assert!(end.troubles.is_empty(), "{name}: {:?}", end.troubles);
    assert!(!end.store.events.is_empty(), "{name} has no events at all");
    let warnings = end.store.events.iter().filter(|event| event["type"] == "Warning");
    warnings.map(|event| event["note"].to_string()).collect()
}

#[test]
fn a_first_set_up_and_a_node_that_comes_back_alarm_nobody() {
    for name in [
        "first convergence on bare hosts",
        "first convergence of a pair without fencing",
        "node1 out of standby",
    ] {
        assert_eq!(warnings(name), Vec::<String>::new(), "{name}");
    }
}

/// The service is away for a moment.
#[test]
fn of_a_standby_only_the_moment_without_service_is_a_warning() {
    let told = warnings("node1 into standby");
    assert!(told.iter().all(|note| note.contains("Available is")), "{told:#?}");
}
