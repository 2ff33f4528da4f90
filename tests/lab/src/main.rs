//! `lab`: two real hosts to try things on.

use std::{os::unix::process::CommandExt, path::PathBuf, process::Command, time::Instant};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use hapair_lab::{Config, Lab, Link};

#[derive(Parser)]
#[command(
    about = "Two real hosts with kernels, disks, links and BMCs of their own, on one machine (root needed)"
)]
struct Arguments {
    /// Which lab; several can be up side by side.
    #[arg(long, default_value = "lab", global = true)]
    name: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the hosts from nothing; an earlier lab of this name is ended first.
    Up {
        /// Debian release of the hosts: bookworm, trixie or bullseye.
        #[arg(long, default_value = "bookworm")]
        debian: String,
        /// Start from an image that has the HA packages.
        #[arg(long)]
        with_packages: bool,
        /// Size of the blank second disk, in MiB.
        #[arg(long, default_value_t = 512)]
        disk_mib: u64,
        /// The names of the two hosts.
        #[arg(long, num_args = 2, default_values = ["node1", "node2"])]
        nodes: Vec<String>,
        /// First three octets of each link's /24.
        #[arg(long, num_args = 2, default_values = ["10.77.0", "10.77.1"])]
        subnets: Vec<String>,
    },
    /// End the lab and remove everything it left.
    Down,
    /// Which hosts have power, and where they answer.
    Status,
    /// A shell on a host, or one command there.
    Ssh {
        /// The host.
        node: String,
        /// The command.
        #[arg(trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Run a command inside the lab's network.
    Exec {
        /// The command.
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
    /// Take or give a host's power.
    Power {
        /// The host.
        node: String,
        /// What to do.
        state: Power,
    },
    /// Pull a host's network cables, or put them back.
    Net {
        /// What to do.
        change: Cable,
        /// The host.
        node: String,
        /// Only this link (0 or 1).
        link: Option<Link>,
    },
    /// The power switch of a BMC, as ipmi_sim calls it.
    #[command(hide = true)]
    Bmc {
        node: String,
        /// MC, verb, name and value pairs.
        request: Vec<String>,
    },
    #[command(hide = true)]
    ServeRepository { folder: PathBuf },
}

#[derive(Clone, Copy, ValueEnum)]
enum Power {
    On,
    Off,
    Cycle,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cable {
    Cut,
    Heal,
}

fn main() -> Result<()> {
    let Arguments { name, verb } = Arguments::parse();
    match verb {
        Verb::Up {
            debian,
            with_packages,
            disk_mib,
            nodes,
            subnets,
        } => {
            let config = Config {
                name,
                debian,
                with_packages,
                disk_mib,
                nodes: pair(nodes)?,
                subnets: pair(subnets)?,
                ..Config::default()
            };
            up(config)
        }
        Verb::Down => Lab::down(&name),
        Verb::ServeRepository { folder } => hapair_lab::serve_repository(&folder),
        Verb::Status => status(&Lab::attach(&name)?),
        Verb::Exec { command } => {
            let _lab = Lab::attach(&name)?;
            bail!(Command::new(&command[0]).args(&command[1..]).exec())
        }
        Verb::Ssh { node, command } => {
            let lab = Lab::attach(&name)?;
            bail!(lab.ssh(lab.node(&node)?).args(command).exec())
        }
        Verb::Power { node, state } => power(&Lab::attach(&name)?, &node, state),
        Verb::Net { change, node, link } => cable(&Lab::attach(&name)?, change, &node, link),
        Verb::Bmc { node, request } => bmc(&Lab::attach(&name)?, &node, &request),
    }
}

fn pair(words: Vec<String>) -> Result<[String; 2]> {
    words
        .try_into()
        .map_err(|words: Vec<String>| anyhow::anyhow!("expected two values, not {}", words.len()))
}

fn up(config: Config) -> Result<()> {
    let start = Instant::now();
    let lab = Lab::up(config, |what| {
        eprintln!("{:6.1} s  {what}", start.elapsed().as_secs_f32())
    })?;
    eprintln!("{:6.1} s  up", start.elapsed().as_secs_f32());
    status(&lab)
}

fn status(lab: &Lab) -> Result<()> {
    println!(
        "network namespace {}, folder {}",
        lab.namespace().name(),
        lab.directory().display()
    );
    for (node, name) in lab.config().nodes.iter().enumerate() {
        let power = if lab.is_on(node)? { "on" } else { "off" };
        let [zero, one] = Link::ALL.map(|link| lab.address(node, link));
        println!(
            "{name}  power {power:3}  link 0 {zero}  link 1 {one}  BMC {}",
            lab.bmc_address(node)
        );
    }
    Ok(())
}

fn power(lab: &Lab, node: &str, state: Power) -> Result<()> {
    let node = lab.node(node)?;
    match state {
        Power::On => lab.power_on(node),
        Power::Off => lab.power_off(node),
        Power::Cycle => lab.power_off(node).and_then(|()| lab.power_on(node)),
    }
}

fn cable(lab: &Lab, change: Cable, node: &str, link: Option<Link>) -> Result<()> {
    let node = lab.node(node)?;
    for link in Link::ALL
        .into_iter()
        .filter(|each| link.is_none_or(|one| one == *each))
    {
        match change {
            Cable::Cut => lab.cut(node, link)?,
            Cable::Heal => lab.heal(node, link)?,
        }
    }
    Ok(())
}

/// ipmi_sim asks `0x20 get power …` and commands `0x20 set power 0|1 …`; `reset` and `boot` are answered as a
/// switch without them would.
fn bmc(lab: &Lab, name: &str, request: &[String]) -> Result<()> {
    let node = lab.node(name)?;
    let words: Vec<_> = request.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["get", names @ ..] => {
            for name in names {
                println!(
                    "{name}:{}",
                    if *name == "power" {
                        u8::from(lab.is_on(node)?)
                    } else {
                        0
                    }
                );
            }
            Ok(())
        }
        ["set", "power", "0"] => lab.power_off(node),
        ["set", "power", "1"] => lab.power_on(node),
        ["set", "reset", ..] => power(lab, name, Power::Cycle),
        ["check", ..] => Ok(()),
        other => bail!("the power switch of {name} does not know {other:?}"),
    }
}
