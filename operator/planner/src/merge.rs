//! The live CIB and the wanted elements become one configuration: what the operator owns is replaced,
//! everything else stays as it is.
//!
//! What it owns is recorded in the CIB itself, as one tag for each object of the API (`hapair-<key>`), so
//! that what a spec no longer asks for is found again. Absence is not deletion: elements of an object go only
//! while that object is declared without them, or is leaving. What is left by an object that is gone is
//! released.

use hapair_model::{desired::Desired, xml::Element};

use crate::{
    cib::{MARK, OPTIONS, TAG, records, references, resources, without_status},
    desired_cib::Wanted,
    elements::{Object, nvpair},
    names, released, takeover,
};

const DEFAULTS: &str = "rsc_defaults-options";
/// The live configuration as it shall be. It carries no status section: that is the cluster's own.
///
/// `running` are the ids of resources that are active somewhere: what leaves is stopped before it goes.
pub fn merged(live: &Element, desired: &Desired, wanted: &Wanted, running: &[&str]) -> Element {
    let mut cib = without_status(live);
    let Departures {
        stale,
        stopping,
        released,
    } = departures(live, desired, wanted, running);
    let configuration = cib.first_mut("configuration");
    for resource in &mut configuration.first_mut("resources").children {
        if let Some((key, _)) = released
            .iter()
            .find(|(_, ids)| resource.id().is_some_and(|id| ids.iter().any(|each| each == id)))
        {
            put_meta(resource, MARK, key);
        }
    }

    let options = set(
        configuration.first_mut("crm_config"),
        "cluster_property_set",
        OPTIONS,
    );
    put_pairs(options, OPTIONS, &wanted.properties);
    put_nodes(configuration.first_mut("nodes"), desired);
    let held = held(live, wanted, &stale);
    // An object waits, whole, while something that stays or still stops has what it needs: no id can be there
    // twice.
    let is_held = |object: &&Object| {
        object
            .resources
            .iter()
            .flat_map(Element::all)
            .any(|each| each.id().is_some_and(|id| held.iter().any(|one| one == id)))
    };
    let free: Vec<_> = wanted.objects.iter().filter(|object| !is_held(object)).collect();
    let all = |pick: fn(&Object) -> &Vec<Element>| free.iter().copied().flat_map(pick);
    let before = ids_within(configuration.first_mut("resources"));
    put(
        configuration.first_mut("resources"),
        all(|object| &object.resources),
        &stale,
    );
    let after = ids_within(configuration.first_mut("resources"));
    let gone: Vec<_> = before.into_iter().filter(|id| !after.contains(id)).collect();
    let resources = configuration.first_mut("resources").children.iter_mut();
    resources
        .filter(|each| each.id().is_some_and(|id| stopping.iter().any(|one| one == id)))
        .for_each(stop);
    let constraints = configuration.first_mut("constraints");
    // Also someone else's: a constraint that names what is gone makes the configuration invalid.
    constraints
        .children
        .retain(|each| !references(each).any(|named| gone.iter().any(|id| id == named)));
    put(constraints, all(|object| &object.constraints), &stale);
    let defaults = set(
        configuration.first_mut("rsc_defaults"),
        "meta_attributes",
        DEFAULTS,
    );
    put_pairs(defaults, DEFAULTS, &wanted.defaults);
    put(
        configuration.first_mut("fencing-topology"),
        all(|object| &object.levels),
        &stale,
    );
    put(
        configuration.first_mut("tags"),
        free.iter().copied().filter_map(tag).collect::<Vec<_>>().iter(),
        &stale,
    );
    for name in ["fencing-topology", "tags"] {
        configuration
            .children
            .retain(|section| section.name != name || !section.children.is_empty());
    }
    cib
}

/// The live configuration with the nodes' declared standby, and nothing else changed.
pub fn with_standby(live: &Element, desired: &Desired) -> Element {
    let mut cib = without_status(live);
    put_nodes(cib.first_mut("configuration").first_mut("nodes"), desired);
    cib
}

/// The configuration of a cluster that has never run.
///
/// The admin_epoch of 1 makes it win over an empty one, should only one node have it. A DC is elected after
/// one second instead of twenty; the first change of the running cluster puts that back.
pub fn seed(desired: &Desired, wanted: &Wanted) -> Element {
    let nodes = desired
        .nodes
        .iter()
        .map(|(_, node)| Element::new("node").with("id", node.id).with("uname", &node.name));
    let configuration = Element::new("configuration")
        .child(Element::new("crm_config"))
        .child(Element::new("nodes").children(nodes))
        .child(Element::new("resources"))
        .child(Element::new("constraints"));
    let empty = Element::new("cib")
        .with("validate-with", wanted.schema)
        .with("admin_epoch", 1)
        .with("epoch", 1)
        .with("num_updates", 0)
        .child(configuration);
    let mut cib = merged(&empty, desired, wanted, &[]);
    let options = set(
        cib.first_mut("configuration").first_mut("crm_config"),
        "cluster_property_set",
        OPTIONS,
    );
    put_pairs(options, OPTIONS, &[("dc-deadtime", "1s")]);
    cib.children.push(Element::new("status"));
    cib
}

