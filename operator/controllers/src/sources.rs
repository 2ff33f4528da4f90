//! Secrets and ConfigMaps that a pair and its children name, read from the API server when they are used.

use hapair_intake::{Snapshot, Sources, config_maps, secrets};
use hapair_model::Secret;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::{Api, Client};

/// Reads everything the snapshot names.
pub async fn read(client: &Client, namespace: &str, snapshot: &Snapshot) -> kube::Result<Sources> {
    let mut sources = Sources::default();
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
    for name in secrets(snapshot) {
        if let Some(secret) = api.get_opt(&name).await? {
            let data = secret.data.unwrap_or_default();
            let values = data.into_iter().map(|(key, bytes)| (key, Secret::new(bytes.0)));
            sources.secrets.insert(name, values.collect());
        }
    }
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for name in config_maps(snapshot) {
        if let Some(map) = api.get_opt(&name).await? {
            let text = map.data.unwrap_or_default();
            let text = text.into_iter().map(|(key, text)| (key, Secret::new(text)));
            let binary = map.binary_data.unwrap_or_default();
            let binary = binary.into_iter().map(|(key, bytes)| (key, Secret::new(bytes.0)));
            sources.config_maps.insert(name, text.chain(binary).collect());
        }
    }
    Ok(sources)
}
