//! The engine drives a pair from manifests to Ready and off its hosts again, without an API server.

use std::time::Duration;

use hapair_engine::Engine;
use hapair_simulator::{
    by_hand::{Screen, leaving, turns, work},
    experiment::{Start, run},
};

#[test]
fn manifests_become_a_pair_and_leave_again_without_an_api_server() {
    let end = run(&Start::bare(), None, 1, async |experiment| {
        let (mut engine, hosts) = (Engine::new(Duration::from_secs(15)), experiment.hosts());
        let mut screen = Screen::default();
        turns(&mut engine, &hosts, &work(|_| {}), &mut screen, Screen::is_ready).await;
        assert!(
            screen.stages.contains(&"configure the cluster"),
            "{:?}",
            screen.stages
        );
        let serving = |experiment: &hapair_simulator::experiment::Experiment| {
            let world = experiment.shared.world();
            world
                .machines
                .as_ref()
                .map(|machine| !machine.memory.addresses.is_empty())
        };
        let both = serving(experiment);
        assert!(
            both.first != both.second,
            "the service runs on one node: {both:?}"
        );

        experiment.shared.world().may_leave = true;
        turns(&mut engine, &hosts, &leaving(), &mut screen, |screen| {
            screen.has_left
        })
        .await;
        let both = serving(experiment);
        assert!(!both.first && !both.second, "something still runs: {both:?}");
        experiment.end(Ok(()))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