/// Ids within resources that stay although nothing declares them: a group whose object was deleted with
/// Retain keeps its members.
fn held(live: &Element, wanted: &Wanted, stale: &[String]) -> Vec<String> {
    let staying = resources(live).filter(|each| {
        each.id()
            .is_some_and(|id| !is_at_the_top(id, wanted) && !stale.iter().any(|one| one == id))
    });
    staying
        .flat_map(|each| each.all().into_iter().skip(1))
        .filter_map(|each| each.id().map(str::to_owned))
        .collect()
}

/// What becomes of the elements that are recorded for objects.
#[derive(Default)]
struct Departures {
    /// Ids that go now.
    stale: Vec<String>,
    /// Ids of resources that are to be stopped first. A resource that vanishes while it runs is stopped
    /// without its group's order and without its clone's options: DRBD's agent cannot even be demoted then.
    stopping: Vec<String>,
    /// Keys and ids of what nothing declares any more.
    released: Vec<(String, Vec<String>)>,
}

fn departures(live: &Element, desired: &Desired, wanted: &Wanted, running: &[&str]) -> Departures {
    let keys = released::keys(desired);
    let left = released::resources(live, desired);
    let taken_over = takeover::taken_over(&left, wanted)
        .into_iter()
        .filter(|id| !is_at_the_top(id, wanted));
    let mut found = Departures {
        stale: taken_over.map(str::to_owned).collect(),
        ..Departures::default()
    };
    for (key, recorded) in records(live) {
        let tag = format!("{TAG}{key}");
        let declared = wanted.objects.iter().find(|object| object.key == key);
        let ids = declared.map(ids).unwrap_or_default();
        // Fencing devices may simply go; a group without any member left leaves as if it were deleted.
        let emptied = declared.is_some() && ids.is_empty() && key != names::PAIR;
        if declared.is_some() && !emptied {
            found
                .stale
                .extend(recorded.into_iter().filter(|id| !ids.contains(id)));
            if ids.is_empty() {
                found.stale.push(tag);
            }
        } else if !keys.contains(&key) {
            found.stale.push(tag);
            found.released.push((key, recorded));
        } else if desired.floating_ips.iter().any(|ip| names::ip(&ip.name) == key) && !emptied {
            // An address that moved into a group is the group's now: the cluster moves it in the same change,
            // once the group can be there.
            if !recorded
                .iter()
                .any(|address| waits(live, wanted, address, &found.stale))
            {
                found.stale.extend(recorded);
                found.stale.push(tag);
            }
        } else if emptied || may_leave(&key, live, desired) {
            let active: Vec<_> = recorded
                .iter()
                .filter(|id| is_active(live, id, running))
                .cloned()
                .collect();
            if active.is_empty() {
                found.stale.extend(recorded);
                found.stale.push(tag);
            }
            found.stopping.extend(active);
        }
    }
    found
}

fn is_at_the_top(id: &str, wanted: &Wanted) -> bool {
    wanted
        .objects
        .iter()
        .flat_map(|object| &object.resources)
        .any(|each| each.id() == Some(id))
}

/// Whether the group that takes this address has to wait, since another resource has something that it needs.
fn waits(live: &Element, wanted: &Wanted, address: &str, going: &[String]) -> bool {
    let mut declared = wanted.objects.iter().flat_map(|object| &object.resources);
    let Some(group) = declared.find(|each| each.children.iter().any(|member| member.id() == Some(address)))
    else {
        return false;
    };
    let needed = ids_within(group);
    let stays = |each: &&Element| {
        each.id() != group.id()
            && each
                .id()
                .is_none_or(|id| id != address && !going.iter().any(|one| one == id))
    };
    let others = resources(live).filter(stays);
    others.flat_map(ids_within).any(|id| needed.contains(&id))
}

/// Whether anything of the resource with this id is active in the cluster.
fn is_active(live: &Element, id: &str, running: &[&str]) -> bool {
    let found = resources(live).find(|each| each.id() == Some(id));
    found.is_some_and(|each| {
        each.all()
            .iter()
            .filter_map(|part| part.id())
            .any(|id| running.contains(&id))
    })
}

/// Tells the cluster to stop a resource and leave it stopped.
fn stop(resource: &mut Element) {
    put_meta(resource, "target-role", "Stopped");
}

