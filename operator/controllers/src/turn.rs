//! A pair's turn: snapshot → observe → intake → plan → run a stage → observe again …, until nothing is left
//! to do or something must wait.

use std::{sync::Arc, time::Duration};

use hapair_crds::{
    DeletionPolicy, HAPair,
    annotations::{PAUSED, STANDBY},
};
use hapair_index::{PairName, Snapshot};
use hapair_model::{
    Both, Reason, Secret, Side,
    desired::Desired,
    host::{Authority, Connect, Credentials, Hosts as _},
    observed::HostView,
    outcome::Outcome,
    plan::{Finding, Next, Plan, Stage, Subject},
    report::Report,
};
use hapair_planner::{self as planner, FreshKeys};
use kube::ResourceExt;
use rand::RngExt;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field::Empty, instrument};

use crate::{
    Context,
    credentials::Connection,
    figures::Figures,
    finalizers,
    metrics::{PairLabels, StageLabels},
    prepare::{Held, Work, prepare, tears_down},
    publish::Publisher,
};

/// More stages than any convergence has; a plan that does not end is a defect, and is left to the next turn.
const MOST_STAGES: usize = 40;
/// While something is under way on the hosts, at the least.
const SOON: Duration = Duration::from_secs(1);
/// A look takes the hosts' time from whatever is under way there: a fifth of it at the most.
const SHARE: u32 = 4;
/// Seconds after which a look is worth a line in the log: the status is as old as that.
const SLOW: f64 = 10.0;
/// Looks in a row that found something under way before they become rarer.
const PATIENCE: u32 = 300;
/// How often a stage may end well and be needed again at once.
const MOST_REPEATS: u32 = 3;

/// The only writer of one pair.
pub struct PairTask<C: Connect> {
    name: PairName,
    context: Arc<Context<C>>,
    connection: Connection<C>,
    publisher: Publisher,
    /// How the last stage failed, until one succeeds or nothing is left to do: so that trying again does not
    /// look like all is well.
    failure: Option<Finding>,
    failures: u32,
    waits: u32,
    /// What the last stages were about that ended well, and how many in a row were about just that.
    repeated: (String, u32),
    /// Which hosts answered the last look.
    answering: Both<bool>,
    /// Whether one of them had answered the look before.
    just_lost: bool,
    figures: Figures,
}

