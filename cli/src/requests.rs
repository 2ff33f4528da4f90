//! What a person asks of a pair for a while: annotations of the HAPair, which Git could hold as well, and which a GitOps tool leaves alone.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::Args;
use hapair_crds::{HAPair, annotations};
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

/// Puts a node into standby, or takes it out.
pub async fn standby(session: &Session, arguments: &Node, standby: bool) -> Result<()> {
    let pair = session.pair(arguments.pair.as_deref()).await?;
    let node = &arguments.node;
    let Some(declared) = pair.spec.nodes.iter().find(|each| each.name == *node) else {
        let nodes: Vec<_> = pair.spec.nodes.iter().map(|node| node.name.as_str()).collect();
        bail!("{node:?} is no node of {}; it has {}", pair.name_any(), nodes.join(" and "));
    };
    ask_for_standby(session, &pair.name_any(), node, standby).await?;
    let spec = if declared.standby == Some(standby) { "; the spec declares it so" } else { "" };
    let to = if standby { "in standby" } else { "no longer in standby" };
    anstream::println!("{node} is to be {to}{spec}. To follow it: kubectl hapair status --watch");
    Ok(())
}

/// Asks for a node's standby, or for its end, and leaves what else is asked for.
pub async fn ask_for_standby(session: &Session, pair: &str, node: &str, standby: bool) -> Result<()> {
    annotate(session, pair, annotations::STANDBY, |pair| {
        let mut asked = annotations::standby(pair).unwrap_or_default();
        asked.insert(node.to_owned(), standby);
        text(pair, &asked)
    })
    .await
}

/// Requests as the annotation has them. What the spec says anyway needs none.
fn text(pair: &HAPair, asked: &BTreeMap<String, bool>) -> Option<String> {
    let differs = |(name, wish): &(&String, &bool)| pair.spec.nodes.iter().any(|node| node.name == **name && node.standby != Some(**wish));
    let parts: Vec<_> = asked.iter().filter(differs).map(|(node, wish)| format!("{node}={wish}")).collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

/// Pauses a pair, or lets it go on.
pub async fn pause(session: &Session, arguments: &Pair, pause: bool) -> Result<()> {
    let pair = session.pair(arguments.name.as_deref()).await?;
    let name = pair.name_any();
    if !pause && pair.spec.paused == Some(true) {
        bail!("{name} is paused by its spec (spec.paused): change it there");
    }
    annotate(session, &name, annotations::PAUSED, |_| pause.then(|| "true".to_owned())).await?;
    let what = if pause { "is looked at, and not changed, until `kubectl hapair resume`" } else { "may be changed again" };
    anstream::println!("{name} {what}");
    Ok(())
}

/// Gives an annotation the value that is made from the pair as it is, or with none removes it. Two people's wishes never overwrite each other unseen.
async fn annotate(session: &Session, name: &str, key: &str, value: impl Fn(&HAPair) -> Option<String>) -> Result<()> {
    let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    for _ in 0..ATTEMPTS {
        let pair = session.pair(Some(name)).await?;
        let patch = json!({"metadata": {"resourceVersion": pair.resource_version(), "annotations": {key: value(&pair)}}});
        match session.api::<HAPair>().patch(name, &parameters, &Patch::Merge(&patch)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => return result.map(drop).map_err(|error| explained(error, "patch", "hapairs", &session.namespace)),
        }
    }
    bail!("{name} was changed by others {ATTEMPTS} times in a row; nothing was asked for. Try again")
}
