//! The network namespace in which a lab lives, and through which its processes are found again.

use std::{fs::File, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::run;

/// A named network namespace (`ip netns`).
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// The namespace of the lab with this name, whether or not it exists.
    pub fn named(lab: &str) -> Self {
        Self {
            name: format!("hapair-{lab}"),
        }
    }

    /// Makes it, with its loopback up.
    pub fn create(lab: &str) -> Result<Self> {
        let namespace = Self::named(lab);
        run(Command::new("ip").args(["netns", "add", &namespace.name]))?;
        run(Command::new("ip").args(["-n", &namespace.name, "link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    /// Its name as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves the calling thread, and what it starts from now on, into the namespace.
    pub fn enter(&self) -> Result<()> {
        let file =
            File::open(self.path()).with_context(|| format!("open network namespace {}", self.name))?;
        setns(file, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("enter network namespace {}", self.name))
    }

    /// The processes that live in it. Of a caller within it, the `ip` that lists them is one too, and gone by
    /// then.
    pub fn processes(&self) -> Result<Vec<Pid>> {
        let output = Command::new("ip")
            .args(["netns", "pids", &self.name])
            .output()
            .context("start ip")?;
        let listed = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .map(Pid::from_raw)
            .collect::<Vec<_>>();
        Ok(listed
            .into_iter()
            .filter(|pid| PathBuf::from(format!("/proc/{pid}")).exists())
            .collect())
    }

    /// Ends every process in it but the caller, and deletes it. One that does not exist is fine.
    pub fn remove(&self) -> Result<()> {
        if !self.path().exists() {
            return Ok(());
        }
        while let Some(alive) = self.kill_all()? {
            for pid in alive {
                wait_for_end(pid);
            }
        }
        run(Command::new("ip").args(["netns", "delete", &self.name]))
    }

    fn kill_all(&self) -> Result<Option<Vec<Pid>>> {
        let others: Vec<_> = self
            .processes()?
            .into_iter()
            .filter(|pid| *pid != Pid::this())
            .collect();
        for pid in &others {
            // One that ended between the listing and here is as good as killed.
            let _ = kill(*pid, Signal::SIGKILL);
        }
        Ok(if others.is_empty() { None } else { Some(others) })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }
}

/// A killed process stays in the namespace until the kernel has taken it apart.
fn wait_for_end(pid: Pid) {
    let status = format!("/proc/{pid}/stat");
    for _ in 0..500 {
        match std::fs::read_to_string(&status) {
            Ok(text) if !text.contains(") Z ") => std::thread::sleep(std::time::Duration::from_millis(10)),
            _ => return,
        }
    }
}
