//! What `deletionPolicy: Retain` leaves in the cluster.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use hapair_world::World;
use serde_json::json;

use super::{LONG, SOON, declared, delete};

/// How often the page is asked for.
const VISIT: Duration = Duration::from_millis(200);

/// The group and its address are deleted, and declared again under other names: the service is the same process throughout, and is back under its first
/// names in the end.
pub fn is_taken_over_under_another_name(world: &mut World) -> Result<()> {
    let main_pid = "systemctl show --property MainPID --value tomcat10 tomcat9 2> /dev/null | grep -v '^0*$'";
    let active = world.object("hapair/web")?["status"]["active"].as_str().unwrap_or_default().to_owned();
    let node = world.lab.node(&active)?;
    let before = world.lab.run(node, main_pid)?;
    let address = declared(&world.object("hafip/web")?, "front", |_| {});
    let group = declared(&world.object("hasg/tomcat")?, "shop", |spec| spec["floatingIPs"] = json!([{"name": "front"}]));
    let done = AtomicBool::new(false);
    let missed = thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut missed = 0;
            while !done.load(Ordering::Relaxed) {
                missed += usize::from(world.page().is_none());
                thread::sleep(VISIT);
            }
            missed
        });
        let end = rename_there_and_back(world, node, &[address, group]);
        done.store(true, Ordering::Relaxed);
        let missed = visitor.join().unwrap_or(usize::MAX);
        end.map(|()| missed)
    })?;
    let after = world.lab.run(node, main_pid)?;
    ensure!(before == after, "tomcat was restarted: its process was {} and is {}", before.trim(), after.trim());
    ensure!(missed == 0, "the page was missing {missed} times");
    Ok(())
}

fn rename_there_and_back(world: &World, node: usize, others: &[String]) -> Result<()> {
    delete(world, &["hasg/tomcat", "hafip/web"])?;
    world.wait("what is left to be listed", SOON, |world| {
        let released = world.object("hapair/web").ok()?["status"]["released"].clone();
        (released == json!(["group-tomcat"])).then_some(())
    })?;
    let tags = world.lab.run(node, "pcs tag config")?;
    ensure!(!tags.contains("hapair-group-tomcat"), "pcs could not remove it: {tags}");
    world.apply(&others.join("\n---\n"))?;
    world.wait_for_condition("hasg/shop", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    delete(world, &["hasg/shop", "hafip/front"])?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hasg/tomcat", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}
