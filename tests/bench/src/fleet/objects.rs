//! The objects of many pairs: the sample's, each in a namespace of its own.

use std::{ops::Range, path::Path};

use anyhow::{Context as _, Result};
use futures::{StreamExt, TryStreamExt, stream};
use hapair_simulator::objects::{sample, secrets};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ApiResource, DynamicObject, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

/// The port of the first pair's hosts: by it the hosts know which pair they are of.
pub const FIRST_PORT: u16 = 10_000;
/// How many pairs are written at once.
const AT_ONCE: usize = 20;

/// A client of this kubeconfig's user.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Declares these pairs. Returns their UIDs.
pub fn create(kubeconfig: &Path, numbers: Range<usize>) -> Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = client(kubeconfig).await?;
        stream::iter(numbers.map(|number| pair(client.clone(), number)))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    })
}

/// The namespace of a pair.
pub fn namespace(number: usize) -> String {
    format!("fleet-{number}")
}

async fn pair(client: Client, number: usize) -> Result<String> {
    let place = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(number)}});
    write(&client, None, place).await?;
    let mut uid = None;
    for mut object in secrets().into_iter().chain(sample()) {
        for node in object["spec"]["nodes"].as_array_mut().into_iter().flatten() {
            node["ssh"]["port"] = json!(usize::from(FIRST_PORT) + number);
        }
        let is_pair = object["kind"] == "HAPair";
        let written = write(&client, Some(&namespace(number)), object).await?;
        if is_pair {
            uid = written.uid();
        }
    }
    uid.context("the sample has no pair")
}

async fn write(client: &Client, namespace: Option<&str>, object: Value) -> Result<DynamicObject> {
    let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let (version, kind) = (word("apiVersion"), word("kind"));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let object = serde_json::from_value(object)?;
    let written = api.create(&PostParams::default(), &object).await;
    written.with_context(|| format!("create {kind}"))
}
