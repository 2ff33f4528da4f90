//! An object with the fields of its spec that this version of the operator does not know: what is not understood must be told, not passed over.

use std::{borrow::Cow, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_ignored::Path;

/// An object as it was read.
#[derive(Clone, Debug)]
pub struct Declared<K> {
    /// What is understood of it.
    pub object: Arc<K>,
    /// Paths of the fields that are not: `spec.nodes[0].rack`.
    pub unknown: Vec<String>,
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Declared<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Vec::new();
        let object = serde_ignored::deserialize(deserializer, |path| unknown.push(spelled(&path)))?;
        // Statuses are the operator's own, and metadata is the API server's.
        unknown.retain(|path| path.starts_with("spec."));
        Ok(Self { object: Arc::new(object), unknown })
    }
}

/// A path as Kubernetes spells it.
fn spelled(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", spelled(parent)),
        Path::Map { parent: Path::Root, key } => key.clone(),
        Path::Map { parent, key } => format!("{}.{key}", spelled(parent)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => spelled(parent),
    }
}

impl<K: Resource + Clone> Resource for Declared<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        self.object.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        Arc::make_mut(&mut self.object).meta_mut()
    }
}

#[cfg(test)]
mod tests {
    use hapair_crds::{HAPair, ServiceGroup};
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_a_newer_version_are_told_with_their_paths() {
        let mut pair = json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "HAPair", "metadata": {"name": "web", "newer": 1}, "status": {"newer": 1},
            "spec": {
                "nodes": [{"name": "node1", "address": "192.0.2.11", "ssh": {"hostKeys": [], "newer": 1}}],
                "ssh": {"user": "root", "secretRef": {"name": "web-ssh"}},
                "replication": {"link": 1},
            },
        });
        let unknown = |pair: &serde_json::Value| serde_json::from_value::<Declared<HAPair>>(pair.clone()).expect("a pair").unknown;
        pair["spec"]["replication"]["newer"] = json!(1);
        pair["spec"]["newer"] = json!({});
        let mut found = unknown(&pair);
        found.sort();
        assert_eq!(found, ["spec.newer", "spec.nodes[0].ssh.newer", "spec.replication.newer"]);
    }

    #[test]
    fn the_sample_has_none() {
        let group = json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "ServiceGroup", "metadata": {"name": "tomcat"},
            "spec": {"pairRef": {"name": "web"}, "services": [{"name": "tomcat", "tomcat": {}}]},
        });
        let read: Declared<ServiceGroup> = serde_json::from_value(group).expect("a group");
        assert_eq!((read.object.metadata.name.as_deref(), read.unknown.len()), (Some("tomcat"), 0));
    }
}
