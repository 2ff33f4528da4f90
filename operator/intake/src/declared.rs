//! An object with the fields and values of its spec that this version of the operator does not know: what is
//! not understood must be told, not passed over, and must not hide the rest.

use std::{borrow::Cow, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;
use serde_path_to_error::{Segment, Track};

/// An object as it was read.
#[derive(Clone, Debug)]
pub struct Declared<K> {
    /// What is understood of it.
    pub object: Arc<K>,
    /// What is not.
    pub unknown: Vec<Unknown>,
}

/// Something of a spec that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Where it is: `spec.nodes[0].rack`.
    pub path: String,
    /// What is wrong with the value, when the field itself is known.
    pub value: Option<String>,
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Declared<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Value::deserialize(deserializer)?;
        let mut unknown = Vec::new();
        loop {
            let (mut track, mut fields) = (Track::new(), Vec::new());
            let reader = serde_path_to_error::Deserializer::new(&json, &mut track);
            match serde_ignored::deserialize(reader, |path| fields.push(spelled(&path))) {
                Ok(object) => {
                    // Statuses are the operator's own, and metadata is the API server's.
                    let fields = fields.into_iter().filter(|path| path.starts_with("spec."));
                    unknown.extend(fields.map(|path| Unknown { path, value: None }));
                    return Ok(Self {
                        object: Arc::new(object),
                        unknown,
                    });
                }
                // One object that cannot be read would keep its whole kind from being listed: it is read with
                // another value, or without. Nothing is done with it: its pair is held.
                Err(error) => {
                    let path = track.path();
                    if !replace(&mut json, &path, known_instead(&error.to_string())) {
                        return Err(Error::custom(format!("{path}: {error}")));
                    }
                    unknown.push(Unknown {
                        path: path.to_string(),
                        value: Some(error.to_string()),
                    });
                }
            }
        }
    }
}

/// A word that is known, from the error about one that is not: "unknown variant `btrfs`, expected `ext4` or
/// `xfs`".
fn known_instead(error: &str) -> Option<&str> {
    error
        .strip_prefix("unknown variant")?
        .split_once("expected ")?
        .1
        .split('`')
        .nth(1)
}

/// Gives a field of the spec another value, or removes it. False when there is none at this path.
fn replace(json: &mut Value, path: &serde_path_to_error::Path, value: Option<&str>) -> bool {
    let keys: Option<Vec<_>> = path.iter().map(pointer).collect();
    let Some((last, parents)) = keys.as_deref().and_then(<[String]>::split_last) else {
        return false;
    };
    if parents.first().is_none_or(|root| root != "spec") {
        return false;
    }
    let parent = json.pointer_mut(&parents.iter().map(|key| format!("/{key}")).collect::<String>());
    let Some(parent) = parent.and_then(Value::as_object_mut) else {
        return false;
    };
    match (value, parent.get_mut(last)) {
        (_, None) => false,
        (Some(value), Some(field)) => {
            *field = value.into();
            true
        }
        (None, Some(_)) => parent.remove(last).is_some(),
    }
}

/// A step of a path, as a JSON pointer has it. No field of ours has a character that would need escaping.
fn pointer(step: &Segment) -> Option<String> {
    match step {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// A path as Kubernetes spells it.
fn spelled(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", spelled(parent)),
        Path::Map {
            parent: Path::Root,
            key,
        } => key.clone(),
        Path::Map { parent, key } => format!("{}.{key}", spelled(parent)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            spelled(parent)
        }
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
    use hapair_crds::{HAPair, ReplicatedVolume, ServiceGroup};
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
        pair["spec"]["replication"]["newer"] = json!(1);
        pair["spec"]["newer"] = json!({});
        let read: Declared<HAPair> = serde_json::from_value(pair).expect("a pair");
        let mut found: Vec<_> = read.unknown.into_iter().map(|each| each.path).collect();
        found.sort();
        assert_eq!(
            found,
            ["spec.newer", "spec.nodes[0].ssh.newer", "spec.replication.newer"]
        );
    }

    #[test]
    fn values_of_a_newer_version_are_told_and_the_rest_is_read() {
        let group = json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "ServiceGroup", "metadata": {"name": "tomcat"},
            "spec": {
                "pairRef": {"name": "web"}, "deletionPolicy": "Archive",
                "files": [{"path": "/a", "expand": "Templates"}, {"path": "/b"}],
            },
        });
        let read: Declared<ServiceGroup> = serde_json::from_value(group).expect("a group");
        assert_eq!(read.object.spec.pair_ref.name, "web");
        let told: Vec<_> = read
            .unknown
            .iter()
            .map(|each| (each.path.as_str(), each.value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|(path, what)| *path == "spec.deletionPolicy" && what.contains("`Archive`")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|(path, what)| *path == "spec.files[0].expand" && what.contains("`Templates`")),
            "{told:?}"
        );
    }

    #[test]
    fn a_value_that_must_be_there_may_be_unknown_too() {
        let volume = json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "ReplicatedVolume", "metadata": {"name": "logs"},
            "spec": {"pairRef": {"name": "web"}, "disks": [], "filesystem": {"type": "btrfs", "mountPoint": "/srv"}, "initialData": {"empty": {}}},
        });
        let read: Declared<ReplicatedVolume> = serde_json::from_value(volume).expect("a volume");
        assert_eq!(
            (
                read.object.spec.filesystem.mount_point.as_str(),
                read.unknown.len()
            ),
            ("/srv", 1)
        );
        assert_eq!(read.unknown[0].path, "spec.filesystem.type");
    }

    #[test]
    fn an_object_that_lacks_what_it_must_have_is_none() {
        let group = json!({"apiVersion": "hapair.dev/v1alpha1", "kind": "ServiceGroup", "metadata": {"name": "tomcat"}, "spec": {}});
        let error =
            serde_json::from_value::<Declared<ServiceGroup>>(group).expect_err("it belongs to no pair");
        assert!(error.to_string().contains("pairRef"), "{error}");
    }

    #[test]
    fn the_sample_has_none() {
        let group = json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "ServiceGroup", "metadata": {"name": "tomcat"},
            "spec": {"pairRef": {"name": "web"}, "services": [{"name": "tomcat", "tomcat": {}}]},
        });
        let read: Declared<ServiceGroup> = serde_json::from_value(group).expect("a group");
        assert_eq!(
            (read.object.metadata.name.as_deref(), read.unknown.len()),
            (Some("tomcat"), 0)
        );
    }
}
