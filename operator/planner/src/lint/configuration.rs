//! Rules about the cluster's configuration.

use hapair_model::{
    Side,
    desired::Fencing,
    observed::{Cluster, ClusterResource, ConnectionState, DiskState, Resource, ResourceRole, Role},
    plan::Step,
    xml::Element,
};

use super::{Judge, configuration_of};

impl Judge<'_> {
    pub(super) fn standby_only_with_ready_peer(&self, step: &Step) -> bool {
        let Some((wanted, live)) = configuration_of(step).zip(self.host().cib.as_ref()) else {
            return false;
        };
        Side::BOTH.into_iter().all(|side| {
            let node = &self.desired.nodes[side].name;
            let begins = is_standby(&wanted, node) && !is_standby(live, node);
            // With both nodes declared in standby nothing is to run.
            let is_last = self.desired.nodes[side.peer()].standby == Some(true);
            !begins || is_last || self.can_do_without(side)
        })
    }

    /// Whether nothing runs on this node, or its peer can take it over with the newest data.
    fn can_do_without(&self, side: Side) -> bool {
        let views = self.hosts.iter().filter_map(|(_, host)| host.cluster.as_ref());
        let Some(cluster) = views
            .into_iter()
            .find(|cluster| cluster.quorate && cluster.has_dc)
        else {
            return false;
        };
        let peer = side.peer();
        !self.runs_something(cluster, side) || self.has_newest_data(peer) && self.can_run(cluster, peer)
    }

    fn runs_something(&self, cluster: &Cluster, side: Side) -> bool {
        let node = &self.desired.nodes[side].name;
        let is_primary = |name: &str| {
            let leg = self.hosts[side].resources.get(name);
            leg.is_some_and(|leg| leg.role == Role::Primary)
        };
        let is_service = |each: &ClusterResource| {
            each.role == ResourceRole::Started && each.nodes.contains(node) && !self.fences(&each.id)
        };
        self.desired.volumes.iter().any(|volume| is_primary(&volume.name))
            || cluster.resources.iter().any(is_service)
    }

    /// Whether a resource is a device that fences, whatever its name.
    fn fences(&self, id: &str) -> bool {
        let live = self.hosts.iter().filter_map(|(_, host)| host.cib.as_ref());
        live.flat_map(Element::primitives)
            .any(|each| each.id() == Some(id) && each.get("class") == Some("stonith"))
    }

    fn has_newest_data(&self, side: Side) -> bool {
        let is_newest = |leg: &Resource| {
            leg.role == Role::Primary
                || leg.connection == ConnectionState::Connected && leg.disk == DiskState::UpToDate
        };
        let declared = self.desired.volumes.iter().map(|volume| volume.name.clone());
        let mut volumes = declared.chain(self.volumes_of_the_cluster());
        volumes.all(|volume| self.hosts[side].resources.get(&volume).is_some_and(is_newest))
    }

    /// Volumes that the cluster promotes, whether they are declared or not.
    fn volumes_of_the_cluster(&self) -> impl Iterator<Item = String> {
        let live = self.hosts.iter().filter_map(|(_, host)| host.cib.as_ref());
        let primitives = live.flat_map(Element::primitives).filter_map(Element::id);
        primitives.filter_map(|id| id.strip_prefix("volume-").map(str::to_owned))
    }

    fn can_run(&self, cluster: &Cluster, side: Side) -> bool {
        let node = cluster.nodes.get(&self.desired.nodes[side].name);
        node.is_some_and(|node| node.online && !node.unclean && !node.pending && !node.standby)
    }

    pub(super) fn keeps_fencing_on(&self, step: &Step) -> bool {
        let Some(wanted) = configuration_of(step) else {
            return false;
        };
        if self.desired.fencing != Fencing::Required {
            return true;
        }
        let options = wanted.at(&["configuration", "crm_config"]).map(Element::all);
        let switches: Vec<_> = options
            .into_iter()
            .flatten()
            .filter(|each| each.get("name") == Some("stonith-enabled"))
            .collect();
        !switches.is_empty() && switches.iter().all(|each| each.get("value") == Some("true"))
    }

    pub(super) fn leaves_foreign_elements(&self, step: &Step) -> bool {
        let Some((wanted, live)) = configuration_of(step).zip(self.host().cib.as_ref()) else {
            return false;
        };
        let (ours, present) = (ids_of_ours(live), wanted.all());
        elements(live).all(|(_, element)| {
            let is_ours = element.id().is_some_and(|id| ours.iter().any(|each| each == id));
            // A constraint cannot outlive what it names.
            let named = ["rsc", "with-rsc", "first", "then"];
            let dangles = named
                .iter()
                .filter_map(|name| element.get(name))
                .any(|id| !is_defined(&wanted, id));
            let stays = present
                .iter()
                .any(|each| each.id() == element.id() && each.name == element.name && *each == element);
            is_ours || dangles || stays
        })
    }

    pub(super) fn stops_before_removing(&self, step: &Step) -> bool {
        let Some((wanted, live)) = configuration_of(step).zip(self.host().cib.as_ref()) else {
            return false;
        };
        let Some(cluster) = &self.host().cluster else {
            return false;
        };
        let is_active = |id: &str| {
            let mut resources = cluster.resources.iter();
            resources.any(|each| each.id == id && !each.nodes.is_empty())
        };
        let resources = elements(live).filter(|(section, _)| *section == "resources");
        resources.into_iter().all(|(_, element)| {
            // A member may leave a group that stays: the cluster stops it by itself.
            let stays = element.id().is_some_and(|id| is_defined(&wanted, id));
            let services = element.primitives().filter(|each| !serves_nobody(each));
            stays
                || services
                    .filter_map(Element::id)
                    .all(|id| !is_active(id) || is_defined(&wanted, id))
        })
    }

    /// A device's user may have the same name as its password.
    pub(super) fn keeps_secrets_out(&self, step: &Step) -> bool {
        let Some(wanted) = configuration_of(step) else {
            return false;
        };
        let devices = || self.desired.nodes.iter().flat_map(|(_, node)| &node.devices);
        let passwords = devices().filter_map(|device| device.password.as_ref());
        let secrets: Vec<_> = self
            .desired
            .admin_password
            .iter()
            .chain(passwords)
            .map(|secret| String::from_utf8_lossy(secret.expose()).trim().to_owned())
            .collect();
        let is_declared = |value: &str| {
            devices()
                .flat_map(|device| &device.parameters)
                .any(|(_, each)| each == value)
        };
        wanted
            .all()
            .iter()
            .filter(|each| each.name == "nvpair")
            .filter_map(|each| each.get("value"))
            .all(|value| is_declared(value) || !secrets.iter().any(|secret| secret == value))
    }
}

