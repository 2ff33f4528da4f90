//! `kubectl hapair switchover`: the active node goes into standby until the other one serves. Nothing else is
//! asked for than anyone could ask for by hand, so whoever stops the command in the middle leaves a standby
//! that the status tells of.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use hapair_crds::{Condition, ConditionStatus, HAPair, condition_types};
use hapair_model::{Reason, observed::Task};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    access::Session,
    advice,
    age::age,
    overview::Overview,
    requests::{ask_for_standby, settle_unstandby, until, withdraw_standby},
    screen::pair_condition,
};

/// Attempts to take the request back, two seconds apart.
const WITHDRAWALS: usize = 30;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the only one of the namespace.
    name: Option<String>,
    /// Seconds to wait for the other node to serve, before the request is withdrawn.
    #[arg(long, default_value_t = 300)]
    timeout: u64,
}

/// Where the service goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The node that serves.
    pub from: String,
    /// The node that takes over.
    pub to: String,
}

/// Where a switchover would go, or why there can be none.
pub fn direction(overview: &Overview, now: Timestamp) -> Result<Direction, String> {
    use condition_types::{PAUSED, REDUNDANCY_HEALTHY};
    let pair = &overview.pair;
    if let Some(silence) = overview.operator.silent_for(now) {
        return Err(format!(
            "the operator has been silent for {}: nobody would carry it out",
            age(silence)
        ));
    }
    if let Some(why) = overview
        .operator
        .unknown
        .as_ref()
        .filter(|_| !overview.operator.may_be_there)
    {
        return Err(format!("{why}: nobody would carry it out"));
    }
    let from = pair
        .status
        .as_ref()
        .and_then(|status| status.active.clone())
        .ok_or("no node serves")?;
    let to = pair
        .spec
        .nodes
        .iter()
        .find(|node| node.name != from)
        .map(|node| node.name.clone())
        .ok_or("there is no other node")?;
    for (type_, good) in [
        (PAUSED, ConditionStatus::False),
        (REDUNDANCY_HEALTHY, ConditionStatus::True),
    ] {
        match pair_condition(pair, type_) {
            Some(condition) if condition.status == good || needs_no_fence(condition) => {}
            Some(condition) => {
                let reason = &condition.reason;
                let (message, remedy) = advice::of(reason, &condition.message);
                return Err(format!("{reason}: {message}\nWhat to do: {remedy}"));
            }
            None => return Err("the operator has not observed the pair yet".into()),
        }
    }
    Ok(Direction { from, to })
}

/// What is moved on purpose is stopped first: that a node could not be fenced keeps nothing from leaving it, and may be why it leaves.
fn needs_no_fence(redundancy: &Condition) -> bool {
    redundancy.reason == Reason::FencingFailed.name()
}

