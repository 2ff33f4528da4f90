//! A pair's turn: snapshot → observe → intake → plan → run a stage → observe again …, until nothing is left
//! to do or something must wait.

mod pace;
mod progress;
mod stage;

use std::{sync::Arc, time::Duration};

use hapair_crds::{
    HAPair,
    annotations::{PAUSED, STANDBY},
};
use hapair_intake::{Held, PairName, Snapshot, Work, tears_down};
use hapair_model::{
    Both, Reason, Secret,
    desired::Desired,
    host::{Authority, Connect, Credentials},
    observed::HostView,
    plan::{Finding, Next, Plan, Stage, Subject},
    report::Report,
};
use hapair_planner::{self as planner, FreshKeys};
use kube::ResourceExt;
use rand::RngExt;
use tokio::time::Instant;
use tracing::{Instrument as _, field::Empty, instrument};

use pace::{Pace, SOON};
use progress::Progress;
use stage::StageOutcome;

use crate::{
    Context, connection::Connection, figures::Figures, finalizers, metrics::PairLabels, prepare::prepare,
    publish::Publisher,
};

/// More stages than any convergence has; a plan that does not end is a defect, and is left to the next turn.
const MOST_STAGES: usize = 40;
/// Seconds after which a probe is worth a line in the log: the status is as old as that.
const SLOW: f64 = 10.0;

/// When the next turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTurn {
    /// After this pause, or when something has changed.
    After(Duration),
    /// Never: nothing of the pair is left.
    Never,
}

/// The only writer of one pair.
pub struct PairTask<C: Connect> {
    name: PairName,
    context: Arc<Context<C>>,
    connection: Connection<C>,
    publisher: Publisher,
    progress: Progress,
    pace: Pace,
    figures: Figures,
}

impl<C: Connect> PairTask<C> {
    /// The task of a pair.
    pub fn new(name: PairName, context: Arc<Context<C>>) -> Self {
        Self {
            name,
            connection: Connection::default(),
            publisher: Publisher::default(),
            progress: Progress::default(),
            pace: Pace::new(context.resync),
            figures: Figures::default(),
            context,
        }
    }

