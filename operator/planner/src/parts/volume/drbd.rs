//! A volume as a DRBD resource: its file, and its clone in the cluster.

use hapair_model::{
    Side,
    desired::{Desired, Fencing, Volume},
    plan::{Content, File, FollowUp, Keep},
    xml::Element,
};

use crate::{
    elements::{AGENT_LIMIT, attributes, ocf, operations, owned},
    files::MANAGED,
    names,
    platform::{
        self,
        drbd::{Dialect, Section},
    },
};

/// The resource's file.
pub fn file(desired: &Desired, volume: &Volume, dialect: &Dialect) -> File {
    File {
        path: names::resource_file(&volume.name),
        mode: "600".into(),
        owner: "root:root".into(),
        content: Content::WithDrbdSecret(content(desired, volume, dialect)),
        keep: Keep::Versions,
        follow_up: Some(FollowUp::Adjust(volume.name.clone())),
    }
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
fn content(desired: &Desired, volume: &Volume, dialect: &Dialect) -> String {
    let policy = match desired.fencing {
        Fencing::Required => "resource-and-stonith",
        Fencing::Disabled => "resource-only",
    };
    let policy = format!("    fencing {policy};\n");
    let policy_in = |section: Section| {
        if dialect.policy == section {
            policy.as_str()
        } else {
            ""
        }
    };
    let (disk_policy, net_policy) = (policy_in(Section::Disk), policy_in(Section::Net));
    let (fence, (event, unfence)) = (dialect.fence, dialect.unfence);
    let options = if dialect.promotes_by_itself {
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
        let id = if dialect.numbers_nodes {
            format!("    node-id {};\n", node.id - 1)
        } else {
            String::new()
        };
        format!(
            "  on {} {{\n{id}    device /dev/drbd{minor} minor {minor};\n    disk {};\n    meta-disk \
             internal;\n    address {address}:{};\n  }}\n",
            node.name,
            volume.disks[side].device,
            volume.port(),
            minor = volume.minor(),
        )
    };
    format!(
        "{MANAGED}resource {} {{\n{options}  net \
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

/// The promotable clone of a DRBD resource. Time-outs are the agent's advised ones (ocf:linbit:drbd,
/// meta-data), and promotion waits for a fence.
pub fn clone(volume: &Volume, dialect: &platform::Dialect) -> Element {
    let (id, clone) = (names::volume(&volume.name), names::volume_clone(&volume.name));
    let meta = [
        ("promotable", "true"),
        ("promoted-max", "1"),
        ("promoted-node-max", "1"),
        ("clone-max", "2"),
        ("clone-node-max", "1"),
        ("notify", "true"),
        ("interleave", "true"),
        ("priority", "1"),
    ];
    let operations = operations(
        &id,
        &[
            ("start", "0s", "240s", None),
            ("promote", "0s", "200s", None),
            ("demote", "0s", "90s", None),
            ("notify", "0s", "90s", None),
            ("stop", "0s", "100s", None),
            ("monitor", "15s", AGENT_LIMIT, Some(dialect.promoted)),
            ("monitor", "20s", AGENT_LIMIT, Some(dialect.unpromoted)),
        ],
    );
    let primitive = ocf(&id, "linbit", "drbd")
        .child(attributes(
            "instance_attributes",
            &id,
            &owned(&[("drbd_resource", &volume.name)]),
        ))
        .child(operations);
    Element::new("clone")
        .with("id", &clone)
        .child(attributes("meta_attributes", &clone, &owned(&meta)))
        .child(primitive)
}
