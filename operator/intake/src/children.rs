//! The kinds of a pair's children, written out once.

use hapair_crds::{DeletionPolicy, FloatingIP, ReplicatedVolume, ServiceGroup};
use hapair_model::plan::Subject;
use kube::ResourceExt;

/// A child of a pair.
pub trait Child {
    /// The object, as findings name it.
    fn subject(&self) -> Subject;
    /// Whether it is being deleted.
    fn is_leaving(&self) -> bool;
    /// Whether deleting it takes it off the hosts.
    fn tears_down(&self) -> bool;
}

macro_rules! children {
    ($($kind:ty => $subject:expr),+ $(,)?) => {$(
        impl Child for $kind {
            fn subject(&self) -> Subject {
                $subject(self.name_any())
            }

            fn is_leaving(&self) -> bool {
                self.metadata.deletion_timestamp.is_some()
            }

            fn tears_down(&self) -> bool {
                self.spec.deletion_policy == Some(DeletionPolicy::Teardown)
            }
        }
    )+};
}

children! {
    ReplicatedVolume => Subject::Volume,
    FloatingIP => Subject::FloatingIp,
    ServiceGroup => Subject::Group,
}

/// Does something with each child of a snapshot, whatever its kind.
#[macro_export]
macro_rules! for_each_child {
    ($snapshot:expr, $child:ident => $body:block) => {
        for $child in &$snapshot.volumes $body
        for $child in &$snapshot.floating_ips $body
        for $child in &$snapshot.groups $body
    };
}
