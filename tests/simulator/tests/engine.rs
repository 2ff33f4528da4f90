//! The engine drives a pair from manifests to Ready and off its hosts again, without an API server.

use std::time::Duration;

use hapair_engine::Engine;
use hapair_model::{Side, xml::Element};
use hapair_simulator::{
    by_hand::{Screen, leaving, turns, work},
    experiment::{Start, run},
};
use serde_json::json;

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

#[test]
fn what_was_changed_by_hand_is_put_back_and_told_and_a_declared_change_is_not() {
    let end = run(&Start::bare(), None, 1, async |experiment| {
        let (mut engine, hosts) = (Engine::new(Duration::from_secs(15)), experiment.hosts());
        let mut screen = Screen::default();
        turns(&mut engine, &hosts, &work(|_| {}), &mut screen, Screen::is_ready).await;
        let with_token = work(|pair| pair["spec"]["corosync"] = json!({"token": 5000}));
        let mut screen = Screen::default();
        turns(&mut engine, &hosts, &with_token, &mut screen, Screen::is_ready).await;
        assert_eq!(screen.put_back, Vec::<String>::new());
        experiment.shared.world().change_cib(Side::First, |cib| {
            let mut meta = Element::new("meta_attributes").with("id", "by-hand");
            let unmanaged = Element::new("nvpair").with("id", "group-tomcat-unmanaged");
            meta = meta.child(unmanaged.with("name", "is-managed").with("value", "false"));
            let resources = cib.first_mut("configuration").first_mut("resources");
            let mut groups = resources.children.iter_mut();
            let group = groups.find(|each| each.id() == Some("group-tomcat"));
            group.expect("the group").children.push(meta);
        });
        let mut screen = Screen::default();
        turns(&mut engine, &hosts, &with_token, &mut screen, |screen| {
            !screen.put_back.is_empty()
        })
        .await;
        let told = screen.put_back.concat();
        assert!(
            told.contains("the cluster has <nvpair id=\"group-tomcat-unmanaged\"")
                && told.ends_with("which is not declared"),
            "{told}"
        );
        experiment.end(Ok(()))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
