//! A pair's turn: a snapshot of its objects, what they name, and then the engine's loop over its hosts.

mod leading;
mod reporting;

use std::sync::Arc;

use hapair_engine::{Engine, NextTurn, SOON};
use hapair_intake::{Held, PairName, Snapshot, Work, tears_down};
use hapair_model::{
    Reason,
    host::Connect,
    plan::{Finding, Subject},
};
use hapair_planner as planner;
use tracing::{Instrument as _, field::Empty};

use leading::Leading;
use reporting::Reporting;

use crate::{context::Context, finalizers, metrics::PairLabels, prepare::prepare};

/// The only writer of one pair.
pub struct PairTask<C: Connect> {
    name: PairName,
    context: Arc<Context<C>>,
    engine: Engine<C>,
    reporting: Reporting<C>,
}

impl<C: Connect> PairTask<C> {
    /// The task of a pair.
    pub fn new(name: PairName, context: Arc<Context<C>>) -> Self {
        Self {
            engine: Engine::new(context.resync),
            reporting: Reporting::new(name.clone(), context.clone()),
            name,
            context,
        }
    }

    /// Waits until a host asks to be looked at.
    pub async fn asked_for(&mut self) {
        self.engine.asked_for().await;
        let labels = PairLabels::of(&self.name);
        self.context.metrics.turns_asked_for.get_or_create(&labels).inc();
    }

    /// What is left to do when a turn has panicked: the last status must not stand as if somebody looked.
    pub async fn panicked(&mut self) {
        self.reporting.hide();
        let known = self.context.index.known(&self.name);
        let message = "the operator has a defect that this pair brings out: its last turn panicked (see the \
            operator's log); nothing is known since";
        if let Err(error) = self.hold(&known, Reason::NotObserved, message).await {
            tracing::warn!(pair = %self.name, %error, "the status could not be written");
        }
    }

    /// One turn.
    pub async fn turn(&mut self) -> NextTurn {
        if self.context.leader.epoch().is_none() {
            self.reporting.hide();
            self.engine.let_go();
            return NextTurn::After(SOON);
        }
        let labels = PairLabels::of(&self.name);
        self.context.metrics.turns.get_or_create(&labels).inc();
        let span = tracing::info_span!("turn", pair = %self.name, otel.status_code = Empty);
        match self.try_turn().instrument(span.clone()).await {
            Ok(next) => next,
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                span.in_scope(|| {
                    tracing::warn!(pair = %self.name, %error, "the API server did not take \
                    something; trying again")
                });
                self.context.metrics.turn_failures.get_or_create(&labels).inc();
                self.engine.after_a_failure()
            }
        }
    }

    async fn try_turn(&mut self) -> kube::Result<NextTurn> {
        let snapshot = match self.context.index.snapshot(&self.name) {
            Ok(snapshot) => snapshot,
            Err(trouble) => {
                let known = self.context.index.known(&self.name);
                self.hold(
                    &known,
                    Reason::NotSynced,
                    &format!("{trouble}. Nothing is changed on any host meanwhile."),
                )
                .await?;
                return Ok(self.engine.after_a_failure());
            }
        };
        let Some(pair) = snapshot.pair.clone() else {
            self.engine.let_go();
            return self.orphans(&snapshot).await;
        };
        if pair.metadata.deletion_timestamp.is_some()
            && !tears_down(&pair)
            && snapshot.knows_deletion_policy(pair.as_ref())
        {
            self.engine.let_go();
            finalizers::release(&self.context.client, &self.context.metrics, pair.as_ref()).await?;
            return Ok(NextTurn::After(self.context.resync));
        }
        self.reporting.retain(&snapshot).await?;
        finalizers::keep(&self.context.client, &self.context.metrics, &snapshot).await?;
        match prepare(
            &self.context.client,
            &self.context.cluster,
            pair,
            snapshot.clone(),
        )
        .await?
        {
            Ok(work) => self.converge(&work).await,
            Err(Held { reason, message }) => {
                self.engine.let_go();
                self.hold(&snapshot, reason, &message).await?;
                Ok(NextTurn::After(self.context.resync))
            }
        }
    }

    async fn converge(&mut self, work: &Work) -> kube::Result<NextTurn> {
        let leading = Leading {
            context: &self.context,
            name: &self.name,
        };
        self.reporting.announce(&work.snapshot).await?;
        self.engine
            .turn(&self.context.hosts, work, &mut self.reporting, &leading)
            .await
    }

    /// Publishes one reason on every object, when there is nothing else to be said.
    async fn hold(&mut self, snapshot: &Snapshot, reason: Reason, message: &str) -> kube::Result<()> {
        let finding = Finding::new(Subject::Pair, reason, message.to_owned());
        let report = planner::held_pair(&finding);
        self.reporting
            .publish(snapshot, &report, std::slice::from_ref(&finding))
            .await
    }

    /// Children whose pair does not exist: they are told so, and let go when they are being deleted.
    async fn orphans(&mut self, snapshot: &Snapshot) -> kube::Result<NextTurn> {
        if snapshot.volumes.is_empty() && snapshot.floating_ips.is_empty() && snapshot.groups.is_empty() {
            self.reporting.hide();
            return Ok(NextTurn::Never);
        }
        let message = format!(
            "spec.pairRef: there is no HAPair {:?} in this namespace",
            self.name.name
        );
        self.hold(snapshot, Reason::PairNotFound, &message).await?;
        finalizers::release_deleted(&self.context.client, &self.context.metrics, snapshot).await?;
        Ok(NextTurn::After(self.context.resync))
    }
}
