//! Configuration files of corosync and DRBD.

use hapair_model::{
    Side,
    desired::{Desired, Fencing, Volume},
};

/// corosync.conf(5): both nodes on all links, two_node (which implies wait_for_all).
///
/// The token of 3 s suits machines of one's own; a link's kind is knet, which encrypts.
pub fn corosync(desired: &Desired) -> String {
    let nodes: String = desired
        .nodes
        .iter()
        .map(|(_, node)| {
            let links: String = node
                .links
                .iter()
                .map(|(number, address)| format!("    ring{number}_addr: {address}\n"))
                .collect();
            format!(
                "  node {{\n    nodeid: {}\n    name: {}\n{links}  }}\n",
                node.id, node.name
            )
        })
        .collect();
    format!(
        "# Managed by hapair-operator; changes here are undone.\ntotem {{\n  version: 2\n  cluster_name: \
         {}\n  transport: knet\n  \
         crypto_cipher: aes256\n  crypto_hash: sha256\n  token: {}\n}}\n\nnodelist {{\n{nodes}}}\n\nquorum \
         {{\n  provider: corosync_votequorum\n  \
         two_node: 1\n}}\n\nlogging {{\n  to_logfile: yes\n  logfile: \
         /var/log/corosync/corosync.log\n  to_syslog: yes\n  timestamp: on\n}}\n",
        desired.name, desired.token
    )
}

/// A DRBD resource file (drbd.conf(5)); `@SECRET@` stands for the shared secret.
///
/// A resync gets 20 MiB/s whatever the service writes meanwhile: with DRBD's own 250 KiB/s a busy pair would
/// go without redundancy for hours. A peer that does not answer a ping of DRBD's within a second is given up;
/// one is sent after a second without a word, so that writes are frozen for two seconds at the most before
/// the handler is asked (drbd.conf(5): ping-int 10 s and ping-timeout 0.5 s by default). "timeout" has to be
/// below ping-int; with ko-count it says, as by default, that a peer may take 42 s for a write. Split brain
/// is never resolved by itself. Where there is fencing, a Primary that loses its peer freezes until pacemaker
/// has confirmed that the peer is off or has been forbidden to be promoted; 8.4 has that policy in the disk
/// section, 9 in the net section.
pub fn drbd(desired: &Desired, volume: &Volume, major: u32) -> String {
    let policy = match desired.fencing {
        Fencing::Required => "resource-and-stonith",
        Fencing::Disabled => "resource-only",
    };
    let nine = major >= 9;
    let (disk_policy, net_policy) = if nine {
        (String::new(), format!("    fencing {policy};\n"))
    } else {
        (format!("    fencing {policy};\n"), String::new())
    };
    let (fence, event, unfence) = if nine {
        (
            "crm-fence-peer.9.sh --timeout 150 --dc-timeout 180",
            "unfence-peer",
            "crm-unfence-peer.9.sh",
        )
    } else {
        ("hapair-fence-peer", "after-resync-target", "hapair-unfence-peer")
    };
    let options = if nine {
        "  options {\n    auto-promote no;\n  }\n"
    } else {
        ""
    };
    let node = |side: Side| {
        let node = &desired.nodes[side];
        let address = node.link(desired.replication_link).unwrap_or(&node.address);
        let address = if address.contains(':') {
            format!("ipv6 [{address}]")
        } else {
            format!("ipv4 {address}")
        };
        let id = if nine {
            format!("    node-id {};\n", node.id - 1)
        } else {
            String::new()
        };
        format!(
            "  on {} {{\n{id}    device /dev/drbd{minor} minor {minor};\n    disk {};\n    meta-disk \
             internal;\n    address {address}:{};\n  }}\n",
            node.name,
            volume.disks[side].device,
            volume.port,
            minor = volume.minor,
        )
    };
    format!(
        "# Managed by hapair-operator; changes here are undone.\nresource {} {{\n{options}  net \
         {{\n    protocol C;\n    ping-int 1;\n    ping-timeout 10;\n    timeout 9;\n    ko-count \
         47;\n    cram-hmac-alg sha256;\n    \
         shared-secret \"@SECRET@\";\n    after-sb-0pri disconnect;\n    after-sb-1pri \
         disconnect;\n    after-sb-2pri disconnect;\n{net_policy}  }}\n  \
         disk {{\n    on-io-error detach;\n    c-min-rate 20M;\n{disk_policy}  }}\n  handlers \
         {{\n    fence-peer \"/usr/lib/drbd/{fence}\";\n    \
         {event} \"/usr/lib/drbd/{unfence}\";\n  }}\n{}{}}}\n",
        volume.name,
        node(Side::First),
        node(Side::Second),
    )
}
