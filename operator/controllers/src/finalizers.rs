//! The finalizer keeps an object until its deletion policy has been carried out. It is applied and withdrawn
//! under our own field manager, so that other finalizers are none of our business.

use std::fmt::Debug;

use hapair_crds::{FIELD_MANAGER, FINALIZER};
use hapair_index::Declared;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;

use crate::Metrics;

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
