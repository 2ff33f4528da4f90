//! How long the service is away when it is moved on purpose: by `kubectl hapair switchover`, and by hand on the same pair.

use anyhow::Result;
use hapair_chaos::{Ground, world};

use crate::spread::Spread;

/// So many of each, in turn; the first of each pair of moves changes with every round.
pub fn run(rounds: u32, debian: &str) -> Result<()> {
    let (mut world, manifests) = world("bench-switchover", debian, |what| eprintln!("  {what}"))?;
    let ground = Ground::prepare(&mut world, manifests)?;
    let (mut asked, mut typed) = (Spread::default(), Spread::default());
    for round in 1..=rounds {
        let by_hand_first = round % 2 == 0;
        for by_hand in [by_hand_first, !by_hand_first] {
            let away = away(&ground, if by_hand { by_pcs } else { by_the_plugin })?;
            println!(
                "round {round}: {away:5.1} s  {}",
                if by_hand { "pcs" } else { "kubectl hapair" }
            );
            if by_hand { &mut typed } else { &mut asked }.add(away);
        }
    }
    println!("\n| Switchover on {debian} | Shortest | Median | Longest |\n|---|---|---|---|");
    println!("| `pcs node standby` | {typed} |\n| `kubectl hapair switchover` | {asked} |");
    println!(
        "| **ratio of the medians** | | {:.2} | |",
        asked.median() / typed.median()
    );
    Ok(())
}

/// The longest time without an answer to the client, in seconds.
fn away(ground: &Ground<'_>, moves: fn(&Ground<'_>) -> Result<()>) -> Result<f64> {
    ground.wait_until_ready()?;
    let before = ground.active()?;
    ground.client.begin_round();
    moves(ground)?;
    ground.wait_for_a_record_elsewhere(before)?;
    Ok(ground.client.longest_gap().as_secs_f64())
}

fn by_the_plugin(ground: &Ground<'_>) -> Result<()> {
    ground.world.plugin(&["switchover"]).map(drop)
}

/// The operator would undo a standby that nobody has declared.
fn by_pcs(ground: &Ground<'_>) -> Result<()> {
    ground.world.plugin(&["pause"])?;
    ground
        .world
        .wait_for_condition("hapair/web", "Paused", "True", hapair_chaos::LONG)?;
    let node = ground.active()?;
    ground
        .world
        .lab
        .run(node, "pcs node standby && crm_resource --wait --timeout=300")?;
    ground
        .world
        .lab
        .run(node, "pcs node unstandby && crm_resource --wait --timeout=300")?;
    ground.world.plugin(&["resume"]).map(drop)
}
