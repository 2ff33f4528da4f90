//! Hosts that hold an epoch of which the Lease knows nothing.

mod scenarios;

use hapair_simulator::{
    experiment::{Experiment, Start, run},
    objects::changed,
};
use scenarios::at_rest;
use serde_json::{Value, json};

/// Far in the future.
const AHEAD: u64 = 4_000_000_000;

fn hosts_hold(start: &mut Start, epoch: u64) {
    for machine in [&mut start.world.machines.first, &mut start.world.machines.second] {
        machine
            .disk
            .owner
            .as_mut()
            .expect("a pair that has converged")
            .epoch = epoch;
    }
}

fn standby() -> Value {
    changed("HAPair", |spec| spec["nodes"][0]["standby"] = json!(true))
}

fn active(experiment: &Experiment) -> Option<Value> {
    experiment
        .api
        .get("hapairs", "web")
        .map(|pair| pair["status"]["active"].clone())
}

/// A clock ran ahead while an operator acquired leadership, and the Lease was deleted afterwards.
#[test]
fn an_epoch_from_the_future_is_outbid_once() {
    let mut start = at_rest();
    hosts_hold(&mut start, AHEAD);
    let end = run(&start, None, 1, async |experiment| {
        experiment.apply([standby()]);
        let rest = experiment.settle().await;
        assert_eq!(
            active(experiment),
            Some(json!("node2")),
            "{:?}",
            experiment.condition("hapairs", "web", "Ready")
        );
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
    // Only a host that is changed gets the new one.
    assert!(end.world.machines.any(|machine| {
        machine
            .disk
            .owner
            .as_ref()
            .is_some_and(|record| record.epoch == AHEAD + 1)
    }));
}

/// Another leader, of another API server, has outbid ours in its turn.
#[test]
fn an_epoch_that_is_raised_again_is_not_outbid_again() {
    let mut start = at_rest();
    hosts_hold(&mut start, AHEAD);
    run(&start, None, 1, async |experiment| {
        experiment.apply([standby()]);
        experiment.settle().await.expect("the first is outbid");
        for side in hapair_model::Side::BOTH {
            experiment.shared.world().machines[side]
                .disk
                .owner
                .as_mut()
                .expect("a record")
                .epoch = AHEAD + 7;
        }
        experiment.apply([changed("HAPair", |_| {})]);
        // It is tried again, ever less often; each time it is refused.
        let _ = experiment.settle().await;
        let (_, reason, message) = experiment.condition("hapairs", "web", "Ready").expect("a status");
        assert_eq!(
            (reason.as_str(), active(experiment)),
            ("Superseded", Some(json!("node2"))),
            "{message}"
        );
    });
}

/// An operator that acquired leadership later than ours, by the same clock: perhaps that of an API server
/// which was restored from a backup.
#[test]
fn an_epoch_that_is_not_from_the_future_is_never_outbid() {
    run(&at_rest(), None, 1, async |experiment| {
        experiment.settle().await.expect("a pair at rest");
        // Epochs are seconds of the real clock.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock")
            .as_secs();
        for side in hapair_model::Side::BOTH {
            experiment.shared.world().machines[side]
                .disk
                .owner
                .as_mut()
                .expect("a record")
                .epoch = now;
        }
        experiment.apply([standby()]);
        let _ = experiment.settle().await;
        let (_, reason, message) = experiment.condition("hapairs", "web", "Ready").expect("a status");
        assert_eq!(
            (reason.as_str(), active(experiment)),
            ("Superseded", Some(json!("node1"))),
            "{message}"
        );
    });
}
