//! What a plan leads to, where a host shows less than the simulator's.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_planner::{End, foresee, plan};
use situations::*;

/// A host does not look at a disk whose leg is up, and what it says of it then means nothing.
#[test]
fn a_leg_that_goes_down_leaves_its_disk_as_it_was_made() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.devices.get_mut("logs").unwrap().in_use = Some("something that is not understood".into());
    }
    desired.nodes.first.standby = Some(true);
    let foreseen = foresee(&desired, &seen(&hosts), |now| plan(&desired, now, &fresh()));
    let names: Vec<_> = foreseen.stages.iter().map(|stage| stage.name).collect();
    assert_eq!((names, foreseen.end), (vec!["configure the cluster"], End::Rest));
}
