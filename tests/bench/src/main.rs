//! `bench`: what the operator takes of time, on real hosts.

mod convergence;
mod events;
mod status;

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
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Convergence { rounds } => convergence::run(rounds),
        What::Status { rounds, debian } => status::run(rounds, debian),
    }
}
