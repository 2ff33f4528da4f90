//! Enough of a cluster: its members, and a scheduler that reads the CIB the operator wrote.

mod configuration;
mod membership;

use hapair_model::{Side, observed::Failure};

use configuration::{Chain, Configuration, PromotableClone};
pub use configuration::{bans, is_standby, links_down, primitives};
pub use membership::version;

use crate::{
    drbd, journal,
    machine::{Connection, DiskState, Leg},
    world::World,
};

/// Half a second of the cluster's life.
pub fn tick(world: &mut World) {
    membership::form(world);
    membership::fence(world);
    if world.joined {
        schedule(world, &Side::BOTH);
    } else {
        for side in Side::BOTH {
            if world.is_quorate(side) && !world.machines[side].memory.peer_unclean {
                schedule(world, &[side]);
            }
        }
    }
}

/// The next action of a partition, if it needs one.
fn schedule(world: &mut World, members: &[Side]) {
    world.since_change += 1;
    // The election of a DC.
    if world.since_change < 4 {
        return;
    }
    let Some(cib) = world.machines[members[0]].disk.cib.clone() else {
        return;
    };
    let configuration = Configuration { cib: &cib };
    let acted =
        stop_something(world, members, &configuration) || start_something(world, members, &configuration);
    if acted {
        world.since_change = 3;
    }
}

fn placement(
    world: &World,
    members: &[Side],
    configuration: &Configuration<'_>,
    chain: &Chain,
) -> Option<Side> {
    if chain.stopped {
        return None;
    }
    let may_run = |side: Side| {
        let node = &world.names[side];
        !configuration.is_standby(node) && configuration.score(&chain.id, node) > -1_000_000
    };
    let allowed = |side: &Side| {
        may_run(*side) && !(may_run(side.peer()) && configuration.prefers_the_other(world, &chain.id, *side))
    };
    if !chain.clones.is_empty() {
        let clones = configuration.clones();
        let promoted = |side: &Side| {
            chain.clones.iter().all(|id| {
                let clone = clones.iter().find(|clone| clone.id == *id);
                clone.is_some_and(|clone| {
                    !clone.stopped && role(world, *side, &clone.primitive) == Some("Promoted")
                })
            })
        };
        let holder = members
            .iter()
            .copied()
            .find(|side| promoted(side))
            .filter(allowed)?;
        let leaving = clones
            .iter()
            .any(|clone| chain.clones.contains(&clone.id) && !may_hold(world, configuration, clone, holder));
        return (!leaving).then_some(holder);
    }
    let current = members
        .iter()
        .copied()
        .find(|side| chain.members.iter().any(|id| role(world, *side, id).is_some()));
    let best = || {
        members.iter().copied().filter(allowed).max_by_key(|side| {
            (
                configuration.score(&chain.id, &world.names[*side]),
                *side == Side::First,
            )
        })
    };
    current.filter(allowed).or_else(best)
}

fn role(world: &World, side: Side, id: &str) -> Option<&'static str> {
    world.machines[side].memory.resources.get(id).copied()
}

fn may_hold(world: &World, configuration: &Configuration<'_>, clone: &PromotableClone, side: Side) -> bool {
    let is_able = |side: Side| {
        let node = &world.names[side];
        !clone.stopped && !configuration.is_standby(node) && !configuration.is_banned(&clone.id, node)
    };
    let has_data = |side: Side| {
        let leg = world.machines[side].memory.legs.get(&clone.resource);
        leg.is_some_and(|leg| leg.disk == DiskState::UpToDate)
    };
    let chains = configuration.chains();
    let mut with = chains.iter().filter(|chain| chain.clones.contains(&clone.id));
    let goes_away = is_able(side.peer())
        && has_data(side.peer())
        && with.any(|chain| configuration.prefers_the_other(world, &chain.id, side));
    is_able(side) && !goes_away
}

