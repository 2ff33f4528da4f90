//! The finalizer keeps an object until its deletion policy has been carried out. It is applied and withdrawn
//! under our own field manager, so that other finalizers are none of our business.

use std::fmt::Debug;

use hapair_crds::{FIELD_MANAGER, FINALIZER};
use hapair_intake::{Child as _, Declared, Snapshot, for_each_child};
use hapair_model::desired::Leaving;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;

use crate::metrics::Metrics;

/// An object that may carry our finalizer.
pub trait Finalized:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
}
impl<K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned>
    Finalized for K
{
}

/// Puts the finalizer on an object that lives and lacks it.
pub async fn ensure<K: Finalized>(client: &Client, metrics: &Metrics, object: &K) -> kube::Result<()> {
    if object.meta().deletion_timestamp.is_some() || object.finalizers().iter().any(|each| each == FINALIZER)
    {
        return Ok(());
    }
    apply(client, metrics, object, &[FINALIZER]).await
}

/// Lets an object go. One that is gone already is fine.
pub async fn release<K: Finalized>(client: &Client, metrics: &Metrics, object: &K) -> kube::Result<()> {
    if !object.finalizers().iter().any(|each| each == FINALIZER) {
        return Ok(());
    }
    match apply(client, metrics, object, &[]).await {
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        result => result,
    }
}

/// Finalizers on everything that lives; what is deleted with Retain is let go at once, and the hosts stay as they are.
pub async fn keep(client: &Client, metrics: &Metrics, snapshot: &Snapshot) -> kube::Result<()> {
    if let Some(pair) = &snapshot.pair {
        ensure(client, metrics, pair.as_ref()).await?;
    }
    for_each_child!(snapshot, child => {
        ensure(client, metrics, child.as_ref()).await?;
        let stays = !child.tears_down() && snapshot.knows_deletion_policy(child.as_ref());
        if child.is_leaving() && stays {
            release(client, metrics, child.as_ref()).await?;
        }
    });
    Ok(())
}

/// Lets those children go of which nothing is left on the hosts.
pub async fn release_gone(
    client: &Client,
    metrics: &Metrics,
    snapshot: &Snapshot,
    gone: &Leaving,
) -> kube::Result<()> {
    for_each_child!(snapshot, child => {
        if gone.has(&child.subject()) {
            release(client, metrics, child.as_ref()).await?;
        }
    });
    Ok(())
}

/// Lets all children go that are being deleted.
pub async fn release_deleted(client: &Client, metrics: &Metrics, snapshot: &Snapshot) -> kube::Result<()> {
    for_each_child!(snapshot, child => {
        if child.is_leaving() {
            release(client, metrics, child.as_ref()).await?;
        }
    });
    Ok(())
}

async fn apply<K: Finalized>(
    client: &Client,
    metrics: &Metrics,
    object: &K,
    finalizers: &[&str],
) -> kube::Result<()> {
    let api: Api<Declared<K>> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let patch = serde_json::json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        // The uid: an object of the same name that was made anew is another one.
        "metadata": { "name": object.name_any(), "uid": object.uid(), "finalizers": finalizers },
    });
    metrics.api_writes.inc();
    api.patch(
        &object.name_any(),
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(&patch),
    )
    .await
    .map(drop)
}