/// Sets a meta attribute of a resource.
fn put_meta(resource: &mut Element, name: &str, value: &str) {
    let id = format!("{}-meta_attributes", resource.id().unwrap_or_default());
    if resource.first("meta_attributes").is_none() {
        resource
            .children
            .insert(0, Element::new("meta_attributes").with("id", &id));
    }
    put_pairs(resource.first_mut("meta_attributes"), &id, &[(name, value)]);
}

/// Whether what is recorded under this key is to leave. Volumes wait for the groups that were seen leaving
/// with them: a file system is unmounted before its DRBD resource is demoted.
fn may_leave(key: &str, live: &Element, desired: &Desired) -> bool {
    let leaving = &desired.leaving;
    let group_remains = leaving.groups.iter().any(|group| {
        let id = names::group(group);
        resources(live).any(|each| each.id() == Some(&id))
    });
    leaving.groups.iter().any(|name| names::group(name) == key)
        || leaving.floating_ips.iter().any(|name| names::ip(name) == key)
        || (!group_remains && leaving.volumes.iter().any(|name| names::volume(name) == key))
}

fn ids_within(section: &Element) -> Vec<String> {
    section
        .all()
        .into_iter()
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect()
}

fn ids(object: &Object) -> Vec<String> {
    [&object.resources, &object.constraints, &object.levels]
        .into_iter()
        .flatten()
        .filter_map(|each| each.id().map(str::to_owned))
        .collect()
}

fn tag(object: &Object) -> Option<Element> {
    let references: Vec<_> = ids(object)
        .into_iter()
        .map(|id| Element::new("obj_ref").with("id", id))
        .collect();
    (!references.is_empty()).then(|| {
        Element::new("tag")
            .with("id", format!("{TAG}{}", object.key))
            .children(references)
    })
}

/// Puts elements into a section: one with the same id is replaced where it stands, stale ones go, others
/// stay, also within a group.
fn put<'a>(section: &mut Element, wanted: impl Iterator<Item = &'a Element>, stale: &[String]) {
    section
        .children
        .retain(|child| child.id().is_none_or(|id| !stale.iter().any(|each| each == id)));
    for element in wanted {
        match section
            .children
            .iter_mut()
            .find(|child| child.id() == element.id())
        {
            Some(present) => {
                let guests = guests(present);
                *present = element.clone();
                for (position, guest) in guests {
                    present
                        .children
                        .insert(position.min(present.children.len()), guest);
                }
            }
            None => section.children.push(element.clone()),
        }
    }
}

/// Members that someone has added to a group of ours (`pcs resource group add`), with their places.
fn guests(group: &Element) -> Vec<(usize, Element)> {
    let is_guest = |child: &Element| {
        let id = child.id().unwrap_or_default();
        child.name == "primitive" && !names::MEMBERS.iter().any(|kind| id.starts_with(kind))
    };
    let members = group
        .children
        .iter()
        .enumerate()
        .filter(|(_, child)| group.name == "group" && is_guest(child));
    members
        .map(|(position, child)| (position, child.clone()))
        .collect()
}

/// The set of this id within a section, made if there is none.
fn set<'a>(section: &'a mut Element, kind: &str, id: &str) -> &'a mut Element {
    let position = section
        .children
        .iter()
        .position(|child| child.id() == Some(id))
        .unwrap_or_else(|| {
            section.children.push(Element::new(kind).with("id", id));
            section.children.len() - 1
        });
    &mut section.children[position]
}

/// Sets values in a set, by name: whoever wrote one first chose its id.
fn put_pairs(set: &mut Element, prefix: &str, pairs: &[(&str, &str)]) {
    for (name, value) in pairs {
        match set
            .children
            .iter_mut()
            .find(|child| child.get("name") == Some(name))
        {
            Some(present) => {
                present.attributes.insert("value".into(), (*value).into());
            }
            None => set
                .children
                .push(nvpair(&format!("{prefix}-{name}"), name, value)),
        }
    }
}

/// Standby is an attribute of the node, where `pcs node standby` puts it too. A node whose spec says nothing
/// keeps what an administrator set.
fn put_nodes(nodes: &mut Element, desired: &Desired) {
    for (_, declared) in desired.nodes.iter() {
        let Some(standby) = declared.standby else { continue };
        let Some(node) = nodes
            .children
            .iter_mut()
            .find(|node| node.get("uname") == Some(&declared.name))
        else {
            continue;
        };
        let id = format!("nodes-{}", node.id().unwrap_or_default());
        let present = node.all().iter().any(|each| each.get("name") == Some("standby"));
        if standby || present {
            put_pairs(
                set(node, "instance_attributes", &id),
                &id,
                &[("standby", if standby { "on" } else { "off" })],
            );
        }
    }
}
