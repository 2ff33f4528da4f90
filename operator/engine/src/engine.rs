//! One pair's convergence.

use std::time::Duration;

use hapair_intake::Work;
use hapair_model::{
    Both,
    desired::Desired,
    failover::Moved,
    host::{Connect, Hosts as _},
    observed::{HostView, Silence},
    plan::{Next, Plan, Stage},
};
use hapair_planner as planner;
use tokio::time::Instant;
use tracing::{field::Empty, instrument};

use crate::{
    connection::Connection,
    keys::fresh_keys,
    pace::{GATHER, Pace, Pause, SOON},
    progress::Progress,
    reporter::Reporter,
    stage::{self, StageOutcome},
    warrant::Warrant,
    whereabouts::{Whereabouts, story},
};

/// More stages than any convergence has; a plan that does not end is a defect, and is left to the next turn.
const MOST_STAGES: usize = 40;
/// A glance is followed by a look at everything after so long.
const CONFIRMED: Duration = Duration::from_secs(2);
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

/// What is kept of one pair from turn to turn. All of it may be lost: it only makes turns rarer, and what is
/// told of failures steadier.
pub struct Engine<C: Connect> {
    connection: Connection<C>,
    progress: Progress,
    pace: Pace,
    whereabouts: Whereabouts,
    /// How often a pair at rest is looked at.
    resync: Duration,
    /// When a host may ask for the next look at the earliest.
    not_before: Instant,
    /// Whether a host asks for one now.
    is_asked: bool,
    /// When all of the hosts is looked at again, where a glance was enough since.
    whole_look_at: Option<Instant>,
    /// When the last look ended.
    looked_at: Option<Instant>,
}

impl<C: Connect> Engine<C> {
    /// That of a pair nobody has looked at.
    pub fn new(resync: Duration) -> Self {
        Self {
            connection: Connection::default(),
            progress: Progress::default(),
            pace: Pace::new(resync),
            whereabouts: Whereabouts::default(),
            resync,
            not_before: Instant::now(),
            is_asked: false,
            whole_look_at: None,
            looked_at: None,
        }
    }

    /// Waits until a host asks to be looked at.
    pub async fn asked_for(&mut self) {
        match self.connection.hosts() {
            Some(hosts) => hosts.happened().await,
            None => std::future::pending().await,
        }
        tokio::time::sleep_until(self.not_before).await;
        // Not every turn comes to a look.
        self.not_before = Instant::now() + SOON;
        self.is_asked = true;
    }

    /// When to try again after what is no fault of the hosts: later each time.
    pub fn after_a_failure(&mut self) -> NextTurn {
        let pause = self.pace.after_a_failure();
        self.rest(pause)
    }

    /// Ends the connection to the hosts: there is no reason to look at them now.
    pub fn let_go(&mut self) {
        self.connection = Connection::default();
    }

    fn rest(&mut self, pause: Pause) -> NextTurn {
        self.not_before = Instant::now() + pause.at_least;
        NextTurn::After(pause.at_most)
    }

    /// One turn: stage after stage, until nothing is left to do or something must wait.
    pub async fn turn<R: Reporter>(
        &mut self,
        connect: &C,
        work: &Work,
        reporter: &mut R,
        warrant: &impl Warrant,
    ) -> Result<NextTurn, R::Error> {
        if std::mem::take(&mut self.is_asked)
            && let Some(next) = self.glance(work, reporter).await?
        {
            return Ok(next);
        }
        self.whole_look_at = None;
        for _ in 0..MOST_STAGES {
            let start = Instant::now();
            let observed = self.observe(connect, work, reporter).await;
            let took = start.elapsed();
            let since_last = start - self.looked_at.replace(start + took).unwrap_or(start);
            let (desired, plan) = work.plan(&observed, &fresh_keys());
            self.progress.note_plan(&desired, &plan);
            self.report(reporter, work, &desired, &observed, &plan).await?;
            reporter.gone(work, &planner::gone(&desired, &observed)).await?;
            if work.is_leaving() && plan.is_empty() {
                reporter.left(work).await?;
                return Ok(NextTurn::After(self.resync));
            }
            let stage = match plan.next {
                Next::Run(stage) => stage,
                Next::Wait(_) => {
                    let pause = self.pace.while_under_way(took);
                    return Ok(self.rest(pause));
                }
                Next::Rest => {
                    let pause = self.pace.at_rest(&observed, took, since_last);
                    return Ok(self.rest(pause));
                }
            };
            if let Some(finding) = self.progress.no_effect(&stage, &observed) {
                let plan = Plan::at_rest(vec![finding]);
                self.report(reporter, work, &desired, &observed, &plan).await?;
                let pause = self.pace.without_effect();
                return Ok(self.rest(pause));
            }
            match self.run(connect, work, &desired, &stage, reporter, warrant).await {
                StageOutcome::Done => {
                    if self.progress.has_rested_on(&desired)
                        && let Some(what) = planner::put_back(&stage, &desired, &observed)
                    {
                        reporter.put_back(work, what).await;
                    }
                    self.progress.note_done(&stage);
                }
                StageOutcome::Failed(failure) => {
                    self.progress.note_failed(&stage, failure);
                    let plan = Plan::to_run(stage);
                    self.report(reporter, work, &desired, &observed, &plan).await?;
                    return Ok(self.after_a_failure());
                }
                StageOutcome::NotAllowed => return Ok(NextTurn::After(Duration::ZERO)),
                StageOutcome::NotBegun(why) => {
                    tracing::warn!(pair = %work.name(), stage = stage.name, why, "stage not begun");
                    return Ok(self.after_a_failure());
                }
            }
        }
        Ok(self.after_a_failure())
    }

