//! What is declared of one pair, wherever it is kept.

use std::{fmt::Debug, sync::Arc};

use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use kube::{Resource, ResourceExt, core::NamespaceResourceScope};

use crate::declared::Unknown;

/// A pair's namespace and name, whether or not the HAPair exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PairName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for PairName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// A kind that belongs to a pair.
pub trait OfPair:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Send
    + Sync
    + serde::de::DeserializeOwned
    + 'static
{
    /// The name of the pair it belongs to.
    fn pair(&self) -> String;
}

impl OfPair for HAPair {
    fn pair(&self) -> String {
        self.name_any()
    }
}

impl OfPair for ReplicatedVolume {
    fn pair(&self) -> String {
        self.spec.pair_ref.name.clone()
    }
}

impl OfPair for FloatingIP {
    fn pair(&self) -> String {
        self.spec.pair_ref.name.clone()
    }
}

impl OfPair for ServiceGroup {
    fn pair(&self) -> String {
        self.spec.pair_ref.name.clone()
    }
}

/// Everything that is declared of one pair.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The pair, if it exists.
    pub pair: Option<Arc<HAPair>>,
    /// Its volumes, by name.
    pub volumes: Vec<Arc<ReplicatedVolume>>,
    /// Its floating IPs, by name.
    pub floating_ips: Vec<Arc<FloatingIP>>,
    /// Its service groups, by name.
    pub groups: Vec<Arc<ServiceGroup>>,
    /// What this version of the operator does not understand.
    pub unknown: Vec<NotUnderstood>,
}

/// What this version of the operator does not understand of an object: another one, or a newer schema, let it
/// in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The object's kind.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The field or value.
    pub what: Unknown,
}

impl Snapshot {
    /// Whether it is understood what shall happen when this object is deleted.
    pub fn knows_deletion_policy<K: Resource<DynamicType = ()>>(&self, object: &K) -> bool {
        let (kind, name) = (K::kind(&()), object.name_any());
        !self
            .unknown
            .iter()
            .any(|each| each.kind == kind && each.name == name && each.what.path == "spec.deletionPolicy")
    }
}
