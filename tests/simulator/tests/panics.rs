//! A defect of the operator that one pair brings out.

mod scenarios;

use std::time::Duration;

use hapair_simulator::{experiment::run, objects::changed};
use scenarios::at_rest;
use serde_json::json;

#[test]
fn a_pair_whose_turn_panics_is_served_again_after_a_pause() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.settle().await.expect("a pair at rest");
        experiment.shared.panic_at_looks(2);
        experiment.apply([changed("HAPair", |spec| {
            spec["nodes"][0]["standby"] = json!(true)
        })]);
        let panics = "hapair_turn_panics_total{namespace=\"web\",pair=\"web\"} 2";
        for _ in 0..120 {
            if experiment.figures().contains(panics) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(experiment.figures().contains(panics), "{}", experiment.figures());
        // The pause after the second.
        tokio::time::sleep(Duration::from_secs(31)).await;
        let rest = experiment.settle().await;
        let active = experiment
            .api
            .get("hapairs", "web")
            .map(|pair| pair["status"]["active"].clone());
        assert_eq!(active, Some(json!("node2")), "the standby was carried out");
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}
