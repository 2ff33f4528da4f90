//! A change that has no effect is not made for ever.

mod scenarios;

use hapair_simulator::{experiment::run, objects::changed};
use scenarios::at_rest;
use serde_json::{Value, json};

fn with_parameter(value: &str) -> Value {
    let agent = json!({"agent": "heartbeat:Dummy", "parameters": [{"name": "state", "value": value}]});
    changed("ServiceGroup", |spec| {
        spec["services"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"name": "dummy", "ocf": agent.clone()}))
    })
}

/// The pair, whose groups may use that agent.
fn delegating() -> Value {
    changed("HAPair", |spec| {
        spec["delegation"] = json!({"agents": ["heartbeat:Dummy"]})
    })
}

#[test]
fn a_value_that_the_cluster_does_not_take_as_it_is_stops_with_what_was_wanted_and_got() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.shared.world().mutilates = Some("-tail");
        let before = experiment.shared.effects.log().len();
        experiment.apply([delegating(), with_parameter("head-tail")]);
        experiment.wait_for("Ready", "False").await.expect("it is told");
        for _ in 0..60 {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        let (_, reason, message) = experiment
            .condition("hapairs", "web", "Ready")
            .expect("the pair has a status");
        assert_eq!(reason, "NoEffect", "{message}");
        assert!(
            message.contains("value=\"head-tail\"") && message.contains("value=\"head\""),
            "{message}"
        );
        let pushes = experiment.shared.effects.log()[before..]
            .iter()
            .filter(|effect| effect.contains("push the CIB"))
            .count();
        assert!(
            pushes <= 3 + 60 / 15 + 1,
            "it was pushed {pushes} times within a minute"
        );
        // Written in another way, it is carried out.
        experiment.apply([with_parameter("head")]);
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}

#[test]
fn a_value_that_pacemaker_cannot_carry_is_refused_by_name() {
    for value in ["é & x", "한글 <b>", "a\tb"] {
        run(&at_rest(), None, 1, async |experiment| {
            experiment.apply([delegating(), with_parameter(value)]);
            experiment.settle().await.expect("nothing is done");
            let (_, reason, message) = experiment
                .condition("servicegroups", "tomcat", "Ready")
                .expect("the group has a status");
            assert_eq!(reason, "InvalidSpec", "{message}");
            assert!(
                message.contains("spec.services[name=dummy].ocf.parameters[name=state].value"),
                "{message}"
            );
        });
    }
}
