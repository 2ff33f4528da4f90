//! DRBD between two machines, as far as its promises go: generations, resync, what a Primary does without its
//! peer.
//!
//! Rules from the DRBD user's guide ("The DRBD generation identifier") and drbd_receiver.c of 8.4
//! (`drbd_uuid_compare`).

use hapair_model::{Both, Side, plan::FollowUp};

use crate::{
    machine::{Connection, DiskState, Leg, Machine, Metadata},
    world::World,
};

/// Seconds that copying the differences takes.
const RESYNC: u32 = 3;

/// Who has to give whom what, when two legs meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    /// Neither ever held data.
    BothBlank,
    /// The same data.
    Same,
    /// This side has the newer data.
    SyncFrom(Side),
    /// Diverged.
    SplitBrain,
}

fn meeting(first: &Metadata, second: &Metadata) -> Meeting {
    let knows = |newer: &Metadata, older: &Metadata| {
        newer.bitmap == older.current || newer.history.contains(&older.current)
    };
    match (first.is_blank(), second.is_blank()) {
        (true, true) => Meeting::BothBlank,
        (true, false) => Meeting::SyncFrom(Side::Second),
        (false, true) => Meeting::SyncFrom(Side::First),
        (false, false) if first.current == second.current => match (first.primary, second.primary) {
            (true, false) => Meeting::SyncFrom(Side::First),
            (false, true) => Meeting::SyncFrom(Side::Second),
            _ if !first.consistent => Meeting::SyncFrom(Side::Second),
            _ if !second.consistent => Meeting::SyncFrom(Side::First),
            _ => Meeting::Same,
        },
        (false, false)
            if knows(first, second)
                && (first.bitmap == 0 || second.bitmap == 0 || first.bitmap == second.current) =>
        {
            Meeting::SyncFrom(Side::First)
        }
        (false, false) if knows(second, first) => Meeting::SyncFrom(Side::Second),
        (false, false) => Meeting::SplitBrain,
    }
}

/// Brings a resource up as its file says, or adjusts it.
pub fn up(machine: &mut Machine, resource: &str) -> Result<(), String> {
    let path = format!("/etc/drbd.d/{resource}.res");
    let file = machine
        .disk
        .files
        .get(&path)
        .ok_or_else(|| format!("'{resource}' not defined in your config"))?;
    let text = String::from_utf8_lossy(&file.content).into_owned();
    let (device, minor) = own_section(&text, &machine.disk.hostname)?;
    let is_due = machine
        .disk
        .pending
        .contains(&FollowUp::Attach(resource.to_owned()).mark());
    let disk = state_on(machine, &device);
    if let Some(leg) = machine.memory.legs.get_mut(resource) {
        if leg.connection == Connection::StandAlone {
            leg.connection = Connection::Connecting;
        }
        if leg.disk == DiskState::Diskless && is_due {
            // It meets its peer anew, which tells the two what has to be copied.
            (leg.device, leg.disk, leg.connection) = (device, disk?, Connection::Connecting);
        }
        return Ok(());
    }
    let disk = disk?;
    let leg = Leg {
        device,
        minor,
        primary: false,
        connection: Connection::Configured,
        disk,
        resync: 0,
        frozen: false,
    };
    machine.memory.legs.insert(resource.to_owned(), leg);
    Ok(())
}

/// What a leg's disk is when it is attached: what its metadata says.
fn state_on(machine: &Machine, device: &str) -> Result<DiskState, String> {
    let metadata = machine
        .disk
        .devices
        .get(device)
        .and_then(|device| device.metadata.as_ref());
    Ok(
        match metadata.ok_or_else(|| format!("no valid meta data found on {device}"))? {
            metadata if metadata.is_blank() || !metadata.consistent => DiskState::Inconsistent,
            metadata if metadata.outdated => DiskState::Outdated,
            _ => DiskState::Consistent,
        },
    )
}

/// A leg gives its disk up. A Primary that it is connected to goes on with data of its own.
pub fn detach(world: &mut World, side: Side, resource: &str) {
    let is_primary = |leg: &Leg| leg.primary;
    if world.machines[side.peer()]
        .memory
        .legs
        .get(resource)
        .is_some_and(is_primary)
    {
        new_generation(world, side.peer(), resource);
    }
    if let Some(metadata) = world.machines[side].metadata_mut(resource) {
        metadata.outdated = true;
    }
    if let Some(leg) = world.machines[side].memory.legs.get_mut(resource) {
        if leg.primary {
            world
                .broken
                .push(format!("{resource}: the Primary loses its disk"));
        }
        (leg.disk, leg.resync) = (DiskState::Diskless, 0);
    }
}

