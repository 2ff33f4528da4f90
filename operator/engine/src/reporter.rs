//! Where a pair's state is told.

use std::{future::Future, time::Duration};

use hapair_intake::Work;
use hapair_model::{desired::Leaving, failover::Failover, plan::Finding, report::Report};

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageEnd {
    /// Well, on both hosts.
    Done,
    /// It failed on one of them, or on both.
    Failed,
}

impl StageEnd {
    /// As logs and metrics have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Takes what the engine has to tell. An error ends the turn: the next one tells it again.
pub trait Reporter: Send {
    /// Why something could not be told.
    type Error: Send;

    /// What was seen, with what was found wrong.
    fn report(
        &mut self,
        work: &Work,
        report: &Report,
        findings: &[Finding],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Of these objects nothing is left on the hosts.
    fn gone(&mut self, work: &Work, gone: &Leaving) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Nothing of the pair is left on its hosts.
    fn left(&mut self, work: &Work) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The hosts were not as declared any more, although nothing else was declared, and were put back. `what` was
    /// wanted, and what was there instead. Not worth a retry.
    fn put_back(&mut self, work: &Work, what: String)
    -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// A group serves on another node than before, and the hosts have told how it came there.
    fn failed_over(
        &mut self,
        work: &Work,
        failover: &Failover,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Both hosts were probed, so often each, and it took so long.
    fn observed(&mut self, probes: u64, took: Duration);

    /// Both hosts were asked for what changes by itself.
    fn glanced(&mut self);

    /// A stage was run.
    fn stage_ended(&mut self, stage: &'static str, end: StageEnd);
}
