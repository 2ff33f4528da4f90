//! What keeps a floating address from being on the hosts.

use hapair_model::{
    Reason, Side,
    desired::FloatingIp,
    observed::Host,
    plan::{Finding, Subject},
};

use crate::{facts::Facts, names};

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

pub(super) fn taken(ip: &FloatingIp, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let address = ip.address.to_string();
    let ours = hosts.any(|host| {
        host.addresses
            .iter()
            .any(|(each, _)| each.split('/').next() == Some(&address))
    });
    let id = desired.id(names::ip(&ip.name));
    let configured = facts.cib_has(&id);
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
