//! Who is told that something has happened on a machine, and how badly.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hapair_model::Both;
use tokio::sync::Notify;

use crate::world::World;

/// How late a host tells when it tells late.
const LATE: Duration = Duration::from_secs(3);

/// What a host's own programs would tell of: what the cluster and DRBD do on it, and its addresses.
#[derive(PartialEq)]
pub struct Sight(Both<String>);

impl Sight {
    /// What they tell of now.
    pub fn of(world: &World) -> Self {
        Self(world.machines.as_ref().map(|machine| {
            let memory = &machine.memory;
            let legs: Vec<_> = memory
                .legs
                .iter()
                .map(|(name, leg)| (name, leg.connection, &leg.disk, leg.primary))
                .collect();
            format!(
                "{} {:?} {:?} {} {legs:?}",
                machine.answers(),
                memory.resources,
                memory.addresses,
                memory.peer_unclean
            )
        }))
    }
}

/// Everyone who listens.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    all: Arc<Mutex<Vec<Weak<Notify>>>>,
    told: Arc<AtomicU32>,
}

impl Listeners {
    /// One more.
    pub fn add(&self) -> Arc<Notify> {
        let listener = Arc::new(Notify::new());
        self.all
            .lock()
            .expect("no panic while listeners are added")
            .push(Arc::downgrade(&listener));
        listener
    }

    /// Something has happened. Of four such things one is told at once, one late, one twice, and one not at all.
    pub fn tell(&self) {
        let after: &[Duration] = match self.told.fetch_add(1, Ordering::Relaxed) % 4 {
            0 => &[Duration::ZERO],
            1 => &[LATE],
            2 => &[Duration::ZERO, LATE],
            _ => &[],
        };
        for pause in after {
            let (listeners, pause) = (self.clone(), *pause);
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                listeners.wake();
            });
        }
    }

    fn wake(&self) {
        let mut all = self.all.lock().expect("no panic while listeners are added");
        all.retain(|listener| {
            listener
                .upgrade()
                .inspect(|listener| listener.notify_one())
                .is_some()
        });
    }
}
