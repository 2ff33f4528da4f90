//! How long a service is away that takes requests and answers none, while its unit runs.

use anyhow::Result;
use hapair_chaos::{Ground, LONG, world};

use crate::spread::Spread;

/// So many times, on whichever node serves then.
pub fn run(rounds: u32, debian: &str) -> Result<()> {
    let (mut world, manifests) = world("bench-hung", debian, |what| eprintln!("  {what}"))?;
    let ground = Ground::prepare(&mut world, manifests)?;
    let mut away = Spread::default();
    for round in 1..=rounds {
        ground.wait_until_ready()?;
        let node = ground.active()?;
        ground.client.begin_round();
        let acknowledged = ground.client.acknowledged();
        ground.world.lab.run(node, "pkill -STOP java")?;
        // One request may be on its way.
        ground.world.wait("records again", LONG, |_| {
            (ground.client.acknowledged() > acknowledged + 1).then_some(())
        })?;
        let seconds = ground.client.longest_gap().as_secs_f64();
        println!("round {round}: {seconds:5.1} s");
        away.add(seconds);
    }
    println!("\n| Hung service on {debian} | Shortest | Median | Longest |\n|---|---|---|---|");
    println!("| the client without an answer | {away} |");
    Ok(())
}
