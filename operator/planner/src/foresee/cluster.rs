//! What the cluster makes of its configuration once it has come to rest, if every start and stop goes well.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{
        Cluster, ClusterNode, ClusterResource, ConnectionState, Device, DiskState, Host, Resource,
        ResourceRole, Role, Signature, SignatureKind, Unit,
    },
    xml::Element,
};

use crate::{cib, names};

/// The cluster and DRBD as they are once the configuration is carried out. Without a running pacemaker there is none,
/// and one that is in maintenance stays as it is.
pub fn settle(desired: &Desired, hosts: &mut Both<Host>) {
    let runs = hosts
        .as_ref()
        .map(|host| host.units.get("pacemaker").is_some_and(Unit::is_active));
    let is_running = |(side, host): (Side, &Host)| host.cib.clone().filter(|_| runs[side]);
    let Some(cib) = hosts.iter().find_map(is_running) else {
        return;
    };
    let before = hosts.iter().find_map(|(_, host)| host.cluster.clone());
    if before.as_ref().is_some_and(|cluster| cluster.maintenance) {
        return;
    }
    let nodes = desired.nodes.as_ref().map(|node| node.name.as_str());
    let can_run = Both::from_fn(|side: Side| runs[side] && !cib::is_standby(&cib, nodes[side]));
    let places = Places {
        before: before.as_ref(),
        nodes: &nodes,
        can_run: &can_run,
        preferred: desired.preferred.unwrap_or(Side::First),
    };
    let resources = places.of(&cib);
    legs(desired, hosts, before.as_ref(), &resources, &nodes);
    let cluster = Cluster {
        quorate: before.as_ref().is_none_or(|cluster| cluster.quorate),
        has_dc: true,
        nodes: Side::BOTH
            .map(|side| {
                let node = ClusterNode {
                    online: runs[side],
                    standby: cib::is_standby(&cib, nodes[side]),
                    ..ClusterNode::default()
                };
                (nodes[side].to_owned(), node)
            })
            .into(),
        resources,
        ..before.unwrap_or_default()
    };
    for side in Side::BOTH.into_iter().filter(|side| runs[*side]) {
        hosts[side].cluster = Some(cluster.clone());
        hosts[side].cib = Some(cib.clone());
    }
}

/// Where resources go.
struct Places<'a> {
    before: Option<&'a Cluster>,
    nodes: &'a Both<&'a str>,
    can_run: &'a Both<bool>,
    preferred: Side,
}

impl Places<'_> {
    fn of(&self, cib: &Element) -> Vec<ClusterResource> {
        let mut all = Vec::new();
        for resource in cib::resources(cib).filter(|each| !is_stopped(each)) {
            let members: Vec<_> = resource
                .primitives()
                .filter(|each| !is_stopped(each))
                .filter_map(Element::id)
                .collect();
            let Some(side) = self.side(&members) else { continue };
            let is_promotable = has_meta(resource, "promotable", "true") || resource.name == "master";
            for id in members {
                match resource.name.as_str() {
                    "clone" | "master" => {
                        let serving = if is_promotable {
                            ResourceRole::Promoted
                        } else {
                            ResourceRole::Started
                        };
                        let other = if is_promotable {
                            ResourceRole::Unpromoted
                        } else {
                            ResourceRole::Started
                        };
                        all.push(self.placed(id, serving, side));
                        all.extend(self.can_run[side.peer()].then(|| self.placed(id, other, side.peer())));
                    }
                    _ => all.push(self.placed(id, ResourceRole::Started, side)),
                }
            }
        }
        all
    }

    /// Where these run together: where they ran, or where the rest of the pair does, or where it begins.
    fn side(&self, ids: &[&str]) -> Option<Side> {
        let ran = |id: &str| {
            let cluster = self.before?;
            let node = cluster
                .node_of(id)
                .or_else(|| cluster.active_in_role(id, &ResourceRole::Promoted))?;
            self.nodes.find(|each| *each == node)
        };
        let serves = || {
            let promoted = self
                .before?
                .resources
                .iter()
                .find(|each| each.role == ResourceRole::Promoted)?;
            self.nodes
                .find(|each| promoted.nodes.iter().any(|node| node == each))
        };
        let first = ids
            .iter()
            .find_map(|id| ran(id))
            .or_else(serves)
            .unwrap_or(self.preferred);
        [first, first.peer()].into_iter().find(|side| self.can_run[*side])
    }

    fn placed(&self, id: &str, role: ResourceRole, side: Side) -> ClusterResource {
        ClusterResource {
            id: id.to_owned(),
            role,
            nodes: vec![self.nodes[side].to_owned()],
            ..ClusterResource::default()
        }
    }
}

