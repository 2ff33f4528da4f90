//! What `kubectl hapair plan` foresees is what comes: the stages, to the end, of every kind of change.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::time::Duration;

use hapair_engine::{Engine, fresh_keys};
use hapair_intake::Work;
use hapair_planner::End;
use hapair_simulator::{
    by_hand::{Screen, leaving, turns, work, work_with},
    experiment::{Experiment, Start, run},
    hosts::Simulated,
};
use serde_json::{Value, json};

/// A pair, played from declaration to declaration.
struct Life<'a> {
    experiment: &'a Experiment,
    hosts: Simulated,
    engine: Engine<Simulated>,
}

impl Life<'_> {
    /// What is declared next comes as it was foreseen, stage by stage.
    async fn goes_on(&mut self, what: &str, work: &Work, until: fn(&Screen) -> bool) {
        let (observed, _) = work.observe(&self.hosts).await;
        let foreseen = work.foresee(&observed, &fresh_keys());
        let mut screen = Screen::default();
        self.experiment.shared.world().may_leave = work.is_leaving();
        turns(&mut self.engine, &self.hosts, work, &mut screen, until).await;
        let names: Vec<_> = foreseen.stages.iter().map(|stage| stage.name).collect();
        assert_eq!(names, screen.stages, "{what}; then {:?}", foreseen.end);
        assert_eq!(foreseen.end, End::Rest, "{what}");
    }
}

fn kind<'a>(objects: &'a mut [Value], kind: &str) -> &'a mut Value {
    objects.iter_mut().find(|object| object["kind"] == kind).unwrap()
}

#[test]
fn every_kind_of_change_comes_as_it_was_foreseen() {
    let end = run(&Start::bare(), None, 1, async |experiment| {
        let mut life = Life {
            experiment,
            hosts: experiment.hosts(),
            engine: Engine::new(Duration::from_secs(15)),
        };
        life.goes_on("from bare hosts", &work(|_| {}), Screen::is_ready)
            .await;
        let token = |pair: &mut Value| pair["spec"]["corosync"] = json!({"token": 5000});
        life.goes_on("another token", &work(token), Screen::is_ready)
            .await;
        let with_file_and_service = |objects: &mut Vec<Value>| {
            let group = kind(objects, "ServiceGroup");
            let files = group["spec"]["files"].as_array_mut().unwrap();
            let mut other = files[0].clone();
            other["path"] = json!("/var/lib/tomcat10/webapps/ROOT/other.html");
            files.push(other);
            group["spec"]["probe"]["http"]["path"] = json!("/other.html");
        };
        life.goes_on(
            "a file and the probe",
            &work_with(with_file_and_service),
            Screen::is_ready,
        )
        .await;
        let standby = |pair: &mut Value| pair["spec"]["nodes"][0]["standby"] = json!(true);
        life.goes_on("node1 in standby", &work(standby), Screen::is_ready)
            .await;
        let back = |pair: &mut Value| pair["spec"]["nodes"][0]["standby"] = json!(false);
        life.goes_on("node1 back", &work(back), Screen::is_ready).await;
        let without_group = |objects: &mut Vec<Value>| {
            let group = kind(objects, "ServiceGroup");
            group["spec"]["deletionPolicy"] = json!("Teardown");
            group["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        };
        life.goes_on("without the group", &work_with(without_group), Screen::is_ready)
            .await;
        life.goes_on("off the hosts", &leaving(), |screen| screen.has_left)
            .await;
        experiment.end(Ok(()))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
