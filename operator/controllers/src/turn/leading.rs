//! The right to change a pair: leading, not stopping, and the objects still as they were when the plan was
//! made.

use std::sync::Arc;

use hapair_crds::requests;
use hapair_engine::Warrant;
use hapair_intake::{PairName, Snapshot, Work};
use hapair_model::host::Authority;
use kube::ResourceExt;
use tokio::sync::SemaphorePermit;

use crate::context::Context;

/// What this replica may do to one pair.
pub struct Leading<'a, C> {
    /// Whether it leads.
    pub context: &'a Context<C>,
    /// The pair.
    pub name: &'a PairName,
}

impl<'a, C: Send + Sync> Warrant for Leading<'a, C> {
    type Slot = SemaphorePermit<'a>;

    fn authority(&self, work: &Work) -> Option<Authority> {
        let epoch = self.context.leader.epoch()?;
        let unchanged = self
            .context
            .index
            .snapshot(self.name)
            .is_ok_and(|now| same_specs(&now, &work.snapshot));
        (unchanged && !*self.context.stopping.borrow()).then(|| Authority {
            owner: work.desired.owner.clone(),
            take_over_from: work.desired.take_over_from.clone(),
            epoch,
        })
    }

    async fn slot(&self) -> Option<SemaphorePermit<'a>> {
        self.context.slots.acquire().await.ok()
    }

    fn refused(&self, epoch: u64) {
        self.context.leader.refused(epoch);
    }
}

/// Whether two snapshots declare the same.
fn same_specs(now: &Snapshot, then: &Snapshot) -> bool {
    fn marks<K: kube::Resource>(objects: &[Arc<K>]) -> Vec<(Option<String>, Option<i64>)> {
        objects
            .iter()
            .map(|object| (object.uid(), object.meta().generation))
            .collect()
    }
    fn pair(snapshot: &Snapshot) -> impl PartialEq {
        snapshot
            .pair
            .as_ref()
            .map(|pair| (pair.uid(), pair.metadata.generation, requests::standing(pair)))
    }
    pair(now) == pair(then)
        && marks(&now.volumes) == marks(&then.volumes)
        && marks(&now.floating_ips) == marks(&then.floating_ips)
        && marks(&now.groups) == marks(&then.groups)
}
