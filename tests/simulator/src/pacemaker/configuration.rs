//! What a CIB says.

use std::collections::BTreeSet;

use hapair_model::{Both, Side, observed::Ban, xml::Element};

use super::role;
use crate::world::World;

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
pub struct Configuration<'a> {
    /// The CIB.
    pub cib: &'a Element,
}

/// A promotable clone of DRBD's.
pub struct PromotableClone {
    /// Its id.
    pub id: String,
    /// The id of what is cloned.
    pub primitive: String,
    /// DRBD's resource.
    pub resource: String,
    /// Whether it is to be stopped.
    pub stopped: bool,
}

/// What runs one after the other on one node.
pub struct Chain {
    /// Its id.
    pub id: String,
    /// Its members, in order.
    pub members: Vec<String>,
    /// The clones that have to be promoted there.
    pub clones: Vec<String>,
    /// Whether it is to be stopped.
    pub stopped: bool,
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

    /// DRBD's clones.
    pub fn clones(&self) -> Vec<PromotableClone> {
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
    pub fn watches(&self) -> Vec<String> {
        let clones = self.resources().into_iter().filter(|each| each.name == "clone");
        let primitives = clones.filter_map(|clone| clone.first("primitive"));
        let watches = primitives.filter(|each| each.get("type") == Some("link"));
        watches.filter_map(Element::id).map(str::to_owned).collect()
    }

    /// Whether a rule prefers the other node, of two that are there: this one has lost a link that the other has.
    pub fn prefers_the_other(&self, world: &World, resource: &str, side: Side) -> bool {
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
    pub fn chains(&self) -> Vec<Chain> {
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

    /// The ids of the fencing devices.
    pub fn fence_devices(&self) -> Vec<String> {
        let devices = self
            .resources()
            .into_iter()
            .filter(|each| each.get("class") == Some("stonith"));
        devices.filter_map(Element::id).map(str::to_owned).collect()
    }

    /// How much a resource prefers a node.
    pub fn score(&self, resource: &str, node: &str) -> i64 {
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
    pub fn companion(&self, clone: &str) -> Option<PromotableClone> {
        let with = self
            .constraints()
            .into_iter()
            .find(|each| each.get("rsc") == Some(clone) && each.get("rsc-role") == Some("Promoted"))?;
        self.clones()
            .into_iter()
            .find(|each| Some(each.id.as_str()) == with.get("with-rsc"))
    }

    /// What hapair-fence-peer leaves: the promoted role only on the node it names.
    pub fn is_banned(&self, clone: &str, node: &str) -> bool {
        self.constraints()
            .into_iter()
            .any(|each| each.get("rsc") == Some(clone) && each.get("only").is_some_and(|only| only != node))
    }

    pub fn is_standby(&self, node: &str) -> bool {
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
