//! `chaos`: faults drawn by lot, round after round.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use hapair_chaos::{Fault, Ground, Round, Weakness, play, table, world};
use rand::{SeedableRng, rngs::StdRng};

#[derive(Parser)]
#[command(about = "Faults drawn by lot on the real hosts, while a client writes (root needed)")]
struct Arguments {
    /// Debian release of the hosts.
    #[arg(long, default_value = "bookworm")]
    debian: String,
    /// The lab to use.
    #[arg(long, default_value = "chaos")]
    lab: String,
    /// How many rounds.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The seed the faults are drawn with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this fault, round after round, by its name in docs/operations.md.
    #[arg(long)]
    only: Option<String>,
    /// Every other time rob the node that does not serve of something it needs to take over, before the fault
    /// takes the one that serves.
    #[arg(long, requires = "only")]
    weaken: bool,
    /// Print the table of what each fault shows in the status, and end.
    #[arg(long)]
    table: bool,
    /// Write to this file what `kubectl hapair status` showed of each fault, the first time.
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
    ensure!(
        !arguments.weaken || only.is_some_and(Fault::takes_the_serving_node),
        "--weaken is for a fault that takes the node that serves, as serving-power-cut does"
    );
    let start = Instant::now();
    let (mut world, manifests) = world(&arguments.lab, &arguments.debian, |what| {
        println!("{:7.1} s  {what}", start.elapsed().as_secs_f32())
    })?;
    println!("{:7.1} s  waiting for the pair", start.elapsed().as_secs_f32());
    let mut ground = Ground::prepare(&mut world, manifests)?;
    let mut random = StdRng::seed_from_u64(arguments.seed);
    println!("seed {}", arguments.seed);
    println!("{}", Round::HEADER);
    let (mut failed, mut surprises, mut screens) = (0, 0, BTreeMap::new());
    let (mut deck, mut weaknesses) = (Vec::new(), Vec::new());
    for number in 1..=arguments.rounds {
        if deck.is_empty() {
            deck = only.map_or_else(|| Fault::deck(&mut random), |fault| vec![fault]);
        }
        let fault = deck.pop().context("the deck was just dealt")?;
        if arguments.weaken && weaknesses.is_empty() {
            weaknesses = Weakness::deck(&mut random);
        }
        let weakness = weaknesses.pop().flatten();
        let round = play(&mut ground, number, fault, weakness, &mut random)?;
        surprises += u32::from(round.is_a_surprise());
        println!("{round}");
        if !round.is_good() {
            failed += 1;
            println!("{}", ground.world.evidence());
        }
        if let Some(screen) = round.screen() {
            screens.entry(fault).or_insert(screen);
        }
    }
    println!(
        "{} rounds in {:.0} s, {failed} of them bad; {surprises} times the other node took over though \
         RedundancyHealthy was not True",
        arguments.rounds,
        start.elapsed().as_secs_f32()
    );
    if let Some(path) = arguments.screens {
        fs::write(path, screens.into_values().collect::<Vec<_>>().join("\n"))?;
    }
    ensure!(failed == 0, "{failed} rounds went wrong");
    Ok(())
}
