//! `kubectl hapair status`.

use std::{io::IsTerminal, time::Duration};

use anyhow::Result;
use clap::{Args, ValueEnum};
use futures::{StreamExt, stream};
use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use jiff::Timestamp;
use kube::runtime::{WatchStreamExt, watcher};

use crate::{
    access::{Kind, Session},
    overview::Overview,
    screen,
};

/// A width for what is not a terminal.
const PAGE: usize = 100;
/// Ages go on while nothing else changes.
const TICK: Duration = Duration::from_secs(10);
/// Objects that change together are drawn together.
const GATHER: Duration = Duration::from_millis(200);

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the only one of the namespace.
    name: Option<String>,
    /// Go on, and draw it anew with each change.
    #[arg(long, short)]
    watch: bool,
    /// The form.
    #[arg(long, short, value_enum, default_value = "screen")]
    output: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Screen,
    Json,
}

/// Shows the pair.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    show(session, arguments).await?;
    if !arguments.watch {
        return Ok(());
    }
    let mut changes = stream::select_all([
        changes::<HAPair>(session),
        changes::<ReplicatedVolume>(session),
        changes::<FloatingIP>(session),
        changes::<ServiceGroup>(session),
    ]);
    loop {
        tokio::select! {
            Some(()) = changes.next() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(TICK) => {}
        }
        while futures::FutureExt::now_or_never(changes.next())
            .flatten()
            .is_some()
        {}
        if let Err(error) = show(session, arguments).await {
            anstream::eprintln!("{error:#}");
        }
    }
}

fn changes<K: Kind>(session: &Session) -> stream::BoxStream<'static, ()> {
    watcher(session.api::<K>(), watcher::Config::default())
        .default_backoff()
        .map(drop)
        .boxed()
}

async fn show(session: &Session, arguments: &Arguments) -> Result<()> {
    let overview = Overview::of(session, arguments.name.as_deref()).await?;
    let is_terminal = std::io::stdout().is_terminal();
    if arguments.output == Form::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&overview)?);
        return Ok(());
    }
    let width = if is_terminal { textwrap::termwidth() } else { PAGE };
    // From the top of an empty screen; in a file or a pipe, under what was there before.
    let home = if arguments.watch && is_terminal {
        "\x1b[H\x1b[2J"
    } else {
        ""
    };
    anstream::print!("{home}{}", screen::draw(&overview, Timestamp::now(), width));
    if arguments.watch && !is_terminal {
        anstream::println!();
    }
    Ok(())
}
