//! Whether the status tells the truth: claims of the objects against what there is.

use std::{collections::BTreeMap, time::Duration};

use hapair_model::Side;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    api::{Api, Store},
    hosts::Shared,
    machine::{Connection, DiskState},
    probe,
    world::World,
};

/// How long a claim may be wrong: an operator that died is followed by another only when its Lease has run
/// out, and looks every 15 s.
const GRACE: Duration = Duration::from_secs(60);

/// Looks every second, until the runtime ends. A claim that stays wrong is a broken rule.
pub async fn watch(shared: Shared, api: Api) {
    let mut since: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let wrong = wrong_claims(&shared.world(), &api.store());
        since.retain(|claim, _| wrong.contains(claim));
        for claim in wrong {
            let first = *since.entry(claim.clone()).or_insert_with(Instant::now);
            if first.elapsed() > GRACE {
                shared
                    .world()
                    .broken
                    .push(format!("the status was wrong for {} s: {claim}", GRACE.as_secs()));
                since.insert(claim, Instant::now());
            }
        }
    }
}

/// Everything that the objects claim and that is not so.
fn wrong_claims(world: &World, store: &Store) -> Vec<String> {
    let mut wrong = Vec::new();
    for pair in store
        .of_kind("hapairs")
        .filter(|pair| pair["metadata"].get("deletionTimestamp").is_none())
    {
        let holds = |type_: &str| status(pair, type_) == Some("True");
        let online = |side: Side| world.machines[side].is_clustered() && world.joined;
        let answers = |from: Side| {
            Side::BOTH
                .into_iter()
                .any(|there| probe::serves(world, there, from))
        };
        if holds("Available") && !Side::BOTH.into_iter().any(answers) {
            wrong.push("Available, and nothing answers".into());
        }
        if holds("HostsReachable") && !world.machines.all(crate::machine::Machine::answers) {
            wrong.push("HostsReachable, and one is not".into());
        }
        if holds("Quorate") && !Side::BOTH.into_iter().any(|side| world.is_quorate(side)) {
            wrong.push("Quorate, and no node is".into());
        }
        if holds("RedundancyHealthy") && !(Side::BOTH.into_iter().all(online) && is_redundant(world)) {
            wrong.push("RedundancyHealthy, and the other node could not take over".into());
        }
        if let Some(active) = pair["status"]["active"].as_str() {
            let serves = Side::BOTH
                .into_iter()
                .any(|side| world.names[side] == active && world.machines[side].on);
            if !serves {
                wrong.push(format!("active on {active}, which has no power"));
            }
        }
    }
    for ip in store
        .of_kind("floatingips")
        .filter(|ip| status(ip, "Assigned") == Some("True"))
    {
        let declared = ip["spec"]["address"].as_str().unwrap_or_default();
        let has_it = |side: Side| {
            world.machines[side].on
                && probe::addresses(world, side)
                    .iter()
                    .any(|each| each.address == declared)
        };
        if !Side::BOTH.into_iter().any(has_it) {
            wrong.push(format!("{declared} Assigned, and on no machine"));
        }
    }
    wrong
}

fn is_redundant(world: &World) -> bool {
    world.machines.all(|machine| {
        machine
            .memory
            .legs
            .values()
            .all(|leg| leg.connection == Connection::Connected && leg.disk == DiskState::UpToDate)
    })
}

fn status<'a>(object: &'a Value, type_: &str) -> Option<&'a str> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|each| each["type"] == type_)?["status"]
        .as_str()
}
