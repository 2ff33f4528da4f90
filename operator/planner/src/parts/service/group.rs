//! A group in the cluster: what it consists of, and where it may run.

use hapair_model::{
    desired::{Desired, Group},
    xml::Element,
};

use super::{resources, url};
use crate::{
    elements::{Object, attributes, owned},
    names,
    parts::{address, link, volume},
    platform::Platform,
};

/// The ids of a group's members.
pub fn members(desired: &Desired, group: &Group) -> Vec<String> {
    let mut ids: Vec<_> = group.volumes.iter().map(|name| names::filesystem(name)).collect();
    ids.extend(group.floating_ips.iter().map(|name| names::ip(name)));
    ids.extend(group.services.iter().map(|each| names::service(group, each)));
    ids.extend(url::declared(desired, group).map(|_| names::probe(&group.name)));
    ids.extend(group.volumes.iter().map(|name| names::writable(name)));
    ids.into_iter().map(|id| desired.id(id)).collect()
}

/// Preference of a node: below the stickiness, so a tie-break only.
const PREFERENCE: &str = "50";

/// What the configuration has for each group.
pub fn objects(desired: &Desired, platform: &Platform) -> Vec<Object> {
    let groups = desired.groups.iter();
    groups.map(|group| object(desired, group, platform)).collect()
}

fn object(desired: &Desired, group: &Group, platform: &Platform) -> Object {
    let id = names::group(&group.name);
    let mut members: Vec<Element> = Vec::new();
    members.extend(
        group
            .volumes
            .iter()
            .filter_map(|name| desired.volume(name))
            .map(volume::filesystem),
    );
    members.extend(
        group
            .floating_ips
            .iter()
            .filter_map(|name| desired.floating_ip(name))
            .map(|ip| address::element(desired, ip)),
    );
    members.extend(
        group
            .services
            .iter()
            .map(|each| resources::service(desired, group, each, platform)),
    );
    let asked = group.probe.as_ref().zip(url::declared(desired, group));
    members.extend(asked.map(|(probe, url)| resources::probe(desired, group, probe, &url)));
    // Last: what stands behind a member that is new is stopped for its start.
    members.extend(
        group
            .volumes
            .iter()
            .filter_map(|name| desired.volume(name))
            .map(volume::writable),
    );
    let mut object = Object {
        key: id.clone(),
        ..Object::default()
    };
    if members.is_empty() {
        return object;
    }
    object.constraints.extend(link::preferences(desired, group));
    for volume in &group.volumes {
        let clone = names::volume_clone(volume);
        object.constraints.push(
            Element::new("rsc_colocation")
                .with("id", format!("{id}-with-{clone}"))
                .with("rsc", &id)
                .with("with-rsc", &clone)
                .with("with-rsc-role", platform.dialect.promoted)
                .with("score", "INFINITY"),
        );
        object.constraints.push(
            Element::new("rsc_order")
                .with("id", format!("{clone}-before-{id}"))
                .with("first", &clone)
                .with("first-action", "promote")
                .with("then", &id)
                .with("then-action", "start")
                .with("kind", "Mandatory"),
        );
    }
    // Each clone would choose by itself where it is promoted, and a group cannot run where only one of its
    // volumes is.
    for (first, second) in group.volumes.iter().zip(group.volumes.iter().skip(1)) {
        let (first, second) = (names::volume_clone(first), names::volume_clone(second));
        object.constraints.push(
            Element::new("rsc_colocation")
                .with("id", format!("{second}-with-{first}"))
                .with("rsc", &second)
                .with("rsc-role", platform.dialect.promoted)
                .with("with-rsc", &first)
                .with("with-rsc-role", platform.dialect.promoted)
                .with("score", "INFINITY"),
        );
    }
    if let Some(side) = desired.preferred {
        let node = &desired.nodes[side].name;
        object.constraints.push(
            Element::new("rsc_location")
                .with("id", format!("{id}-prefers"))
                .with("rsc", &id)
                .with("node", node)
                .with("score", PREFERENCE),
        );
    }
    let meta = attributes("meta_attributes", &id, &owned(&[("priority", "1")]));
    object.resources.push(
        Element::new("group")
            .with("id", &id)
            .child(meta)
            .children(members),
    );
    object
}
