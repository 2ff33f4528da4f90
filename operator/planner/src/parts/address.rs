//! Floating addresses.

use std::net::IpAddr;

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, FloatingIp},
    observed::{Host, HostView, Question},
    plan::{Finding, Subject},
    reason::with_remedy,
    report::{ChildReport, Condition},
    xml::Element,
};

use crate::{
    at_boot,
    elements::{AGENT_LIMIT, Object, attributes, ocf, on_node, operations},
    facts::{Facts, OneHost},
    live, names,
    part::Part,
    parts::link,
    platform::Platform,
    view::View,
};

/// What this part has to say.
pub const PART: Part = Part {
    ask,
    resolve,
    objects,
    refuse_one,
    refuse_both,
    ..Part::NONE
};

fn ask(desired: &Desired, _: Side, question: &mut Question) {
    let addresses = desired.floating_ips.iter().map(|ip| ip.address.to_string());
    question.addresses.extend(addresses);
}

/// An address goes to the interface whose network holds it.
fn resolve(desired: &mut Desired, observed: &Both<HostView>) {
    let floating: Vec<_> = desired.floating_ips.iter().map(|ip| ip.address).collect();
    for ip in &mut desired.floating_ips {
        for side in Side::BOTH {
            let found = observed[side]
                .host()
                .and_then(|host| interface(host, ip.address, &floating));
            ip.interfaces[side] = ip.interfaces[side].take().or(found);
        }
    }
}

/// The interface in whose network an address lies: the narrowest such network. Floating addresses say
/// nothing: they come and go.
fn interface(host: &Host, address: IpAddr, floating: &[IpAddr]) -> Option<String> {
    let networks = host.addresses.iter().filter_map(|each| {
        let (own, prefix) = each.address.split_once('/')?;
        Some((
            own.parse::<IpAddr>().ok()?,
            prefix.parse::<u8>().ok()?,
            &each.interface,
        ))
    });
    let holding =
        networks.filter(|(own, prefix, _)| !floating.contains(own) && holds(*own, *prefix, address));
    holding
        .max_by_key(|(_, prefix, _)| *prefix)
        .map(|(_, _, interface)| interface.clone())
}

/// Whether the network of an address with this prefix holds the other.
fn holds(own: IpAddr, prefix: u8, other: IpAddr) -> bool {
    let network = |bits: u128, width: u32| {
        bits.checked_shr(width.saturating_sub(u32::from(prefix)))
            .unwrap_or_default()
    };
    match (own, other) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            network(u32::from(own).into(), 32) == network(u32::from(other).into(), 32)
        }
        (IpAddr::V6(own), IpAddr::V6(other)) => network(own.into(), 128) == network(other.into(), 128),
        _ => false,
    }
}

/// Addresses that no group has.
fn objects(desired: &Desired, _: &Platform) -> Vec<Object> {
    let in_group = |ip: &&FloatingIp| {
        desired
            .groups
            .iter()
            .any(|group| group.floating_ips.contains(&ip.name))
    };
    let alone = desired.floating_ips.iter().filter(|ip| !in_group(ip));
    alone
        .map(|ip| Object {
            key: names::ip(&ip.name),
            resources: vec![element(desired, ip)],
            ..Object::default()
        })
        .collect()
}

