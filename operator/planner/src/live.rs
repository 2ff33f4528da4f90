//! What the cluster has of what is declared. While a change waits, or cannot be made, it goes on with what it
//! had.

use std::net::IpAddr;

use hapair_model::{
    Both,
    desired::{Desired, FloatingIp},
    observed::{Cluster, Host, HostView},
    xml::Element,
};

use crate::{cib, names};

/// The host that can speak for the cluster: one with quorum, where there is one.
pub fn member(observed: &Both<HostView>) -> Option<&Host> {
    let members = || {
        observed
            .iter()
            .filter_map(|(_, view)| view.host())
            .filter(|host| host.cluster.is_some())
    };
    members()
        .find(|host| host.cluster.as_ref().is_some_and(Cluster::decides))
        .or_else(|| members().next())
}

/// An option of the whole cluster (pacemaker-schedulerd(7), pacemaker-controld(7)). Of several sets the one that
/// pcs and pacemaker write counts first.
pub fn property<'a>(cib: &'a Element, name: &str) -> Option<&'a str> {
    let mut sets: Vec<_> = cib
        .first("configuration")?
        .first("crm_config")?
        .children
        .iter()
        .collect();
    sets.sort_by_key(|set| set.id() != Some(cib::OPTIONS));
    let mut options = sets.into_iter().flat_map(Element::all);
    options.find(|each| each.get("name") == Some(name))?.get("value")
}

/// Whether a value of pacemaker's says yes (crm_is_true).
pub fn is_true(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "true" | "on" | "yes" | "y" | "1")
}

/// What was disabled of a resource and what it is in (`pcs resource disable`): the cluster runs it nowhere.
pub fn disabled<'a>(cib: &'a Element, id: &str) -> Option<&'a str> {
    let is_stopped = |resource: &Element| {
        let sets = resource
            .children
            .iter()
            .filter(|each| each.name == "meta_attributes");
        sets.flat_map(Element::all).any(|pair| {
            pair.get("name") == Some("target-role")
                && pair
                    .get("value")
                    .is_some_and(|role| role.eq_ignore_ascii_case("Stopped"))
        })
    };
    let holders = cib::resources(cib).filter(|top| top.has(id));
    let itself = |top: &'a Element| top.all().into_iter().find(|each| each.id() == Some(id));
    let mut found = holders.flat_map(|top| [Some(top), itself(top)]).flatten();
    found.find(|each| is_stopped(each))?.id()
}

/// What a resource of the cluster belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A group that serves.
    Group(String),
    /// A volume.
    Volume(String),
    /// A floating IP without a group.
    Address(String),
}

/// What a resource belongs to in a configuration; `None`: to nothing that serves, such as a fencing device, or it is
/// not there.
pub fn holder(cib: &Element, id: &str) -> Option<Holder> {
    let top = cib::resources(cib).find(|each| each.has(id))?;
    let named = |prefix: &str| Some(top.id()?.strip_prefix(prefix)?.to_owned());
    let clone_of = |prefix: &str| Some(named(prefix)?.strip_suffix("-clone")?.to_owned());
    match top.name.as_str() {
        "group" => Some(Holder::Group(
            named("group-").or_else(|| top.id().map(str::to_owned))?,
        )),
        "clone" | "master" => clone_of("volume-").map(Holder::Volume),
        _ => named("ip-").map(Holder::Address),
    }
}

/// The address that the cluster has for a floating IP.
pub fn address(desired: &Desired, cib: &Element, ip: &FloatingIp) -> Option<IpAddr> {
    let id = desired.id(names::ip(&ip.name));
    let resource = cib
        .all()
        .into_iter()
        .find(|each| each.name == "primitive" && each.id() == Some(&id))?;
    value(resource, "ip")?.parse().ok()
}

/// The value of a name within a resource.
pub fn value<'a>(resource: &'a Element, name: &str) -> Option<&'a str> {
    resource
        .all()
        .into_iter()
        .find(|each| each.get("name") == Some(name))?
        .get("value")
}
