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
    whereabouts::{Move, Whereabouts, stories},
};

/// More stages than any convergence has; a plan that does not end is a defect, and is left to the next turn.
const MOST_STAGES: usize = 40;
/// Everything is looked at so long after the last glance.
const CONFIRMED: Duration = Duration::from_secs(2);
/// And no later than so long after the first, whatever goes on.
const UNCONFIRMED: Duration = Duration::from_secs(5);
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
    glances: Glances,
    /// When the last look ended.
    looked_at: Option<Instant>,
}

/// Glances since the last look at everything.
#[derive(Default)]
struct Glances {
    /// Whether a host asks for one now.
    is_asked_for: bool,
    /// When it may at the earliest; `None`: only a look at everything tells.
    not_before: Option<Instant>,
    /// When the first of them began.
    first: Option<Instant>,
    /// When the last one ended.
    last: Option<Instant>,
}

impl Glances {
    /// None is taken until everything was looked at and nothing was left to do.
    fn forbid(&mut self) {
        (self.is_asked_for, self.not_before, self.first) = (false, None, None);
    }
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
            glances: Glances::default(),
            looked_at: None,
        }
    }

    /// Waits until a host asks to be looked at.
    pub async fn asked_for(&mut self) {
        match self.connection.hosts() {
            Some(hosts) => hosts.happened().await,
            None => std::future::pending().await,
        }
        let not_before = self.glances.not_before.as_mut().unwrap_or(&mut self.not_before);
        tokio::time::sleep_until(*not_before).await;
        // Not every turn comes to a look.
        *not_before = Instant::now() + SOON;
        self.glances.is_asked_for = true;
    }

    /// When to try again after what is no fault of the hosts: later each time.
    pub fn after_a_failure(&mut self) -> NextTurn {
        // What fails may be what a host tells of.
        self.glances.forbid();
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
        if std::mem::take(&mut self.glances.is_asked_for)
            && self.glances.not_before.is_some()
            && let Some(next) = self.glance(work, reporter).await?
        {
            return Ok(next);
        }
        self.glances.forbid();
        for _ in 0..MOST_STAGES {
            let start = Instant::now();
            let mut observed = self.observe(connect, work, reporter).await;
            let took = start.elapsed();
            let since_last = start - self.looked_at.replace(start + took).unwrap_or(start);
            self.progress.note_installations(&mut observed);
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
                    let next = self.rest(pause);
                    self.glances.not_before =
                        (pause.at_most != pause.at_least).then(|| Instant::now() + GATHER);
                    return Ok(next);
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
                        reporter.put_back(work, what).await?;
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
    /// nothing where it is time for that.
    async fn glance<R: Reporter>(
        &mut self,
        work: &Work,
        reporter: &mut R,
    ) -> Result<Option<NextTurn>, R::Error> {
        let start = Instant::now();
        let first = *self.glances.first.get_or_insert(start);
        let hosts = self
            .connection
            .at(&work.credentials)
            .filter(|_| start < first + UNCONFIRMED);
        let observed = match hosts {
            Some(hosts) => hosts.glance().await,
            None => None,
        };
        let Some(observed) = observed else {
            tracing::debug!(pair = %work.name(), seconds = start.elapsed().as_secs_f64(), "a glance does not tell");
            let wait = self.not_before.saturating_duration_since(Instant::now());
            return Ok((wait > Duration::ZERO).then_some(NextTurn::After(wait)));
        };
        let (desired, plan) = work.plan(&observed, &fresh_keys());
        if !self.progress.has_rested_on(&desired) {
            return Ok(None);
        }
        let took = start.elapsed();
        reporter.glanced();
        let since_last = start - self.glances.last.replace(start + took).unwrap_or(start);
        let pause = self.pace.between_glances(took, since_last);
        tracing::debug!(pair = %work.name(), seconds = took.as_secs_f64(), ?pause, "glanced");
        self.report(reporter, work, &desired, &observed, &plan).await?;
        let now = Instant::now();
        self.glances.not_before = Some(now + pause);
        let confirmed_at = (now + CONFIRMED).min(first + UNCONFIRMED).max(self.not_before);
        Ok(Some(NextTurn::After(confirmed_at.saturating_duration_since(now))))
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
        let moves = self.whereabouts.moved(work, desired, &report);
        self.tell(reporter, work, desired, observed, &moves).await
    }

    /// Tells how groups came to where they serve now. What the hosts do not tell is asked for again at the next look.
    async fn tell<R: Reporter>(
        &mut self,
        reporter: &mut R,
        work: &Work,
        desired: &Desired,
        observed: &Both<HostView>,
        moves: &[Move],
    ) -> Result<(), R::Error> {
        let Some(hosts) = self.connection.hosts().filter(|_| !moves.is_empty()) else {
            return Ok(());
        };
        let told = match stories(hosts, desired, observed, moves).await {
            Ok(told) => told,
            Err(why) => {
                tracing::info!(pair = %work.name(), why, "a group has moved; the hosts did not tell how");
                return Ok(());
            }
        };
        for (Move { moved, .. }, told) in moves.iter().zip(told) {
            let Moved { group, from, to } = moved;
            match told {
                Some(failover) => reporter.failed_over(work, &failover).await?,
                None => {
                    tracing::info!(pair = %work.name(), group, from, to, "a group has moved; the journals do not tell how")
                }
            }
            self.whereabouts.settle(group, to);
        }
        Ok(())
    }
}
