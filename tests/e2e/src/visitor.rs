//! Somebody who looks whether the service is there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hapair_world::client::get;

/// What somebody found who asked for the page all the time.
#[derive(Default)]
pub struct Visits {
    /// How often the page was there.
    pub found: u32,
    /// How often it was not.
    pub missed: u32,
    /// The longest time without it.
    pub longest_gap: Duration,
}

/// Somebody who asks for the page all the time.
pub struct Visitor {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Visits>,
}

impl Visitor {
    /// Asks this address from now on.
    pub fn start(address: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || visit(&address, &stop))
        };
        Self { stop, thread }
    }

    /// What was found until now.
    pub fn end(self) -> Result<Visits> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the visitor's thread ended")
    }
}

fn visit(address: &str, stop: &AtomicBool) -> Visits {
    let mut visits = Visits::default();
    let mut last_found = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if get(address, 8080, "/").is_ok() {
            visits.longest_gap = visits.longest_gap.max(last_found.elapsed());
            last_found = Instant::now();
            visits.found += 1;
        } else {
            visits.missed += 1;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    visits.longest_gap = visits.longest_gap.max(last_found.elapsed());
    visits
}
