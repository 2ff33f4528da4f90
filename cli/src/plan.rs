//! `kubectl hapair plan`: what the operator would do to a pair now, or if a manifest were applied, and what
//! that would interrupt.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use hapair_model::answers::{Coming, Forecast};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, PostParams},
    core::ApiResource,
};
use serde_json::Value;

use crate::{
    access::{Session, explained},
    ask::{Asker, ask},
    screen::plain,
};

/// Words with which pacemaker begins a line about something that serves.
const INTERRUPTING: [&str; 7] = ["Stop", "Move", "Restart", "Recover", "Demote", "Fence", "Migrate"];

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the one that the manifest is of, or the only one of the namespace.
    name: Option<String>,
    /// A manifest, as `kubectl apply -f` takes it; - is standard input. Nothing of it is applied.
    #[arg(long, short)]
    filename: Option<PathBuf>,
    /// The form.
    #[arg(long, short, value_parser = ["text", "json"], default_value = "text")]
    output: String,
    #[command(flatten)]
    asker: Asker,
}

/// Shows the plan.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let manifests = match &arguments.filename {
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    let name = match arguments
        .name
        .clone()
        .or_else(|| manifests.iter().find_map(pair_of))
    {
        Some(name) => name,
        None => session.pair(None).await?.name_any(),
    };
    let mut accepted = Vec::new();
    for manifest in &manifests {
        accepted.push(dry_run(session, manifest).await?);
    }
    let body = if manifests.is_empty() {
        None
    } else {
        Some(serde_json::to_vec(&accepted)?)
    };
    let forecast: Forecast = ask(session, &arguments.asker, &name, "plan", body).await?;
    match arguments.output.as_str() {
        "json" => anstream::println!("{}", serde_json::to_string_pretty(&forecast)?),
        _ => anstream::print!("{}", text(&forecast)),
    }
    Ok(())
}

/// What a person reads of it.
pub fn text(forecast: &Forecast) -> String {
    let mut lines = Vec::new();
    for finding in &forecast.findings {
        lines.push(format!(
            "{} ({}): {}",
            finding.about,
            finding.reason,
            plain(&finding.message)
        ));
    }
    if forecast.paused {
        lines.push("The pair is paused: what follows is what happens once it is resumed.".into());
    }
    match &forecast.next {
        Coming::Rest if forecast.findings.is_empty() => {
            lines.push("Nothing would be done: the hosts are as declared.".into())
        }
        Coming::Rest => lines.push("Nothing is done until then.".into()),
        Coming::LetGo => {
            lines.push("Only the object is removed (deletionPolicy: Retain); the hosts keep serving.".into())
        }
        Coming::Wait(what) => lines.push(format!("Nothing would be started: {}.", plain(what))),
        Coming::Stage {
            name,
            steps,
            transition,
        } => {
            lines.push(format!("Next: {name}"));
            for (node, steps) in steps.iter().filter(|(_, steps)| !steps.is_empty()) {
                lines.push(format!("  on {node}:"));
                lines.extend(steps.iter().map(|step| format!("    {}", plain(step))));
            }
            if let Some(transition) = transition {
                lines.extend(consequences(transition));
            }
            lines.push("Then the operator probes the hosts again, and plans anew.".into());
        }
    }
    lines.join("\n") + "\n"
}

fn consequences(transition: &[String]) -> Vec<String> {
    let interrupts = |line: &&String| {
        INTERRUPTING
            .iter()
            .any(|word| line.split(' ').next() == Some(word))
    };
    let (interrupting, other): (Vec<_>, Vec<_>) = transition.iter().partition(interrupts);
    let mut lines = Vec::new();
    if interrupting.is_empty() {
        lines.push("It interrupts nothing, says crm_simulate.".into());
    } else {
        lines.push("It interrupts, says crm_simulate:".into());
        lines.extend(interrupting.iter().map(|line| format!("    {}", plain(line))));
    }
    if !other.is_empty() {
        lines.push("Beside that, pacemaker would:".into());
        lines.extend(other.iter().map(|line| format!("    {}", plain(line))));
    }
    lines
}

