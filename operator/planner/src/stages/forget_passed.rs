//! Failures that have passed before anything was done about them, as on a host that stood still for half a minute.

use hapair_model::{
    observed::{Cluster, Failure, Task},
    plan::{Next, Step},
};

use crate::{facts::Facts, parts::service};

/// Has the cluster forget them: at the end of a maintenance mode pacemaker would stop what has run well since.
pub fn forget_passed(facts: &Facts<'_>) -> Option<Next> {
    let (cluster, member) = (facts.cluster()?, facts.quorate_member?);
    if cluster.maintenance {
        return None;
    }
    let ours = service::resources_of_ours(facts.desired);
    let mut failures = cluster
        .failures
        .iter()
        .filter(|failure| ours.contains(&failure.resource));
    let step = failures.find_map(|failure| forgotten(failure, cluster))?;
    Next::stage_on("forget a failure that has passed", member.side, vec![step])
}

fn forgotten(failure: &Failure, cluster: &Cluster) -> Option<Step> {
    let interval_ms = failure.passed.filter(|_| failure.task == Task::Monitor)?;
    let runs_well = cluster.resources.iter().any(|each| {
        each.id == failure.resource && each.nodes.contains(&failure.node) && !each.failed && !each.unmanaged
    });
    runs_well.then(|| Step::ForgetFailure {
        resource: failure.resource.clone(),
        node: failure.node.clone(),
        interval_ms,
    })
}
