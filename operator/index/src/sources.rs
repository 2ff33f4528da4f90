//! Changes of Secrets and ConfigMaps, in the namespaces that have pairs: only their metadata is watched, and
//! only the pairs that name one are queued for it. A watch that is refused is not an error: what is named is
//! read at each look anyway.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

use futures::StreamExt;
use hapair_intake::{PairName, Snapshot, config_maps, secrets};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::{NamespaceResourceScope, PartialObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use tokio::sync::mpsc;

use crate::{Index, essential};

/// Hands changes of objects on, and watches the sources of each namespace from the first of them.
pub async fn follow(
    client: Client,
    index: Arc<Index>,
    mut objects: mpsc::UnboundedReceiver<PairName>,
    queue: mpsc::UnboundedSender<PairName>,
) {
    let mut watched = BTreeSet::new();
    while let Some(name) = objects.recv().await {
        if watched.insert(name.namespace.clone()) {
            let (namespace, queue) = (&name.namespace, &queue);
            essential(
                "a watch of Secrets",
                watch::<Secret>(
                    client.clone(),
                    index.clone(),
                    namespace.clone(),
                    queue.clone(),
                    secrets,
                ),
            );
            essential(
                "a watch of ConfigMaps",
                watch::<ConfigMap>(
                    client.clone(),
                    index.clone(),
                    namespace.clone(),
                    queue.clone(),
                    config_maps,
                ),
            );
        }
        // The receiver ends only with the program.
        let _ = queue.send(name);
    }
}

async fn watch<K>(
    client: Client,
    index: Arc<Index>,
    namespace: String,
    queue: mpsc::UnboundedSender<PairName>,
    named_by: fn(&Snapshot) -> BTreeSet<String>,
) where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Send + Sync + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(client, &namespace);
    let events = watcher(api, watcher::Config::default()).default_backoff();
    futures::pin_mut!(events);
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                let version = object.resource_version().unwrap_or_default();
                // A watch that starts again shows everything again.
                (versions.insert(object.name_any(), version.clone()) != Some(version))
                    .then(|| object.name_any())
            }
            Ok(watcher::Event::Delete(object)) => {
                versions.remove(&object.name_any());
                Some(object.name_any())
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) => None,
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), namespace, %error, "cannot be watched");
                None
            }
        };
        let Some(changed) = changed else { continue };
        for pair in index
            .names()
            .into_iter()
            .filter(|pair| pair.namespace == namespace)
        {
            if named_by(&index.known(&pair)).contains(&changed) {
                let _ = queue.send(pair);
            }
        }
    }
}
