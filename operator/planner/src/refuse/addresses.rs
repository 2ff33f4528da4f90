//! What keeps a floating address from being on the hosts.

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, FloatingIp},
    observed::Host,
    plan::{Finding, Subject},
};

use super::cib_has;
use crate::names;

pub(super) fn network(ip: &FloatingIp, side: Side, node: &str, host: &Host, findings: &mut Vec<Finding>) {
    let message = match &ip.interfaces[side] {
        None => format!(
            "{node}: {} lies in the network of no interface; correct it, or name the interface in \
             spec.interfaces",
            ip.address
        ),
        Some(name) if !host.addresses.iter().any(|(_, interface)| interface == name) => {
            format!("{node}: there is no interface {name} with an address, which spec.interfaces names")
        }
        Some(_) => return,
    };
    findings.push(Finding {
        about: Subject::FloatingIp(ip.name.clone()),
        reason: Reason::NetworkNotFound,
        message,
    });
}

pub(super) fn taken(ip: &FloatingIp, desired: &Desired, hosts: &Both<&Host>, findings: &mut Vec<Finding>) {
    let address = ip.address.to_string();
    let ours = hosts.any(|host| {
        host.addresses
            .iter()
            .any(|(each, _)| each.split('/').next() == Some(&address))
    });
    let id = desired.id(names::ip(&ip.name));
    let configured = hosts.any(|host| cib_has(host, &id));
    let seen_by = hosts.find(|host| host.taken.contains(&address));
    if let Some(side) = seen_by.filter(|_| !ours && !configured) {
        let message = format!(
            "{}: another machine answers for {address}. Nothing was changed.",
            desired.nodes[side].name
        );
        findings.push(Finding {
            about: Subject::FloatingIp(ip.name.clone()),
            reason: Reason::AddressTaken,
            message,
        });
    }
}
