//! Enough of a cluster: membership, quorum, fencing, and a scheduler that reads the CIB the operator wrote.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Side,
    observed::{Ban, Failure},
    xml::Element,
};

use crate::{
    drbd,
    machine::{DiskState, Leg},
    world::World,
};

/// Ticks until the node that runs nothing shoots; the one that serves shoots first (priority-fencing-delay).
const FENCING: u32 = 8;

/// Half a second of the cluster's life.
pub fn tick(world: &mut World) {
    membership(world);
    fencing(world);
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

fn membership(world: &mut World) {
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
        }
    }
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

fn fencing(world: &mut World) {
    let shooters: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|side| world.machines[*side].memory.peer_unclean && world.is_quorate(*side))
        .collect();
    if shooters.is_empty() {
        world.fence_timer = 0;
        return;
    }
    world.fence_timer += 1;
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
    world.fenced.push(name);
    world.machines[target].cut_power();
    world.machines[target].start();
    world.machines[shooter].memory.peer_unclean = false;
}

/// The constraints that keep something off a node.
pub fn bans(cib: &Element, names: &Both<String>) -> Vec<Ban> {
    let configuration = Configuration { cib };
    let mut bans = Vec::new();
    for each in configuration
        .constraints()
        .into_iter()
        .filter(|each| each.name == "rsc_location")
    {
        for (_, node) in names.iter() {
            let forbidden = each.get("node") == Some(node) && each.get("score") == Some("-INFINITY");
            if forbidden || each.get("only").is_some_and(|only| only != node) {
                let text = |name: &str| each.get(name).unwrap_or_default().to_owned();
                bans.push(Ban {
                    id: text("id"),
                    resource: text("rsc"),
                    node: node.clone(),
                });
            }
        }
    }
    bans
}

/// The node attributes that the agent `link` has set to 0 on this node.
pub fn links_down(world: &World, cib: &Element, side: Side) -> BTreeSet<String> {
    let watches = Configuration { cib }.watches();
    let tells = watches.into_iter().filter(|id| role(world, side, id).is_some());
    tells.filter(|_| !world.client_links[side]).collect()
}

/// What the configuration wants to run.
struct Configuration<'a> {
    cib: &'a Element,
}

struct PromotableClone {
    id: String,
    primitive: String,
    resource: String,
    stopped: bool,
}

struct Chain {
    id: String,
    members: Vec<String>,
    clones: Vec<String>,
    stopped: bool,
}

