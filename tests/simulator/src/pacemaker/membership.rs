//! Who is in the cluster, and who is fenced.

use hapair_model::{Side, xml::Element};

use crate::{journal, world::World};

/// Ticks until the node that runs nothing shoots; the one that serves shoots first (priority-fencing-delay).
const FENCING: u32 = 8;

/// Nodes that can hear each other are one cluster.
pub fn form(world: &mut World) {
    let together =
        Side::BOTH.iter().all(|side| world.machines[*side].is_clustered()) && world.corosync_works();
    match (world.joined, together) {
        (false, true) => join(world),
        (true, false) => part(world),
        _ => {}
    }
}

fn join(world: &mut World) {
    world.joined = true;
    world.since_change = 0;
    for side in Side::BOTH {
        world.machines[side].memory.met_peer = true;
        world.machines[side].memory.peer_unclean = false;
        let number = number(side.peer());
        let formed = format!("  [TOTEM ] A new membership (1.{number}) was formed. Members joined: {number}");
        journal::write(world, side, "corosync", formed);
    }
    let version = |side: Side| world.machines[side].disk.cib.as_ref().map(version);
    let newer = if version(Side::Second) > version(Side::First) {
        Side::Second
    } else {
        Side::First
    };
    world.machines[newer.peer()].disk.cib = world.machines[newer].disk.cib.clone();
}

/// A CIB's version, as pacemaker compares it.
pub fn version(cib: &Element) -> (u64, u64) {
    let number = |name: &str| cib.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    (number("admin_epoch"), number("epoch"))
}

fn part(world: &mut World) {
    world.joined = false;
    world.since_change = 0;
    for side in Side::BOTH {
        let left_in_order = world.machines[side.peer()].left_in_order;
        if world.machines[side].is_clustered() {
            world.machines[side].memory.peer_unclean = !left_in_order && is_fenced(world, side);
            if !left_in_order {
                let noticed = "  [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms), waiting 3600ms for \
                               consensus.";
                journal::write(world, side, "corosync", noticed.into());
            }
            let number = number(side.peer());
            let formed =
                format!("  [TOTEM ] A new membership (1.{number}) was formed. Members left: {number}");
            journal::write(world, side, "corosync", formed);
        }
    }
}

/// A node's id in corosync.
fn number(side: Side) -> usize {
    if side == Side::First { 1 } else { 2 }
}

fn is_fenced(world: &World, side: Side) -> bool {
    option(world.machines[side].disk.cib.as_ref(), "stonith-enabled") == Some("true")
}

fn option<'a>(cib: Option<&'a Element>, name: &str) -> Option<&'a str> {
    let config = cib?.at(&["configuration", "crm_config"])?;
    config
        .all()
        .into_iter()
        .find(|each| each.get("name") == Some(name))?
        .get("value")
}

/// A node that has lost its peer shoots it, where it may.
pub fn fence(world: &mut World) {
    let shooters: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|side| world.machines[*side].memory.peer_unclean && world.is_quorate(*side))
        .collect();
    if shooters.is_empty() {
        world.fence_timer = 0;
        return;
    }
    world.fence_timer += 1;
    if world.fence_timer == 1 {
        for side in &shooters {
            let target = world.names[side.peer()].clone();
            let asked = format!(" notice: Requesting fencing (reboot) of node {target}");
            journal::write(world, *side, "pacemaker-controld", asked);
        }
    }
    if world.fence_timer < FENCING {
        return;
    }
    let serves = |side: &Side| {
        world.machines[*side]
            .memory
            .resources
            .values()
            .any(|role| *role == "Promoted")
    };
    let Some(shooter) = shooters
        .iter()
        .find(|side| serves(side))
        .or(shooters.first())
        .copied()
    else {
        return;
    };
    let target = shooter.peer();
    let name = world.names[target].clone();
    let device = world.machines[shooter]
        .disk
        .cib
        .as_ref()
        .is_some_and(|cib| cib.to_string().contains(&format!("fence-{name}-1")));
    if !device || !world.bmc_works[target] {
        return;
    }
    world.fence_timer = 0;
    let by = &world.names[shooter];
    let done = format!(
        " notice: Operation 'reboot' targeting {name} by {by} for pacemaker-controld.1@{by}: OK (complete)"
    );
    journal::write(world, shooter, "pacemaker-fenced", done);
    world.fenced.push(name);
    world.machines[target].cut_power();
    world.machines[target].start();
    world.machines[shooter].memory.peer_unclean = false;
}