fn is_stopped(resource: &Element) -> bool {
    has_meta(resource, "target-role", "Stopped")
}

/// Whether a meta attribute of the resource itself, not of its members, has this value.
fn has_meta(resource: &Element, name: &str, value: &str) -> bool {
    let meta = resource
        .children
        .iter()
        .filter(|each| each.name == "meta_attributes");
    meta.flat_map(|each| &each.children)
        .any(|pair| pair.get("name") == Some(name) && pair.get("value") == Some(value))
}

/// The legs of volumes that the cluster runs: up where it runs them, down where it ran them before.
fn legs(
    desired: &Desired,
    hosts: &mut Both<Host>,
    before: Option<&Cluster>,
    resources: &[ClusterResource],
    nodes: &Both<&str>,
) {
    let names: Vec<_> = hosts
        .iter()
        .flat_map(|(_, host)| host.resources.keys().cloned())
        .collect();
    for volume in names {
        let id = desired.id(names::volume(&volume));
        let is_at = |resources: &[ClusterResource], side: Side| {
            let mut instances = resources.iter().filter(|each| each.id == id);
            instances
                .find(|each| each.nodes.iter().any(|node| node == nodes[side]))
                .map(|each| each.role.clone())
        };
        let ran = |side| before.is_some_and(|cluster| is_at(&cluster.resources, side).is_some());
        let roles = Both::from_fn(|side| is_at(resources, side));
        for side in Side::BOTH {
            match &roles[side] {
                None if ran(side) => take_down(&mut hosts[side], &volume),
                None => {}
                Some(role) => {
                    let Some(leg) = leg(hosts, side, &volume) else {
                        continue;
                    };
                    leg.role = if *role == ResourceRole::Promoted {
                        Role::Primary
                    } else {
                        Role::Secondary
                    };
                    if roles[side.peer()].is_some() {
                        leg.connection = ConnectionState::Connected;
                        (leg.disk, leg.peer_disk) = (DiskState::UpToDate, DiskState::UpToDate);
                    }
                }
            }
        }
    }
}

/// A leg that the cluster has stopped: what is on its disk can be seen again. As long as it was up nobody looked.
fn take_down(host: &mut Host, volume: &str) {
    host.resources.remove(volume);
    let record = host.volume_records.get(volume);
    let uuid = record.and_then(|record| record.device_uuid.clone());
    if let (Some(device), Some(uuid)) = (host.devices.get_mut(volume), uuid) {
        *device = Device {
            exists: true,
            path: std::mem::take(&mut device.path),
            size: device.size,
            signatures: vec![Signature {
                kind: SignatureKind::Drbd,
                uuid,
            }],
            ..Device::default()
        };
    }
}

/// A leg that the cluster runs. One that comes up again is as its peer's.
fn leg<'a>(hosts: &'a mut Both<Host>, side: Side, volume: &str) -> Option<&'a mut Resource> {
    let peers = hosts[side.peer()].resources.get(volume).cloned();
    let legs = &mut hosts[side].resources;
    if let (false, Some(peers)) = (legs.contains_key(volume), peers) {
        legs.insert(volume.to_owned(), peers);
    }
    legs.get_mut(volume)
}
