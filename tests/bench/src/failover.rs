//! How long the service is away when its node loses its power, and where the seconds go, while a client writes.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hapair_chaos::{Fault, Ground, play, world};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::spread::Spread;

/// What the status shows once the service is back, at the latest.
const SOON: Duration = Duration::from_secs(60);

/// So many power cuts of the node that serves, the nodes in turn.
pub fn run(rounds: u32, debian: &str) -> Result<()> {
    let (mut world, manifests) = world("bench-failover", debian, |what| eprintln!("  {what}"))?;
    let mut ground = Ground::prepare(&mut world, manifests)?;
    let mut random = StdRng::seed_from_u64(20);
    let (mut away, mut whole, mut phases, mut lost) = (Spread::default(), Spread::default(), Vec::new(), 0);
    for number in 1..=rounds {
        let before = last_failover(&ground)?;
        let round = play(&mut ground, number, Fault::ServingPowerCut, None, &mut random)?;
        println!("{round}");
        let told = ground.world.wait("the status to tell of it", SOON, |_| {
            let told = last_failover(&ground).ok()?;
            (told != before && told["cause"] == "Fenced").then_some(told)
        })?;
        away.add(round.without_service().as_secs_f64());
        whole.add(seconds(&told["duration"])?);
        for phase in told["phases"].as_array().into_iter().flatten() {
            let name = phase["name"].as_str().context("a phase without a name")?;
            note(&mut phases, name, seconds(&phase["duration"])?);
        }
        lost += round.lost();
        ensure!(round.is_good(), "round {number} went wrong");
    }
    println!("\n| Phase | Shortest | Median | Longest |\n|---|---|---|---|");
    for (name, spread) in &phases {
        println!("| {name} | {spread} |");
    }
    println!("| **together** | {whole} |");
    println!("| **the client without an answer** | {away} |");
    println!("\n{rounds} power cuts on {debian}, {lost} acknowledged records lost");
    Ok(())
}

fn last_failover(ground: &Ground<'_>) -> Result<Value> {
    Ok(ground.world.object("hapair/web")?["status"]["lastFailover"].clone())
}

fn seconds(duration: &Value) -> Result<f64> {
    let text = duration.as_str().context("a failover without a duration")?;
    Ok(text.trim_end_matches('s').parse()?)
}

fn note(phases: &mut Vec<(String, Spread)>, name: &str, seconds: f64) {
    if let Some((_, spread)) = phases.iter_mut().find(|(known, _)| known == name) {
        return spread.add(seconds);
    }
    let mut spread = Spread::default();
    spread.add(seconds);
    phases.push((name.to_owned(), spread));
}
