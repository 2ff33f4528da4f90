//! The two nodes.

use std::net::IpAddr;

use hapair_crds as crds;
use hapair_model::{
    Both, Reason,
    desired::{Fencing, Node},
    plan::Subject,
};

use super::{Asked, Intake, fencing_mode};

impl Intake<'_> {
    pub(super) fn nodes(&mut self, asked: &Asked) -> Option<Both<Node>> {
        let pair = self.pair;
        let by_name = pair.spec.nodes_by_name();
        let [(first_at, first), (second_at, second)] = by_name.as_slice() else {
            self.find(
                Subject::Pair,
                Reason::InvalidSpec,
                format!("spec.nodes: expected two nodes, found {}", by_name.len()),
            );
            return None;
        };
        Some(Both::new(
            self.node(1, *first_at, first, asked),
            self.node(2, *second_at, second, asked),
        ))
    }

    fn node(&mut self, id: u32, index: usize, node: &crds::Node, asked: &Asked) -> Node {
        let links = match &node.links {
            Some(links) => links
                .iter()
                .filter_map(|link| Some((u8::try_from(link.number).ok()?, link.address.clone())))
                .collect(),
            None => vec![(0, node.address.clone())],
        };
        let addresses: Vec<String> = std::iter::once(&node.address)
            .chain(links.iter().map(|(_, address): &(u8, String)| address))
            .cloned()
            .collect();
        for address in addresses {
            if address.parse::<IpAddr>().is_err() {
                self.find(
                    Subject::Pair,
                    Reason::InvalidSpec,
                    format!("spec.nodes[{index}]: {address:?} is not an IP address"),
                );
            }
        }
        // Without fencing the devices stay declared, and are not used.
        let wanted = if fencing_mode(self.pair) == Fencing::Disabled {
            &[]
        } else {
            node.fencing.as_deref().unwrap_or_default()
        };
        let devices = wanted.iter().enumerate().filter_map(|(level, device)| {
            self.device(&format!("spec.nodes[{index}].fencing[{level}]"), device)
        });
        let devices = devices.collect();
        Node {
            id,
            name: node.name.clone(),
            address: node.address.clone(),
            links,
            devices,
            set_hostname: node.hostname == Some(crds::Management::Managed),
            standby: asked
                .standby
                .as_ref()
                .and_then(|asked| asked.get(&node.name).copied().or(node.standby)),
        }
    }
}
