//! What the two legs of a volume are to each other.

use hapair_model::{
    Both,
    desired::Volume,
    observed::{ConnectionState, Host, Resource},
};

/// Whether both legs hold the same current data and are connected.
pub fn is_redundant(volume: &Volume, hosts: &Both<&Host>) -> bool {
    hosts.all(|host| {
        host.resources
            .get(&volume.name)
            .is_some_and(|leg| leg.is_connected() && leg.is_up_to_date())
    })
}

/// Whether the legs' data has diverged: DRBD has given up the connection, and neither leg's data went on from
/// the other's. StandAlone alone says little: a leg is StandAlone for a moment whenever it is brought up or
/// taken down. `None`: the legs are not connected, and what data they hold is not seen.
pub fn is_split(legs: Both<Option<&Resource>>) -> Option<bool> {
    let stands_alone = legs.any(|leg| leg.is_some_and(|leg| leg.connection == ConnectionState::StandAlone));
    // A leg that is not seen may have given up, too; not one that the other is connected to.
    let is_told = legs.all(|leg| leg.is_some()) || legs.any(|leg| leg.is_some_and(Resource::is_connected));
    if !stands_alone && is_told {
        return Some(false);
    }
    let legs = legs
        .complete()
        .filter(|legs| legs.all(|leg| leg.generation != 0))?;
    let blank = legs.any(|leg| leg.is_blank());
    Some(!blank && !legs.first.descends_from(legs.second) && !legs.second.descends_from(legs.first))
}
