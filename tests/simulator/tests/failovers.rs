//! The status says how the service came to the other node, and where the seconds went.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    effects::Life,
    experiment::{Experiment, run},
};
use scenarios::{at_rest, standby};
use serde_json::Value;

/// Longer than a failover takes.
const LONG: Duration = Duration::from_secs(90);

fn last_failover(experiment: &Experiment) -> Option<Value> {
    let pair = experiment.api.get("hapairs", "web")?;
    pair["status"].get("lastFailover").cloned()
}

/// Cause, nodes and the names of the phases.
fn story(failover: &Value) -> (String, String, String, Vec<String>) {
    let text = |name: &str| failover[name].as_str().unwrap_or_default().to_owned();
    let phases = failover["phases"].as_array().into_iter().flatten();
    let names = phases.map(|phase| phase["name"].as_str().unwrap_or_default().to_owned());
    (text("cause"), text("from"), text("to"), names.collect())
}

fn expected(cause: &str, from: &str, to: &str, phases: &[&str]) -> (String, String, String, Vec<String>) {
    let phases = phases.iter().map(|&phase| phase.to_owned()).collect();
    (cause.into(), from.into(), to.into(), phases)
}

const AFTER_A_LOSS: &[&str] = &[
    "Membership",
    "Fencing",
    "Promotion",
    "Filesystem",
    "Address",
    "Service",
    "Probe",
];
const AFTER_A_STOP: &[&str] = &["Stop", "Promotion", "Filesystem", "Address", "Service", "Probe"];

#[test]
fn a_lost_node_and_a_standby_are_told_phase_by_phase_and_a_first_start_is_none() {
    run(&at_rest(), None, 1, async |experiment| {
        assert_eq!(last_failover(experiment), None);
        experiment.shared.world().machines.first.cut_power();
        tokio::time::sleep(LONG).await;
        let told = last_failover(experiment).expect("the power cut is told");
        assert_eq!(story(&told), expected("Fenced", "node1", "node2", AFTER_A_LOSS));
        let seconds: f64 = told["duration"]
            .as_str()
            .unwrap()
            .trim_end_matches('s')
            .parse()
            .unwrap();
        // The simulator's token is over at once, and counts for three seconds.
        assert!((5.0..30.0).contains(&seconds), "{told}");
        experiment.settle().await.expect("node1 is back");

        experiment.apply([standby(false)]);
        experiment.settle().await.expect("as before");
        assert_eq!(
            last_failover(experiment).as_ref(),
            Some(&told),
            "nothing has moved"
        );
    });
    run(&at_rest(), None, 1, async |experiment| {
        experiment.apply([standby(true)]);
        experiment.settle().await.expect("the standby is carried out");
        let told = last_failover(experiment).expect("the standby is told");
        // The two clocks are an hour apart.
        assert_eq!(story(&told), expected("Stopped", "node1", "node2", AFTER_A_STOP));
        let figures = experiment.figures();
        for line in [
            "hapair_failover_seconds_count{namespace=\"web\",pair=\"web\",cause=\"Stopped\"} 1",
            "hapair_failover_phase_seconds_count{namespace=\"web\",pair=\"web\",phase=\"Stop\"} 1",
        ] {
            assert!(figures.contains(line), "{line} is not among\n{figures}");
        }
    });
}

#[test]
fn what_happened_while_no_operator_looked_is_told_once() {
    for before in [Duration::ZERO, Duration::from_secs(5), LONG] {
        run(&at_rest(), None, 1, async |experiment| {
            experiment.shared.world().machines.first.cut_power();
            tokio::time::sleep(before).await;
            experiment.operator().set(Life::Dead);
            tokio::time::sleep(LONG).await;
            experiment.start_operator();
            tokio::time::sleep(LONG).await;
            let told = last_failover(experiment).expect("the power cut is told");
            assert_eq!(
                story(&told),
                expected("Fenced", "node1", "node2", AFTER_A_LOSS),
                "{before:?}"
            );
            let count = "hapair_failover_seconds_count{namespace=\"web\",pair=\"web\",cause=\"Fenced\"}";
            let times = if before == LONG { None } else { Some("1") };
            let figures = experiment.figures();
            let counted = figures
                .lines()
                .find_map(|line| line.strip_prefix(count))
                .map(str::trim);
            assert_eq!(counted, times, "{before:?}");
        });
    }
}

#[test]
fn journals_that_cannot_be_read_hold_nothing_up() {
    run(&at_rest(), None, 1, async |experiment| {
        experiment.shared.world().machines.second.disk.journal_is_lost = true;
        experiment.shared.world().machines.first.cut_power();
        tokio::time::sleep(LONG).await;
        assert_eq!(last_failover(experiment), None);
        let available = experiment
            .condition("hapairs", "web", "Available")
            .expect("it is told");
        assert_eq!(available.0, "True");
        assert!(
            experiment.shared.world().machines[Side::Second]
                .memory
                .resources
                .contains_key("ip-web")
        );
    });
}
