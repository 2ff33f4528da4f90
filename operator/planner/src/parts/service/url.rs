//! The URL that a group's probe asks.

use std::net::IpAddr;

use hapair_model::{
    desired::{Desired, Group},
    xml::Element,
};

use crate::{live, names};

/// The URL that a group's probe asks, through its first floating IP.
pub fn declared(desired: &Desired, group: &Group) -> Option<String> {
    at(group, desired.floating_ip(group.floating_ips.first()?)?.address)
}

/// The URL at which a group's service can be had now: at the first address that the cluster's group has, or
/// else at the declared one.
pub fn current(desired: &Desired, group: &Group, cib: Option<&Element>) -> Option<String> {
    let declared = desired.floating_ip(group.floating_ips.first()?)?;
    let carried =
        cib.and_then(|cib| live::address(desired, cib, declared).or_else(|| address_of_group(cib, group)));
    at(group, carried.unwrap_or(declared.address))
}

/// The first address of the cluster's group, whichever object it is of.
fn address_of_group(cib: &Element, group: &Group) -> Option<IpAddr> {
    let id = names::group(&group.name);
    let resource = cib
        .all()
        .into_iter()
        .find(|each| each.name == "group" && each.id() == Some(&id))?;
    let mut members = resource
        .children
        .iter()
        .filter(|each| each.get("type") == Some("IPaddr2"));
    members.find_map(|member| live::value(member, "ip")?.parse().ok())
}

/// The same at some address.
fn at(group: &Group, address: IpAddr) -> Option<String> {
    let probe = group.probe.as_ref()?;
    let host = if address.is_ipv6() {
        format!("[{address}]")
    } else {
        address.to_string()
    };
    Some(format!("http://{host}:{}{}", probe.port, probe.path))
}
