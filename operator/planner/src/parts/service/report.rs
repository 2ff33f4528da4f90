//! The status of a ServiceGroup.

use hapair_model::{
    Reason,
    desired::Group,
    observed::Unit,
    plan::Subject,
    reason::with_remedy,
    report::{ChildReport, Condition},
};

use super::{
    availability::{availability, group_node},
    unit,
};
use crate::{platform::Platform, view::View};

/// The group's status.
pub fn report(view: &View<'_>, group: &Group) -> ChildReport {
    let about = Subject::Group(group.name.clone());
    let node = group_node(view, group);
    let (available, why, what) = availability(view, group);
    let twice = problem(view, group);
    let unserved = (available != Some(true))
        .then(|| (why, what.clone()))
        .or_else(|| twice.clone());
    let mut conditions = view.verdict(&about, view.finding(&about), unserved);
    conditions.push(match (&node, twice) {
        (Ok(_), Some((reason, message))) => Condition::new("Running", Some(false), reason, message),
        (Ok(node), None) => Condition::new("Running", Some(true), Reason::Healthy, format!("runs on {node}")),
        (Err((reason, message)), _) => Condition::new(
            "Running",
            (*reason != Reason::NotObserved).then_some(false),
            *reason,
            message.clone(),
        ),
    });
    conditions.push(Condition::new("Available", available, why, what));
    ChildReport {
        conditions,
        node: node.ok(),
    }
}

/// What of a group counts for the pair as a whole, whether its service can be had or not.
pub fn problem(view: &View<'_>, group: &Group) -> Option<(Reason, String)> {
    runs_on_the_other(view, group, &group_node(view, group).ok()?)
}

/// A unit of the group that runs on the node where the cluster does not have the group.
fn runs_on_the_other(view: &View<'_>, group: &Group, node: &str) -> Option<(Reason, String)> {
    let side = view.desired.side(node)?.peer();
    let (host, other) = (view.hosts[side]?, view.desired.nodes[side].name.as_str());
    let platform = Platform::of(&host.distribution)?;
    let runs = |unit: &&str| host.units.get(*unit).is_some_and(Unit::is_active);
    let mut units = group
        .services
        .iter()
        .filter_map(|service| unit(&service.kind, &platform));
    let unit = units.find(runs)?;
    Some((
        Reason::RunsTwice,
        with_remedy(
            &format!(
                "{unit} runs on {other}, too, where the cluster does not have group {}",
                group.name
            ),
            &format!("on {other} `systemctl disable --now {unit}`"),
        ),
    ))
}