/// The device and minor number that a resource file gives a host.
fn own_section(text: &str, hostname: &str) -> Result<(String, u32), String> {
    let section = text
        .split(&format!("on {hostname} {{"))
        .nth(1)
        .ok_or_else(|| format!("no section for {hostname}"))?;
    let value = |key: &str| {
        section
            .split(&format!("{key} "))
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .map(str::trim)
    };
    let device = value("    disk").ok_or("no disk")?.to_owned();
    let minor = value("minor")
        .and_then(|minor| minor.parse().ok())
        .ok_or("no minor")?;
    Ok((device, minor))
}

/// Why a leg cannot become Primary, if it cannot. Without its peer it first makes sure of the peer's fate,
/// through the cluster.
pub fn promote(world: &mut World, side: Side, resource: &str) -> Result<(), String> {
    let peer_is_primary = world.machines[side.peer()]
        .memory
        .legs
        .get(resource)
        .is_some_and(|leg| leg.primary);
    let Some(leg) = world.machines[side].memory.legs.get(resource).cloned() else {
        return Err(format!("{resource} is not up"));
    };
    if leg.connection == Connection::Connected {
        if peer_is_primary {
            return Err("Multiple primaries not allowed by config".into());
        }
        if leg.disk != DiskState::UpToDate {
            return Err("Need access to UpToDate data".into());
        }
        set_primary(world, side, resource);
        return Ok(());
    }
    if !matches!(leg.disk, DiskState::UpToDate | DiskState::Consistent) {
        return Err("Need access to UpToDate data".into());
    }
    if !fence_peer(world, side, resource) {
        return Err("the peer's fate is not known".into());
    }
    set_primary(world, side, resource);
    new_generation(world, side, resource);
    Ok(())
}

fn set_primary(world: &mut World, side: Side, resource: &str) {
    let machine = &mut world.machines[side];
    if let Some(leg) = machine.memory.legs.get_mut(resource) {
        leg.primary = true;
        leg.disk = DiskState::UpToDate;
    }
    if let Some(metadata) = machine.metadata_mut(resource) {
        metadata.primary = true;
        metadata.outdated = false;
    }
}

/// A leg becomes Secondary.
pub fn demote(machine: &mut Machine, resource: &str) {
    if let Some(leg) = machine.memory.legs.get_mut(resource) {
        leg.primary = false;
    }
    if let Some(metadata) = machine.metadata_mut(resource) {
        metadata.primary = false;
    }
}

/// A leg goes down in order: a Primary that it is connected to is told to go on alone, and the leg knows that
/// its data grows old (`conn_try_disconnect`, drbd_nl.c of 8.4).
pub fn down(world: &mut World, side: Side, resource: &str) {
    let was_connected = world.machines[side]
        .memory
        .legs
        .get(resource)
        .is_some_and(|leg| leg.connection == Connection::Connected);
    let peer = world.machines[side.peer()]
        .memory
        .legs
        .get_mut(resource)
        .filter(|leg| was_connected && leg.primary);
    if let Some(peer) = peer {
        peer.connection = Connection::Connecting;
        new_generation(world, side.peer(), resource);
        if let Some(metadata) = world.machines[side].metadata_mut(resource) {
            metadata.outdated = true;
        }
    }
    world.machines[side].memory.legs.remove(resource);
}

/// What a Primary does before it goes on without its peer.
fn new_generation(world: &mut World, side: Side, resource: &str) {
    let fresh = world.fresh_generation();
    if let Some(metadata) = world.machines[side].metadata_mut(resource)
        && metadata.bitmap == 0
    {
        metadata.bitmap = metadata.current;
        metadata.current = fresh;
    }
}

/// hapair-fence-peer: whether the cluster vouches that the peer is off, or has been told not to promote it.
fn fence_peer(world: &mut World, side: Side, resource: &str) -> bool {
    if !world.is_quorate(side) || world.machines[side].memory.peer_unclean {
        return false;
    }
    world.forbid_promotion(side, resource);
    true
}

/// Whether both legs are connected and have the same data.
pub fn is_equal(world: &World, resource: &str) -> bool {
    world.machines.all(|machine| {
        let leg = machine.memory.legs.get(resource);
        leg.is_some_and(|leg| leg.connection == Connection::Connected && leg.disk == DiskState::UpToDate)
    })
}

/// Half a second of DRBD's life.
pub fn tick(world: &mut World) {
    let names: Vec<String> = Side::BOTH
        .iter()
        .flat_map(|side| world.machines[*side].memory.legs.keys().cloned())
        .collect();
    for resource in names {
        one(world, &resource);
    }
}

