//! What a person asks for by annotations, as `kubectl hapair` does.

mod scenarios;

use hapair_crds::requests::{FORGET, PAUSED, STANDBY};
use hapair_simulator::{
    experiment::{Experiment, run},
    objects::changed,
};
use scenarios::at_rest;
use serde_json::{Value, json};

fn annotated(key: &str, value: &str) -> Value {
    let mut pair = changed("HAPair", |_| {});
    pair["metadata"]["annotations"] = json!({key: value});
    pair
}

fn active(experiment: &Experiment) -> Option<String> {
    experiment.api.get("hapairs", "web")?["status"]["active"]
        .as_str()
        .map(str::to_owned)
}

/// Asks for one standby after the other of a pair at rest, and compares which node serves then, and whether
/// the other could take over.
fn asks_for_standby(pair: impl Fn(&str) -> Value, steps: [(&str, &str, &str); 4]) {
    let end = run(&at_rest(), None, 1, async |experiment| {
        let mut rest = Ok(());
        for (wish, node, redundant) in steps {
            experiment.apply([pair(wish)]);
            rest = rest.and(experiment.settle().await);
            let redundancy = experiment
                .condition("hapairs", "web", "RedundancyHealthy")
                .map(|(status, ..)| status);
            assert_eq!(
                (active(experiment).as_deref(), redundancy.as_deref()),
                (Some(node), Some(redundant)),
                "{wish:?}"
            );
        }
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}

#[test]
fn a_standby_that_is_asked_for_moves_the_service_and_its_withdrawal_ends_it() {
    let steps = [
        ("node1=true", "node2", "False"),
        ("node1=false", "node2", "True"),
        ("node2=true", "node1", "False"),
        ("", "node1", "True"),
    ];
    asks_for_standby(|wish| annotated(STANDBY.annotation, wish), steps);
}

/// Where the spec says nothing, the cluster keeps what it has: a standby ends only by a request of its own,
/// which may then go.
#[test]
fn without_a_word_in_the_spec_a_standby_is_ended_by_asking_for_its_end() {
    let silent = |wish: &str| {
        let mut pair = annotated(STANDBY.annotation, wish);
        for each in pair["spec"]["nodes"].as_array_mut().expect("two nodes") {
            each.as_object_mut().expect("a node").remove("standby");
        }
        pair
    };
    let steps = [
        ("node1=true", "node2", "False"),
        ("", "node2", "False"),
        ("node1=false", "node2", "True"),
        ("", "node2", "True"),
    ];
    asks_for_standby(silent, steps);
}

#[test]
fn a_pause_that_is_asked_for_leaves_the_hosts_as_they_are() {
    run(&at_rest(), None, 1, async |experiment| {
        let mut paused = annotated(PAUSED.annotation, "true");
        paused["spec"]["nodes"][0]["standby"] = json!(true);
        experiment.apply([paused.clone()]);
        experiment.settle().await.expect("nothing is done");
        assert_eq!(active(experiment).as_deref(), Some("node1"));
        assert_eq!(
            experiment
                .condition("hapairs", "web", "Paused")
                .map(|(status, ..)| status)
                .as_deref(),
            Some("True")
        );
        paused["metadata"]["annotations"] = json!({});
        experiment.apply([paused]);
        experiment.settle().await.expect("the standby is carried out");
        assert_eq!(active(experiment).as_deref(), Some("node2"));
    });
}

#[test]
fn a_wish_that_is_not_understood_is_told_and_nothing_is_done() {
    for (key, value, words) in [
        (STANDBY.annotation, "node3=true", "\"node3\""),
        (STANDBY.annotation, "node1", "NODE=true"),
        (PAUSED.annotation, "yes", "true or false"),
        ("hapair.dev/stanby", "node1=true", "hapair.dev/standby"),
    ] {
        run(&at_rest(), None, 1, async |experiment| {
            experiment.apply([annotated(key, value)]);
            experiment.settle().await.expect("nothing is done");
            let (_, reason, message) = experiment
                .condition("hapairs", "web", "Ready")
                .expect("the pair has a status");
            assert!(
                reason == "InvalidSpec" && message.contains(words) && message.contains(key),
                "{reason}: {message}"
            );
            assert_eq!(active(experiment).as_deref(), Some("node1"));
        });
    }
}

/// A standby that was asked for stays when the wish is spoilt: nothing is known of what it asks for now.
#[test]
fn a_wish_that_is_spoilt_ends_no_standby() {
    run(&at_rest(), None, 1, async |experiment| {
        for wish in ["node1=true", "node1"] {
            experiment.apply([annotated(STANDBY.annotation, wish)]);
            experiment.settle().await.expect("an end");
            let redundancy = experiment.condition("hapairs", "web", "RedundancyHealthy");
            let (status, reason, _) = redundancy.expect("the pair has a status");
            assert_eq!(
                (active(experiment).as_deref(), status.as_str(), reason.as_str()),
                (Some("node2"), "False", "NodeStandby"),
                "{wish:?}"
            );
        }
    });
}

/// What is wrong with one object is no reason to keep a person from moving the service.
#[test]
fn a_standby_is_carried_out_although_a_group_names_a_config_map_that_is_missing() {
    run(&at_rest(), None, 1, async |experiment| {
        let mut group = changed("ServiceGroup", |_| {});
        group["spec"]["files"][0]["content"] = Value::Null;
        group["spec"]["files"][0]["configMapKeyRef"] = json!({"name": "missing", "key": "page"});
        experiment.apply([group, annotated(STANDBY.annotation, "node1=true")]);
        experiment.settle().await.expect("the standby is carried out");
        assert_eq!(active(experiment).as_deref(), Some("node2"));
        let (status, reason, _) = experiment
            .condition("servicegroups", "tomcat", "Ready")
            .expect("the group has a status");
        assert_eq!((status.as_str(), reason.as_str()), ("False", "SourceMissing"));
    });
}

#[test]
fn what_is_left_of_a_group_that_is_gone_leaves_when_a_person_asks_for_it() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.api.delete("servicegroups", "tomcat");
        experiment.api.delete("floatingips", "web");
        let mut rest = experiment.settle().await;
        let released = |experiment: &Experiment| {
            let pair = experiment.api.get("hapairs", "web").expect("the pair");
            pair["status"]["released"].clone()
        };
        assert_eq!(released(experiment), json!(["group-tomcat"]));
        experiment.apply([annotated(FORGET.annotation, "group-tomcat")]);
        rest = rest.and(experiment.settle().await);
        assert_eq!(released(experiment), Value::Null);
        let runs = |machine: &hapair_simulator::machine::Machine| !machine.memory.addresses.is_empty();
        let world = experiment.shared.world();
        assert!(!world.machines.any(runs), "the address is still there");
        drop(world);
        experiment.end(rest)
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
