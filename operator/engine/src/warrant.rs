//! Who lets a pair be changed.

use std::future::Future;

use hapair_intake::Work;
use hapair_model::host::Authority;

/// The right to change a pair's hosts. It is asked for before each stage, since it can be lost in between.
pub trait Warrant: Sync {
    /// Kept while a stage runs.
    type Slot: Send;

    /// By what right this is done now; none, if nothing may be changed or the work is no longer what is
    /// declared.
    fn authority(&self, work: &Work) -> Option<Authority>;

    /// A slot among the stages that may run at once; none, if no more may begin.
    fn slot(&self) -> impl Future<Output = Option<Self::Slot>> + Send;

    /// A host refused the authority: it knows a newer one, with this epoch.
    fn refused(&self, epoch: u64);
}