fn one(world: &mut World, resource: &str) {
    let up = Both::from_fn(|side| world.machines[side].memory.legs.contains_key(resource));
    let connection = |world: &World, side: Side| world.connection(side, resource);
    for side in Side::BOTH {
        if let Some(leg) = world.machines[side]
            .memory
            .legs
            .get_mut(resource)
            .filter(|leg| leg.connection == Connection::Configured)
        {
            leg.connection = Connection::Connecting;
        }
    }
    let wired = up.all(|up| *up) && world.replication_works();
    for side in Side::BOTH {
        if connection(world, side) == Some(Connection::Connected)
            && !(wired && connection(world, side.peer()) == Some(Connection::Connected))
        {
            lose_peer(world, side, resource);
        }
    }
    if wired
        && Side::BOTH
            .iter()
            .all(|side| connection(world, *side) == Some(Connection::Connecting))
    {
        meet(world, resource);
    }
    for side in Side::BOTH {
        resync(world, side, resource);
        let frozen = world.machines[side]
            .memory
            .legs
            .get(resource)
            .is_some_and(|leg| leg.frozen);
        if frozen && fence_peer(world, side, resource) {
            new_generation(world, side, resource);
            if let Some(leg) = world.machines[side].memory.legs.get_mut(resource) {
                leg.frozen = false;
            }
        }
    }
}

fn lose_peer(world: &mut World, side: Side, resource: &str) {
    let fencing = world.machines[side]
        .disk
        .files
        .get(&format!("/etc/drbd.d/{resource}.res"));
    let fencing =
        fencing.is_some_and(|file| String::from_utf8_lossy(&file.content).contains("resource-and-stonith"));
    let Some(leg) = world.machines[side].memory.legs.get_mut(resource) else {
        return;
    };
    leg.connection = Connection::Connecting;
    leg.resync = 0;
    if !leg.primary {
        return;
    }
    leg.frozen = fencing;
    if !fencing {
        new_generation(world, side, resource);
    }
}

fn meet(world: &mut World, resource: &str) {
    let metadata = Both::from_fn(|side| world.machines[side].metadata(resource).cloned());
    let Some(metadata) = metadata.complete() else {
        return;
    };
    let found = meeting(&metadata.first, &metadata.second);
    for side in Side::BOTH {
        let Some(leg) = world.machines[side].memory.legs.get_mut(resource) else {
            continue;
        };
        leg.connection = if found == Meeting::SplitBrain {
            Connection::StandAlone
        } else {
            Connection::Connected
        };
        match found {
            Meeting::BothBlank | Meeting::SplitBrain => {}
            Meeting::Same => leg.disk = DiskState::UpToDate,
            Meeting::SyncFrom(source) if source == side => {
                leg.disk = DiskState::UpToDate;
                leg.frozen = false;
            }
            Meeting::SyncFrom(_) => {
                if leg.primary {
                    world.broken.push(format!(
                        "{resource}: the Primary would be overwritten by its peer"
                    ));
                }
                (leg.disk, leg.resync) = (DiskState::Inconsistent, RESYNC * 2);
                if let Some(metadata) = world.machines[side].metadata_mut(resource) {
                    metadata.consistent = false;
                }
            }
        }
    }
    if found == Meeting::SplitBrain {
        return;
    }
    for side in Side::BOTH {
        let primary = world.machines[side]
            .memory
            .legs
            .get(resource)
            .is_some_and(|leg| leg.primary);
        if let Some(metadata) = world.machines[side].metadata_mut(resource) {
            metadata.primary = primary;
            metadata.outdated &= found != Meeting::Same;
        }
    }
}

fn resync(world: &mut World, target: Side, resource: &str) {
    let Some(leg) = world.machines[target].memory.legs.get_mut(resource) else {
        return;
    };
    if leg.resync == 0 || leg.connection != Connection::Connected {
        return;
    }
    leg.resync -= 1;
    if leg.resync > 0 {
        return;
    }
    leg.disk = DiskState::UpToDate;
    let source = target.peer();
    let current = world.machines[source]
        .metadata(resource)
        .map_or(0, |metadata| metadata.current);
    let records = world.machines[source]
        .records_mut(resource)
        .cloned()
        .unwrap_or_default();
    let label = content_label(&world.machines[source], resource);
    if let Some(metadata) = world.machines[source].metadata_mut(resource)
        && metadata.bitmap != 0
    {
        metadata.history.push(metadata.bitmap);
        metadata.bitmap = 0;
    }
    if let Some(metadata) = world.machines[target].metadata_mut(resource) {
        if !metadata.is_blank() && metadata.current != current {
            metadata.history.push(metadata.current);
        }
        (
            metadata.current,
            metadata.bitmap,
            metadata.consistent,
            metadata.outdated,
            metadata.primary,
        ) = (current, 0, true, false, false);
    }
    if let Some(own) = world.machines[target].records_mut(resource) {
        *own = records;
    }
    let device = world.machines[target].memory.legs[resource].device.clone();
    if let Some(device) = world.machines[target].device_mut(&device) {
        device.label = label;
    }
    if !world.loses_unfencing {
        world.allow_promotion(resource);
    }
}

/// The label of the file system on a leg.
pub fn content_label(machine: &Machine, resource: &str) -> Option<String> {
    let leg = machine.memory.legs.get(resource)?;
    machine.disk.devices.get(&leg.device)?.label.clone()
}
