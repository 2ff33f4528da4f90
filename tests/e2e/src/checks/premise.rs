//! What the checks of a pair at rest begin with: the service is on node1.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use hapair_world::World;

use super::{AT_ONCE, LONG, served_by};

/// What corosync writes when its own process was kept from running; the lines of the last minutes, in which
/// the service has moved.
const STARVED: &str = "journalctl -t corosync --since=-5min --no-pager -o short-iso | grep -F 'was not \
    scheduled for' | tail -1";

/// Whether a run has used its one excuse.
static EXCUSED: AtomicBool = AtomicBool::new(false);

/// The service is on node1. Where it has left it, that is a failure: nothing moves at rest. Unless the
/// machine below the hosts stood still for so long that one of them took the other for dead: the cluster did
/// right then, and the service is moved back. Twice in a run is no accident.
pub fn at_home(world: &World) -> Result<()> {
    let Err(away) = served_by(world, "node1", AT_ONCE) else {
        return Ok(());
    };
    served_by(world, "node2", AT_ONCE).context("the service left node1 at rest, and is not on node2")?;
    let lines = [world.lab.output(0, STARVED)?, world.lab.output(1, STARVED)?];
    let starved = lines
        .iter()
        .map(|seen| String::from_utf8_lossy(&seen.stdout).trim().to_owned())
        .find(|line| !line.is_empty());
    let line = starved
        .with_context(|| format!("{away:#}\nthe service left node1 at rest, and no host had stood still"))?;
    ensure!(
        !EXCUSED.swap(true, Ordering::Relaxed),
        "{away:#}\nthe service left node1 at rest for the second time ({line})"
    );
    println!("           the hosts stood still, and the service left node1; it is moved back ({line})");
    go_home(world)
}

/// Moves the service back to node1 where what was done before has moved it.
pub fn go_home(world: &World) -> Result<()> {
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    if served_by(world, "node1", AT_ONCE).is_err() {
        world.plugin(&["switchover"])?;
        served_by(world, "node1", AT_ONCE)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    }
    Ok(())
}
