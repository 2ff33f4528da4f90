//! Secrets and ConfigMaps that a pair and its children name, read when they are used.

use std::collections::BTreeMap;

use hapair_index::{Snapshot, config_maps, secrets};
use hapair_model::Secret;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::{Api, Client};

/// What was found under the names that the snapshot uses; a name that is not there does not exist.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    secrets: BTreeMap<String, BTreeMap<String, Secret>>,
    config_maps: BTreeMap<String, BTreeMap<String, Secret>>,
}

/// Why a value could not be had, in words for the person who reads the condition.
pub type Missing = String;

impl Sources {
    /// Reads everything the snapshot names.
    pub async fn read(client: &Client, namespace: &str, snapshot: &Snapshot) -> kube::Result<Self> {
        let mut sources = Self::default();
        let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
        for name in secrets(snapshot) {
            if let Some(secret) = api.get_opt(&name).await? {
                let data = secret.data.unwrap_or_default();
                sources.secrets.insert(
                    name,
                    data.into_iter()
                        .map(|(key, bytes)| (key, Secret::new(bytes.0)))
                        .collect(),
                );
            }
        }
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        for name in config_maps(snapshot) {
            if let Some(map) = api.get_opt(&name).await? {
                let text = map
                    .data
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, text)| (key, Secret::new(text)));
                let binary = map
                    .binary_data
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, bytes)| (key, Secret::new(bytes.0)));
                sources.config_maps.insert(name, text.chain(binary).collect());
            }
        }
        Ok(sources)
    }

    /// A key of a Secret.
    pub fn secret(&self, field: &str, name: &str, key: &str) -> Result<Secret, Missing> {
        value(&self.secrets, "Secret", field, name, key)
    }

    /// A key of a ConfigMap.
    pub fn config_map(&self, field: &str, name: &str, key: &str) -> Result<Secret, Missing> {
        value(&self.config_maps, "ConfigMap", field, name, key)
    }
}

fn value(
    all: &BTreeMap<String, BTreeMap<String, Secret>>,
    kind: &str,
    field: &str,
    name: &str,
    key: &str,
) -> Result<Secret, Missing> {
    let object = all
        .get(name)
        .ok_or_else(|| format!("{field}: there is no {kind} {name:?} in this namespace"))?;
    object
        .get(key)
        .cloned()
        .ok_or_else(|| format!("{field}: the {kind} {name:?} has no key {key:?}"))
}
