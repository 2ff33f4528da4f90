//! Constraints that keep something of the pair's off a node.

use hapair_model::{
    desired::Desired,
    observed::{Ban, Cluster},
};

use crate::{names, parts::service};

/// Whether DRBD's fencing handler has made it, which takes it away when the peer has caught up
/// (hapair-fence-peer).
pub fn is_drbds(ban: &Ban) -> bool {
    ban.id.starts_with("drbd-fence-by-handler-")
}

/// Whether `pcs resource move` or `pcs resource ban` has left it.
pub fn is_of_a_move(ban: &Ban) -> bool {
    ban.id.starts_with("cli-")
}

/// Bans of what the pair declares. A fencing device is none of it: it is kept off the node it fences, which
/// is as it should be.
pub fn of_ours<'a>(desired: &'a Desired, cluster: &'a Cluster) -> impl Iterator<Item = &'a Ban> {
    let mut ours: Vec<_> = desired
        .volumes
        .iter()
        .flat_map(|volume| [names::volume(&volume.name), names::volume_clone(&volume.name)])
        .collect();
    ours.extend(desired.groups.iter().flat_map(|group| {
        [names::group(&group.name)]
            .into_iter()
            .chain(service::members(desired, group))
    }));
    ours.extend(
        desired
            .floating_ips
            .iter()
            .map(|ip| desired.id(names::ip(&ip.name))),
    );
    cluster
        .bans
        .iter()
        .filter(move |ban| ours.contains(&ban.resource) && desired.side(&ban.node).is_some())
}
