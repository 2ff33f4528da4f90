//! Whether the interface of a floating address has a link. A service whose clients cannot reach it any more, though the cluster is
//! whole, moves to the other node, where that has a link.

use hapair_model::{
    Reason, Side,
    desired::{Desired, FloatingIp, Group},
    plan::File,
    reason::with_remedy,
    xml::Element,
};

use crate::{
    elements::{AGENT_LIMIT, Object, attributes, ocf, on_node, operations, owned},
    files::text,
    names,
    part::{Ground, Part},
    platform::Platform,
    view::View,
};

/// How much a node is preferred whose interfaces are not known to have lost their links: more than a group sticks to its node, and less than
/// what a leg with the newest data has ahead of any other (10000 to 10 and 1000, ocf:linbit:drbd). Shared among the addresses of a group.
const PREFERENCE: usize = 5000;

/// What this part has to say.
pub const PART: Part = Part {
    files,
    objects,
    ..Part::NONE
};

fn files(_: &Desired, _: Side, _: &Ground) -> Vec<File> {
    vec![text(
        names::LINK_AGENT,
        "755",
        include_str!("../../files/link").into(),
    )]
}

/// The pair's own: what becomes of a group or an address is not to wait for it.
fn objects(desired: &Desired, _: &Platform) -> Vec<Object> {
    let watched = desired.groups.iter().flat_map(|group| watched(desired, group));
    vec![Object {
        key: names::PAIR.into(),
        resources: watched.map(|ip| element(desired, ip)).collect(),
        ..Object::default()
    }]
}

/// The addresses of a group whose interfaces are watched.
pub fn watched<'a>(desired: &'a Desired, group: &'a Group) -> impl Iterator<Item = &'a FloatingIp> {
    let addresses = group
        .floating_ips
        .iter()
        .filter_map(|name| desired.floating_ip(name));
    addresses.filter(|ip| ip.watched)
}

/// What watches the interface, on both nodes.
fn element(desired: &Desired, ip: &FloatingIp) -> Element {
    let id = names::link(&ip.name);
    let of_nodes = desired.nodes.iter().filter_map(|(side, node)| {
        let interface = ip.interfaces[side].as_ref()?;
        Some(on_node(&id, &node.name, "interface", interface))
    });
    let primitive = ocf(&id, "hapair", "link")
        .children(of_nodes)
        .child(attributes("instance_attributes", &id, &owned(&[("name", &id)])))
        .child(harmless(operations(
            &id,
            &[
                ("start", "0s", AGENT_LIMIT, None),
                ("stop", "0s", AGENT_LIMIT, None),
                ("monitor", "10s", AGENT_LIMIT, None),
            ],
        )));
    Element::new("clone")
        .with("id", names::link_clone(&ip.name))
        .child(primitive)
}

/// Operations whose failure moves nothing and fences nobody: what only watches is no reason for either.
fn harmless(operations: Element) -> Element {
    let each = operations
        .children
        .into_iter()
        .map(|operation| operation.with("on-fail", "ignore"));
    Element::new("operations").children(each)
}

/// That a group prefers the nodes where the interface of each of these addresses has a link, or is not known to have none: a watch
/// that does not run moves nothing.
pub fn preferences(desired: &Desired, group: &Group) -> Vec<Element> {
    let count = watched(desired, group).count();
    let id = names::group(&group.name);
    let ips = watched(desired, group);
    ips.map(|ip| preference(&id, ip, PREFERENCE / count)).collect()
}

fn preference(group: &str, ip: &FloatingIp, score: usize) -> Element {
    let attribute = names::link(&ip.name);
    let id = format!("{group}-prefers-{attribute}");
    // True of an attribute that is not defined, too. A rule with two expressions and boolean-op="or" would do, but crm_mon 2.1.5 then tells of a
    // ban on a node that shuts down.
    let is_not_down = Element::new("expression")
        .with("id", format!("{id}-expression"))
        .with("attribute", &attribute)
        .with("operation", "ne")
        .with("value", "0");
    let rule = Element::new("rule")
        .with("id", format!("{id}-rule"))
        .with("score", score)
        .child(is_not_down);
    Element::new("rsc_location")
        .with("id", &id)
        .with("rsc", group)
        .child(rule)
}

/// An address that clients may not reach on this node, since its interface there has no link.
pub fn down(view: &View<'_>, ip: &FloatingIp, node: &str) -> Option<(Reason, String)> {
    let cluster = view.cluster?;
    let is_down = cluster
        .nodes
        .get(node)?
        .links_down
        .contains(&names::link(&ip.name));
    let interface = view
        .desired
        .side(node)
        .and_then(|side| ip.interfaces[side].as_deref());
    (ip.watched && is_down).then(|| {
        let (interface, command) = match interface {
            Some(name) => (name, format!(" (`ip link show {name}`)")),
            None => ("its interface", String::new()),
        };
        let what = format!("{node}: {interface} has no link: clients may not reach {} there", ip.address);
        let remedy = format!(
            "look at the cable, the switch and the configuration of {interface} on {node}{command}. The service goes to \
             the node that has a link, and stays where it is while neither has"
        );
        (Reason::LinkDown, with_remedy(&what, &remedy))
    })
}
