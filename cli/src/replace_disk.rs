//! `kubectl hapair replace-disk`: a leg whose disk is gone gets the one that is in its place now.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hapair_crds::{ConditionStatus, HAPair, ReplicatedVolume, condition_types, requests};
use hapair_model::{Reason, reason::Class};
use kube::{ResourceExt, api::ListParams};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Duration, sleep},
};

use crate::{
    access::{Session, explained},
    requests::change_words,
    screen::pair_condition,
};

/// How long the operator may take to take the request up, in seconds: it looks at the hosts, and sees that the disks are blank.
const TAKEN_UP: u64 = 120;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The DRBD metadata of the leg that is gone, as the status shows it. All legs that were on one disk are named at once.
    #[arg(required = true)]
    uuids: Vec<String>,
    /// The pair; without it, the only one of the namespace.
    #[arg(long)]
    pair: Option<String>,
}

/// Asks for it, and waits until the operator has taken the request up or says why it does not.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let pair = session.pair(arguments.pair.as_deref()).await?;
    let (name, uuids) = (pair.name_any(), &arguments.uuids);
    let before = messages(&pair, &volumes(session, name.clone()).await?);
    if let Some(unknown) = uuids.iter().find(|uuid| !speak_of(&before, uuid)) {
        bail!(
            "no condition of {name} or of its volumes speaks of a leg with the metadata {unknown}; `kubectl hapair status` names those \
             that are gone"
        );
    }
    if let Some(paused) = pair_condition(&pair, condition_types::PAUSED)
        && paused.status == ConditionStatus::True
    {
        bail!("{name} is paused: no leg gets a disk until `kubectl hapair resume`");
    }
    let mut interrupts = signal(SignalKind::interrupt())?;
    change_words(
        session,
        &name,
        &requests::REPLACE_DISK,
        requests::lost_legs,
        |asked| asked.extend(uuids.iter().cloned()),
    )
    .await?;
    let taken_up = tokio::select! {
        taken_up = taken_up(session, &name, uuids, &before) => taken_up,
        _ = interrupts.recv() => Err(anyhow!("interrupted")),
    };
    // One that stays would give a disk back by itself when it fails the next time.
    let withdrawn = change_words(
        session,
        &name,
        &requests::REPLACE_DISK,
        requests::lost_legs,
        |asked| asked.retain(|uuid| !uuids.contains(uuid)),
    );
    withdrawn.await.with_context(|| {
        let annotation = requests::REPLACE_DISK.annotation;
        format!("the request stays; take it back with `kubectl annotate hapair {name} {annotation}-`")
    })?;
    taken_up.context("the request was withdrawn; a disk that was begun with is filled nevertheless")?;
    anstream::println!(
        "The disk that is there becomes the leg, and is filled from the other node's. To follow it: kubectl hapair status --watch"
    );
    Ok(())
}

/// Waits until no condition speaks of the legs any more and the volumes are being filled, or are whole. What a volume says
/// instead, and needs a person, is the reason why its leg stays as it is.
async fn taken_up(session: &Session, pair: &str, uuids: &[String], before: &[String]) -> Result<()> {
    for _ in 0..TAKEN_UP {
        // An API server that is away is waited for.
        if let Ok(pair) = session.pair(Some(pair)).await
            && let Ok(volumes) = volumes(session, pair.name_any()).await
        {
            if let Some(refused) = volumes.iter().find_map(|volume| needs_person(volume, before)) {
                bail!("{refused}");
            }
            let now = messages(&pair, &volumes);
            let is_told = uuids.iter().any(|uuid| speak_of(&now, uuid));
            if !is_told && (is_filled(&pair) || volumes.iter().all(|volume| is_whole(volume))) {
                return Ok(());
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
    bail!(
        "the operator has not taken the request up within {TAKEN_UP} s. `kubectl hapair status` says what the pair waits for"
    )
}

/// What the conditions of a pair and its volumes say.
fn messages(pair: &HAPair, volumes: &[Arc<ReplicatedVolume>]) -> Vec<String> {
    let of_pair = pair.status.iter().flat_map(|status| &status.conditions);
    let statuses = volumes.iter().filter_map(|volume| volume.status.as_ref());
    let of_volumes = statuses.flat_map(|status| &status.conditions);
    let all = of_pair.chain(of_volumes);
    all.map(|condition| condition.message.clone()).collect()
}

fn speak_of(messages: &[String], uuid: &str) -> bool {
    messages.iter().any(|message| message.contains(uuid))
}

/// Why a volume of which something else was told before needs a person now.
fn needs_person(volume: &ReplicatedVolume, before: &[String]) -> Option<String> {
    let mut conditions = volume.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions.find(|condition| condition.type_ == condition_types::READY)?;
    let needs_person = Reason::ALL
        .iter()
        .any(|reason| reason.name() == ready.reason && reason.class() == Class::NeedsPerson);
    (needs_person && !before.contains(&ready.message)).then(|| ready.message.clone())
}

/// Whether a leg is being filled, or is about to.
fn is_filled(pair: &HAPair) -> bool {
    let redundancy = pair_condition(pair, condition_types::REDUNDANCY_HEALTHY);
    redundancy.is_some_and(|condition| condition.reason == Reason::Resyncing.name())
}

fn is_whole(volume: &ReplicatedVolume) -> bool {
    let data = volume.status.as_ref().and_then(|status| status.data.as_deref());
    data == Some("UpToDate/UpToDate")
}

async fn volumes(session: &Session, pair: String) -> Result<Vec<Arc<ReplicatedVolume>>> {
    let all = session
        .api::<ReplicatedVolume>()
        .list(&ListParams::default())
        .await;
    let all = all.map_err(|error| explained(error, "list", "replicatedvolumes", &session.namespace))?;
    let all = all.items.into_iter().map(|volume| volume.object);
    Ok(all.filter(|volume| volume.spec.pair_ref.name == pair).collect())
}
