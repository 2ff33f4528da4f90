//! Hosts that hold an epoch of which the Lease knows nothing.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    api::Api,
    experiment::{Experiment, Start, run},
    objects::changed,
    pacemaker::is_standby,
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

/// The highest epoch that a host holds: that of whoever has changed one last.
fn epoch(experiment: &Experiment) -> u64 {
    let world = experiment.shared.world();
    let of = |side: Side| {
        world.machines[side]
            .disk
            .owner
            .as_ref()
            .map_or(0, |record| record.epoch)
    };
    of(Side::First).max(of(Side::Second))
}

/// The epochs that change the hosts within so many half minutes.
async fn epochs_within(experiment: &Experiment, half_minutes: usize) -> Vec<u64> {
    let mut seen = vec![epoch(experiment)];
    for _ in 0..half_minutes {
        tokio::time::sleep(Duration::from_secs(30)).await;
        seen.push(epoch(experiment));
    }
    seen.dedup();
    seen
}

/// Epochs are seconds of the real clock.
fn pass_a_second_of_epochs() {
    std::thread::sleep(Duration::from_millis(2100));
}

fn in_standby(experiment: &Experiment) -> bool {
    let world = experiment.shared.world();
    let cib = world.machines.first.disk.cib.as_ref().expect("a cluster");
    is_standby(cib, "node1")
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
        for side in Side::BOTH {
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

/// An API server is restored from a backup beside the one that goes on, and each has an operator that leads. What they want
/// differs. The one that acquired leadership later has the hosts, and the two do not take turns.
#[test]
fn two_leaders_do_not_take_turns() {
    let start = at_rest();
    let backup = start.store.clone();
    run(&start, None, 1, async |experiment| {
        experiment.apply([standby()]);
        experiment.settle().await.expect("node1 in standby");
        pass_a_second_of_epochs();
        // By the backup node1 is no standby, by the other server it is.
        let restored = experiment.restore(backup);
        let seen = epochs_within(experiment, 40).await;
        assert_eq!(seen.len(), 2, "the hosts went from hand to hand: {seen:?}");
        let reason = |api: &Api| {
            api.condition("hapairs", "web", "Ready")
                .map(|(_, reason, _)| reason)
        };
        assert_eq!(
            (reason(&experiment.api), reason(&restored)),
            (Some("Superseded".into()), Some("AsDeclared".into()))
        );
        assert!(!in_standby(experiment));
    });
}

/// The same, where the hosts hold an epoch from the future: each of the two outbids it once.
#[test]
fn two_leaders_do_not_take_turns_over_an_epoch_from_the_future() {
    let mut start = at_rest();
    hosts_hold(&mut start, AHEAD);
    let backup = start.store.clone();
    run(&start, None, 1, async |experiment| {
        experiment.apply([standby()]);
        experiment.settle().await.expect("node1 in standby");
        experiment.restore(backup);
        assert_eq!(epochs_within(experiment, 40).await, [AHEAD + 1, AHEAD + 2]);
        assert!(!in_standby(experiment));
    });
}

/// An operator that acquired leadership later than ours, by the same clock.
#[test]
fn an_epoch_that_is_not_from_the_future_is_never_outbid() {
    run(&at_rest(), None, 1, async |experiment| {
        experiment.settle().await.expect("a pair at rest");
        pass_a_second_of_epochs();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock")
            .as_secs();
        for side in Side::BOTH {
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