/// The resource. Its neighbours are told of it again at each monitor. An IPv6 address is deprecated from the start, so that
/// the host itself speaks from its own.
pub fn element(desired: &Desired, ip: &FloatingIp) -> Element {
    let id = desired.id(names::ip(&ip.name));
    let mut parameters = vec![
        ("ip".to_owned(), ip.address.to_string()),
        ("cidr_netmask".to_owned(), ip.prefix.to_string()),
    ];
    parameters.push(if ip.address.is_ipv6() {
        ("preferred_lft".into(), "0".into())
    } else {
        ("arp_count_refresh".into(), "1".into())
    });
    let common = ip
        .interfaces
        .first
        .clone()
        .filter(|_| ip.interfaces.first == ip.interfaces.second);
    parameters.extend(common.clone().map(|interface| ("nic".to_owned(), interface)));
    let of_nodes = desired
        .nodes
        .iter()
        .filter(|_| common.is_none())
        .filter_map(|(side, node)| {
            let interface = ip.interfaces[side].as_ref()?;
            Some(on_node(&id, &node.name, "nic", interface))
        });

    ocf(&id, "heartbeat", "IPaddr2")
        .children(of_nodes)
        .child(attributes("instance_attributes", &id, &parameters))
        .child(operations(
            &id,
            &[
                ("start", "0s", AGENT_LIMIT, None),
                ("stop", "0s", AGENT_LIMIT, None),
                ("monitor", "10s", AGENT_LIMIT, None),
            ],
        ))
}

fn refuse_one(one: &OneHost<'_>, _: &Platform, findings: &mut Vec<Finding>) {
    for ip in &one.desired.floating_ips {
        network(ip, one.side, one.name(), one.host, findings);
        if !one.may_have(&one.desired.id(names::ip(&ip.name))) {
            let about = Subject::FloatingIp(ip.name.clone());
            findings.extend(at_boot::finding(one, about, &ip.address.to_string()));
        }
    }
}

fn refuse_both(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    for ip in &facts.desired.floating_ips {
        taken(ip, facts, findings);
    }
}

fn network(ip: &FloatingIp, side: Side, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let message = match &ip.interfaces[side] {
        None => format!(
            "{node}: {} lies in the network of no interface; correct it, or name the interface in \
             spec.interfaces",
            ip.address
        ),
        Some(name) if !host.addresses.iter().any(|each| each.interface == *name) => {
            format!("{node}: there is no interface {name} with an address, which spec.interfaces names")
        }
        Some(_) => return,
    };
    findings.push(Finding::new(
        Subject::FloatingIp(ip.name.clone()),
        Reason::NetworkNotFound,
        message,
    ));
}

fn taken(ip: &FloatingIp, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let address = ip.address.to_string();
    let ours = hosts.any(|host| host.addresses.iter().any(|each| each.without_prefix() == address));
    let id = desired.id(names::ip(&ip.name));
    let configured = facts.cib_has(&id);
    let seen_by = hosts.find(|host| host.taken.contains(&address));
    if let Some(side) = seen_by.filter(|_| !ours && !configured) {
        let message = format!(
            "{}: another machine answers for {address}. Nothing was changed.",
            desired.nodes[side].name
        );
        findings.push(Finding::new(
            Subject::FloatingIp(ip.name.clone()),
            Reason::AddressTaken,
            message,
        ));
    }
}

/// The status of a FloatingIP.
pub fn report(view: &View<'_>, ip: &FloatingIp) -> ChildReport {
    let about = Subject::FloatingIp(ip.name.clone());
    let address = ip.address.to_string();
    let carried = view.cib.and_then(|cib| live::address(view.desired, cib, ip));
    let active = view
        .cluster
        .and_then(|cluster| cluster.node_of(&view.desired.id(names::ip(&ip.name))));
    let by_cluster = || active.filter(|_| carried == Some(ip.address)).map(str::to_owned);
    let node = view
        .hosts
        .find(|host| host.is_some_and(|host| has(host, &address)))
        .map(|side| view.desired.nodes[side].name.clone())
        .or_else(by_cluster);
    // A host that does not answer may have it.
    let seen = view.cluster.is_some() || view.hosts.all(Option::is_some);
    let (assigned, reason, message) = match (&node, carried.zip(active)) {
        _ if let Some((reason, message)) = assigned_twice(view, ip) => (Some(false), reason, message),
        (Some(node), _) => (Some(true), Reason::Healthy, format!("{address} is on {node}")),
        (None, Some((other, active))) if other != ip.address => (
            Some(false),
            Reason::NotRunning,
            format!("{address} is on no node; the cluster still has {other}, on {active}"),
        ),
        (None, _) if seen => (
            Some(false),
            Reason::NotRunning,
            format!("{address} is on no node"),
        ),
        (None, _) => (
            None,
            Reason::NotObserved,
            "no host answers that could tell".into(),
        ),
    };
    let problem = (assigned != Some(true)).then(|| (reason, message.clone()));
    let problems = problem
        .into_iter()
        .chain(link_down(view, ip))
        .chain(at_boot::problem(view, &address));
    let mut conditions = view.verdict(&about, view.finding(&about), problems);
    conditions.push(Condition::new("Assigned", assigned, reason, message));
    ChildReport { conditions, node }
}

