//! Secrets and ConfigMaps that a pair and its children name, read when they are used.

use std::collections::BTreeMap;

use hapair_crds::{File, HAPair, ServiceGroup};
use hapair_index::Snapshot;
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
        let Some(pair) = &snapshot.pair else { return Ok(sources) };
        let secrets: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
        for name in secret_names(pair, &snapshot.groups) {
            if let Some(secret) = secrets.get_opt(&name).await? {
                let data = secret.data.unwrap_or_default();
                sources.secrets.insert(name, data.into_iter().map(|(key, bytes)| (key, Secret::new(bytes.0))).collect());
            }
        }
        let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        for name in config_map_names(&snapshot.groups) {
            if let Some(map) = config_maps.get_opt(&name).await? {
                let text = map.data.unwrap_or_default().into_iter().map(|(key, text)| (key, Secret::new(text)));
                let binary = map.binary_data.unwrap_or_default().into_iter().map(|(key, bytes)| (key, Secret::new(bytes.0)));
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

fn value(all: &BTreeMap<String, BTreeMap<String, Secret>>, kind: &str, field: &str, name: &str, key: &str) -> Result<Secret, Missing> {
    let object = all.get(name).ok_or_else(|| format!("{field}: there is no {kind} {name:?} in this namespace"))?;
    object.get(key).cloned().ok_or_else(|| format!("{field}: the {kind} {name:?} has no key {key:?}"))
}

fn secret_names(pair: &HAPair, groups: &[std::sync::Arc<ServiceGroup>]) -> Vec<String> {
    let mut names = vec![pair.spec.ssh.secret_ref.name.clone()];
    names.extend(pair.spec.cluster_admin.as_ref().map(|admin| admin.secret_ref.name.clone()));
    for device in pair.spec.nodes.iter().filter_map(|node| node.fencing.as_ref()).flatten() {
        names.extend(device.ipmi.as_ref().map(|ipmi| ipmi.secret_ref.name.clone()));
        names.extend(device.redfish.as_ref().map(|redfish| redfish.secret_ref.name.clone()));
    }
    names.extend(files(groups).filter_map(|file| file.secret_key_ref.as_ref()).map(|reference| reference.name.clone()));
    names.sort();
    names.dedup();
    names
}

fn config_map_names(groups: &[std::sync::Arc<ServiceGroup>]) -> Vec<String> {
    let mut names: Vec<_> = files(groups).filter_map(|file| file.config_map_key_ref.as_ref()).map(|reference| reference.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn files(groups: &[std::sync::Arc<ServiceGroup>]) -> impl Iterator<Item = &File> {
    groups.iter().flat_map(|group| group.spec.files.iter().flatten())
}
