//! What is left once everything is configured: systemd's own view of its units, and waiting.

use hapair_model::{
    Both, Side,
    plan::{Next, Step},
};

use crate::{facts::Facts, parts::service, standby, whole};

/// systemd reads units again whose files are newer than what it knows. That takes seconds, so a service that
/// is starting is not held up by it.
pub fn reload_units(facts: &Facts<'_>) -> Option<Next> {
    if service::starting_group(facts).is_some() {
        return None;
    }
    let units: Vec<_> = whole::parts()
        .flat_map(|part| (part.drop_ins)(facts.desired))
        .collect();
    let steps = |side: Side| {
        let is_outdated = |name: &String| {
            let unit = facts.hosts[side].units.get(name);
            unit.is_some_and(|unit| unit.outdated)
        };
        let due = units.iter().any(is_outdated);
        due.then_some(Step::ReloadUnits).into_iter().collect()
    };
    Next::stage("let systemd read its units again", Both::from_fn(steps))
}

/// Waits while the cluster is still on its way: nodes joining, resources starting, data being copied. What stands on
/// others is named first.
pub fn settle_down(facts: &Facts<'_>) -> Option<Next> {
    let cluster = facts.cluster()?;
    let standby = || {
        Side::BOTH
            .into_iter()
            .find_map(|side| standby::waits(facts, side))
    };
    let joining = || {
        let mut nodes = cluster.nodes.iter();
        let (name, _) = nodes.find(|(_, node)| !node.online || node.pending)?;
        Some(format!("node {name} is joining"))
    };
    let parts = || whole::parts().rev().find_map(|part| (part.waits)(facts));
    standby().or_else(joining).or_else(parts).map(Next::Wait)
}
