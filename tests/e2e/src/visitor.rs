//! Somebody who looks whether the service is there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use hapair_world::client::get;

/// Somebody who asks for the page all the time.
pub struct Visitor {
    visits: Arc<AtomicU32>,
    misses: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Visitor {
    /// Asks this address from now on.
    pub fn start(address: String) -> Self {
        let (visits, misses, stop) = (
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = {
            let (visits, misses, stop) = (visits.clone(), misses.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let count = if get(&address, 8080, "/").is_ok() {
                        &visits
                    } else {
                        &misses
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(200));
                }
            })
        };
        Self {
            visits,
            misses,
            stop,
            thread,
        }
    }

    /// How often the page was there, and how often it was not.
    pub fn end(self) -> Result<(u32, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the visitor's thread ended")?;
        Ok((
            self.visits.load(Ordering::Relaxed),
            self.misses.load(Ordering::Relaxed),
        ))
    }
}
