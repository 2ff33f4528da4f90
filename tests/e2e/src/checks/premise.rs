//! What the checks of a pair at rest begin with: the service is on node1.

use anyhow::{Result, bail};
use hapair_world::World;

use super::{AT_ONCE, LONG, served_by};

/// What corosync writes when it was kept from running, or its peer was.
const STARVED: &str =
    "journalctl -t corosync --no-pager -o short-iso | grep -E 'Token has not been received|was not scheduled|token timed out' | tail -1";

/// The service is on node1. Where it has left it, that is a failure: nothing moves at rest. Unless the machine below the hosts stood still for so
/// long that one of them took the other for dead: the cluster did right then, and the service is moved back.
pub fn at_home(world: &World) -> Result<()> {
    let Err(away) = served_by(world, "node1", AT_ONCE) else { return Ok(()) };
    let starved = (0..2).find_map(|node| world.lab.run(node, STARVED).ok().filter(|line| !line.is_empty()));
    let Some(line) = starved else { bail!("{away:#}\nthe service left node1 at rest, and no host had stood still") };
    println!("           the hosts stood still, and the service left node1; it is moved back ({})", line.trim());
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world.plugin(&["switchover"])?;
    served_by(world, "node1", AT_ONCE)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}