/// Moves the service to the other node.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let overview = Overview::of(session, arguments.name.as_deref()).await?;
    let name = overview.pair.name_any();
    let Direction { from, to } = direction(&overview, Timestamp::now())
        .map_err(|why| anyhow!("{name} cannot be switched over now. {why}\nNothing was changed."))?;
    let is_declared = overview
        .pair
        .spec
        .nodes
        .iter()
        .any(|node| node.name == from && node.standby.is_some());
    // From now on nothing ends the command in the middle but a second interrupt.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let start = Instant::now();
    anstream::println!("{name}: {from} goes into standby, {to} takes over …");
    ask_for_standby(session, &name, &from).await?;
    let refusal = RefCell::new(None);
    let is_decided = |pair: &HAPair| {
        let available = pair_condition(pair, condition_types::AVAILABLE);
        *refusal.borrow_mut() = available.and_then(|available| could_not_start(available, &to));
        refusal.borrow().is_some() || serves(pair, &to)
    };
    let moved = tokio::select! {
        moved = until(session, &name, arguments.timeout, is_decided) => moved,
        _ = interrupts.recv() => Err(anyhow!("interrupted")),
    };
    let moved = moved.and_then(|()| refusal.take().map_or(Ok(()), |why| Err(anyhow!(why))));
    let left = || anyhow!("{from} is still asked to be in standby: kubectl hapair unstandby {from}");
    let withdrawn = tokio::select! {
        withdrawn = withdraw(session, &name, &from) => withdrawn,
        _ = interrupts.recv() => Err(anyhow!("interrupted")),
    };
    withdrawn.map_err(|error| anyhow!("{error:#}. {}", left()))?;
    if let Err(error) = moved {
        bail!("{to} was not seen to take over: {error:#}. The request was withdrawn.");
    }
    anstream::println!(
        "{name}: {to} serves, after {} s; {from} comes back …",
        start.elapsed().as_secs()
    );
    let redundant = |pair: &HAPair| {
        pair_condition(pair, condition_types::REDUNDANCY_HEALTHY)
            .is_some_and(|c| c.status == ConditionStatus::True || needs_no_fence(c))
    };
    let back = async {
        until(session, &name, arguments.timeout, redundant).await?;
        if is_declared {
            Ok(())
        } else {
            settle_unstandby(session, &name, &from, arguments.timeout).await
        }
    };
    tokio::select! {
        back = back => back.map_err(|error| anyhow!("{to} serves; {from} was not seen to be able to take \
            over again: {error:#}"))?,
        _ = interrupts.recv() => {
            let rest = if is_declared { String::new() } else { format!("; `kubectl hapair unstandby {from}` \
                takes the last request away") };
            bail!("interrupted: {to} serves, {from} is coming back{rest}");
        }
    }
    anstream::println!(
        "{name}: {from} could take over again, after {} s",
        start.elapsed().as_secs()
    );
    Ok(())
}

/// Takes the request back, for as long as an API server may be away.
async fn withdraw(session: &Session, name: &str, node: &str) -> Result<()> {
    let mut last = withdraw_standby(session, name, node).await;
    for _ in 0..WITHDRAWALS {
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        last = withdraw_standby(session, name, node).await;
    }
    last
}

/// Why the service cannot run on a node: the cluster has tried to start it there, and does not try again.
fn could_not_start(available: &Condition, node: &str) -> Option<String> {
    let has_failed = [Task::Start, Task::Promote].iter().any(|task| {
        let words = format!("failed to {task} on {node}:");
        available.message.contains(&words)
    });
    (available.reason == Reason::ResourceFailed.name() && has_failed)
        .then(|| advice::happened(&available.message).to_owned())
}

fn serves(pair: &HAPair, node: &str) -> bool {
    let available = pair_condition(pair, condition_types::AVAILABLE);
    let answers = available.is_none_or(|condition| {
        condition.status == ConditionStatus::True || condition.reason == "NothingDeclared"
    });
    answers && pair.status.as_ref().and_then(|status| status.active.as_deref()) == Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_has_failed_on_the_target_ends_it_and_one_on_the_other_node_does_not() {
        let told = |reason: &str, message: &str| {
            let condition = serde_json::json!({"type": "Available", "status": "False", "reason": reason, "observedGeneration": 1,
                "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"});
            could_not_start(&serde_json::from_value(condition).unwrap(), "node2")
        };
        let message = "service-tomcat-tomcat failed to start on node2: port 8080 is taken";
        assert_eq!(told("ResourceFailed", message).as_deref(), Some(message));
        assert_eq!(
            told("ResourceFailed", "ip-web failed to monitor on node2: gone"),
            None
        );
        assert_eq!(
            told("ResourceFailed", "ip-web failed to start on node1: gone"),
            None
        );
        let longer = "ip-web failed to start on node21: gone";
        assert_eq!(
            told("ResourceFailed", longer),
            None,
            "another node's name begins alike"
        );
        assert_eq!(told("NotRunning", "ip-web does not run on any node"), None);
    }
}