    /// What is left to do when a turn has panicked: the last status must not stand as if somebody looked.
    pub async fn panicked(&mut self) {
        self.figures.hide(&self.context.metrics);
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
            self.figures.hide(&self.context.metrics);
            return NextTurn::After(SOON);
        }
        let labels = PairLabels {
            namespace: self.name.namespace.clone(),
            pair: self.name.name.clone(),
        };
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
                NextTurn::After(self.pace.after_a_failure())
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
                return Ok(NextTurn::After(self.pace.after_a_failure()));
            }
        };
        let Some(pair) = snapshot.pair.clone() else {
            return self.orphans(&snapshot).await;
        };
        if pair.metadata.deletion_timestamp.is_some()
            && !tears_down(&pair)
            && snapshot.knows_deletion_policy(pair.as_ref())
        {
            finalizers::release(&self.context.client, &self.context.metrics, pair.as_ref()).await?;
            return Ok(NextTurn::After(self.context.resync));
        }
        finalizers::keep(&self.context.client, &self.context.metrics, &snapshot).await?;
        match prepare(
            &self.context.client,
            &self.context.cluster,
            pair,
            snapshot.clone(),
        )
        .await?
        {
            Ok(work) => self.converge(work).await,
            Err(Held { reason, message }) => {
                self.hold(&snapshot, reason, &message).await?;
                Ok(NextTurn::After(self.context.resync))
            }
        }
    }

    async fn converge(&mut self, work: Work) -> kube::Result<NextTurn> {
        for _ in 0..MOST_STAGES {
            let start = Instant::now();
            let observed = self.observe(&work).await;
            let took = start.elapsed();
            let (desired, plan) = work.plan(&observed, &fresh_keys());
            self.progress.note_plan(&plan);
            self.report(&work, &desired, &observed, &plan).await?;
            let gone = planner::gone(&desired, &observed);
            let (client, metrics) = (&self.context.client, &self.context.metrics);
            finalizers::release_gone(client, metrics, &work.snapshot, &gone).await?;
            if work.is_leaving() && plan.is_empty() {
                finalizers::release(client, metrics, work.pair.as_ref()).await?;
                return Ok(NextTurn::After(self.context.resync));
            }
            let stage = match plan.next {
                Next::Run(stage) => stage,
                Next::Wait(_) => return Ok(NextTurn::After(self.pace.while_under_way(took))),
                Next::Rest => return Ok(NextTurn::After(self.pace.at_rest(&observed))),
            };
            if let Some(finding) = self.progress.no_effect(&stage, &observed) {
                self.report(&work, &desired, &observed, &Plan::at_rest(vec![finding]))
                    .await?;
                return Ok(NextTurn::After(self.pace.at_rest(&observed)));
            }
            let Some(authority) = self.authority(&desired, &work) else {
                return Ok(NextTurn::After(Duration::ZERO));
            };
            match self.run(&desired, &stage, &authority, &work.credentials).await {
                StageOutcome::Done => self.progress.note_done(&stage),
                StageOutcome::Failed(failure) => {
                    self.progress.note_failed(&stage, failure);
                    self.report(&work, &desired, &observed, &Plan::to_run(stage))
                        .await?;
                    return Ok(NextTurn::After(self.pace.after_a_failure()));
                }
                StageOutcome::NotBegun(why) => {
                    tracing::warn!(pair = %self.name, stage = stage.name, why, "stage not begun");
                    return Ok(NextTurn::After(self.pace.after_a_failure()));
                }
            }
        }
        Ok(NextTurn::After(self.pace.after_a_failure()))
    }

    #[instrument(name = "observe", skip_all)]
    async fn observe(&mut self, work: &Work) -> Both<HostView> {
        let labels = PairLabels {
            namespace: self.name.namespace.clone(),
            pair: self.name.name.clone(),
        };
        let start = Instant::now();
        let observed = match self.connection.with(&self.context.hosts, &work.credentials) {
            Ok(hosts) => {
                let (observed, looks) = work.observe(hosts).await;
                self.context
                    .metrics
                    .probes
                    .get_or_create(&labels)
                    .inc_by(2 * looks);
                observed
            }
            Err(error) => {
                let silence = hapair_model::observed::Silence::Unreachable(format!(
                    "the ssh client could not be prepared: {error}"
                ));
                Both::from_fn(|_| HostView::Silent(silence.clone()))
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        self.context.metrics.observe_seconds.observe(seconds);
        if seconds > SLOW {
            tracing::info!(pair = %self.name, seconds, "observing the hosts took long");
        }
        self.pace.note(&observed);
        observed
    }

    /// The right to change the hosts: leading, not stopping, and the objects still as they were when the plan
    /// was made.
    fn authority(&self, desired: &Desired, work: &Work) -> Option<Authority> {
        let epoch = self.context.leader.epoch()?;
        let unchanged = self
            .context
            .index
            .snapshot(&self.name)
            .is_ok_and(|now| same_specs(&now, &work.snapshot));
        (unchanged && !*self.context.stopping.borrow()).then(|| Authority {
            owner: desired.owner.clone(),
            take_over_from: desired.take_over_from.clone(),
            epoch,
        })
    }

    #[instrument(skip_all, fields(pair = %self.name, otel.name = stage.name, otel.status_code = Empty))]
    async fn run(
        &mut self,
        desired: &Desired,
        stage: &Stage,
        authority: &Authority,
        credentials: &Both<Credentials>,
    ) -> StageOutcome {
        let context = self.context.clone();
        match self.connection.with(&context.hosts, credentials) {
            Ok(hosts) => stage::run(&context, hosts, desired, stage, authority).await,
            Err(error) => StageOutcome::NotBegun(format!("the ssh client could not be prepared: {error}")),
        }
    }

    /// Tells what was seen and what is planned.
    async fn report(
        &mut self,
        work: &Work,
        desired: &Desired,
        observed: &Both<HostView>,
        plan: &Plan,
    ) -> kube::Result<()> {
        let report = planner::report(desired, observed, plan, self.progress.failure.as_ref());
        self.publish(&work.snapshot, &report, &plan.findings).await
    }

    #[instrument(name = "publish status", skip_all)]
    async fn publish(
        &mut self,
        snapshot: &Snapshot,
        report: &Report,
        findings: &[Finding],
    ) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        self.publisher
            .publish_all(client, metrics, snapshot, report, findings)
            .await?;
        match snapshot.pair {
            Some(_) => self.figures.show(metrics, &self.name, report),
            None => self.figures.hide(metrics),
        }
        Ok(())
    }

    /// Publishes one reason on every object, when there is nothing else to be said.
    async fn hold(&mut self, snapshot: &Snapshot, reason: Reason, message: &str) -> kube::Result<()> {
        let finding = Finding {
            about: Subject::Pair,
            reason,
            message: message.to_owned(),
        };
        let report = planner::held_pair(&finding);
        self.publish(snapshot, &report, std::slice::from_ref(&finding))
            .await
    }

    /// Children whose pair does not exist: they are told so, and let go when they are being deleted.
    async fn orphans(&mut self, snapshot: &Snapshot) -> kube::Result<NextTurn> {
        if snapshot.volumes.is_empty() && snapshot.floating_ips.is_empty() && snapshot.groups.is_empty() {
            self.figures.hide(&self.context.metrics);
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

/// Whether two snapshots declare the same.
fn same_specs(now: &Snapshot, then: &Snapshot) -> bool {
    fn marks<K: kube::Resource>(objects: &[Arc<K>]) -> Vec<(Option<String>, Option<i64>)> {
        objects
            .iter()
            .map(|object| (object.uid(), object.meta().generation))
            .collect()
    }
    let pair = |snapshot: &Snapshot| {
        let asked = |pair: &HAPair| [PAUSED, STANDBY].map(|key| pair.annotations().get(key).cloned());
        snapshot
            .pair
            .as_ref()
            .map(|pair| (pair.uid(), pair.metadata.generation, asked(pair)))
    };
    pair(now) == pair(then)
        && marks(&now.volumes) == marks(&then.volumes)
        && marks(&now.floating_ips) == marks(&then.floating_ips)
        && marks(&now.groups) == marks(&then.groups)
}

/// Keys for hosts that have none yet.
pub fn fresh_keys() -> FreshKeys {
    let mut rng = rand::rng();
    let mut text = || -> String {
        (0..48)
            .map(|_| char::from(b"0123456789abcdef"[rng.random_range(0..16)]))
            .collect()
    };
    // DRBD 8.4 has room for 63 characters and a NUL (SHARED_SECRET_MAX); with 64 it overruns its buffer when
    // asked for its state.
    let drbd = Secret::new(text() + "\n");
    let mut bytes = || -> Secret { Secret::new((0..256).map(|_| rng.random::<u8>()).collect::<Vec<_>>()) };
    FreshKeys {
        corosync: bytes(),
        pacemaker: bytes(),
        drbd,
    }
}
