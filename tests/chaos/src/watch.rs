//! What is there twice, although it must be there once: watched from outside, all the time.
//!
//! Roles: each host writes DRBD's line of its volume to its console twice a second, which needs no network
//! and no clock of its own. Addresses: ARP requests all the time on the hosts' network; answers of one second
//! with different hardware addresses are two holders, unless the address is on its way in just that second:
//! the next second tells.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// The unit by which a host tells its role.
pub const UNIT: &str = "[Unit]\nDescription=Tells the role of the volume on the \
    console\n[Service]\nExecStart=/bin/sh -c 'while :; do line=none; \
                        if [ -r /proc/drbd ]; then while read -r each; do case $each in 0:*) line=$each ;; \
                        esac; done < /proc/drbd; fi; \
                        echo \"chaos-role $line\" > /dev/console; sleep 0.5; \
                        done'\n[Install]\nWantedBy=multi-user.target\n";

/// A line that is older says nothing about now.
const FRESH: Duration = Duration::from_millis(900);

/// The watchers, at work.
pub struct Watch {
    state: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    primary: [Option<Instant>; 2],
    both_primary: Vec<String>,
    address_twice: Vec<String>,
    looks: [u64; 2],
    arps: u64,
}

impl Watch {
    /// Starts watching.
    pub fn start(consoles: [PathBuf; 2], bridge: &str, address: &str) -> Self {
        let (state, stop) = (
            Arc::new(Mutex::new(Seen::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let mut threads = Vec::new();
        for (node, console) in consoles.into_iter().enumerate() {
            let (state, stop) = (state.clone(), stop.clone());
            threads.push(std::thread::spawn(move || roles(node, &console, &state, &stop)));
        }
        let (state_of_arp, stop_of_arp, bridge, address) =
            (state.clone(), stop.clone(), bridge.to_owned(), address.to_owned());
        threads.push(std::thread::spawn(move || {
            arp(&bridge, &address, &state_of_arp, &stop_of_arp)
        }));
        Self { state, stop, threads }
    }

    /// Everything that was there twice since the last call, and how much the watchers saw at all: roles told
    /// by each host, ARP answers.
    pub fn take(&self) -> (Vec<String>, Vec<String>, [u64; 2], u64) {
        let mut seen = lock(&self.state);
        let twice = (
            std::mem::take(&mut seen.both_primary),
            std::mem::take(&mut seen.address_twice),
            seen.looks,
            seen.arps,
        );
        (seen.looks, seen.arps) = ([0, 0], 0);
        twice
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock(state: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn roles(node: usize, console: &Path, state: &Mutex<Seen>, stop: &AtomicBool) {
    let mut position = std::fs::metadata(console).map_or(0, |facts| facts.len());
    let mut rest = String::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        let mut fresh = Vec::new();
        let read = File::open(console).and_then(|mut file| {
            file.seek(SeekFrom::Start(position))?;
            file.read_to_end(&mut fresh)
        });
        position += read.unwrap_or(0) as u64;
        rest += &String::from_utf8_lossy(&fresh);
        while let Some((line, after)) = rest.split_once('\n') {
            note_role(node, line, state);
            rest = after.to_owned();
        }
    }
}

/// `0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----`: the last word's first letter is `s`
/// while writes are suspended.
fn note_role(node: usize, line: &str, state: &Mutex<Seen>) {
    let Some((_, line)) = line.split_once("chaos-role ") else {
        return;
    };
    let suspended = line
        .split_whitespace()
        .any(|word| word.starts_with("s-") || word.starts_with("sr"));
    let primary = line.contains("ro:Primary/") && !suspended;
    let mut seen = lock(state);
    seen.looks[node] += u64::from(line.contains("ro:"));
    seen.primary[node] = primary.then(Instant::now);
    let other = seen.primary[1 - node].is_some_and(|at| at.elapsed() < FRESH);
    if primary && other {
        seen.both_primary.push(line.trim().to_owned());
    }
}

fn arp(bridge: &str, address: &str, state: &Mutex<Seen>, stop: &AtomicBool) {
    let mut twice_before = false;
    while !stop.load(Ordering::Relaxed) {
        let output = Command::new("arping")
            .args(["-b", "-w", "1", "-I", bridge, address])
            .output();
        let text = output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let holders: BTreeSet<&str> = text
            .lines()
            .filter(|line| line.contains("reply from"))
            .filter_map(|line| line.split(['[', ']']).nth(1))
            .collect();
        let mut seen = lock(state);
        seen.arps += u64::from(!holders.is_empty());
        let twice = holders.len() > 1;
        if twice && twice_before {
            seen.address_twice.push(format!("{address} is at {holders:?}"));
        }
        drop(seen);
        twice_before = twice;
    }
}
