//! The constraint of a lost peer, once the peer has the newest data again. DRBD runs the handler that takes it away
//! when a resync ends, and never again: where the node was busy, or died just then, the constraint would keep the other
//! node from taking over for good.

use hapair_model::{
    Side,
    observed::{ReplicationState, Resource, Role},
    plan::{Next, Step},
};

use crate::{facts::Facts, names};

/// Runs the handler once more: where the volume is Primary, since that node is the first to know that it has lost its
/// peer, and would set the constraint anew.
pub fn unfence(facts: &Facts<'_>) -> Option<Next> {
    let member = facts.quorate_member?;
    let leg = |side: Side, name: &str| facts.hosts[side].resources.get(name);
    // The handler waits for a leg that verifies.
    let has_caught_up = |leg: &Resource| {
        leg.is_connected() && leg.replication == ReplicationState::Established && leg.is_up_to_date()
    };
    let is_due = |name: &str| {
        let have_caught_up = Side::BOTH
            .iter()
            .all(|side| leg(*side, name).is_some_and(has_caught_up));
        have_caught_up && member.cib.has(&names::fence_constraint(name))
    };
    let volume = facts.desired.volumes.iter().find(|volume| is_due(&volume.name))?;
    let is_primary = |side: &Side| leg(*side, &volume.name).is_some_and(|leg| leg.role == Role::Primary);
    let side = Side::BOTH.into_iter().find(is_primary).unwrap_or(member.side);
    let step = Step::Unfence {
        resource: volume.name.clone(),
        minor: volume.minor(),
    };
    Next::stage_on("let the other node take over again", side, vec![step])
}