/// Resources and constraints, each with the section it is in.
fn elements(cib: &Element) -> impl Iterator<Item = (&'static str, &Element)> {
    ["resources", "constraints"].into_iter().flat_map(|name| {
        let section = cib.at(&["configuration", name]);
        section
            .into_iter()
            .flat_map(move |section| section.children.iter().map(move |each| (name, each)))
    })
}

/// The ids that a tag of the operator's names, and of resources that bear its mark of having been released.
fn ids_of_ours(cib: &Element) -> Vec<String> {
    let tags = cib.at(&["configuration", "tags"]);
    let tags = tags.into_iter().flat_map(|tags| &tags.children);
    let named = tags
        .filter(|tag| tag.id().is_some_and(|id| id.starts_with("hapair-")))
        .flat_map(|tag| &tag.children)
        .filter_map(Element::id);
    let is_released = |element: &&Element| {
        let meta = element
            .children
            .iter()
            .filter(|each| each.name == "meta_attributes");
        meta.flat_map(|meta| &meta.children)
            .any(|pair| pair.get("name") == Some("hapair-released"))
    };
    let released = elements(cib)
        .map(|(_, element)| element)
        .filter(is_released)
        .filter_map(Element::id);
    named.chain(released).map(str::to_owned).collect()
}

/// Whether a configuration defines this id, and does not merely name it in a tag.
fn is_defined(cib: &Element, id: &str) -> bool {
    cib.all()
        .iter()
        .any(|each| each.name != "obj_ref" && each.id() == Some(id))
}

/// Whether a configuration has the node in standby.
fn is_standby(cib: &Element, node: &str) -> bool {
    let nodes = cib.at(&["configuration", "nodes"]);
    let node = nodes
        .into_iter()
        .flat_map(|nodes| &nodes.children)
        .filter(|each| each.get("uname") == Some(node));
    node.flat_map(Element::all).any(|each| {
        let is_true = each
            .get("value")
            .is_some_and(|value| ["true", "on", "yes", "y", "1"].contains(&value.to_lowercase().as_str()));
        each.get("name") == Some("standby") && is_true
    })
}

/// A fencing device and what watches an interface may simply go: stopping them stops nothing.
fn serves_nobody(primitive: &Element) -> bool {
    let is = |name: &str, value: &str| primitive.get(name) == Some(value);
    is("class", "stonith") || is("provider", "hapair") && is("type", "link")
}
