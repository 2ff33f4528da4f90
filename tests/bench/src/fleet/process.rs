//! The operator's process, and what it takes.

use std::{
    fmt, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context as _, Error, Result, bail};

use crate::hosts::Fleet;

/// What the operator's hosts have noted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Pairs that were looked at.
    pub known: usize,
    /// The age of the last look, in seconds, that all but one in a hundred of the pairs are below whose hosts answer.
    pub oldest: f64,
    /// Steps that were sent.
    pub steps: usize,
}

impl Figures {
    /// Those of the moment.
    pub fn of(fleet: &Fleet) -> Self {
        let mut ages: Vec<_> = fleet.ages().into_iter().flatten().collect();
        ages.sort_by(f64::total_cmp);
        let at = (ages.len() * 99).div_ceil(100).saturating_sub(1);
        Self {
            known: fleet.known(),
            oldest: ages.get(at).copied().unwrap_or_default(),
            steps: fleet.steps(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { known, oldest, steps } = self;
        write!(formatter, "{known} {oldest} {steps}")
    }
}

impl FromStr for Figures {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let [known, oldest, steps] = *words.as_slice() else {
            bail!("{line:?} is no line of figures");
        };
        Ok(Self {
            known: known.parse()?,
            oldest: oldest.parse()?,
            steps: steps.parse()?,
        })
    }
}

/// A running operator. It ends with this.
pub struct Operator {
    process: Child,
    figures: Arc<Mutex<Figures>>,
}

impl Operator {
    /// Starts one.
    pub fn start(kubeconfig: &Path, uids: &Path, dead: usize) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("operator")
            .args([kubeconfig, uids])
            .arg(dead.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the operator")?;
        let lines = BufReader::new(process.stdout.take().context("the operator's output")?).lines();
        let figures = Arc::default();
        let last: Arc<Mutex<Figures>> = Arc::clone(&figures);
        thread::spawn(move || {
            for figures in lines.map_while(Result::ok).filter_map(|line| line.parse().ok()) {
                *last.lock().expect("no panic while figures are kept") = figures;
            }
        });
        Ok(Self { process, figures })
    }

    /// The last figures. Fails once the operator has ended.
    pub fn figures(&mut self) -> Result<Figures> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the operator has ended: {status}");
        }
        Ok(*self.figures.lock().expect("no panic while figures are kept"))
    }

    /// Its memory, in KiB.
    pub fn memory(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(number.context("no Rss")?.parse()?)
    }

    /// Processor's time until now, in seconds.
    pub fn processor(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // proc(5): the name, in parentheses, may hold anything; utime and stime are the twelfth and thirteenth word behind it.
        let (_, rest) = text.rsplit_once(") ").context("no name")?;
        let words = rest.split(' ').skip(11).take(2);
        let ticks: f64 = words.filter_map(|word| word.parse::<f64>().ok()).sum();
        // sysconf(_SC_CLK_TCK), which is 100 on every Linux there is.
        Ok(ticks / 100.0)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
