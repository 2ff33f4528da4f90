//! What `deletionPolicy: Retain` leaves in the cluster.

use anyhow::{Result, ensure};
use hapair_world::World;
use serde_json::json;

use super::{LONG, SOON, declared, delete, failover};
use crate::visitor::{Visitor, Visits};

/// tomcat's process.
const MAIN_PID: &str = "systemctl show --property MainPID --value tomcat10";

/// The group and its address are deleted, and declared again under other names: the service is the same
/// process throughout, and is back under its first names in the end.
pub fn is_taken_over_under_another_name(world: &mut World) -> Result<()> {
    let active = world.object("hapair/web")?["status"]["active"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let node = world.lab.node(&active)?;
    let before = world.lab.run(node, MAIN_PID)?;
    let visitor = Visitor::start(world.floating_address());
    rename_there_and_back(world, node)?;
    let Visits { found, missed, .. } = visitor.end()?;
    let after = world.lab.run(node, MAIN_PID)?;
    ensure!(
        before == after,
        "tomcat was restarted: its process was {} and is {}",
        before.trim(),
        after.trim()
    );
    ensure!(
        missed == 0,
        "the page was missing {missed} times of {}",
        found + missed
    );
    Ok(())
}

/// The group is deleted, and a person wants what is left of it off the hosts. Declared again, by the manifest that the pair has
/// kept, it is made anew.
pub fn is_forgotten(world: &mut World) -> Result<()> {
    let active = failover::serving(world)?.1;
    delete(world, &["hasg/tomcat"])?;
    world.wait("what is left to be listed", SOON, |world| {
        let released = world.object("hapair/web").ok()?["status"]["released"].clone();
        (released == json!(["group-tomcat"])).then_some(())
    })?;
    let plan = world.plugin(&["plan"])?;
    ensure!(plan.contains("`kubectl hapair forget group-tomcat`"), "{plan}");
    let manifest = world.plugin(&["manifest", "group-tomcat"])?;
    let said = world.plugin(&["forget", "group-tomcat"])?;
    ensure!(said.contains("group-tomcat has left the hosts of web"), "{said}");
    let left = world
        .lab
        .run(active, "pcs resource config; mount | grep /dev/drbd || true")?;
    ensure!(!left.contains("tomcat"), "something is left: {left}");
    let annotations = world.object("hapair/web")?["metadata"]["annotations"].to_string();
    ensure!(
        !annotations.contains("hapair.dev/forget"),
        "the request stays: {annotations}"
    );
    world.apply(&manifest)?;
    world.wait_for_condition("hasg/tomcat", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

fn rename_there_and_back(world: &World, node: usize) -> Result<()> {
    let address = declared(&world.object("hafip/web")?, "front", |_| {});
    let group = declared(&world.object("hasg/tomcat")?, "shop", |spec| {
        spec["floatingIPs"] = json!([{"name": "front"}])
    });
    delete(world, &["hasg/tomcat", "hafip/web"])?;
    world.wait("what is left to be listed", SOON, |world| {
        let released = world.object("hapair/web").ok()?["status"]["released"].clone();
        (released == json!(["group-tomcat"])).then_some(())
    })?;
    // pcs removes nothing that a tag names.
    world.wait("the tag to go", SOON, |world| {
        let tags = world.lab.run(node, "pcs tag config").ok()?;
        (!tags.contains("hapair-group-tomcat")).then_some(())
    })?;
    world.apply(&format!("{address}\n---\n{group}"))?;
    world.wait_for_condition("hasg/shop", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    delete(world, &["hasg/shop", "hafip/front"])?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hasg/tomcat", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}
