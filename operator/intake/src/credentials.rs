//! How to reach a pair's hosts, from its spec and its SSH Secret.

use hapair_crds::{HAPair, Node};
use hapair_model::{Both, host::Credentials};

use crate::sources::{Missing, Sources};

/// Both hosts' credentials.
pub fn of(pair: &HAPair, sources: &Sources) -> Result<Both<Credentials>, Missing> {
    let private_key = sources.secret(
        "spec.ssh.secretRef",
        &pair.spec.ssh.secret_ref.name,
        "ssh-privatekey",
    )?;
    let one = |node: &Node| Credentials {
        address: node.address.clone(),
        port: node
            .ssh
            .port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(22),
        user: pair.spec.ssh.user.clone().unwrap_or_else(|| "root".into()),
        private_key: private_key.clone(),
        host_keys: node.ssh.host_keys.clone(),
    };
    match pair.spec.nodes_by_name().as_slice() {
        [(_, first), (_, second)] => Ok(Both::new(one(first), one(second))),
        nodes => Err(format!("spec.nodes: expected two nodes, found {}", nodes.len())),
    }
}
