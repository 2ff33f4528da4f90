//! Failures that stand in the way although their cause is gone.

use hapair_model::{
    Side,
    observed::{Cluster, Failure, Task},
    plan::{Next, Step},
};

use crate::{facts::Facts, parts::service};

/// Has the cluster forget them.
pub fn forget_failures(facts: &Facts<'_>) -> Option<Next> {
    let (cluster, member) = (facts.cluster()?, facts.quorate_member?);
    if cluster.maintenance {
        return None;
    }
    let ours = service::resources_of_ours(facts.desired);
    let of_ours = || {
        let failures = cluster.failures.iter();
        failures.filter(|failure| ours.contains(&failure.resource))
    };
    let stage = |name, step| Next::stage_on(name, member.side, vec![step]);
    if let Some(step) = of_ours().find_map(|failure| passed(failure, cluster)) {
        return stage("forget a failure that has passed", step);
    }
    let mended = of_ours().find(|failure| is_mended(failure, facts))?;
    let resource = mended.resource.clone();
    stage(
        "try again what something was missing for",
        Step::CleanUp { resource },
    )
}

/// As on a host that stood still for half a minute. At the end of a maintenance mode pacemaker would stop what has run
/// well since.
fn passed(failure: &Failure, cluster: &Cluster) -> Option<Step> {
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

/// Whether something was missing on the node then, and a file or a package has been put there since.
fn is_mended(failure: &Failure, facts: &Facts<'_>) -> bool {
    let mut sides = Side::BOTH.into_iter();
    let host = sides.find(|side| facts.desired.nodes[*side].name == failure.node);
    let mended_at = host.and_then(|side| facts.hosts[side].mended_at);
    failure
        .missing_at
        .zip(mended_at)
        .is_some_and(|(failed, mended)| failed <= mended)
}
