//! What is deleted together with its namespace: the Secrets first, since nothing keeps them.

mod scenarios;

use hapair_simulator::{
    api::Weather,
    experiment::run,
    objects::{sample, secrets},
};
use scenarios::at_rest;
use serde_json::{Value, json};

const OBJECTS: [(&str, &str); 4] = [
    ("servicegroups", "tomcat"),
    ("floatingips", "web"),
    ("replicatedvolumes", "logs"),
    ("hapairs", "web"),
];

fn with_policy(policy: &str) -> impl Iterator<Item = Value> {
    sample().into_iter().map(move |mut object| {
        object["spec"]["deletionPolicy"] = json!(policy);
        object
    })
}

/// Deletes a namespace of objects with this policy, and its roles unless they are the last to go; then does
/// something more; returns what is left, the pair's words, and what broke.
fn delete_namespace(
    policy: &str,
    roles: bool,
    then: Option<&str>,
) -> (Vec<String>, Option<String>, Vec<String>) {
    let policy = policy.to_owned();
    let mut said = None;
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.apply(with_policy(&policy));
        let mut rest = experiment.settle().await;
        experiment.api.set_weather(Weather {
            secrets_forbidden: !roles,
            ..Weather::default()
        });
        for secret in secrets() {
            experiment
                .api
                .delete("secrets", secret["metadata"]["name"].as_str().unwrap_or_default());
        }
        OBJECTS
            .iter()
            .for_each(|(plural, name)| experiment.api.delete(plural, name));
        rest = rest.and(experiment.settle().await);
        said = experiment
            .condition("hapairs", "web", "Ready")
            .map(|(_, _, message)| message);
        if let Some(policy) = then {
            experiment.apply(with_policy(policy).take(1));
            rest = rest.and(experiment.settle().await);
        }
        experiment.end(rest)
    });
    let left = OBJECTS
        .iter()
        .flat_map(|(plural, _)| end.store.of_kind(plural).map(|object| object["kind"].to_string()))
        .collect();
    let serving = end
        .world
        .machines
        .any(|machine| machine.memory.resources.contains_key("service-tomcat-tomcat"));
    let mut troubles = end.troubles;
    troubles.extend((!serving).then(|| "the service is not there any more".to_owned()));
    (left, said, troubles)
}

#[test]
fn with_retain_the_namespace_goes_and_the_hosts_go_on() {
    for roles in [true, false] {
        assert_eq!(delete_namespace("Retain", roles, None), (vec![], None, vec![]));
    }
}

#[test]
fn with_teardown_the_missing_key_is_told_with_the_way_out() {
    for (roles, cause) in [(true, "web-ssh"), (false, "config/rbac/pair-namespace")] {
        let (left, said, troubles) = delete_namespace("Teardown", roles, None);
        assert!(left.contains(&"\"HAPair\"".to_owned()), "{left:?}");
        let said = said.expect("the pair has a status");
        assert!(
            said.contains(cause) && said.contains("spec.deletionPolicy to Retain"),
            "{said}"
        );
        assert_eq!(troubles, Vec::<String>::new());
    }
}

#[test]
fn nothing_is_taken_down_while_a_field_is_not_understood() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.apply(with_policy("Teardown").take(1).map(|mut pair| {
            pair["spec"]["nodes"][0]["rack"] = json!("a1");
            pair
        }));
        let mut rest = experiment.settle().await;
        experiment.api.delete("hapairs", "web");
        rest = rest.and(experiment.settle().await);
        let (_, reason, message) = experiment
            .condition("hapairs", "web", "Ready")
            .expect("the pair is still there");
        assert!(
            reason == "InvalidSpec" && message.contains("spec.nodes[0].rack"),
            "{reason}: {message}"
        );
        experiment.end(rest)
    });
    assert!(
        end.world
            .machines
            .any(|machine| machine.memory.resources.contains_key("service-tomcat-tomcat")),
        "the service is gone"
    );
    assert_eq!(end.troubles, Vec::<String>::new());
}

#[test]
fn with_the_policy_changed_to_retain_the_namespace_goes_after_all() {
    let (left, _, troubles) = delete_namespace("Teardown", false, Some("Retain"));
    assert_eq!((left, troubles), (vec![], vec![]));
}

/// A policy of newer definitions may be the opposite of Retain.
#[test]
fn an_object_whose_deletion_policy_is_not_known_waits() {
    let mut left = Vec::new();
    let end = run(&at_rest(), None, 1, async |experiment| {
        let address = |policy: &str| {
            with_policy(policy)
                .filter(|object| object["kind"] == "FloatingIP")
                .collect::<Vec<_>>()
        };
        experiment.apply(address("Archive"));
        experiment.api.delete("floatingips", "web");
        let mut rest = experiment.settle().await;
        left.push(
            experiment
                .condition("floatingips", "web", "Ready")
                .map(|(_, reason, _)| reason),
        );
        experiment.apply(address("Retain"));
        rest = rest.and(experiment.settle().await);
        left.push(
            experiment
                .condition("floatingips", "web", "Ready")
                .map(|(_, reason, _)| reason),
        );
        experiment.end(rest)
    });
    assert_eq!(left, [Some("InvalidSpec".to_owned()), None]);
    assert_eq!(end.troubles, Vec::<String>::new());
}
