//! What a group consists of.

use std::net::IpAddr;

use hapair_model::desired::{Desired, Group};

use crate::names;

/// The URL that a group's probe asks, through its first floating IP.
pub fn url(desired: &Desired, group: &Group) -> Option<String> {
    url_at(group, desired.floating_ip(group.floating_ips.first()?)?.address)
}

/// The same at some address.
pub fn url_at(group: &Group, address: IpAddr) -> Option<String> {
    let probe = group.probe.as_ref()?;
    let host = if address.is_ipv6() {
        format!("[{address}]")
    } else {
        address.to_string()
    };
    Some(format!("http://{host}:{}{}", probe.port, probe.path))
}

/// The ids of a group's members.
pub fn members(desired: &Desired, group: &Group) -> Vec<String> {
    let mut ids: Vec<_> = group.volumes.iter().map(|name| names::filesystem(name)).collect();
    ids.extend(group.floating_ips.iter().map(|name| names::ip(name)));
    ids.extend(group.services.iter().map(|each| names::service(group, each)));
    ids.extend(url(desired, group).map(|_| names::probe(&group.name)));
    ids.extend(group.volumes.iter().map(|name| names::writable(name)));
    ids.into_iter().map(|id| desired.id(id)).collect()
}
