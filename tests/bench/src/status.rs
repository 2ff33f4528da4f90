//! How soon the status tells what happens on a host. The clock starts on the host, before the tool that makes it happen, and
//! stops when a watch of the object has the condition: the same machine's clock.

use std::{
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use hapair_lab::Config;
use hapair_world::{NAMESPACE, World, condition_of};
use serde_json::{Deserializer, Value};

use crate::{
    events::{EVENTS, Event, OBJECTS},
    spread::Spread,
};

/// Longer than any convergence.
const LONG: Duration = Duration::from_secs(900);
/// Far longer than an event may take to be told.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two events: what the one before has set off on the hosts is over.
const REST: Duration = Duration::from_secs(10);

/// Every event so often, and the percentiles.
pub fn run(rounds: usize, debian: String) -> Result<()> {
    let config = Config {
        name: "bench-status".into(),
        debian,
        with_packages: true,
        ..Config::default()
    };
    let mut world = World::up(config, |what| eprintln!("  {what}"))?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let watch = Watch::start(&world)?;
    let mut all = Spread::default();
    for round in 1..=rounds {
        for event in EVENTS {
            thread::sleep(REST);
            let took = time(&world, &watch, event)?;
            println!("round {round}: {:6.2} s  {}", took, event.name);
            all.add(took);
        }
    }
    println!(
        "{} events: p50 {:.2} s, p90 {:.2} s, p99 {:.2} s, the latest {:.2} s",
        all.len(),
        all.percentile(50),
        all.percentile(90),
        all.percentile(99),
        all.percentile(100)
    );
    Ok(())
}

/// Seconds from the event to its condition.
fn time(world: &World, watch: &Watch, event: &Event) -> Result<f64> {
    let Event { line, until, .. } = event;
    let script = match *until {
        "" => format!("date +%s.%N; {line} > /dev/null 2>&1"),
        until => format!("{line} > /dev/null 2>&1; {until}; date +%s.%N"),
    };
    let said = world.lab.run(1, &script)?;
    let happened: f64 = said.trim().parse().context("the host's time")?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(told) = watch.told(event, happened) {
            return Ok(told - happened);
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!(
        "{}: {} is not {:?} within {} s",
        event.name,
        event.condition,
        event.reason,
        LIMIT.as_secs()
    )
}

/// Every version of the objects, with the moment it came.
struct Watch {
    watches: Vec<(&'static str, Child, Versions)>,
}

type Versions = Arc<Mutex<Vec<(f64, Value)>>>;

impl Watch {
    fn start(world: &World) -> Result<Self> {
        let mut watches = Vec::new();
        for object in OBJECTS {
            let arguments = ["get", "-n", NAMESPACE, object, "-o", "json", "--watch"];
            let mut kubectl = world
                .cluster
                .kubectl(&arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .context("start kubectl")?;
            let stdout = kubectl.stdout.take().context("kubectl's output")?;
            let versions = Versions::default();
            let seen = versions.clone();
            thread::spawn(move || {
                for version in Deserializer::from_reader(stdout)
                    .into_iter()
                    .map_while(Result::ok)
                {
                    seen.lock()
                        .expect("no panic while a version is kept")
                        .push((now(), version));
                }
            });
            watches.push((object, kubectl, versions));
        }
        Ok(Self { watches })
    }

    /// When the condition was first so, since then.
    fn told(&self, event: &Event, since: f64) -> Option<f64> {
        let (.., versions) = self.watches.iter().find(|(object, ..)| *object == event.object)?;
        let versions = versions.lock().expect("no panic while a version is kept");
        let mut later = versions.iter().filter(|(at, _)| *at >= since);
        let (at, _) = later.find(|(_, version)| is_told(event, version))?;
        Some(*at)
    }
}

fn is_told(event: &Event, version: &Value) -> bool {
    condition_of(version, event.condition).is_some_and(|(status, reason, _)| match event.reason {
        Some(wanted) => status == "False" && reason == wanted,
        None => status == "True",
    })
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock that is set").as_secs_f64()
}

impl Drop for Watch {
    fn drop(&mut self) {
        for (_, kubectl, _) in &mut self.watches {
            let _ = kubectl.kill();
            let _ = kubectl.wait();
        }
    }
}
