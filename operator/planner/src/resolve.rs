//! What the hosts have a say in. An address goes to the interface whose network holds it. Ids and numbers are
//! chosen once: the resources' ids, the nodes' ids, a volume's minor and port. What the cluster and the hosts
//! have counts. A new volume gets the lowest number that nothing on either host has: no declared volume, none
//! that was left behind, no resource of someone else.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Side,
    desired::{Desired, ServiceKind},
    observed::{Host, HostView, Limit, Unit},
};

use crate::{addresses, cib, desired_cib, live, platform::Platform, released};

/// DRBD's first port (drbd.conf(5) suggests 7788 and up; 7789 is what most pairs use).
const FIRST_PORT: u16 = 7789;

/// The declared state with every volume's numbers as the hosts have them.
pub fn resolve(mut desired: Desired, observed: &Both<HostView>) -> Desired {
    if let Some(ids) = node_ids(&desired, observed) {
        (desired.nodes.first.id, desired.nodes.second.id) = (ids.first, ids.second);
    }
    let floating: Vec<_> = desired.floating_ips.iter().map(|ip| ip.address).collect();
    for ip in &mut desired.floating_ips {
        for side in Side::BOTH {
            let found = observed[side]
                .host()
                .and_then(|host| addresses::interface(host, ip.address, &floating));
            ip.interfaces[side] = ip.interfaces[side].take().or(found);
        }
    }
    let Taken {
        mut minors,
        mut ports,
    } = taken(observed);
    for volume in &mut desired.volumes {
        (volume.minor, volume.port) = known(&volume.name, observed).unwrap_or_else(|| {
            let minor = (0..).find(|minor| !minors.contains(minor)).unwrap_or_default();
            let port = (FIRST_PORT..)
                .find(|port| !ports.contains(port))
                .unwrap_or_default();
            (minor, port)
        });
        minors.insert(volume.minor);
        ports.insert(volume.port);
    }
    for service in desired.groups.iter_mut().flat_map(|group| &mut group.services) {
        service.start_timeout = service
            .start_timeout
            .or_else(|| timeout(&service.kind, observed, |unit| unit.start_limit));
        service.stop_timeout = service
            .stop_timeout
            .or_else(|| timeout(&service.kind, observed, |unit| unit.stop_limit));
    }
    desired.ids.clear();
    // A host that is joining has a configuration of its own for a while: the cluster's counts.
    let live =
        live::member(observed).and_then(|host| Some((host.cib.as_ref()?, Platform::of(&host.distribution)?)));
    desired.ids = live
        .map(|(cib, platform)| released::ids(cib, &desired, &platform))
        .unwrap_or_default();
    desired
}

/// The cluster's time-out for an operation on a systemd unit: longer than systemd's own limit, so that
/// systemd ends it, and not the cluster. A unit without a limit is given an hour.
fn timeout(kind: &ServiceKind, observed: &Both<HostView>, limit: impl Fn(&Unit) -> Limit) -> Option<u32> {
    let of_host = |host: &Host| {
        Some(limit(
            host.units.get(Platform::of(&host.distribution)?.unit(kind)?)?,
        ))
    };
    let limits = observed.iter().filter_map(|(_, view)| of_host(view.host()?));
    let longest = limits.filter_map(|limit| match limit {
        Limit::Unknown => None,
        Limit::Seconds(seconds) => Some(seconds.saturating_add(MARGIN)),
        Limit::Endless => Some(HOUR),
    });
    longest
        .max()
        .filter(|seconds| *seconds > desired_cib::SERVICE_TIMEOUT)
}

/// The nodes' ids in a cluster that has both: those of the live configuration, else of a corosync.conf.
/// Debian's own names one node only.
fn node_ids(desired: &Desired, observed: &Both<HostView>) -> Option<Both<u32>> {
    let of_both =
        |id_of: &dyn Fn(&str) -> Option<u32>| desired.nodes.as_ref().map(|node| id_of(&node.name)).complete();
    let hosts = || observed.iter().filter_map(|(_, view)| view.host());
    let live = hosts()
        .filter_map(|host| host.cib.as_ref())
        .find_map(|cib| of_both(&|name| cib::node_id(cib, name)));
    live.or_else(|| {
        hosts()
            .filter_map(|host| host.corosync_conf.as_ref())
            .find_map(|conf| of_both(&|name| conf.nodes.get(name).copied()))
    })
}

/// What the cluster waits longer than systemd, in seconds.
const MARGIN: u32 = 30;
const HOUR: u32 = 3600;

struct Taken {
    minors: BTreeSet<u32>,
    ports: BTreeSet<u16>,
}

fn taken(observed: &Both<HostView>) -> Taken {
    let mut taken = Taken {
        minors: BTreeSet::new(),
        ports: BTreeSet::new(),
    };
    for host in observed.iter().filter_map(|(_, view)| view.host()) {
        taken
            .minors
            .extend(host.volume_records.values().map(|record| record.minor));
        taken
            .minors
            .extend(host.drbd_config.values().flat_map(|config| &config.minors));
        taken
            .minors
            .extend(host.resources.values().map(|resource| resource.minor));
        taken
            .ports
            .extend(host.volume_records.values().map(|record| record.port));
        taken
            .ports
            .extend(host.drbd_config.values().flat_map(|config| &config.ports));
    }
    taken
}

/// A volume's numbers by its record, or by its file when the metadata is not made yet.
fn known(volume: &str, observed: &Both<HostView>) -> Option<(u32, u16)> {
    let hosts = || observed.iter().filter_map(|(_, view)| view.host());
    let recorded = hosts()
        .find_map(|host| host.volume_records.get(volume))
        .map(|record| (record.minor, record.port));
    recorded.or_else(|| {
        let config = hosts()
            .filter_map(|host| host.drbd_config.get(volume))
            .find(|config| config.ours)?;
        Some((*config.minors.first()?, *config.ports.first()?))
    })
}