/// The documents of the four kinds. What a Secret or a ConfigMap would be is not the operator's to be told by
/// anyone; others are named.
fn read(path: &PathBuf) -> Result<Vec<Value>> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("read standard input")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let (ours, others): (Vec<_>, Vec<_>) = documents
        .into_iter()
        .filter(|each| !each.is_null())
        .partition(|each| resource(each).is_some());
    for other in &others {
        let name = |field: &Value| field.as_str().map(plain).unwrap_or_default();
        let (kind, name) = (name(&other["kind"]), name(&other["metadata"]["name"]));
        anstream::eprintln!("passed over: {kind} {name}. The plan knows it as it is in the cluster");
    }
    if ours.is_empty() {
        bail!(
            "{}: there is no HAPair, ReplicatedVolume, FloatingIP or ServiceGroup in it",
            path.display()
        );
    }
    Ok(ours)
}

fn resource(manifest: &Value) -> Option<ApiResource> {
    match manifest["kind"].as_str()? {
        "HAPair" => Some(ApiResource::erase::<HAPair>(&())),
        "ReplicatedVolume" => Some(ApiResource::erase::<ReplicatedVolume>(&())),
        "FloatingIP" => Some(ApiResource::erase::<FloatingIP>(&())),
        "ServiceGroup" => Some(ApiResource::erase::<ServiceGroup>(&())),
        _ => None,
    }
}

fn pair_of(manifest: &Value) -> Option<String> {
    let name = match manifest["kind"].as_str()? {
        "HAPair" => &manifest["metadata"]["name"],
        _ => &manifest["spec"]["pairRef"]["name"],
    };
    name.as_str().map(str::to_owned)
}

/// The object as the API server would keep it: defaults applied, rules checked, nothing stored.
async fn dry_run(session: &Session, manifest: &Value) -> Result<Value> {
    let resource = resource(manifest).context("one of the four kinds")?;
    let mut object: DynamicObject =
        serde_json::from_value(manifest.clone()).context("the manifest is no object")?;
    let namespace = object.namespace().unwrap_or_else(|| session.namespace.clone());
    if namespace != session.namespace {
        bail!(
            "{} {} is of namespace {namespace:?}, and you ask about {:?} (-n)",
            resource.kind,
            object.name_any(),
            session.namespace
        );
    }
    let api: Api<DynamicObject> = Api::namespaced_with(session.client.clone(), &namespace, &resource);
    let refused = |error, verb| {
        explained(error, verb, &resource.plural, &namespace)
            .context(format!("{} {}", resource.kind, manifest["metadata"]["name"]))
    };
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let kept = match api
        .get_opt(&object.name_any())
        .await
        .map_err(|error| refused(error, "get"))?
    {
        Some(present) => {
            let annotations = object.annotations().clone();
            object.metadata = present.metadata;
            object.annotations_mut().extend(annotations);
            api.replace(&object.name_any(), &parameters, &object)
                .await
                .map_err(|error| refused(error, "update"))?
        }
        None => api
            .create(&parameters, &object)
            .await
            .map_err(|error| refused(error, "create"))?,
    };
    Ok(serde_json::to_value(kept)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_interrupted_comes_before_what_is_not() {
        let lines = consequences(&[
            "Start fence-node1-2 ( node2 )".into(),
            "Move ip-web ( node1 -> node2 )".into(),
        ]);
        assert_eq!(
            lines,
            [
                "It interrupts, says crm_simulate:",
                "    Move ip-web ( node1 -> node2 )",
                "Beside that, pacemaker would:",
                "    Start fence-node1-2 ( node2 )"
            ]
        );
        assert_eq!(consequences(&[]), ["It interrupts nothing, says crm_simulate."]);
    }
}
