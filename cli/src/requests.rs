//! What a person asks of a pair for a while: annotations of the HAPair, which Git could hold as well, and
//! which a GitOps tool leaves alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use hapair_crds::{
    HAPair,
    requests::{self, Request},
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::access::{Session, explained};

/// Under which the plugin writes.
const MANAGER: &str = "kubectl-hapair";
/// The operator writes the status of the same object all the time.
const ATTEMPTS: usize = 10;
/// How long `unstandby` waits for a standby that no spec speaks of to end.
const UNSTANDBY: u64 = 60;

/// A pair.
#[derive(Args)]
pub struct Pair {
    /// The pair; without it, the only one of the namespace.
    name: Option<String>,
}

/// A node of a pair.
#[derive(Args)]
pub struct Node {
    /// The node.
    node: String,
    /// The pair; without it, the only one of the namespace.
    #[arg(long)]
    pair: Option<String>,
}

impl Node {
    async fn find(&self, session: &Session) -> Result<(HAPair, Option<bool>)> {
        let pair = session.pair(self.pair.as_deref()).await?;
        match pair.spec.nodes.iter().find(|each| each.name == self.node) {
            Some(declared) => {
                let standby = declared.standby;
                Ok((pair, standby))
            }
            None => {
                let nodes: Vec<_> = pair.spec.nodes.iter().map(|node| node.name.as_str()).collect();
                bail!(
                    "{:?} is no node of {}; it has {}",
                    self.node,
                    pair.name_any(),
                    nodes.join(" and ")
                )
            }
        }
    }
}

/// Puts a node into standby.
pub async fn standby(session: &Session, arguments: &Node) -> Result<()> {
    let (pair, _) = arguments.find(session).await?;
    let (name, node) = (pair.name_any(), &arguments.node);
    if requests::standby(&pair).is_ok_and(|asked| asked.get(node) == Some(&true)) {
        anstream::println!(
            "{node}'s standby was asked for already. A switchover that is under way takes its own request \
             back."
        );
        return Ok(());
    }
    ask_for_standby(session, &name, node).await?;
    anstream::println!(
        "{node} is to be in standby, until `kubectl hapair unstandby {node}`. To follow it: kubectl hapair \
         status --watch"
    );
    Ok(())
}

/// Takes a node out of standby.
pub async fn unstandby(session: &Session, arguments: &Node) -> Result<()> {
    let (pair, declared) = arguments.find(session).await?;
    let (name, node) = (pair.name_any(), &arguments.node);
    withdraw_standby(session, &name, node).await?;
    match declared {
        Some(true) => bail!(
            "{node}'s standby is declared in the spec of {name} (spec.nodes[].standby): change it there"
        ),
        Some(false) => {}
        None => settle_unstandby(session, &name, node, UNSTANDBY).await?,
    }
    anstream::println!("{node} may run services again. To follow it: kubectl hapair status --watch");
    Ok(())
}

/// Asks for a node's standby, and leaves what else is asked for.
pub async fn ask_for_standby(session: &Session, pair: &str, node: &str) -> Result<()> {
    change_standby(session, pair, |_, asked| {
        asked.insert(node.to_owned(), true);
    })
    .await
}

/// Takes the request for a node's standby back. Where the spec says nothing of it, the cluster would keep
/// what was asked for: its end is asked for, too, until [`settle_unstandby`].
pub async fn withdraw_standby(session: &Session, pair: &str, node: &str) -> Result<()> {
    change_standby(session, pair, |pair, asked| {
        let declared = pair
            .spec
            .nodes
            .iter()
            .find(|each| each.name == node)
            .and_then(|node| node.standby);
        match declared {
            Some(_) => asked.remove(node),
            None => asked.insert(node.to_owned(), false),
        };
    })
    .await
}

