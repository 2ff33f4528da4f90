//! `spec.nodes` is a map by name: the order in the list means nothing.

use anyhow::{Context, Result, ensure};
use hapair_world::World;

use super::{SOON, configuration_version};

/// The sample with its two nodes in the other order.
fn swapped(sample: &str) -> Result<String> {
    let (head, rest) = sample
        .split_once("    - name: node1\n")
        .context("the sample names node1 first")?;
    let (first, rest) = rest
        .split_once("    - name: node2\n")
        .context("the sample names node2 next")?;
    let (second, tail) = rest
        .split_once("  ssh: {user")
        .context("spec.ssh follows the nodes")?;
    Ok(format!(
        "{head}    - name: node2\n{second}    - name: node1\n{first}  ssh: {{user{tail}"
    ))
}

/// Neither corosync's configuration nor the cluster's changes. The list stays as it is: a node that restarts
/// later has to find its peer again.
pub fn swapped_nodes_change_nothing(world: &mut World) -> Result<()> {
    let files =
        |world: &World| world.on_both(|node| world.lab.run(node, "sha256sum /etc/corosync/corosync.conf"));
    let (conf, version) = (files(world)?, configuration_version(world, 0)?);
    world.apply(&swapped(&world.sample()?)?)?;
    world.wait("the operator to have seen the change", SOON, |world| {
        let pair = world.object("hapair/web").ok()?;
        (pair["status"]["observedGeneration"] == pair["metadata"]["generation"]).then_some(())
    })?;
    world.wait_for_condition("hapair/web", "Ready", "True", SOON)?;
    ensure!(
        (files(world)?, configuration_version(world, 0)?) == (conf, version),
        "the order of the list has changed the cluster"
    );
    Ok(())
}
