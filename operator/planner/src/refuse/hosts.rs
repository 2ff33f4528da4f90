//! What keeps a host from being one of the pair's, or the two from being a pair.

use hapair_model::{
    Reason, Side,
    desired::Desired,
    observed::{Host, Silence, owner_in_words},
    plan::Finding,
    reason::with_remedy,
};

use crate::{
    facts::{Facts, OneHost},
    parts::service,
    platform::Platform,
};

pub(super) fn silent(desired: &Desired, side: Side, silence: &Silence) -> Finding {
    let node = &desired.nodes[side];
    let (name, address) = (&node.name, &node.address);
    match silence {
        Silence::Unreachable(why) => Finding::about_pair(
            Reason::HostUnreachable,
            format!("{name}: no answer over SSH at {address}: {why}"),
        ),
        Silence::UnknownHostKey { offered } => Finding::about_pair(
            Reason::HostKeyMismatch,
            format!(
                "{name}: the host at {address} shows none of the pinned keys. It offers {}. Nothing was sent \
                 to it.",
                offered.join(", ")
            ),
        ),
        Silence::Denied(why) => Finding::about_pair(
            Reason::SshDenied,
            format!("{name}: the host at {address} refuses the SSH key or user: {why}"),
        ),
        Silence::NotRoot(why) => Finding::about_pair(
            Reason::NotRoot,
            format!("{name}: the SSH user cannot become root (expected: sudo without a password): {why}"),
        ),
        Silence::Garbled(what) => Finding::about_pair(
            Reason::HostGarbled,
            format!("{name}: the answer is not understood: {what}"),
        ),
    }
}

/// A cluster that no record of the operator's vouches for, whatever its name. A host that has lost its record
/// is vouched for by its peer's, when both are in one cluster, or the peer remembers it.
pub(super) fn foreign_cluster(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let OneHost {
        desired, host, peer, ..
    } = *one;
    let name = one.name();
    let vouches = |host: &Host| host.owner.is_some();
    let is_peers = |peer: &Host| {
        vouches(peer)
            && (peer.remembers(host)
                || peer
                    .cluster
                    .as_ref()
                    .is_some_and(|cluster| cluster.nodes.get(name).is_some_and(|node| node.online)))
    };
    let what = match &host.corosync_cluster {
        Some(cluster) if *cluster != desired.name => format!(
            "is in a cluster named {cluster:?}, expected none or {:?}",
            desired.name
        ),
        _ if vouches(host) || peer.is_some_and(is_peers) => return,
        Some(cluster) => format!("is in a cluster named {cluster:?} that hapair-operator did not form"),
        None if host.is_clustered() => {
            "has a cluster's configuration (/var/lib/pacemaker/cib) that is not hapair-operator's".to_owned()
        }
        None => return,
    };
    findings.push(Finding::about_pair(
        Reason::ForeignCluster,
        format!("{name} {what}. Nothing was changed."),
    ));
}

/// A host that another HAPair, or another operator, has.
pub(super) fn managed_elsewhere(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let (desired, host, name) = (one.desired, one.host, one.name());
    if let Some(record) = &host.owner
        && record.owner != desired.owner.to_string()
        && Some(&record.owner) != desired.take_over_from.as_ref()
    {
        let message = format!(
            "{name} is managed by {}, not by this HAPair (owner {}). Nothing was changed. To take it over \
             from there, set spec.takeOverFrom to {}.",
            owner_in_words(&record.owner, record.name.as_deref()),
            desired.owner,
            record.owner
        );
        findings.push(Finding::about_pair(Reason::ManagedElsewhere, message));
    }
}

/// A host that calls itself otherwise than its node, and is not to be renamed.
pub(super) fn other_name(one: &OneHost<'_>, findings: &mut Vec<Finding>) {
    let (host, name) = (one.host, one.name());
    let clustered = host.is_clustered() || host.corosync_cluster.is_some();
    if host.name != name && (clustered || !one.node().set_hostname) {
        let command = format!("on {name} `hostnamectl set-hostname {name}`");
        let remedy = if clustered {
            format!("a cluster knows the host by its name. Rename it back: {command}")
        } else {
            format!("rename it: {command}. Or set spec.nodes[].hostname to Managed")
        };
        let message = format!(
            "{name}: the host calls itself {:?} (uname -n), expected {name:?}. Nothing was changed",
            host.name
        );
        findings.push(Finding::about_pair(
            Reason::HostNameMismatch,
            with_remedy(&message, &remedy),
        ));
    }
}

/// A pair begins on one release. Later its hosts are upgraded one after the other, and it goes on; not where
/// a service has another unit on each.
pub(super) fn releases(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let platforms = hosts.as_ref().map(|host| Platform::of(&host.distribution));
    let Some(platforms) = platforms
        .clone()
        .complete()
        .filter(|platforms| platforms.first != platforms.second)
    else {
        return;
    };
    let versions = hosts
        .as_ref()
        .map(|host| format!("{} {}", host.distribution.id, host.distribution.version));
    let why = match service::one_unit(desired, &platforms.first, &platforms.second) {
        _ if !facts.formed => "a pair begins on one release".to_owned(),
        Some(preset) => format!(
            "{preset}'s unit has another name on each, so it cannot move between them until both run the same"
        ),
        None => return,
    };
    let message = format!("the hosts run {} and {}: {why}", versions.first, versions.second);
    findings.push(Finding::about_pair(Reason::UnsupportedDistribution, message));
}