fn stop_something(world: &mut World, members: &[Side], configuration: &Configuration<'_>) -> bool {
    let known = primitives(configuration.cib);
    for side in members.iter().copied() {
        let orphan = world.machines[side]
            .memory
            .resources
            .keys()
            .find(|id| !known.contains(id))
            .cloned();
        if let Some(id) = orphan {
            if role(world, side, &id) == Some("Promoted") {
                world.broken.push(format!(
                    "{id} was removed from the configuration while it is promoted: it can never be demoted"
                ));
            }
            stop(world, side, &id);
            return true;
        }
    }
    for chain in configuration.chains() {
        let place = placement(world, members, configuration, &chain);
        for side in members.iter().copied().filter(|side| Some(*side) != place) {
            if let Some(id) = chain
                .members
                .iter()
                .rev()
                .find(|id| role(world, side, id).is_some())
            {
                stop(world, side, id);
                return true;
            }
        }
    }
    for clone in configuration.clones() {
        for side in members.iter().copied() {
            // A probe finds what was brought up before the cluster started.
            if world.machines[side].memory.legs.contains_key(&clone.resource)
                && role(world, side, &clone.primitive).is_none()
            {
                world.machines[side]
                    .memory
                    .resources
                    .insert(clone.primitive.clone(), "Unpromoted");
            }
            let used = configuration.chains().iter().any(|chain| {
                chain.clones.contains(&clone.id)
                    && chain.members.iter().any(|id| role(world, side, id).is_some())
            });
            match role(world, side, &clone.primitive) {
                Some("Promoted") if !used && !may_hold(world, configuration, &clone, side) => {
                    drbd::demote(&mut world.machines[side], &clone.resource);
                    journal::operation(world, side, "demote", &clone.primitive);
                    let connected =
                        world.connection(side.peer(), &clone.resource) == Some(Connection::Connected);
                    if connected {
                        let told = format!("drbd {}/0 drbd0: peer( Primary -> Secondary ) ", clone.resource);
                        journal::write(world, side.peer(), "kernel", told);
                    }
                    world.machines[side]
                        .memory
                        .resources
                        .insert(clone.primitive.clone(), "Unpromoted");
                    return true;
                }
                Some("Unpromoted") if clone.stopped || configuration.is_standby(&world.names[side]) => {
                    drbd::down(world, side, &clone.resource);
                    world.machines[side].memory.resources.remove(&clone.primitive);
                    return true;
                }
                _ => {}
            }
        }
    }
    for id in configuration.watches() {
        for side in members.iter().copied() {
            if configuration.is_standby(&world.names[side]) && role(world, side, &id).is_some() {
                stop(world, side, &id);
                return true;
            }
        }
    }
    for id in configuration.fence_devices() {
        for side in members.iter().copied() {
            let node = &world.names[side];
            let unwanted = configuration.score(&id, node) <= -1_000_000 || configuration.is_standby(node);
            if unwanted && role(world, side, &id).is_some() {
                stop(world, side, &id);
                return true;
            }
        }
    }
    false
}

fn stop(world: &mut World, side: Side, id: &str) {
    let memory = &mut world.machines[side].memory;
    memory.resources.remove(id);
    if id.starts_with("ip-") {
        memory.addresses.remove(id);
    }
    journal::operation(world, side, "stop", id);
}

fn start_something(world: &mut World, members: &[Side], configuration: &Configuration<'_>) -> bool {
    for id in configuration.fence_devices() {
        let running = members.iter().any(|side| role(world, *side, &id).is_some());
        let place = members.iter().copied().find(|side| {
            let node = &world.names[*side];
            configuration.score(&id, node) > -1_000_000 && !configuration.is_standby(node)
        });
        if let Some(side) = place.filter(|_| !running && !has_failed(world, &id)) {
            world.machines[side].memory.resources.insert(id, "Started");
            return true;
        }
    }
    for id in configuration.watches() {
        for side in members.iter().copied() {
            if role(world, side, &id).is_none() && !configuration.is_standby(&world.names[side]) {
                start(world, side, &id, configuration);
                return true;
            }
        }
    }
    for clone in configuration.clones().into_iter().filter(|clone| !clone.stopped) {
        for side in members.iter().copied() {
            if role(world, side, &clone.primitive).is_none()
                && !configuration.is_standby(&world.names[side])
                && !has_failed(world, &clone.primitive)
            {
                match drbd::up(&mut world.machines[side], &clone.resource) {
                    Ok(()) => drop(
                        world.machines[side]
                            .memory
                            .resources
                            .insert(clone.primitive.clone(), "Unpromoted"),
                    ),
                    Err(message) => fail(world, side, &clone.primitive, "start", message),
                }
                return true;
            }
        }
        let promoted = members
            .iter()
            .any(|side| role(world, *side, &clone.primitive) == Some("Promoted"));
        if !promoted && let Some(side) = candidate(world, members, configuration, &clone) {
            if drbd::promote(world, side, &clone.resource).is_ok() {
                world.machines[side]
                    .memory
                    .resources
                    .insert(clone.primitive.clone(), "Promoted");
                journal::operation(world, side, "promote", &clone.primitive);
            }
            return true;
        }
    }
    for chain in configuration.chains() {
        let Some(side) = placement(world, members, configuration, &chain) else {
            continue;
        };
        let missing = chain.members.iter().find(|id| role(world, side, id).is_none());
        if let Some(id) = missing.filter(|id| !has_failed(world, id)).cloned() {
            start(world, side, &id, configuration);
            return true;
        }
    }
    false
}