impl<C: Connect> PairTask<C> {
    /// The task of a pair.
    pub fn new(name: PairName, context: Arc<Context<C>>) -> Self {
        Self {
            name,
            context,
            connection: Connection::default(),
            publisher: Publisher::default(),
            failure: None,
            failures: 0,
            waits: 0,
            repeated: (String::new(), 0),
            answering: Both::from_fn(|_| false),
            just_lost: false,
            figures: Figures::default(),
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

    /// One turn. Returns when to look again, or nothing when nothing of the pair is left.
    pub async fn turn(&mut self) -> Option<Duration> {
        if self.context.leader.epoch().is_none() {
            self.figures.hide(&self.context.metrics);
            return Some(SOON);
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
                Some(self.back_off())
            }
        }
    }

    async fn try_turn(&mut self) -> kube::Result<Option<Duration>> {
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
                return Ok(Some(self.back_off()));
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
            return Ok(Some(self.context.resync));
        }
        self.keep_finalizers(&snapshot).await?;
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
                Ok(Some(self.context.resync))
            }
        }
    }

    async fn converge(&mut self, work: Work) -> kube::Result<Option<Duration>> {
        for _ in 0..MOST_STAGES {
            let start = Instant::now();
            let observed = self.observe(&work).await;
            let took = start.elapsed();
            let (desired, plan) = work.plan(&observed, &fresh_keys());
            if !matches!(plan.next, Next::Run(_)) {
                self.failure = None;
                self.repeated = (String::new(), 0);
            }
            let report = planner::report(&desired, &observed, &plan, self.failure.as_ref());
            self.publish(&work.snapshot, &report, &plan.findings).await?;
            self.release_gone(&work.snapshot, &planner::gone(&desired, &observed))
                .await?;
            if work.is_leaving() && plan.next == Next::Rest && plan.findings.is_empty() {
                finalizers::release(&self.context.client, &self.context.metrics, work.pair.as_ref()).await?;
                return Ok(Some(self.context.resync));
            }
            let stage = match plan.next {
                Next::Run(stage) => stage,
                Next::Wait(_) => return Ok(Some(self.look_again_soon(took))),
                Next::Rest => return Ok(Some(self.rest(&observed))),
            };
            if self.has_no_effect(&stage) {
                let message = format!(
                    "\"{}\" has had no effect {MOST_REPEATS} times: {}",
                    stage.name,
                    planner::wanted_and_got(&stage, &observed)
                );
                let finding = Finding {
                    about: Subject::Pair,
                    reason: Reason::NoEffect,
                    message,
                };
                let report = planner::report(
                    &desired,
                    &observed,
                    &Plan {
                        next: Next::Rest,
                        findings: vec![finding.clone()],
                    },
                    None,
                );
                self.publish(&work.snapshot, &report, &[finding]).await?;
                return Ok(Some(self.rest(&observed)));
            }
            let Some(authority) = self.authority(&desired, &work) else {
                return Ok(Some(Duration::ZERO));
            };
            self.failure = self.run(&desired, &stage, &authority, &work.credentials).await;
            self.note(&stage);
            if let Some(failure) = &self.failure {
                let report = planner::report(
                    &desired,
                    &observed,
                    &Plan {
                        next: Next::Run(stage),
                        findings: Vec::new(),
                    },
                    Some(failure),
                );
                self.publish(&work.snapshot, &report, &[]).await?;
                return Ok(Some(self.back_off()));
            }
        }
        Ok(Some(self.back_off()))
    }

    /// Whether a stage that is planned again has ended well so often that once more would change nothing. It
    /// is tried again after the next rest.
    fn has_no_effect(&mut self, stage: &Stage) -> bool {
        let (purpose, times) = &mut self.repeated;
        let is_futile = *times >= MOST_REPEATS && *purpose == planner::purpose(stage);
        if is_futile {
            *times = MOST_REPEATS - 1;
        }
        is_futile
    }

    /// Remembers what a stage was about that ended well.
    fn note(&mut self, stage: &Stage) {
        let purpose = planner::purpose(stage);
        let times = if self.repeated.0 == purpose {
            self.repeated.1
        } else {
            0
        };
        self.repeated = (purpose, if self.failure.is_none() { times + 1 } else { 0 });
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
        let answering = observed.as_ref().map(|view| matches!(view, HostView::Seen(_)));
        self.just_lost = Side::BOTH
            .into_iter()
            .any(|side| self.answering[side] && !answering[side]);
        self.answering = answering;
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

    #[instrument(skip_all, fields(otel.name = stage.name, otel.status_code = Empty))]
    async fn run(
        &mut self,
        desired: &Desired,
        stage: &Stage,
        authority: &Authority,
        credentials: &Both<Credentials>,
    ) -> Option<Finding> {
        let start = Instant::now();
        let context = self.context.clone();
        for (side, steps) in stage.steps.iter() {
            tracing::debug!(pair = %self.name, stage = stage.name, node = desired.nodes[side].name, ?steps, "planned");
        }
        let _slot = context.slots.acquire().await.ok()?;
        let hosts = self.connection.with(&self.context.hosts, credentials).ok()?;
        let on = async |side: Side| match stage.steps[side].as_slice() {
            [] => Outcome::Done,
            steps => hosts.run(side, steps, authority).await,
        };
        let (first, second) = tokio::join!(on(Side::First), on(Side::Second));
        for outcome in [&first, &second] {
            if let Outcome::Superseded { epoch } = outcome {
                context.leader.refused(*epoch);
            }
        }
        let failures: Vec<_> = [(Side::First, first), (Side::Second, second)]
            .into_iter()
            .filter_map(|(side, outcome)| failure(&desired.nodes[side].name, stage.name, outcome))
            .collect();
        let outcome = if failures.is_empty() { "done" } else { "failed" };
        context
            .metrics
            .stages
            .get_or_create(&StageLabels {
                stage: stage.name.into(),
                outcome: outcome.into(),
            })
            .inc();
        tracing::info!(pair = %self.name, stage = stage.name, outcome, seconds = start.elapsed().as_secs_f32(), "stage");
        for failure in &failures {
            Span::current().record("otel.status_code", "ERROR");
            tracing::warn!(pair = %self.name, reason = %failure.reason, message = failure.message, "stage failed");
        }
        failures.into_iter().next()
    }

    #[instrument(name = "publish status", skip_all)]
    async fn publish(
        &mut self,
        snapshot: &Snapshot,
        report: &Report,
        findings: &[Finding],
    ) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        for volume in &snapshot.volumes {
            let about = Subject::Volume(volume.name_any());
            let own = report
                .volumes
                .get(&volume.name_any())
                .cloned()
                .unwrap_or_else(|| planner::unreported_volume(&about, findings));
            self.publisher
                .publish(client, metrics, volume.as_ref(), &own)
                .await?;
        }
        for ip in &snapshot.floating_ips {
            let about = Subject::FloatingIp(ip.name_any());
            let own = report
                .floating_ips
                .get(&ip.name_any())
                .cloned()
                .unwrap_or_else(|| planner::unreported_child(&about, findings));
            self.publisher.publish(client, metrics, ip.as_ref(), &own).await?;
        }
        for group in &snapshot.groups {
            let about = Subject::Group(group.name_any());
            let own = report
                .groups
                .get(&group.name_any())
                .cloned()
                .unwrap_or_else(|| planner::unreported_child(&about, findings));
            self.publisher
                .publish(client, metrics, group.as_ref(), &own)
                .await?;
        }
        // The pair last: who waits for its Ready finds its children's statuses as current.
        if let Some(pair) = &snapshot.pair {
            self.publisher
                .publish(client, metrics, pair.as_ref(), &report.pair)
                .await?;
        }
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
    async fn orphans(&mut self, snapshot: &Snapshot) -> kube::Result<Option<Duration>> {
        if snapshot.volumes.is_empty() && snapshot.floating_ips.is_empty() && snapshot.groups.is_empty() {
            self.figures.hide(&self.context.metrics);
            return Ok(None);
        }
        self.hold(
            snapshot,
            Reason::PairNotFound,
            &format!(
                "spec.pairRef: there is no HAPair {:?} in this namespace",
                self.name.name
            ),
        )
        .await?;
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        for volume in snapshot
            .volumes
            .iter()
            .filter(|volume| volume.metadata.deletion_timestamp.is_some())
        {
            finalizers::release(client, metrics, volume.as_ref()).await?;
        }
        for ip in snapshot
            .floating_ips
            .iter()
            .filter(|ip| ip.metadata.deletion_timestamp.is_some())
        {
            finalizers::release(client, metrics, ip.as_ref()).await?;
        }
        for group in snapshot
            .groups
            .iter()
            .filter(|group| group.metadata.deletion_timestamp.is_some())
        {
            finalizers::release(client, metrics, group.as_ref()).await?;
        }
        Ok(Some(self.context.resync))
    }

    /// Finalizers on everything that lives; what is deleted with Retain is let go at once, and the hosts stay
    /// as they are.
    async fn keep_finalizers(&self, snapshot: &Snapshot) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        if let Some(pair) = &snapshot.pair {
            finalizers::ensure(client, metrics, pair.as_ref()).await?;
        }
        macro_rules! keep {
            ($objects:expr) => {
                for object in $objects {
                    finalizers::ensure(client, metrics, object.as_ref()).await?;
                    let stays = object.spec.deletion_policy != Some(DeletionPolicy::Teardown)
                        && snapshot.knows_deletion_policy(object.as_ref());
                    if object.metadata.deletion_timestamp.is_some() && stays {
                        finalizers::release(client, metrics, object.as_ref()).await?;
                    }
                }
            };
        }
        keep!(&snapshot.volumes);
        keep!(&snapshot.floating_ips);
        keep!(&snapshot.groups);
        Ok(())
    }

    async fn release_gone(
        &self,
        snapshot: &Snapshot,
        gone: &hapair_model::desired::Leaving,
    ) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        for volume in snapshot
            .volumes
            .iter()
            .filter(|volume| gone.volumes.contains(&volume.name_any()))
        {
            finalizers::release(client, metrics, volume.as_ref()).await?;
        }
        for ip in snapshot
            .floating_ips
            .iter()
            .filter(|ip| gone.floating_ips.contains(&ip.name_any()))
        {
            finalizers::release(client, metrics, ip.as_ref()).await?;
        }
        for group in snapshot
            .groups
            .iter()
            .filter(|group| gone.groups.contains(&group.name_any()))
        {
            finalizers::release(client, metrics, group.as_ref()).await?;
        }
        Ok(())
    }

    fn back_off(&mut self) -> Duration {
        self.failures = (self.failures + 1).min(6);
        Duration::from_secs(1 << self.failures)
    }

    fn look_again_soon(&mut self, took: Duration) -> Duration {
        self.failures = 0;
        self.waits += 1;
        if self.waits < PATIENCE {
            SOON.max(took * SHARE)
        } else {
            self.context.resync
        }
    }

    fn rest(&mut self, observed: &Both<HostView>) -> Duration {
        use hapair_model::observed::Silence;
        (self.failures, self.waits) = (0, 0);
        if self.just_lost {
            // The look hung on the lost host, and what the other one said in it is from before its cluster
            // noticed.
            return SOON;
        }
        let denied = observed.any(|view| {
            matches!(
                view,
                HostView::Silent(Silence::Denied(_) | Silence::UnknownHostKey { .. })
            )
        });
        // sshd penalises repeated authentication failures (OpenSSH 9.8); a changed spec or Secret wakes the
        // task anyway.
        if denied {
            Duration::from_secs(60).max(self.context.resync)
        } else {
            self.context.resync
        }
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
    Some(Finding {
        about: Subject::Pair,
        reason,
        message,
    })
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
