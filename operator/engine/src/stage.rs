//! A stage is run on both hosts at once.

use hapair_intake::Work;
use hapair_model::{
    Reason, Side,
    desired::Desired,
    host::Hosts,
    outcome::Outcome,
    plan::{Finding, Stage, Subject},
};
use tokio::time::Instant;
use tracing::Span;

use crate::{
    reporter::{Reporter, StageEnd},
    warrant::Warrant,
};

/// What became of a stage.
pub enum StageOutcome {
    /// Done on both hosts.
    Done,
    /// What went wrong first.
    Failed(Finding),
    /// Nothing may be changed now, or something else is declared by now. Nothing was sent to a host.
    NotAllowed,
    /// Nothing was sent to a host.
    NotBegun(String),
}

/// Runs a stage, once it is allowed and there is a slot for it.
pub async fn run(
    hosts: &impl Hosts,
    work: &Work,
    desired: &Desired,
    stage: &Stage,
    reporter: &mut impl Reporter,
    warrant: &impl Warrant,
) -> StageOutcome {
    let start = Instant::now();
    let Some(_slot) = warrant.slot().await else {
        return StageOutcome::NotBegun("the operator is stopping".into());
    };
    // While it waited for its turn the pair may have been declared anew.
    let Some(authority) = warrant.authority(work) else {
        return StageOutcome::NotAllowed;
    };
    assert!(authority.epoch > 0, "there is no leadership before the first");
    for (side, steps) in stage.steps.iter() {
        let node = &desired.nodes[side].name;
        tracing::debug!(stage = stage.name, node, ?steps, "planned");
    }
    let on = async |side: Side| match stage.steps[side].as_slice() {
        [] => Outcome::Done,
        steps => hosts.run(side, steps, &authority).await,
    };
    let (first, second) = tokio::join!(on(Side::First), on(Side::Second));
    for outcome in [&first, &second] {
        if let Outcome::Superseded { epoch } = outcome {
            warrant.refused(*epoch);
        }
    }
    let failures: Vec<_> = [(Side::First, first), (Side::Second, second)]
        .into_iter()
        .filter_map(|(side, outcome)| failure(&desired.nodes[side].name, stage.name, outcome))
        .collect();
    let end = if failures.is_empty() {
        StageEnd::Done
    } else {
        StageEnd::Failed
    };
    reporter.stage_ended(stage.name, end);
    tracing::info!(
        stage = stage.name,
        outcome = end.word(),
        seconds = start.elapsed().as_secs_f32(),
        "stage"
    );
    for failure in &failures {
        Span::current().record("otel.status_code", "ERROR");
        tracing::warn!(reason = %failure.reason, message = failure.message, "stage failed");
    }
    failures
        .into_iter()
        .next()
        .map_or(StageOutcome::Done, StageOutcome::Failed)
}

fn failure(node: &str, stage: &str, outcome: Outcome) -> Option<Finding> {
    let (reason, message) = match outcome {
        Outcome::Done => return None,
        Outcome::Failed { step, message } => (
            Reason::StepFailed,
            format!("{node}: the step {step} of \"{stage}\" failed: {message}"),
        ),
        Outcome::ManagedElsewhere { owner } => (
            Reason::ManagedElsewhere,
            format!("{node} is managed by {owner}. Nothing was changed there."),
        ),
        Outcome::Superseded { epoch } => (
            Reason::Superseded,
            format!("{node} has been changed by a newer operator (epoch {epoch})"),
        ),
        Outcome::Lost { message } => (
            Reason::HostUnreachable,
            format!("{node}: the connection was lost during \"{stage}\": {message}"),
        ),
    };
    Some(Finding::new(Subject::Pair, reason, message))
}
