//! The journals of the two machines: what corosync, pacemaker and DRBD say of a failover, in the words of the versions in
//! Debian 12 and 13.

use hapair_model::{
    Side,
    host::{JournalQuery, Line},
};

use crate::world::World;

/// How long a tick is, in microseconds.
const TICK: u64 = 500_000;
/// What the two clocks show when the world begins, in microseconds since 1970: nobody has set them.
const CLOCKS: [u64; 2] = [1_795_000_000_000_000, 1_795_003_600_000_000];

/// A line in a machine's journal.
pub fn write(world: &mut World, side: Side, source: &str, message: String) {
    let line = Line {
        time: clock(world, side),
        source: source.into(),
        priority: 5,
        message,
    };
    world.machines[side].disk.journal.push(line);
}

/// What the controller says of an operation that goes well.
pub fn operation(world: &mut World, side: Side, task: &str, resource: &str) {
    let node = world.names[side].clone();
    for what in ["Requesting local execution of", "Result of"] {
        let result = if what == "Result of" { ": ok" } else { "" };
        let message = format!(" notice: {what} {task} operation for {resource} on {node}{result}");
        write(world, side, "pacemaker-controld", message);
    }
}

/// The lines that are asked for.
pub fn read(world: &World, side: Side, query: &JournalQuery) -> Vec<Line> {
    let since = clock(world, side).saturating_sub(u64::from(query.seconds) * 1_000_000);
    let lines = world.machines[side].disk.journal.iter();
    let lines: Vec<_> = lines.filter(|line| line.time >= since).cloned().collect();
    let most = query.lines as usize + 1;
    lines[lines.len().saturating_sub(most)..].to_vec()
}

fn clock(world: &World, side: Side) -> u64 {
    let start = match side {
        Side::First => CLOCKS[0],
        Side::Second => CLOCKS[1],
    };
    start + world.ticks * TICK
}
