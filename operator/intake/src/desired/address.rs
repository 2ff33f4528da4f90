//! Floating IPs.

use std::net::IpAddr;

use hapair_crds as crds;
use hapair_model::{Both, Reason, Side, desired::FloatingIp, plan::Subject};
use kube::ResourceExt;

use super::Intake;

impl Intake<'_> {
    pub(super) fn floating_ip(&mut self, ip: &crds::FloatingIP) -> Option<FloatingIp> {
        let text = &ip.spec.address;
        let parsed = text.split_once('/').and_then(|(address, prefix)| {
            Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?))
        });
        match parsed
            .filter(|(address, prefix)| *prefix >= 1 && *prefix <= if address.is_ipv4() { 32 } else { 128 })
        {
            Some((address, prefix)) => {
                let interface = |node: &str| {
                    ip.spec
                        .interfaces
                        .iter()
                        .flatten()
                        .find(|each| each.node == node)
                        .map(|each| each.name.clone())
                };
                let nodes = self.pair.spec.nodes_by_name();
                let on = |side: Side| {
                    nodes
                        .get(usize::from(side == Side::Second))
                        .and_then(|(_, node)| interface(&node.name))
                };
                Some(FloatingIp {
                    name: ip.name_any(),
                    address,
                    prefix,
                    interfaces: Both::from_fn(on),
                    watched: ip.spec.when_link_down != Some(crds::WhenLinkDown::Ignore),
                })
            }
            None => {
                let message =
                    format!("spec.address: {text:?} is not an address with a prefix, such as 192.0.2.100/24");
                self.find(Subject::FloatingIp(ip.name_any()), Reason::InvalidSpec, message);
                None
            }
        }
    }
}
