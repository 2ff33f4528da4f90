//! `bench`: what the operator takes of time, on real hosts.

mod convergence;
mod events;
mod failover;
mod hung;
mod spread;
mod status;
mod switchover;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Times the operator on the lab's hosts (root needed)")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// From `kubectl apply` to the page, against an expert's script, on identical fresh hosts.
    Convergence {
        /// How often each of the two is timed.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// From what happens on a host to the condition in the API server.
    Status {
        /// How often each kind of event is timed.
        #[arg(long, default_value_t = 20)]
        rounds: usize,
        /// The hosts' release of Debian.
        #[arg(long, default_value = "bookworm")]
        debian: String,
    },
    /// From the loss of the serving node's power to an answer, phase by phase.
    Failover {
        /// How often.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// The hosts' release of Debian.
        #[arg(long, default_value = "bookworm")]
        debian: String,
    },
    /// The time without an answer when the service hangs.
    Hung {
        /// How often.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// The hosts' release of Debian.
        #[arg(long, default_value = "bookworm")]
        debian: String,
    },
    /// The time without an answer when the service is moved, against `pcs node standby` by hand.
    Switchover {
        /// How often each of the two.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// The hosts' release of Debian.
        #[arg(long, default_value = "bookworm")]
        debian: String,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Convergence { rounds } => convergence::run(rounds),
        What::Status { rounds, debian } => status::run(rounds, debian),
        What::Failover { rounds, debian } => failover::run(rounds, &debian),
        What::Hung { rounds, debian } => hung::run(rounds, &debian),
        What::Switchover { rounds, debian } => switchover::run(rounds, &debian),
    }
}