    /// Tells what has happened on the hosts of a pair at rest, before all of them is looked at again and anything is changed;
    /// nothing where only a whole look tells.
    async fn glance<R: Reporter>(
        &mut self,
        work: &Work,
        reporter: &mut R,
    ) -> Result<Option<NextTurn>, R::Error> {
        let now = Instant::now();
        let whole_look_at = *self.whole_look_at.get_or_insert(now + CONFIRMED);
        let hosts = self
            .connection
            .at(&work.credentials)
            .filter(|_| now < whole_look_at);
        let Some(hosts) = hosts else { return Ok(None) };
        let Some(observed) = hosts.glance().await else {
            return Ok(None);
        };
        let (desired, plan) = work.plan(&observed, &fresh_keys());
        if !self.progress.has_rested_on(&desired) {
            return Ok(None);
        }
        reporter.observed(1, now.elapsed());
        self.report(reporter, work, &desired, &observed, &plan).await?;
        Ok(Some(self.rest(Pause {
            at_most: whole_look_at.saturating_duration_since(Instant::now()),
            at_least: GATHER,
        })))
    }

    #[instrument(name = "observe", skip_all)]
    async fn observe(&mut self, connect: &C, work: &Work, reporter: &mut impl Reporter) -> Both<HostView> {
        let start = Instant::now();
        let (observed, probes) = match self.connection.with(connect, &work.credentials) {
            Ok(hosts) => work.observe(hosts).await,
            Err(error) => {
                let silence = Silence::Unreachable(format!("the ssh client could not be prepared: {error}"));
                (Both::from_fn(|_| HostView::Silent(silence.clone())), 0)
            }
        };
        let took = start.elapsed();
        reporter.observed(probes, took);
        if took.as_secs_f64() > SLOW {
            tracing::info!(pair = %work.name(), seconds = took.as_secs_f64(), "observing the hosts took long");
        }
        self.pace.note(&observed);
        observed
    }

    #[instrument(skip_all, fields(pair = %work.name(), otel.name = stage.name, otel.status_code = Empty))]
    async fn run(
        &mut self,
        connect: &C,
        work: &Work,
        desired: &Desired,
        stage: &Stage,
        reporter: &mut impl Reporter,
        warrant: &impl Warrant,
    ) -> StageOutcome {
        match self.connection.with(connect, &work.credentials) {
            Ok(hosts) => stage::run(hosts, work, desired, stage, reporter, warrant).await,
            Err(error) => StageOutcome::NotBegun(format!("the ssh client could not be prepared: {error}")),
        }
    }

    /// Tells what was seen and what is planned, and which group has moved.
    async fn report<R: Reporter>(
        &mut self,
        reporter: &mut R,
        work: &Work,
        desired: &Desired,
        observed: &Both<HostView>,
        plan: &Plan,
    ) -> Result<(), R::Error> {
        let report = planner::report(desired, observed, plan, self.progress.failure.as_ref());
        reporter.report(work, &report, &plan.findings).await?;
        let Some(hosts) = self.connection.hosts() else {
            return Ok(());
        };
        for each in self.whereabouts.moved(work, desired, &report) {
            let Moved { group, from, to } = &each.moved;
            match story(hosts, desired, observed, &each).await {
                Ok(Some(failover)) => reporter.failed_over(work, &failover).await?,
                Ok(None) => {
                    tracing::info!(pair = %work.name(), group, from, to, "a group has moved; the journals do not tell how")
                }
                Err(why) => {
                    tracing::info!(pair = %work.name(), group, from, to, why, "a group has moved; the hosts did not tell how");
                    continue;
                }
            }
            self.whereabouts.settle(group, to);
        }
        Ok(())
    }
}
