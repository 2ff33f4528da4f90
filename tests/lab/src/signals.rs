//! A run that is ended by a signal takes its hosts with it.

use std::{
    process,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::Result;
use nix::sys::signal::{SigSet, Signal};

use crate::Lab;

/// The labs that this program has brought up; empty until the first.
static LABS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on SIGINT, SIGTERM and SIGHUP end the lab, and then this program with the status that a shell
/// gives such an end. With `HAPAIR_KEEP` set the lab stays.
///
/// Call it before other threads are started: they inherit the mask that leaves the signals to the thread that
/// waits for them.
pub fn take_down_with(lab: &str) -> Result<()> {
    let mut labs = LABS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = labs.is_empty();
    labs.push(lab.to_owned());
    if is_first {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
            .into_iter()
            .collect();
        signals.thread_block()?;
        thread::spawn(move || end(signals.wait().ok()));
    }
    Ok(())
}

fn end(signal: Option<Signal>) {
    let Some(signal) = signal else { return };
    if std::env::var_os("HAPAIR_KEEP").is_none() {
        for lab in LABS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            eprintln!("{signal}: lab {lab} is taken down");
            if let Err(error) = Lab::down(lab) {
                eprintln!("{error:#}");
            }
        }
    }
    process::exit(128 + signal as i32);
}