impl Configuration<'_> {
    fn resources(&self) -> Vec<&Element> {
        self.cib
            .at(&["configuration", "resources"])
            .map(|all| all.children.iter().collect())
            .unwrap_or_default()
    }

    fn constraints(&self) -> Vec<&Element> {
        self.cib
            .at(&["configuration", "constraints"])
            .map(|all| all.children.iter().collect())
            .unwrap_or_default()
    }

    fn clones(&self) -> Vec<PromotableClone> {
        let clones = self.resources().into_iter().filter(|each| each.name == "clone");
        clones
            .filter_map(|clone| {
                let primitive = clone.first("primitive")?;
                Some(PromotableClone {
                    id: clone.id()?.to_owned(),
                    primitive: primitive.id()?.to_owned(),
                    resource: attribute(primitive, "drbd_resource")?.to_owned(),
                    stopped: is_stopped(clone),
                })
            })
            .collect()
    }

    /// What watches an interface, as a clone: the attribute has the same name.
    fn watches(&self) -> Vec<String> {
        let clones = self.resources().into_iter().filter(|each| each.name == "clone");
        let primitives = clones.filter_map(|clone| clone.first("primitive"));
        let watches = primitives.filter(|each| each.get("type") == Some("link"));
        watches.filter_map(Element::id).map(str::to_owned).collect()
    }

    /// Whether a rule prefers the other node, of two that are there: this one has lost a link that the other has.
    fn prefers_the_other(&self, world: &World, resource: &str, side: Side) -> bool {
        let rules = self.constraints().into_iter().filter(|each| {
            each.name == "rsc_location" && each.get("rsc") == Some(resource) && each.first("rule").is_some()
        });
        let attributes: BTreeSet<_> = rules
            .flat_map(Element::all)
            .filter_map(|each| each.get("attribute"))
            .collect();
        let lost = |side: Side| {
            let down = links_down(world, self.cib, side);
            attributes.iter().filter(|each| down.contains(**each)).count()
        };
        world.joined && lost(side) > lost(side.peer())
    }

    /// Groups, and primitives that stand alone.
    fn chains(&self) -> Vec<Chain> {
        let mut chains = Vec::new();
        for each in self.resources() {
            let members = match each.name.as_str() {
                "group" => each
                    .children
                    .iter()
                    .filter(|child| child.name == "primitive")
                    .collect(),
                "primitive" if each.get("class") != Some("stonith") => vec![each],
                _ => continue,
            };
            let id = each.id().unwrap_or_default().to_owned();
            let with = self
                .constraints()
                .into_iter()
                .filter(|one| one.name == "rsc_colocation" && one.get("rsc") == Some(&id));
            let clones = with
                .filter_map(|one| one.get("with-rsc"))
                .map(str::to_owned)
                .collect();
            let members = members
                .into_iter()
                .filter_map(Element::id)
                .map(str::to_owned)
                .collect();
            chains.push(Chain {
                members,
                clones,
                stopped: is_stopped(each),
                id,
            });
        }
        chains
    }

    fn fence_devices(&self) -> Vec<String> {
        let devices = self
            .resources()
            .into_iter()
            .filter(|each| each.get("class") == Some("stonith"));
        devices.filter_map(Element::id).map(str::to_owned).collect()
    }

    fn score(&self, resource: &str, node: &str) -> i64 {
        let locations = self
            .constraints()
            .into_iter()
            .filter(|each| each.name == "rsc_location" && each.get("rsc") == Some(resource));
        let scores = locations
            .filter(|each| each.get("node") == Some(node))
            .filter_map(|each| each.get("score"));
        scores
            .map(|score| {
                if score == "-INFINITY" {
                    -1_000_000
                } else {
                    score.parse().unwrap_or(0)
                }
            })
            .sum()
    }

    /// The clone with whose promoted instance this one's has to be.
    fn companion(&self, clone: &str) -> Option<PromotableClone> {
        let with = self
            .constraints()
            .into_iter()
            .find(|each| each.get("rsc") == Some(clone) && each.get("rsc-role") == Some("Promoted"))?;
        self.clones()
            .into_iter()
            .find(|each| Some(each.id.as_str()) == with.get("with-rsc"))
    }

    /// What hapair-fence-peer leaves: the promoted role only on the node it names.
    fn is_banned(&self, clone: &str, node: &str) -> bool {
        self.constraints()
            .into_iter()
            .any(|each| each.get("rsc") == Some(clone) && each.get("only").is_some_and(|only| only != node))
    }

    fn is_standby(&self, node: &str) -> bool {
        let nodes = self.cib.at(&["configuration", "nodes"]);
        let found =
            nodes.and_then(|nodes| nodes.children.iter().find(|each| each.get("uname") == Some(node)));
        found
            .and_then(|node| attribute(node, "standby"))
            .is_some_and(|value| value == "on")
    }
}

fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element
        .all()
        .into_iter()
        .find(|each| each.get("name") == Some(name) && each.name == "nvpair")?
        .get("value")
}

fn is_stopped(element: &Element) -> bool {
    element
        .first("meta_attributes")
        .and_then(|meta| attribute(meta, "target-role"))
        == Some("Stopped")
}

/// Whether a node runs no services by the configuration.
pub fn is_standby(cib: &Element, node: &str) -> bool {
    Configuration { cib }.is_standby(node)
}

/// The ids of all primitives of the configuration, fencing devices too; those of clones first.
pub fn primitives(cib: &Element) -> Vec<String> {
    let configuration = Configuration { cib };
    let mut ids: Vec<_> = configuration
        .clones()
        .into_iter()
        .map(|clone| clone.primitive)
        .collect();
    ids.extend(configuration.watches());
    ids.extend(configuration.fence_devices());
    ids.extend(configuration.chains().into_iter().flat_map(|chain| chain.members));
    ids
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
}
