//! `kubectl hapair`: a pair at a glance, why it is as it is, and what a person may ask of it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use kubectl_hapair::{
    access::Target, diagnose, forget, left_over, logs, manifest, plan, replace_disk, requests, status,
    switchover, why,
};

#[derive(Parser)]
#[command(
    name = "kubectl-hapair",
    bin_name = "kubectl hapair",
    version,
    about = "A high-availability pair, for the person on call"
)]
struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The pair and everything on it, with what to do next.
    Status(status::Arguments),
    /// What the operator would do now, or with a manifest, and what that would interrupt.
    Plan(plan::Arguments),
    /// What a condition's reason means, and what to do about it.
    Why(why::Arguments),
    /// What both hosts' journals say about the cluster, DRBD and the services.
    Logs(logs::Arguments),
    /// Everything that someone who looks into a fault would ask for, in one file without secrets.
    Diagnose(diagnose::Arguments),
    /// Let the other node serve.
    Switchover(switchover::Arguments),
    /// Take everything off a node, until `unstandby`.
    Standby(requests::Node),
    /// Let a node run services again.
    Unstandby(requests::Node),
    /// Take off the hosts what the cluster still runs of an object that is gone.
    Forget(left_over::Arguments),
    /// Give a leg whose disk is gone the one that is in its place.
    ReplaceDisk(replace_disk::Arguments),
    /// Show what declared something that is left over, to be applied again.
    Manifest(left_over::Arguments),
    /// Look, and change nothing on the hosts, until `resume`.
    Pause(requests::Pair),
    /// Let the operator change the hosts again.
    Resume(requests::Pair),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { target, verb }: Arguments) -> Result<ExitCode> {
    let session = target.connect().await?;
    let done = match verb {
        Verb::Plan(arguments) => return plan::run(&session, &arguments).await,
        Verb::Status(arguments) => status::run(&session, &arguments).await,
        Verb::Logs(arguments) => logs::run(&session, &arguments).await,
        Verb::Diagnose(arguments) => diagnose::run(&session, &arguments).await,
        Verb::Why(arguments) => why::run(&session, &arguments).await,
        Verb::Switchover(arguments) => switchover::run(&session, &arguments).await,
        Verb::Standby(node) => requests::standby(&session, &node).await,
        Verb::Unstandby(node) => requests::unstandby(&session, &node).await,
        Verb::Forget(arguments) => forget::run(&session, &arguments).await,
        Verb::ReplaceDisk(arguments) => replace_disk::run(&session, &arguments).await,
        Verb::Manifest(arguments) => manifest::run(&session, &arguments).await,
        Verb::Pause(pair) => requests::pause(&session, &pair, true).await,
        Verb::Resume(pair) => requests::pause(&session, &pair, false).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}
