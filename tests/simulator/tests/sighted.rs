//! Ready is about what is declared now: an edit of a child takes it away before the hosts are asked.

mod scenarios;

use std::time::Duration;

use hapair_simulator::{
    experiment::{Experiment, run},
    machine::StoredFile,
    objects::changed,
};
use scenarios::at_rest;
use serde_json::{Value, json};

fn condition<'a>(version: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = version["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == type_)
}

#[test]
fn a_pair_is_not_ready_from_the_moment_in_which_one_of_its_children_was_edited() {
    let start = at_rest();
    let end = run(&start, None, 1, async |experiment| {
        experiment.apply([changed("ServiceGroup", |spec| {
            spec["files"][0]["content"] = json!("<h1>another page</h1>\n");
        })]);
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(end.troubles, Vec::<String>::new());
    let versions = end.store.versions("hapairs", "web", start.store.version());
    let first = versions.get(1).expect("the pair's status was written");
    let ready = condition(first, "Ready").expect("it has the condition");
    assert_eq!(
        (&ready["status"], &ready["message"]),
        (
            &json!("False"),
            &json!("ServiceGroup tomcat has changed, and the hosts are being asked")
        )
    );
    assert_eq!(
        condition(first, "Reconciling").map(|each| &each["status"]),
        Some(&json!("True"))
    );
    // It goes on serving, and nobody is told otherwise.
    let serves =
        |version: &Value| condition(version, "Available").is_some_and(|each| each["status"] == "True");
    assert!(versions.iter().all(serves));
    let last = versions.last().and_then(|version| condition(version, "Ready"));
    assert_eq!(last.map(|each| &each["status"]), Some(&json!("True")));
}

/// `kubectl wait --for=condition=Ready` on the child itself returns once the hosts have what it says, and not before.
#[test]
fn a_child_that_was_edited_is_ready_only_once_the_hosts_have_it() {
    let start = at_rest();
    run(&start, None, 1, async |experiment| {
        experiment.apply([changed("ServiceGroup", |spec| {
            spec["files"][0]["content"] = json!("<h1>another page</h1>\n");
        })]);
        let path = changed("ServiceGroup", |_| {})["spec"]["files"][0]["path"].clone();
        let path = path.as_str().expect("a path").to_owned();
        let has_it = |experiment: &Experiment| {
            let world = experiment.shared.world();
            let holds = |file: &StoredFile| String::from_utf8_lossy(&file.content).contains("another page");
            world
                .machines
                .all(|machine| machine.disk.files.get(&path).is_some_and(holds))
        };
        let (mut began, mut done) = (false, false);
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let group = experiment.api.get("servicegroups", "tomcat").expect("the group");
            if group["status"]["observedGeneration"] != group["metadata"]["generation"] {
                continue;
            }
            let ready = condition(&group, "Ready").expect("it has the condition").clone();
            began |= ready["reason"] == "Converging"
                && condition(&group, "Reconciling").is_some_and(|each| each["status"] == "True");
            if ready["status"] == "True" {
                assert!(has_it(experiment), "it is Ready before the hosts have it");
                done = true;
                break;
            }
        }
        assert!(began && done, "began: {began}, done: {done}");
        experiment.settle().await.expect("rest");
    });
}