/// Waits until a node whose standby no spec speaks of is out of it, and leaves the field to administrators
/// again.
pub async fn settle_unstandby(session: &Session, pair: &str, node: &str, seconds: u64) -> Result<()> {
    let is_out = |pair: &HAPair| {
        let status = pair
            .status
            .as_ref()
            .and_then(|status| status.nodes.iter().find(|each| each.name == node));
        status.is_some_and(|status| status.state != "Standby")
    };
    until(session, pair, seconds, is_out).await?;
    change_standby(session, pair, |_, asked| {
        if asked.get(node) == Some(&false) {
            asked.remove(node);
        }
    })
    .await
}

async fn change_standby(
    session: &Session,
    pair: &str,
    change: impl Fn(&HAPair, &mut BTreeMap<String, bool>),
) -> Result<()> {
    annotate(session, pair, &requests::STANDBY, |pair| {
        let mut asked = requests::standby(pair).map_err(|why| anyhow!("{why}. Correct it first"))?;
        change(pair, &mut asked);
        let parts: Vec<_> = asked
            .iter()
            .map(|(node, wish)| format!("{node}={wish}"))
            .collect();
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    })
    .await
}

/// Pauses a pair, or lets it go on.
pub async fn pause(session: &Session, arguments: &Pair, pause: bool) -> Result<()> {
    let pair = session.pair(arguments.name.as_deref()).await?;
    let name = pair.name_any();
    if !pause && pair.spec.paused == Some(true) {
        bail!("{name} is paused by its spec (spec.paused): change it there");
    }
    annotate(session, &name, &requests::PAUSED, |_| {
        Ok(pause.then(|| "true".to_owned()))
    })
    .await?;
    let what = if pause {
        "is observed and not changed until `kubectl hapair resume`"
    } else {
        "may be changed again"
    };
    anstream::println!("{name} {what}");
    Ok(())
}

/// Changes what a request names, which are words joined by commas.
pub async fn change_words(
    session: &Session,
    pair: &str,
    request: &Request,
    parse: fn(&HAPair) -> Result<BTreeSet<String>, String>,
    change: impl Fn(&mut BTreeSet<String>),
) -> Result<()> {
    annotate(session, pair, request, |pair| {
        let mut asked = parse(pair).map_err(|why| anyhow!("{why}. Correct it first"))?;
        change(&mut asked);
        let words: Vec<_> = asked.into_iter().collect();
        Ok((!words.is_empty()).then(|| words.join(",")))
    })
    .await
}

/// Gives an annotation the value that is made from the pair as it is, or with none removes it.
pub async fn annotate(
    session: &Session,
    name: &str,
    request: &Request,
    value: impl Fn(&HAPair) -> Result<Option<String>>,
) -> Result<()> {
    let parameters = PatchParams {
        field_manager: Some(MANAGER.into()),
        ..PatchParams::default()
    };
    for _ in 0..ATTEMPTS {
        let pair = session.pair(Some(name)).await?;
        // The version: what two people write at once is never lost.
        let patch = json!({"metadata": {"resourceVersion": pair.resource_version(), "annotations": {request.annotation: value(&pair)?}}});
        match session
            .api::<HAPair>()
            .patch(name, &parameters, &Patch::Merge(&patch))
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => {
                return result
                    .map(drop)
                    .map_err(|error| explained(error, "patch", "hapairs", &session.namespace));
            }
        }
    }
    bail!("{name} was changed by others {ATTEMPTS} times in a row; nothing was asked for. Try again")
}

/// Looks at a pair every second until something holds. An API server that is away for a while is waited for.
pub async fn until(
    session: &Session,
    name: &str,
    seconds: u64,
    holds: impl Fn(&HAPair) -> bool,
) -> Result<()> {
    let mut last = String::new();
    for _ in 0..seconds {
        match tokio::time::timeout(Duration::from_secs(10), session.pair(Some(name))).await {
            Ok(Ok(pair)) if holds(&pair) => return Ok(()),
            Ok(Ok(pair)) => {
                let ready = crate::screen::pair_condition(&pair, "Ready");
                last = ready
                    .map(|ready| format!("{}: {}", ready.reason, ready.message))
                    .unwrap_or_default();
            }
            Ok(Err(error)) => last = format!("{error:#}"),
            Err(_) => "the API server does not answer".clone_into(&mut last),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bail!("not seen within {seconds} s; {last}")
}
