//! Warnings are for what nobody has asked for: while a pair is made there is none.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    experiment::{Experiment, Start, run},
    world::World,
};
use scenarios::{SCENARIOS, at_rest};

/// The notes of the warnings that come once something was done, until the pair has settled, or for a minute.
fn warnings(start: &Start, act: impl Fn(&Experiment), settles: bool) -> Vec<String> {
    let end = run(start, None, 1, async |experiment| {
        let before = experiment.api.store().events.len();
        act(experiment);
        let rest = if settles {
            experiment.settle().await
        } else {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        };
        experiment.api.store().events.drain(..before);
        experiment.end(rest)
    });
    assert!(!settles || end.troubles.is_empty(), "{:?}", end.troubles);
    assert!(!end.store.events.is_empty(), "there are no events at all");
    let warnings = end.store.events.iter().filter(|event| event["type"] == "Warning");
    warnings.map(|event| event["note"].to_string()).collect()
}

fn of_scenario(name: &str) -> Vec<String> {
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == name)
        .unwrap_or_else(|| panic!("there is no scenario {name:?}"));
    warnings(&(scenario.start)(), scenario.act, true)
}

#[test]
fn a_first_set_up_alarms_nobody() {
    for name in [
        "first convergence on bare hosts",
        "first convergence of a pair without fencing",
    ] {
        assert_eq!(of_scenario(name), Vec::<String>::new(), "{name}");
    }
}

/// The service may be away for a moment; the leg of a node that comes back has older data at first.
#[test]
fn of_a_standby_and_its_end_only_what_could_be_a_fault_is_a_warning() {
    for (name, words) in [
        ("node1 into standby", "Available is"),
        ("node1 out of standby", "not connected"),
    ] {
        let told = of_scenario(name);
        assert!(told.iter().all(|note| note.contains(words)), "{name}: {told:#?}");
    }
}

/// The operator waits for both to pass, and a person is told all the same.
#[test]
fn a_cut_link_and_a_lost_node_are_warnings() {
    let faults: [fn(&mut World); 2] = [
        |world| world.links[1] = false,
        |world| world.machines[Side::Second].cut_power(),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        let told = warnings(
            &at_rest(),
            |experiment| fault(&mut experiment.shared.world()),
            false,
        );
        assert!(
            told.iter()
                .any(|note| note.contains("RedundancyHealthy is False")),
            "{at}: {told:#?}"
        );
    }
}
