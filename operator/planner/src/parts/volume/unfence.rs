//! The constraint of a lost peer, once the peer has the newest data again. DRBD runs the handler that takes it away
//! when a resync ends, and never again: where the node was busy, or died just then, the constraint would keep the other
//! node from taking over for good.

use hapair_model::{
    observed::Resource,
    plan::{Next, Step},
};

use crate::{facts::Facts, names};

/// Runs the handler once more.
pub fn unfence(facts: &Facts<'_>) -> Option<Next> {
    let member = facts.quorate_member?;
    let has_caught_up =
        |leg: &Resource| leg.is_connected() && !leg.replication.is_resync() && leg.is_up_to_date();
    let is_due = |name: &str| {
        member.cib.has(&names::fence_constraint(name))
            && facts
                .hosts
                .all(|host| host.resources.get(name).is_some_and(has_caught_up))
    };
    let volumes = facts.desired.volumes.iter().filter(|volume| is_due(&volume.name));
    let steps = volumes.map(|volume| Step::Unfence {
        resource: volume.name.clone(),
        minor: volume.minor(),
    });
    Next::stage_on("let the other node take over again", member.side, steps.collect())
}