/// The best leg: current data, and of two such the one the group prefers.
fn candidate(
    world: &World,
    members: &[Side],
    configuration: &Configuration<'_>,
    clone: &PromotableClone,
) -> Option<Side> {
    let chains = configuration.chains();
    let preference = |side: Side| -> i64 {
        let with = chains.iter().filter(|chain| chain.clones.contains(&clone.id));
        with.map(|chain| configuration.score(&chain.id, &world.names[side]))
            .sum()
    };
    let leg = |side: Side| -> Option<&Leg> { world.machines[side].memory.legs.get(&clone.resource) };
    let companion = configuration.companion(&clone.id);
    let with_companion = |side: Side| {
        companion
            .as_ref()
            .is_none_or(|other| role(world, side, &other.primitive) == Some("Promoted"))
    };
    let able = members.iter().copied().filter(|side| {
        role(world, *side, &clone.primitive) == Some("Unpromoted")
            && may_hold(world, configuration, clone, *side)
            && with_companion(*side)
            && leg(*side).is_some_and(|leg| matches!(leg.disk, DiskState::UpToDate | DiskState::Consistent))
    });
    able.max_by_key(|side| {
        (
            leg(*side).map(|leg| leg.disk == DiskState::UpToDate),
            preference(*side),
            *side == Side::First,
        )
    })
}

fn has_failed(world: &World, id: &str) -> bool {
    world.failures.iter().any(|failure| failure.resource == id)
}

fn fail(world: &mut World, side: Side, id: &str, task: &str, message: String) {
    let node = world.names[side].clone();
    world.failures.push(Failure {
        resource: id.into(),
        task: task.into(),
        node,
        message,
        passed: None,
        missing_at: None,
    });
}

fn start(world: &mut World, side: Side, id: &str, configuration: &Configuration<'_>) {
    if let Some(message) = world.agent_trouble.get(id).cloned() {
        return fail(world, side, id, "start", message);
    }
    let primitive = configuration
        .cib
        .all()
        .into_iter()
        .find(|each| each.id() == Some(id))
        .cloned();
    let Some(primitive) = primitive else { return };
    if id.starts_with("filesystem-") {
        let volume = id.trim_start_matches("filesystem-");
        if drbd::content_label(&world.machines[side], volume).as_deref() != Some("hapair") {
            return fail(
                world,
                side,
                id,
                "start",
                "there is no complete file system".into(),
            );
        }
    }
    if id.starts_with("fence-") && !world.bmc_works[side.peer()] {
        return fail(world, side, id, "start", "the device does not answer".into());
    }
    if id.starts_with("ip-") {
        world.machines[side].memory.addresses.insert(id.to_owned());
    }
    // Every node is probed for a new resource, and a unit that runs where the cluster did not start it is
    // stopped.
    if let Some(unit) = primitive
        .get("type")
        .filter(|_| primitive.get("class") == Some("systemd"))
    {
        for side in Side::BOTH {
            world.machines[side].memory.active.remove(unit);
        }
    }
    debug_assert!(primitive.name == "primitive");
    world.machines[side]
        .memory
        .resources
        .insert(id.to_owned(), "Started");
    journal::operation(world, side, "start", id);
}
