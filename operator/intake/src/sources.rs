//! Secrets and ConfigMaps that a pair and its children name.

use std::collections::BTreeMap;

use hapair_model::Secret;

/// The keys and values of one Secret or ConfigMap.
type Values = BTreeMap<String, Secret>;

/// What was found under the names that a snapshot uses; a name that is not there does not exist.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The Secrets, by name.
    pub secrets: BTreeMap<String, Values>,
    /// The ConfigMaps, by name.
    pub config_maps: BTreeMap<String, Values>,
}

/// Why a value could not be had, in words for the person who reads the condition.
pub type Missing = String;

impl Sources {
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
    all: &BTreeMap<String, Values>,
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
