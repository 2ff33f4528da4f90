//! The engine without an API server: manifests and Secrets as a command line would read them, and a person who
//! waits for it.

use std::{collections::BTreeMap, time::Duration};

use hapair_engine::{Engine, NextTurn, Reporter, StageEnd, Warrant};
use hapair_intake::{PairName, Snapshot, Sources, Work, overlay};
use hapair_model::{
    Secret,
    desired::Leaving,
    failover::Failover,
    host::{Authority, Connect},
    plan::Finding,
    report::{Condition, Report},
};
use serde_json::{Value, json};

use crate::objects::{SECRETS, sample};

/// Keeps what was told last, and which stages were run.
#[derive(Debug, Default)]
pub struct Screen {
    conditions: Vec<Condition>,
    /// The stages, in order.
    pub stages: Vec<&'static str>,
    /// What was put back.
    pub put_back: Vec<String>,
    /// Moves of groups, as the hosts told them.
    pub failovers: Vec<Failover>,
    /// The pair has left its hosts.
    pub has_left: bool,
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

    async fn put_back(&mut self, _: &Work, what: String) -> Result<(), Self::Error> {
        self.put_back.push(what);
        Ok(())
    }

    async fn failed_over(&mut self, _: &Work, failover: &Failover) -> Result<(), Self::Error> {
        self.failovers.push(failover.clone());
        Ok(())
    }

    fn observed(&mut self, _: u64, _: Duration) {}

    fn glanced(&mut self) {}

    fn stage_ended(&mut self, stage: &'static str, end: StageEnd) {
        assert_eq!(end, StageEnd::Done, "{stage}");
        self.stages.push(stage);
    }
}

impl Screen {
    /// Whether the pair is Ready.
    pub fn is_ready(&self) -> bool {
        let ready = |condition: &Condition| condition.type_ == "Ready" && condition.holds == Some(true);
        self.conditions.iter().any(ready)
    }
}

/// A person at a terminal, who may do everything.
#[derive(Debug)]
pub struct Person;

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

/// The sample, with a change of the HAPair.
pub fn work(change: impl FnOnce(&mut Value)) -> Work {
    work_with(|objects| change(&mut objects[0]))
}

/// The sample, with changes of its objects; the HAPair is the first.
pub fn work_with(change: impl FnOnce(&mut Vec<Value>)) -> Work {
    let mut objects = sample();
    for object in &mut objects {
        object["metadata"]["namespace"] = json!("web");
    }
    objects[0]["metadata"]["uid"] = json!("by-hand");
    change(&mut objects);
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
        (
            "odd-bmc",
            values(&[("username", "é & x"), ("password", SECRETS[1])]),
        ),
    ];
    let authorities = ("bmc-authority", values(&[("ca.crt", "an authority")]));
    let sources = Sources {
        secrets: secrets.map(|(name, values)| (name.to_owned(), values)).into(),
        config_maps: [authorities]
            .map(|(name, values)| (name.to_owned(), values))
            .into(),
    };
    let pair = snapshot.pair.clone().expect("the sample has a pair");
    Work::of(pair, snapshot, &sources, "no-cluster").unwrap_or_else(|held| panic!("{}", held.message))
}

/// The same pair, to be torn down.
pub fn leaving() -> Work {
    work(|pair| {
        pair["spec"]["deletionPolicy"] = json!("Teardown");
        pair["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    })
}

/// Turn after turn, until something is so.
pub async fn turns<C: Connect>(
    engine: &mut Engine<C>,
    hosts: &C,
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
