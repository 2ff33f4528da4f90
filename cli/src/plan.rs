//! `kubectl hapair plan`: what the operator would do to a pair now, or if a manifest were applied, and what
//! that would interrupt.

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use hapair_model::answers::Forecast;
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, PostParams},
    core::ApiResource,
};
use serde_json::Value;

use crate::{
    access::{Session, explained},
    ask::{Asker, ask},
    forecast, left_over,
    screen::plain,
};

/// In which form it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal.
    #[default]
    Text,
    /// For a comment of a pull request.
    Markdown,
    /// For programs.
    Json,
}

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the one that the manifest is of, or the only one of the namespace.
    name: Option<String>,
    /// A manifest, as `kubectl apply -f` takes it; - is standard input. Nothing of it is applied.
    #[arg(long, short)]
    filename: Option<PathBuf>,
    /// The form.
    #[arg(long, short, value_enum, default_value_t)]
    output: Form,
    /// Tell by the exit status, too: 0 when nothing would be done, 2 when something would, 3 when that interrupts a
    /// service, cannot be foreseen, or a person has to act first.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    asker: Asker,
}

/// Shows the plan, and returns the exit status.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode> {
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
    match arguments.output {
        Form::Json => anstream::println!("{}", serde_json::to_string_pretty(&forecast)?),
        Form::Markdown => anstream::print!("{}", forecast::markdown(&name, &forecast)),
        Form::Text => anstream::print!("{}", forecast::text(&forecast)),
    }
    // What a plan leaves as it is.
    let left = session.pair(Some(&name)).await.ok();
    if let Some((names, what)) = left.and_then(|pair| left_over::told(&pair))
        && !matches!(arguments.output, Form::Json)
    {
        anstream::println!("\n{} {what}.", plain(&names));
    }
    Ok(match arguments.exit_code {
        true => ExitCode::from(forecast::status(&forecast)),
        false => ExitCode::SUCCESS,
    })
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
