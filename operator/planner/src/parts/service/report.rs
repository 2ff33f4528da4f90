//! The status of a ServiceGroup.

use hapair_model::{Reason, desired::Group, plan::Subject, report::ChildReport};

use crate::report::{View, condition};

/// The group's status.
pub fn report(view: &View<'_>, group: &Group) -> ChildReport {
    let about = Subject::Group(group.name.clone());
    let node = view.group_node(group);
    let (available, why, what) = view.availability(group);
    let problem = (available != Some(true)).then(|| (why, what.clone()));
    let mut conditions = view.verdict(&about, view.finding(&about), problem);
    conditions.push(match &node {
        Ok(node) => condition("Running", Some(true), Reason::Healthy, format!("runs on {node}")),
        Err((reason, message)) => condition(
            "Running",
            (*reason != Reason::NotObserved).then_some(false),
            *reason,
            message.clone(),
        ),
    });
    conditions.push(condition("Available", available, why, what));
    ChildReport {
        conditions,
        node: node.ok(),
    }
}
