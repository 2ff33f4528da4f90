//! The way to the API server, as kubectl's own flags name it, and errors that name what is missing.

use std::{fmt::Debug, sync::Arc};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use hapair_crds::HAPair;
use hapair_intake::Declared;
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;

/// Where to look.
#[derive(Args, Debug)]
pub struct Target {
    /// The pair's namespace; without it, the current context's.
    #[arg(long, short, global = true)]
    namespace: Option<String>,
    /// The context of the kubeconfig to use.
    #[arg(long, global = true)]
    context: Option<String>,
    /// The kubeconfig; without it, $KUBECONFIG or ~/.kube/config.
    #[arg(long, global = true)]
    kubeconfig: Option<std::path::PathBuf>,
    /// Where the operator's Lease is.
    #[arg(long, global = true, default_value = "hapair-system")]
    operator_namespace: String,
}

/// One of the four kinds.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Send
    + Sync
    + DeserializeOwned
    + 'static
{
}
impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Send
        + Sync
        + DeserializeOwned
        + 'static
{
}

/// A connection, and the namespaces to look in.
pub struct Session {
    /// The API server.
    pub client: Client,
    /// The pairs' namespace.
    pub namespace: String,
    /// The operator's.
    pub operator_namespace: String,
}

impl Target {
    /// Connects, in the name of the kubeconfig's user.
    pub async fn connect(self) -> Result<Session> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match &self.kubeconfig {
            Some(path) => {
                let kubeconfig =
                    Kubeconfig::read_from(path).with_context(|| format!("read {}", path.display()))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await
            }
            None => Config::from_kubeconfig(&options).await,
        };
        let mut config = config
            .context("no way to a Kubernetes API server (--kubeconfig, $KUBECONFIG, ~/.kube/config)")?;
        // A person sees for himself that it did not work, and why.
        config.default_retry = false;
        let namespace = self.namespace.unwrap_or_else(|| config.default_namespace.clone());
        Ok(Session {
            client: Client::try_from(config)?,
            namespace,
            operator_namespace: self.operator_namespace,
        })
    }
}

impl Session {
    /// The API of one of the kinds in the pairs' namespace. Objects that hold something newer than the plugin
    /// are read, too.
    pub fn api<K: Kind>(&self) -> Api<Declared<K>> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The pair of this name or, without a name, the only one there is.
    pub async fn pair(&self, name: Option<&str>) -> Result<HAPair> {
        let (api, namespace) = (self.api::<HAPair>(), &self.namespace);
        if let Some(name) = name {
            return match api
                .get_opt(name)
                .await
                .map_err(|error| explained(error, "get", "hapairs", namespace))?
            {
                Some(pair) => Ok(Arc::unwrap_or_clone(pair.object)),
                None => Err(anyhow!(
                    "there is no HAPair {name:?} in namespace {namespace:?}. There: {}",
                    self.names().await
                )),
            };
        }
        let mut pairs = api
            .list(&ListParams::default())
            .await
            .map_err(|error| explained(error, "list", "hapairs", namespace))?
            .items;
        match pairs.len() {
            1 => Ok(Arc::unwrap_or_clone(pairs.remove(0).object)),
            0 => Err(anyhow!(
                "there is no HAPair in namespace {namespace:?} (-n names another)"
            )),
            _ => Err(anyhow!(
                "which one? Namespace {namespace:?} has {}",
                names(&pairs)
            )),
        }
    }

    async fn names(&self) -> String {
        match self.api::<HAPair>().list(&ListParams::default()).await {
            Ok(pairs) if pairs.items.is_empty() => "none".into(),
            Ok(pairs) => names(&pairs.items),
            Err(_) => "unknown, hapairs may not be listed".into(),
        }
    }
}

fn names(pairs: &[Declared<HAPair>]) -> String {
    pairs
        .iter()
        .map(ResourceExt::name_any)
        .collect::<Vec<_>>()
        .join(", ")
}

/// An error of the API server; where permission is lacking, with the rule that would give it.
pub fn explained(error: kube::Error, verb: &str, plural: &str, namespace: &str) -> anyhow::Error {
    match error {
        kube::Error::Api(status) if status.code == 403 => anyhow!(
            "you may not {verb} {plural} in namespace {namespace:?}. The rule that allows it: apiGroups: \
             [hapair.dev], resources: [{plural}], \
             verbs: [{verb}]. The API server says: {}",
            status.message
        ),
        kube::Error::Api(status) => anyhow!("the API server refused to {verb} {plural}: {}", status.message),
        other => anyhow!("the API server cannot be asked: {}", chain(&other)),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes =
        std::iter::successors(error.source(), |cause| cause.source()).map(|cause| format!(": {cause}"));
    format!("{error}{}", causes.collect::<String>())
}
