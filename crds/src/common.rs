//! Shapes that more than one kind uses.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another object of this namespace, by name.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalReference {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// A Secret of this namespace. Its type says which keys it has.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Whether the operator looks after something on the hosts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum Management {
    /// The operator installs or changes what is missing.
    Managed,
    /// The operator only reports what is missing.
    Unmanaged,
}

/// What deleting the object does to the hosts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum DeletionPolicy {
    /// The hosts stay exactly as they are and keep serving. Needs neither the hosts nor the Secrets.
    Retain,
    /// The cluster's configuration is taken off the hosts. Data stays on the disks.
    Teardown,
}

/// Takes an enum's own description out of the schema: a field's would be lost to it, and the field's is the
/// one that people need.
pub fn leave_to_the_field(schema: &mut schemars::Schema) {
    schema.remove("description");
}
