//! The engine without an API server: manifests and Secrets as a command line would read them.

use std::{collections::BTreeMap, time::Duration};

use hapair_engine::{Engine, NextTurn, Reporter, StageEnd, Warrant};
use hapair_intake::{PairName, Snapshot, Sources, Work, overlay};
use hapair_model::{
    Secret,
    desired::Leaving,
    host::Authority,
    plan::Finding,
    report::{Condition, Report},
};
use hapair_simulator::{
    experiment::{Start, run},
    hosts::Simulated,
    objects::{SECRETS, sample},
};
use serde_json::{Value, json};

/// Keeps what was told last, and which stages were run.
#[derive(Default)]
struct Screen {
    conditions: Vec<Condition>,
    stages: Vec<&'static str>,
    has_left: bool,
}

impl Reporter for Screen {
    type Error = std::convert::Infallible;

    async fn report(&mut self, _: &Work, report: &Report, _: &[Finding]) -> Result<(), Self::Error> {
        self.conditions.clone_from(&report.pair.conditions);
        Ok(())
    }

    async fn gone(&mut self, _: &Work, _: &Leaving) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn left(&mut self, _: &Work) -> Result<(), Self::Error> {
        self.has_left = true;
        Ok(())
    }

    fn observed(&mut self, _: u64, _: Duration) {}

    fn stage_ended(&mut self, stage: &'static str, end: StageEnd) {
        assert_eq!(end, StageEnd::Done, "{stage}");
        self.stages.push(stage);
    }
}

impl Screen {
    fn is_ready(&self) -> bool {
        let ready = |condition: &Condition| condition.type_ == "Ready" && condition.holds == Some(true);
        self.conditions.iter().any(ready)
    }
}

/// A person at a terminal, who may do everything.
struct Person;

impl Warrant for Person {
    type Slot = ();

    fn authority(&self, work: &Work) -> Option<Authority> {
        Some(Authority {
            owner: work.desired.owner.clone(),
            take_over_from: None,
            epoch: 1,
        })
    }

    async fn slot(&self) -> Option<()> {
        Some(())
    }

    fn refused(&self, epoch: u64) {
        panic!("a host knows a newer operator, with epoch {epoch}");
    }
}

fn work(change: impl FnOnce(&mut Value)) -> Work {
    let mut objects = sample();
    for object in &mut objects {
        object["metadata"]["namespace"] = json!("web");
    }
    objects[0]["metadata"]["uid"] = json!("by-hand");
    change(&mut objects[0]);
    let name = PairName {
        namespace: "web".into(),
        name: "web".into(),
    };
    let snapshot = overlay(Snapshot::default(), &name, objects).expect("manifests of one pair");
    let values = |pairs: &[(&str, &str)]| -> BTreeMap<String, Secret> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::new(*value)))
            .collect()
    };
    let secrets = [
        ("web-ssh", values(&[("ssh-privatekey", SECRETS[0])])),
        (
            "node1-bmc",
            values(&[("username", "admin"), ("password", SECRETS[1])]),
        ),
        (
            "node2-bmc",
            values(&[("username", "admin"), ("password", SECRETS[2])]),
        ),
        ("web-hacluster", values(&[("password", SECRETS[3])])),
    ];
    let sources = Sources {
        secrets: secrets.map(|(name, values)| (name.to_owned(), values)).into(),
        config_maps: BTreeMap::new(),
    };
    let pair = snapshot.pair.clone().expect("the sample has a pair");
    Work::of(pair, snapshot, &sources, "no cluster").unwrap_or_else(|held| panic!("{}", held.message))
}

/// Turn after turn, until something is so.
async fn turns(
    engine: &mut Engine<Simulated>,
    hosts: &Simulated,
    work: &Work,
    screen: &mut Screen,
    until: fn(&Screen) -> bool,
) {
    for _ in 0..500 {
        let Ok(next) = engine.turn(hosts, work, screen, &Person).await;
        if until(screen) {
            return;
        }
        if let NextTurn::After(pause) = next {
            tokio::time::sleep(pause).await;
        }
    }
    panic!("no end: {:?}", screen.conditions);
}

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
        let leaving = work(|pair| {
            pair["spec"]["deletionPolicy"] = json!("Teardown");
            pair["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        });
        turns(&mut engine, &hosts, &leaving, &mut screen, |screen| {
            screen.has_left
        })
        .await;
        let both = serving(experiment);
        assert!(!both.first && !both.second, "something still runs: {both:?}");
        experiment.end(Ok(()))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
