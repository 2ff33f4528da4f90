//! `e2e`: the demo, the ground to try things on, and the end-to-end test.

mod argocd;
mod chart;
mod checks;
mod demo;
mod gitops;
mod lab;
mod suite;
mod tutorial;
mod visitor;

use anyhow::Result;
use clap::{Parser, Subcommand};
use hapair_lab::Config;
use hapair_world::World;

#[derive(Parser)]
#[command(about = "The real operator, the real API server, the real hosts (root needed)")]
struct Arguments {
    /// Start from hosts that already have the HA packages.
    #[arg(long, global = true)]
    with_packages: bool,
    /// Debian release of the hosts: bookworm, trixie or bullseye.
    #[arg(long, default_value = "bookworm", global = true)]
    debian: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// From nothing to a page on the floating address, then failovers.
    Demo,
    /// The same ground, left running.
    Lab,
    /// What the end-to-end test starts from, built unless the cache has it.
    Prepare,
    /// The Helm chart, installed, upgraded and removed while a pair serves.
    Chart,
    /// A pair that lives in Git, under Argo CD.
    Gitops,
    /// docs/tutorial.md, run as it stands.
    Tutorial,
    /// How the service moves, on a release beside the one that the whole test runs on.
    Failover(Part),
    /// What the end-to-end test has no time for.
    Trials(Part),
    /// nginx and a database on a pair.
    Presets(Part),
    /// The end-to-end test.
    Test(Part),
}

/// Which part of a test, and where.
#[derive(clap::Args)]
struct Part {
    /// Go on at this check (they count from 0), on the ground that a failed run with HAPAIR_KEEP=1 left.
    #[arg(long)]
    from: Option<usize>,
    /// End after this check.
    #[arg(long)]
    to: Option<usize>,
    /// The lab to use, instead of the test's own.
    #[arg(long, default_value = "test")]
    lab: String,
}

fn main() -> Result<()> {
    let Arguments {
        with_packages,
        debian,
        verb,
    } = Arguments::parse();
    let config = |name: &str| Config {
        name: name.into(),
        with_packages,
        debian: debian.clone(),
        ..Config::default()
    };
    let packaged = |name: &str| Config {
        with_packages: true,
        ..config(name)
    };
    match verb {
        Verb::Demo => demo::run(config("demo")),
        Verb::Lab => lab::run(config("lab")),
        Verb::Prepare => World::prepare(&config("test"), |what| println!("  {what}")),
        Verb::Chart => chart::run(packaged("chart")),
        Verb::Gitops => gitops::run(packaged("gitops")),
        Verb::Tutorial => tutorial::run(config("tutorial")),
        Verb::Failover(Part { from, to, lab }) => suite::failover(packaged(&lab), from, to),
        Verb::Trials(Part { from, to, lab }) => suite::trials(packaged(&lab), from, to),
        Verb::Presets(Part { from, to, lab }) => suite::presets(packaged(&lab), from, to),
        Verb::Test(Part { from, to, lab }) => suite::run(config(&lab), from, to),
    }
}
