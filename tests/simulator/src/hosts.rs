//! The two machines behind the trait that SSH is behind, too.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hapair_model::{
    Both, Side,
    host::{Authority, Connect, Credentials, Hosts, JournalQuery, Line},
    observed::{HostView, Question, Silence},
    outcome::Outcome,
    plan::Step,
};
use tokio::sync::Notify;

use crate::{
    effects::{Effects, Fault, Gate, Life},
    journal,
    listeners::{Listeners, Sight},
    probe, steps,
    world::World,
};

/// What an SSH round trip takes. One machine is farther away: the two never answer at the same moment.
const ROUND_TRIP: Both<Duration> = Both {
    first: Duration::from_millis(100),
    second: Duration::from_millis(200),
};
/// How long ssh believes in a machine that has no power: two of its questions without an answer, five seconds
/// each.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a glance may take.
const GLANCE: Duration = Duration::from_secs(2);
/// What a change takes.
const CHANGE: Duration = Duration::from_millis(50);

/// The world, shared by everything that looks at it or changes it.
#[derive(Clone, Debug)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    /// One stage at a time runs on a host, whoever sent it.
    locks: Arc<Both<tokio::sync::Mutex<()>>>,
    /// Every change.
    pub effects: Effects,
    superseded: Arc<AtomicU32>,
    panics: Arc<AtomicU32>,
    listeners: Listeners,
}

impl Shared {
    /// A world in which this goes wrong.
    pub fn new(world: World, effects: Effects) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            locks: Arc::default(),
            effects,
            superseded: Arc::default(),
            panics: Arc::default(),
            listeners: Listeners::default(),
        }
    }

    /// The world, now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic while the world is changed")
    }

    /// How many stages the machines have refused because their sender was followed by another.
    pub fn superseded(&self) -> u32 {
        self.superseded.load(Ordering::Relaxed)
    }

    /// The operator panics at its next looks: a defect that a host brings out.
    pub fn panic_at_looks(&self, times: u32) {
        self.panics.store(times, Ordering::Relaxed);
    }

    /// Lets the world go on by itself, until the runtime ends.
    pub fn live(&self) {
        let shared = self.clone();
        tokio::spawn(async move {
            let mut before = Sight::of(&shared.world());
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                shared.world().tick();
                let now = Sight::of(&shared.world());
                if now != before {
                    shared.listeners.tell();
                }
                before = now;
            }
        });
    }
}

/// How one operator reaches the machines.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// The machines.
    pub shared: Shared,
    /// The hold on the operator.
    pub gate: Gate,
    happened: Arc<Notify>,
    /// The last whole look.
    last_look: LastLook,
}

type LastLook = Arc<Mutex<Option<(Both<Question>, Both<HostView>)>>>;

impl Simulated {
    /// The machines, for an operator on which there is this hold.
    pub fn new(shared: Shared, gate: Gate) -> Self {
        let happened = shared.listeners.add();
        Self {
            shared,
            gate,
            happened,
            last_look: Arc::default(),
        }
    }
}

impl Connect for Simulated {
    type Hosts = Self;

    fn connect(&self, _: Both<Credentials>) -> io::Result<Self> {
        Ok(Self::new(self.shared.clone(), self.gate.clone()))
    }
}

/// Why a stage ends early.
#[derive(Debug)]
pub enum Stop {
    /// A step failed, in the words of its script.
    Failed(String),
    /// The one who asked is gone, or no longer connected.
    Lost,
    /// Nothing runs any more: the machine has no power.
    Off,
}

/// A stage that runs on a machine.
#[derive(Debug)]
pub struct Run<'a> {
    shared: &'a Shared,
    gate: &'a Gate,
    /// The machine it runs on.
    pub side: Side,
    boots: u32,
    unheard: bool,
}

impl Run<'_> {
    /// One change that happens or does not.
    pub async fn change<R>(
        &mut self,
        what: impl Into<String>,
        change: impl FnOnce(&mut World, Side) -> R,
    ) -> Result<R, Stop> {
        tokio::time::sleep(CHANGE).await;
        let side = self.side;
        if self.is_gone() {
            return Err(Stop::Off);
        }
        let name = self.shared.world().names[side].clone();
        let fault = self.shared.effects.next(format!("{name}: {}", what.into()));
        if fault == Some(Fault::DiesBefore) {
            self.gate.set(Life::Dead);
            return Err(Stop::Lost);
        }
        let result = change(&mut self.shared.world(), side);
        match fault {
            Some(Fault::DiesAfter) => {
                self.gate.set(Life::Dead);
                Err(Stop::Lost)
            }
            Some(Fault::DiesUnheard) => {
                self.gate.set(Life::Dead);
                self.unheard = true;
                Ok(result)
            }
            Some(Fault::Disconnects) => Err(Stop::Lost),
            Some(Fault::HostLosesPower) => {
                let mut world = self.shared.world();
                world.machines[side].cut_power();
                world.machines[side].start();
                Err(Stop::Off)
            }
            Some(Fault::DiesBefore) | None => Ok(result),
        }
    }

    /// Whether the machine has lost its power since the stage began.
    fn is_gone(&self) -> bool {
        let world = self.shared.world();
        !world.machines[self.side].on || world.machines[self.side].boots != self.boots
    }

    /// Looks at the world without changing it.
    pub fn look<R>(&self, look: impl FnOnce(&World, Side) -> R) -> R {
        look(&self.shared.world(), self.side)
    }

    /// Waits for something in the world, for a minute.
    pub async fn wait_for(
        &self,
        what: &str,
        mut holds: impl FnMut(&World, Side) -> bool,
    ) -> Result<(), Stop> {
        for _ in 0..120 {
            if self.is_gone() {
                return Err(Stop::Off);
            }
            if holds(&self.shared.world(), self.side) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Stop::Failed(format!("{what}: not within a minute")))
    }
}

