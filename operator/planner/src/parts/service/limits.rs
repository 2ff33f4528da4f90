//! How long a service may take to start and to stop.

use hapair_model::{
    Both,
    desired::{Desired, ServiceKind},
    observed::{Host, HostView, Limit, Unit},
};

use super::unit;
use crate::platform::Platform;

/// How long a service's start or stop may take, in seconds, where nothing says otherwise: systemd's own limit
/// is 90 s unless a unit has another.
pub const USUAL: u32 = 120;

/// What the cluster waits longer than systemd, in seconds.
const MARGIN: u32 = 30;

/// What stands for no limit at all, in seconds.
pub const HOUR: u32 = 3600;

/// Where nothing is declared, a unit's own limits count.
pub fn resolve(desired: &mut Desired, observed: &Both<HostView>) {
    for service in desired.groups.iter_mut().flat_map(|group| &mut group.services) {
        service.start_timeout = service
            .start_timeout
            .or_else(|| timeout(&service.kind, observed, |unit| unit.start_limit));
        service.stop_timeout = service
            .stop_timeout
            .or_else(|| timeout(&service.kind, observed, |unit| unit.stop_limit));
    }
}

/// The cluster's time-out for an operation on a systemd unit: longer than systemd's own limit, so that
/// systemd ends it, and not the cluster. A unit without a limit is given an hour.
fn timeout(kind: &ServiceKind, observed: &Both<HostView>, limit: impl Fn(&Unit) -> Limit) -> Option<u32> {
    let of_host = |host: &Host| {
        Some(limit(
            host.units.get(unit(kind, &Platform::of(&host.distribution)?)?)?,
        ))
    };
    let limits = observed.iter().filter_map(|(_, view)| of_host(view.host()?));
    let longest = limits.filter_map(|limit| match limit {
        Limit::Unknown => None,
        Limit::Seconds(seconds) => Some(seconds.saturating_add(MARGIN)),
        Limit::Endless => Some(HOUR),
    });
    longest.max().filter(|seconds| *seconds > USUAL)
}
