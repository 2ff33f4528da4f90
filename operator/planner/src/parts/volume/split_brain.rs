//! Diverged data, and the way out.

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    observed::{Resource, Role},
    reason::with_remedy,
};

/// A split brain, and how each of the two data sets could be kept, in commands as they are to be typed.
pub fn split_brain(desired: &Desired, volume: &Volume, legs: &Both<Option<&Resource>>) -> String {
    let name = &volume.name;
    let node = |side: Side| desired.nodes[side].name.as_str();
    // A leg finds out by itself that it has diverged, and stands alone from then on, perhaps after this was read: there is nothing to disconnect then
    // (drbdsetup fails with 162), and the leg that is kept has to be connected, too. Adjusting one that is connected changes nothing.
    let keep = |kept: Side| {
        format!(
            "on {} `drbdadm disconnect {name} 2>/dev/null; drbdadm connect --discard-my-data {name}`, then on {} `drbdadm adjust {name}`",
            node(kept.peer()),
            node(kept),
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