impl Simulated {
    async fn ask(&self, side: Side, question: &Question) -> HostView {
        tokio::time::sleep(ROUND_TRIP[side]).await;
        let (answer, on) = {
            let world = self.shared.world();
            let machine = &world.machines[side];
            (
                machine.answers().then(|| probe::at(&world, side, question)),
                machine.on,
            )
        };
        match answer {
            Some(host) => HostView::Seen(Box::new(host)),
            None => {
                tokio::time::sleep(if on { Duration::ZERO } else { SILENCE }).await;
                HostView::Silent(Silence::Unreachable("no route to host".into()))
            }
        }
    }
}

impl Hosts for Simulated {
    async fn observe(&self, questions: &Both<Question>) -> Both<HostView> {
        self.gate.pass().await;
        let panics = self
            .shared
            .panics
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(panics.is_err(), "a defect of the operator");
        let (first, second) = tokio::join!(
            self.ask(Side::First, &questions.first),
            self.ask(Side::Second, &questions.second)
        );
        self.gate.pass().await;
        let observed = Both::new(first, second);
        *self.last_look.lock().expect("no panic while a look is kept") =
            Some((questions.clone(), observed.clone()));
        observed
    }

    async fn glance(&self) -> Option<Both<HostView>> {
        let whole = self
            .last_look
            .lock()
            .expect("no panic while a look is kept")
            .clone()?;
        if whole.1.any(|view| view.host().is_none()) {
            return None;
        }
        let now = tokio::time::timeout(GLANCE, self.observe(&whole.0)).await.ok()?;
        *self.last_look.lock().expect("no panic while a look is kept") = Some(whole.clone());
        let refreshed = |side: Side| {
            let (HostView::Seen(before), HostView::Seen(now)) = (&whole.1[side], &now[side]) else {
                return None;
            };
            let same_legs = before.resources.keys().eq(now.resources.keys());
            if !same_legs || before.cluster.is_none() || now.cluster.is_none() {
                return None;
            }
            let mut host = before.clone();
            host.units.clone_from(&now.units);
            host.install.clone_from(&now.install);
            host.cluster.clone_from(&now.cluster);
            host.addresses.clone_from(&now.addresses);
            host.filesystems.clone_from(&now.filesystems);
            host.probes.clone_from(&now.probes);
            host.resources.clone_from(&now.resources);
            for (name, leg) in &mut host.resources {
                leg.attached = before.resources.get(name).and_then(|leg| leg.attached.clone());
            }
            Some(HostView::Seen(host))
        };
        Some(Both::new(refreshed(Side::First)?, refreshed(Side::Second)?))
    }

    async fn happened(&self) {
        self.happened.notified().await;
    }

    async fn journal(&self, side: Side, query: &JournalQuery) -> Result<Vec<Line>, String> {
        tokio::time::sleep(ROUND_TRIP[side]).await;
        self.gate.pass().await;
        let world = self.shared.world();
        let machine = &world.machines[side];
        match machine.answers() && !machine.disk.journal_is_lost {
            true => Ok(journal::read(&world, side, query)),
            false => Err("no answer".into()),
        }
    }

    async fn run(&self, side: Side, steps: &[Step], authority: &Authority) -> Outcome {
        // A process may stand still between its decision and the moment at which the host hears of it.
        tokio::time::sleep(ROUND_TRIP[side]).await;
        self.gate.pass().await;
        // The stage runs on the machine, whatever becomes of the operator meanwhile.
        let (shared, gate, steps, authority) = (
            self.shared.clone(),
            self.gate.clone(),
            steps.to_vec(),
            authority.clone(),
        );
        let stage = tokio::spawn(async move { stage(&shared, &gate, side, &steps, &authority).await });
        let outcome = stage.await.unwrap_or_else(|error| Outcome::Lost {
            message: error.to_string(),
        });
        self.gate.pass().await;
        outcome
    }
}

async fn stage(shared: &Shared, gate: &Gate, side: Side, steps: &[Step], authority: &Authority) -> Outcome {
    let _lock = shared.locks[side].lock().await;
    let lost = |why: &str| Outcome::Lost { message: why.into() };
    if !shared.world().machines[side].answers() {
        return lost("no route to host");
    }
    let boots = shared.world().machines[side].boots;
    let mut run = Run {
        shared,
        gate,
        side,
        boots,
        unheard: false,
    };
    if let Some(refusal) = run.look(|world, side| refusal(world, side, authority)) {
        if matches!(refusal, Outcome::Superseded { .. }) {
            shared.superseded.fetch_add(1, Ordering::Relaxed);
        }
        return refusal;
    }
    if let Err(stop) = steps::take_ownership(&mut run, authority).await {
        return lost(&format!("{stop:?}"));
    }
    for step in steps {
        match steps::carry_out(&mut run, step).await {
            Ok(()) => {}
            Err(Stop::Failed(message)) => {
                return Outcome::Failed {
                    step: format!("{step:?}").chars().take(40).collect(),
                    message,
                };
            }
            Err(stop) => return lost(&format!("{stop:?}")),
        }
    }
    if run.unheard {
        lost("nobody listens")
    } else {
        Outcome::Done
    }
}

fn refusal(world: &World, side: Side, authority: &Authority) -> Option<Outcome> {
    let record = world.machines[side].disk.owner.as_ref()?;
    if record.owner == authority.owner.to_string() {
        return (record.epoch > authority.epoch).then_some(Outcome::Superseded { epoch: record.epoch });
    }
    (Some(&record.owner) != authority.take_over_from.as_ref()).then(|| Outcome::ManagedElsewhere {
        owner: record.owner.clone(),
    })
}
