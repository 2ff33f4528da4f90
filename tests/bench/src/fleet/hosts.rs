//! Hosts that are at rest, as the simulator's are once the sample has been carried out.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hapair_model::{
    Both, Secret, Side, digest,
    host::{Authority, Connect, Credentials, Hosts, JournalQuery, Line},
    observed::{HostView, Question, Silence},
    outcome::Outcome,
    plan::Step,
};
use hapair_simulator::{
    experiment::{Start, run},
    objects::{SECRETS, sample, secrets},
    probe,
    world::World,
};

use crate::objects::{FIRST_PORT, namespace};

/// What a look takes: connection, probe, way back.
const LOOK: Duration = Duration::from_millis(300);
/// How long ssh believes in a host that has no power.
const SILENCE: Duration = Duration::from_secs(10);
/// What the pairs call the Kubernetes cluster they are declared in.
pub const CLUSTER: &str = "fleet";

/// All hosts.
#[derive(Clone)]
pub struct Fleet(Arc<All>);

struct All {
    rest: World,
    uids: Vec<String>,
    dead: usize,
    looks: Mutex<Vec<Option<Instant>>>,
    steps: AtomicUsize,
}

impl Fleet {
    /// The hosts of pairs with these UIDs, of which the last ones do not answer.
    pub fn new(uids: Vec<String>, dead: usize) -> Self {
        Self(Arc::new(All {
            rest: at_rest(),
            dead,
            looks: Mutex::new(vec![None; uids.len()]),
            steps: AtomicUsize::new(0),
            uids,
        }))
    }

    /// How long ago each pair was looked at whose hosts answer, in seconds; `None`: never.
    pub fn ages(&self) -> Vec<Option<f64>> {
        let looks = self.0.looks.lock().expect("no panic while a look is noted");
        let living = looks.iter().take(looks.len() - self.0.dead.min(looks.len()));
        living
            .map(|look| look.map(|look| look.elapsed().as_secs_f64()))
            .collect()
    }

    /// How many pairs were looked at, those whose hosts do not answer among them.
    pub fn known(&self) -> usize {
        let looks = self.0.looks.lock().expect("no panic while a look is noted");
        looks.iter().flatten().count()
    }

    /// How many steps were sent.
    pub fn steps(&self) -> usize {
        self.0.steps.load(Ordering::Relaxed)
    }
}

/// The simulator's machines once they are as the sample declares.
fn at_rest() -> World {
    run(&Start::bare(), None, 1, async |experiment| {
        experiment.apply(secrets());
        experiment.apply(sample());
        experiment.settle().await.expect("the sample comes to rest");
        experiment.shared.world().clone()
    })
}

impl Connect for Fleet {
    type Hosts = Pair;

    fn connect(&self, credentials: Both<Credentials>) -> io::Result<Pair> {
        Ok(Pair {
            fleet: self.clone(),
            number: usize::from(credentials.first.port - FIRST_PORT),
            last: Mutex::default(),
        })
    }
}

/// The two hosts of one pair.
pub struct Pair {
    fleet: Fleet,
    number: usize,
    /// The last look, which the operator's way over SSH keeps as well.
    last: Mutex<Option<Both<HostView>>>,
}

impl Pair {
    fn all(&self) -> &All {
        &self.fleet.0
    }

    fn is_dead(&self) -> bool {
        self.number >= self.all().uids.len() - self.all().dead.min(self.all().uids.len())
    }

    fn answer(&self, side: Side, question: &Question) -> HostView {
        let mut host = probe::at(&self.all().rest, side, question);
        let uid = &self.all().uids[self.number];
        if let Some(record) = &mut host.owner {
            record.owner = format!("{CLUSTER}/{uid}");
            record.name = Some(format!("{}/web", namespace(self.number)));
        }
        // By what a host remembers the password of the pair that it is of (operator/planner, administration.rs).
        let [.., password] = SECRETS;
        host.admin_password = Some(Secret::new(digest(format!("{uid}:{password}").as_bytes())));
        HostView::Seen(Box::new(host))
    }
}

impl Hosts for Pair {
    async fn observe(&self, questions: &Both<Question>) -> Both<HostView> {
        let views = if self.is_dead() {
            tokio::time::sleep(SILENCE).await;
            Both::from_fn(|_| HostView::Silent(Silence::Unreachable("no power".into())))
        } else {
            tokio::time::sleep(LOOK).await;
            Both::from_fn(|side| self.answer(side, &questions[side]))
        };
        let mut looks = self.all().looks.lock().expect("no panic while a look is noted");
        looks[self.number] = Some(Instant::now());
        drop(looks);
        *self.last.lock().expect("no panic while a look is kept") = Some(views.clone());
        views
    }

    async fn glance(&self) -> Option<Both<HostView>> {
        None
    }

    async fn happened(&self) {
        std::future::pending().await
    }

    async fn journal(&self, _: Side, _: &JournalQuery) -> Result<Vec<Line>, String> {
        Ok(Vec::new())
    }

    async fn run(&self, _: Side, steps: &[Step], _: &Authority) -> Outcome {
        self.all().steps.fetch_add(steps.len(), Ordering::Relaxed);
        let names: Vec<_> = steps.iter().map(Step::summary).collect();
        eprintln!("pair {}: {}", self.number, names.join("; "));
        Outcome::Done
    }
}