fn has(host: &Host, address: &str) -> bool {
    host.addresses.iter().any(|each| each.without_prefix() == address)
}

/// What of an address counts for the pair as a whole, whether its service can be had or not.
pub fn problem(view: &View<'_>, ip: &FloatingIp) -> Option<(Reason, String)> {
    assigned_twice(view, ip)
        .or_else(|| link_down(view, ip))
        .or_else(|| at_boot::problem(view, &ip.address.to_string()))
}

/// An address whose interface has no link on the node that has the address.
fn link_down(view: &View<'_>, ip: &FloatingIp) -> Option<(Reason, String)> {
    let active = view.cluster?.node_of(&view.desired.id(names::ip(&ip.name)))?;
    link::down(view, ip, active)
}

/// An address that both hosts have, and where the cluster does not want it.
fn assigned_twice(view: &View<'_>, ip: &FloatingIp) -> Option<(Reason, String)> {
    let address = ip.address.to_string();
    let is_on_both = view
        .hosts
        .all(|host| host.is_some_and(|host| has(host, &address)));
    let active = || view.cluster?.node_of(&view.desired.id(names::ip(&ip.name)));
    is_on_both.then(|| (Reason::AssignedTwice, on_both(view, &address, active())))
}

fn on_both(view: &View<'_>, address: &str, active: Option<&str>) -> String {
    let nodes = view.desired.nodes.as_ref().map(|node| node.name.as_str());
    let what = format!(
        "{address} is on {} and on {}: clients reach either",
        nodes.first, nodes.second
    );
    let astray = nodes
        .find(|node| Some(*node) != active)
        .filter(|_| active.is_some());
    let Some(side) = astray else {
        return what;
    };
    let held = view.hosts[side].into_iter().flat_map(|host| &host.addresses);
    let Some(held) = held.into_iter().find(|each| each.without_prefix() == address) else {
        return what;
    };
    let remedy = format!(
        "on {} `ip address del {} dev {}`, and see what in its own configuration of the network sets the address",
        nodes[side], held.address, held.interface
    );
    with_remedy(&what, &remedy)
}

#[cfg(test)]
mod tests {
    use hapair_model::observed::HostAddress;

    use super::*;

    #[test]
    fn an_address_goes_to_the_interface_whose_network_holds_it_whatever_its_own_prefix() {
        let addresses = [
            ("192.0.2.11/24", "eth0"),
            ("192.0.2.100/32", "eth9"),
            ("192.0.0.1/16", "eth1"),
            ("198.51.100.9/24", "eth3"),
            ("2001:db8::1/64", "eth2"),
        ];
        let addresses = addresses
            .map(|(address, interface)| HostAddress {
                address: address.to_owned(),
                interface: interface.to_owned(),
            })
            .to_vec();
        let host = Host {
            addresses,
            ..Host::default()
        };
        let floating = ["192.0.2.100", "198.51.100.9"].map(|address| address.parse().expect("an address"));
        let on = |address: &str| interface(&host, address.parse().expect("an address"), &floating);
        assert_eq!(on("192.0.2.100").as_deref(), Some("eth0"));
        assert_eq!(on("192.0.7.7").as_deref(), Some("eth1"));
        assert_eq!(on("2001:db8::100").as_deref(), Some("eth2"));
        assert_eq!(on("198.51.100.1"), None);
    }
}
