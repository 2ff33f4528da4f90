//! What the two legs of a volume are to each other.

use hapair_model::{
    Both,
    desired::Volume,
    observed::{Host, Resource, Role},
};

/// Whether both legs hold the same current data and are connected.
pub fn is_redundant(volume: &Volume, hosts: &Both<&Host>) -> bool {
    hosts.all(|host| {
        host.resources
            .get(&volume.name)
            .is_some_and(|leg| leg.is_connected() && leg.is_up_to_date())
    })
}

/// Whether both legs are Primary without a connection. A connection does not allow that; connected legs that were both
/// seen Primary were seen at different moments.
pub fn are_both_primary(legs: Both<Option<&Resource>>) -> bool {
    legs.all(|leg| leg.is_some_and(|leg| leg.role == Role::Primary && !leg.is_connected()))
}

/// Whether the legs' data has diverged: they are not connected, and neither leg's data went on from the other's.
/// `None`: they are not connected, and what data they hold is not seen.
pub fn is_split(legs: Both<Option<&Resource>>) -> Option<bool> {
    // A leg that is not seen may be apart; not one that the other is connected to.
    if legs.any(|leg| leg.is_some_and(Resource::is_connected)) {
        return Some(false);
    }
    let legs = legs
        .complete()
        .filter(|legs| legs.all(|leg| leg.generation != 0))?;
    let blank = legs.any(|leg| leg.is_blank());
    Some(!blank && !legs.first.descends_from(legs.second) && !legs.second.descends_from(legs.first))
}
