//! Every change, counted, so that something can go wrong at each of them.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

/// What goes wrong at an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operator dies before it.
    DiesBefore,
    /// The operator dies after it; what was to follow in the same stage does not.
    DiesAfter,
    /// The operator dies after it; the stage goes on without anyone to tell.
    DiesUnheard,
    /// The connection breaks after it; the operator lives.
    Disconnects,
    /// The host loses its power after it. An effect on the API server is not touched.
    HostLosesPower,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::DiesBefore,
        Self::DiesAfter,
        Self::DiesUnheard,
        Self::Disconnects,
        Self::HostLosesPower,
    ];
}

/// Counts the effects of a run, and says which of them goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Effects(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    plan: Option<(usize, Fault)>,
}

impl Effects {
    /// Nothing goes wrong but this, at the effect of this number.
    pub fn with(plan: Option<(usize, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(State {
            log: Vec::new(),
            plan,
        })))
    }

    /// An effect is about to happen. Returns what goes wrong with it.
    pub fn next(&self, what: String) -> Option<Fault> {
        let mut state = self.0.lock().expect("no panic while counting");
        let number = state.log.len();
        state.log.push(what);
        state.plan.filter(|(at, _)| *at == number).map(|(_, fault)| fault)
    }

    /// The effects so far.
    pub fn log(&self) -> Vec<String> {
        self.0.lock().expect("no panic while counting").log.clone()
    }
}

/// What an operator may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Running,
    /// It stands still, as a process that gets no time.
    Paused,
    /// It is gone.
    Dead,
}

/// The hold on one operator: everything it asks of the world passes here.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<Life>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Life::Running)))
    }
}

impl Gate {
    /// Lets it run, stand still or end.
    pub fn set(&self, life: Life) {
        self.0.send_replace(life);
    }

    /// Whether it is gone.
    pub fn is_dead(&self) -> bool {
        *self.0.borrow() == Life::Dead
    }

    /// Goes on when the operator runs; never, when it is gone.
    pub async fn pass(&self) {
        let mut life = self.0.subscribe();
        if life.wait_for(|life| *life == Life::Running).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
