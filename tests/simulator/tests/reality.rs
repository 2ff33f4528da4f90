//! The scenarios that are also played on real hosts: the simulator's status tells of them as the hosts' does.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    experiment::{Experiment, Start, run},
    reality::{differences, story},
};
use scenarios::{at_rest, standby};

/// Plays a scenario to its end, and compares what the pair's status told with the script.
fn told_as_written(scenario: &str, start: &Start, act: impl AsyncFnOnce(&mut Experiment)) -> Start {
    let end = run(start, None, 1, async |experiment| {
        act(experiment).await;
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    let versions = end.store.versions("hapairs", "web", start.store.version());
    let differences = differences(scenario, &story(&versions));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice()),
        "{scenario}"
    );
    Start::after(end)
}

fn serving(experiment: &Experiment) -> Side {
    let world = experiment.shared.world();
    world
        .machines
        .find(|machine| !machine.memory.addresses.is_empty())
        .expect("one of them serves")
}

#[test]
fn the_simulator_tells_what_real_hosts_tell() {
    let in_standby = told_as_written("standby", &at_rest(), async |experiment| {
        experiment.apply([standby(true)])
    });
    let back = told_as_written("out of standby", &in_standby, async |experiment| {
        experiment.apply([standby(false)])
    });
    let rebooted = told_as_written("reboot", &back, async |experiment| {
        let side = serving(experiment);
        experiment.shared.world().reboot(side);
    });
    told_as_written("stale leg", &rebooted, async |experiment| {
        let side = serving(experiment);
        experiment.shared.world().links[1] = false;
        experiment
            .wait_for("RedundancyHealthy", "False")
            .await
            .expect("a cut link is seen");
        tokio::time::sleep(Duration::from_secs(10)).await;
        experiment.shared.world().machines[side].cut_power();
        experiment
            .wait_for("Available", "False")
            .await
            .expect("the service is away");
        experiment
            .wait_for("Available", "True")
            .await
            .expect("the service comes back");
        assert_eq!(serving(experiment), side, "the stale leg was promoted");
        experiment.shared.world().links[1] = true;
    });
}
