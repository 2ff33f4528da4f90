//! `e2e`: the demo, the ground to try things on, and the end-to-end test.

mod demo;

use anyhow::Result;
use clap::{Parser, Subcommand};
use hapair_e2e::World;
use hapair_lab::Config;

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
}

fn main() -> Result<()> {
    let Arguments { with_packages, debian, verb } = Arguments::parse();
    let config = |name: &str| Config { name: name.into(), with_packages, debian: debian.clone(), ..Config::default() };
    match verb {
        Verb::Demo => demo::run(config("demo")),
        Verb::Lab => lab(config("lab")),
    }
}

fn lab(config: Config) -> Result<()> {
    let mut world = World::up(config, |what| eprintln!("{what}"))?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    let sample = world.lab.directory().join("tomcat.yaml");
    std::fs::write(&sample, world.sample()?)?;
    let name = &world.lab.config().name;
    println!("The lab is up. A shell in its network:\n\n    ip netns exec hapair-{name} bash\n");
    println!("    export KUBECONFIG={}", world.cluster.kubeconfig().display());
    println!("    export PATH={}:$PATH", world.cluster.kubectl(&[]).get_program().to_string_lossy().trim_end_matches("/kubectl"));
    println!("    kubectl apply -n {} -f {}", hapair_e2e::NAMESPACE, sample.display());
    println!("    kubectl get -n {} hapairs,harv,hafip,hasg --watch\n\nmake lab-down ends it.", hapair_e2e::NAMESPACE);
    // Left running on purpose: the namespace is what ends it.
    std::mem::forget(world);
    Ok(())
}
