//! `chaos`: faults drawn by lot, round after round.

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use hapair_chaos::{Fault, Ground, Round, play, table, world};
use rand::{SeedableRng, rngs::StdRng};

#[derive(Parser)]
#[command(about = "Faults drawn by lot on the real hosts, while a client writes (root needed)")]
struct Arguments {
    /// How many rounds.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The seed the faults are drawn with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this fault, round after round, by its name in docs/operations.md.
    #[arg(long)]
    only: Option<String>,
    /// Print the table of what each fault shows in the status, and end.
    #[arg(long)]
    table: bool,
    /// Play each fault that shows in the status once, write what `kubectl hapair status` shows of it to this file, and end.
    #[arg(long)]
    screens: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.table {
        print!("{}", table());
        return Ok(());
    }
    let only = arguments.only.as_deref().map(Fault::named).transpose()?;
    let start = Instant::now();
    let (mut world, manifests) = world(|what| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32()))?;
    println!("{:7.1} s  waiting for the pair", start.elapsed().as_secs_f32());
    let mut ground = Ground::prepare(&mut world, manifests)?;
    let mut random = StdRng::seed_from_u64(arguments.seed);
    println!("seed {}", arguments.seed);
    println!("{}", Round::HEADER);
    if let Some(path) = arguments.screens {
        return Ok(fs::write(path, screens(&mut ground, &mut random)?)?);
    }
    let (mut failed, mut deck) = (0, Vec::new());
    for number in 1..=arguments.rounds {
        if deck.is_empty() {
            deck = only.map_or_else(|| Fault::deck(&mut random), |fault| vec![fault]);
        }
        let fault = deck.pop().context("the deck was just dealt")?;
        let round = play(&mut ground, number, fault, &mut random)?;
        println!("{round}");
        failed += u32::from(!round.is_good());
    }
    println!("{} rounds in {:.0} s, {failed} of them bad", arguments.rounds, start.elapsed().as_secs_f32());
    ensure!(failed == 0, "{failed} rounds went wrong");
    Ok(())
}

fn screens(ground: &mut Ground, random: &mut StdRng) -> Result<String> {
    let mut text = String::new();
    for (number, fault) in (1..).zip(Fault::ALL.into_iter().filter(|fault| fault.truth().is_some())) {
        let round = play(ground, number, fault, random)?;
        println!("{round}");
        ensure!(round.is_good(), "round {number} went wrong");
        text += &round.screen().context("the status told the truth, and there was no screen")?;
        text.push('\n');
    }
    Ok(text)
}
