//! Ready is about what is declared now: an edit of a child takes it away before the hosts are asked.

mod scenarios;

use hapair_simulator::{experiment::run, objects::changed};
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
