//! Diverged data, and the way out.

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    observed::{ConnectionState, Resource, Role},
    reason::with_remedy,
};

/// A split brain, and how each of the two data sets could be kept, in commands as they are to be typed.
pub fn split_brain(desired: &Desired, volume: &Volume, legs: &Both<Option<&Resource>>) -> String {
    let name = &volume.name;
    let node = |side: Side| desired.nodes[side].name.as_str();
    let stands_alone =
        |side: Side| legs[side].is_some_and(|leg| leg.connection == ConnectionState::StandAlone);
    let keep = |kept: Side| {
        let lost = kept.peer();
        // A leg that stands alone has nothing to disconnect: drbdsetup fails with 162.
        let disconnect = if stands_alone(lost) {
            String::new()
        } else {
            format!("drbdadm disconnect {name} && ")
        };
        let connect = if stands_alone(kept) {
            format!(", then on {} `drbdadm connect {name}`", node(kept))
        } else {
            String::new()
        };
        format!(
            "on {} `{disconnect}drbdadm connect --discard-my-data {name}`{connect}",
            node(lost)
        )
    };
    let remedy = match legs.find(|leg| leg.is_some_and(|leg| leg.role == Role::Primary)) {
        Some(serving) => format!(
            "decide which data shall live; the writes of the other node since the split are lost. To keep those of {}, which serves: {}. To \
             keep those of {}, it has to serve first; no tried commands are known for that",
            node(serving),
            keep(serving),
            node(serving.peer()),
        ),
        None => format!(
            "decide which data shall live; the writes of the other node since the split are lost. To keep those of {}: {}. To keep those of \
             {}: {}",
            node(Side::First),
            keep(Side::First),
            node(Side::Second),
            keep(Side::Second),
        ),
    };
    with_remedy(
        &format!("volume {name}: the two legs hold diverged data"),
        &remedy,
    )
}
