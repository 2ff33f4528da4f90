//! Hosts that do not answer, or are not as they have to be.

use hapair_model::observed::{Job, Record, Silence};

use super::{Case, between};
use crate::situations::{two_bare_hosts, with_packages};

fn silent(silence: Silence, named: &'static [&'static str], advice: &'static [&'static str]) -> Vec<Case> {
    let mut case = Case::at_rest(|_, _| {}, named, advice, |case, _| case.silence = None);
    case.silence = Some(silence);
    vec![case]
}

pub fn unreachable() -> Vec<Case> {
    silent(
        Silence::Unreachable("timed out".into()),
        &["node2", "192.0.2.12", "timed out"],
        &["check the host"],
    )
}

pub fn another_key() -> Vec<Case> {
    let offered = vec!["ssh-ed25519 SHA256:abc".into()];
    silent(
        Silence::UnknownHostKey { offered },
        &["node2", "SHA256:abc"],
        &["spec.nodes[].ssh.hostKeys"],
    )
}

pub fn denied() -> Vec<Case> {
    silent(
        Silence::Denied("Permission denied".into()),
        &["node2", "Permission denied"],
        &["authorized_keys"],
    )
}

pub fn not_root() -> Vec<Case> {
    silent(
        Silence::NotRoot("a password is required".into()),
        &["node2", "a password is required"],
        &["sudo without a password"],
    )
}

pub fn garbled() -> Vec<Case> {
    silent(
        Silence::Garbled("it said: Welcome!".into()),
        &["node2", "Welcome!"],
        &["shell profile"],
    )
}

pub fn another_name() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| hosts.second.name = "debian".into(),
        &["node2", "\"debian\"", "uname -n"],
        &["`hostnamectl set-hostname node2`"],
        Case::as_advised,
    )]
}

/// Before there is a cluster.
fn fresh(
    goes_wrong: fn(&mut hapair_model::observed::Host),
    named: &'static [&'static str],
    advice: &'static [&'static str],
    cure: fn(&mut Case, &str),
) -> Vec<Case> {
    vec![Case::of(
        with_packages,
        |_, hosts| goes_wrong(&mut hosts.second),
        named,
        advice,
        cure,
    )]
}

pub fn another_distribution() -> Vec<Case> {
    fresh(
        |host| host.distribution.version = "10".into(),
        &["node2", "debian 10", "Debian 12"],
        &["one of those that the message names"],
        |case, _| case.hosts.second.distribution.version = "12".into(),
    )
}

pub fn managed_elsewhere() -> Vec<Case> {
    fresh(
        |host| {
            host.owner = Some(Record {
                owner: "other/pair".into(),
                epoch: 1,
                name: Some("shop/database".into()),
            })
        },
        &["node2", "HAPair shop/database (owner other/pair)"],
        &["spec.takeOverFrom"],
        |case, message| {
            let owner = between(message, "set spec.takeOverFrom to ", ".");
            case.desired.take_over_from = Some(owner.to_owned());
        },
    )
}

pub fn without_packages() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            desired.install_packages = false;
            hosts.second.packages.remove("resource-agents");
        },
        &["node2", "resource-agents", "spec.packages"],
        &["install the packages"],
        |case, _| {
            drop(
                case.hosts
                    .second
                    .packages
                    .insert("resource-agents".into(), "1".into()),
            )
        },
    )]
}

pub fn packages_failed(times: u32) -> Vec<Case> {
    vec![Case::of(
        two_bare_hosts,
        |_, hosts| {
            hosts.second.install = Some(Job::Failed {
                message: "E: Unable to locate package pcs".into(),
                age: 5,
                times,
            });
        },
        &["node2", "Unable to locate package pcs"],
        &[
            "package sources",
            "on node2 `systemctl reset-failed hapair-packages`",
        ],
        Case::as_advised,
    )]
}

pub fn plain_rules() -> Vec<Case> {
    fresh(
        |host| host.plain_rules = Some("/etc/iptables/rules.v4".into()),
        &["node2", "/etc/iptables/rules.v4", "udp 5405 from 192.0.2.11"],
        &["spec.firewall", "Unmanaged"],
        |case, _| case.desired.open_firewall = false,
    )
}

pub fn without_drbd() -> Vec<Case> {
    fresh(
        |host| host.drbd_major = None,
        &["node2", "6.1.0", "no DRBD module"],
        &["install the module"],
        |case, _| case.hosts.second.drbd_major = Some(8),
    )
}

pub fn foreign_cluster() -> Vec<Case> {
    fresh(
        |host| host.corosync_cluster = Some("debian".into()),
        &["node2", "\"debian\""],
        &["pcs cluster destroy"],
        |case, _| case.hosts.second.corosync_cluster = None,
    )
}

/// The keys are the cluster's; a person accepts the host that has lost them.
pub fn without_keys() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            hosts.first.machine_id = "1".repeat(32);
            hosts.second.machine_id = "3".repeat(32);
            hosts.second.shared_keys.remove("/etc/corosync/authkey");
        },
        &["node2", "/etc/corosync/authkey"],
        &["`kubectl annotate hapair web hapair.dev/accept-host=node2="],
        |case, message| {
            let accepted = between(message, "hapair.dev/accept-host=", "`");
            let (node, id) = accepted.split_once('=').unwrap();
            case.desired.accepted.insert(node.to_owned(), id.to_owned());
        },
    )]
}

/// Nobody has to do anything: it passes.
pub fn converging() -> Vec<Case> {
    vec![Case::of(
        two_bare_hosts,
        |_, _| {},
        &["install packages"],
        &["wait"],
        Case::is_well,
    )]
}
