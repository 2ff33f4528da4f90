//! `kubectl hapair forget`: takes off the hosts what an object that is gone has left in the cluster.

use anyhow::{Context, Result, anyhow, bail};
use hapair_crds::{ConditionStatus, HAPair, condition_types, requests};
use kube::ResourceExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    access::Session,
    left_over,
    requests::{change_words, until},
    screen::pair_condition,
};

/// How long `forget` waits until it is done, in seconds: a service may take two minutes to stop.
const FORGET: u64 = 300;

/// Takes off the hosts what the cluster still runs of an object that is gone, and waits until it has left.
pub async fn run(session: &Session, arguments: &left_over::Arguments) -> Result<()> {
    let pair = session.pair(arguments.pair.as_deref()).await?;
    let (name, what) = (pair.name_any(), &arguments.released);
    let is_left = |pair: &HAPair| {
        let status = pair.status.as_ref();
        status.is_some_and(|status| status.released.contains(what))
    };
    if !is_left(&pair) {
        return Err(left_over::unknown(what, &name, &pair.status.unwrap_or_default()));
    }
    if let Some(paused) = pair_condition(&pair, condition_types::PAUSED)
        && paused.status == ConditionStatus::True
    {
        bail!("{name} is paused: nothing is taken off its hosts until `kubectl hapair resume`");
    }
    let mut interrupts = signal(SignalKind::interrupt())?;
    change_words(session, &name, &requests::FORGET, requests::forgotten, |asked| {
        asked.insert(what.clone());
    })
    .await?;
    // Without a host that can tell what the cluster runs, nothing is listed.
    let is_told = |pair: &HAPair| {
        ["HostsReachable", "Quorate"].iter().all(|type_| {
            let condition = pair_condition(pair, type_);
            condition.is_some_and(|condition| condition.status == ConditionStatus::True)
        })
    };
    let refused = |pair: &HAPair| {
        let ready = pair_condition(pair, condition_types::READY)?;
        ready
            .message
            .contains(requests::FORGET.annotation)
            .then(|| ready.message.clone())
    };
    let is_over = |pair: &HAPair| refused(pair).is_some() || is_told(pair) && !is_left(pair);
    let gone = tokio::select! {
        gone = until(session, &name, FORGET, is_over) => gone,
        _ = interrupts.recv() => Err(anyhow!("interrupted")),
    };
    let why = session
        .pair(Some(&name))
        .await
        .ok()
        .and_then(|pair| refused(&pair));
    // A request that stays would be about whatever has this name later.
    let withdrawn = change_words(session, &name, &requests::FORGET, requests::forgotten, |asked| {
        asked.remove(what);
    });
    withdrawn.await.with_context(|| {
        let annotation = requests::FORGET.annotation;
        format!("the request stays; take it back with `kubectl annotate hapair {name} {annotation}-`")
    })?;
    if let Some(why) = why {
        bail!("{why}. The request was withdrawn");
    }
    gone.context("the request was withdrawn; what has been stopped stays so")?;
    anstream::println!("{what} has left the hosts of {name}. Data that it held stays on the disks");
    Ok(())
}
