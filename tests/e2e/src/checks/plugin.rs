//! `kubectl hapair`.

use anyhow::{Result, ensure};
use hapair_crds::annotations::{PAUSED, STANDBY};
use hapair_world::World;

use super::{AT_ONCE, SOON, served_by};

/// The screen of a pair that is well, and the answers to what cannot be answered.
pub fn tells(world: &mut World) -> Result<()> {
    let screen = world.plugin(&["status"])?;
    for words in ["web/web  Ready, serving on node1", "do:  nothing", "node1 UpToDate Primary ══ node2 UpToDate", "on node1"] {
        ensure!(screen.contains(words), "{words:?} is not on the screen:\n{screen}");
    }
    ensure!(!screen.contains('\x1b'), "there are colours in what is no terminal:\n{screen}");
    let why = world.plugin(&["why", "RedundancyHealthy"])?;
    ensure!(why.contains("RedundancyHealthy is True: Healthy") && why.contains("What to do: "), "{why}");
    let refusal = |arguments: &[&str]| world.plugin(arguments).err().map(|error| error.to_string()).unwrap_or_default();
    let nobody = refusal(&["status", "nosuch"]);
    ensure!(nobody.contains("\"nosuch\"") && nobody.contains("There: web"), "{nobody}");
    let stranger = refusal(&["standby", "node3"]);
    ensure!(stranger.contains("node1 and node2"), "{stranger}");
    let outsider = world.cluster.kubeconfig_of("default", "default")?;
    let forbidden = world.plugin_as(&outsider, &["status", "web"]).err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(forbidden.contains("resources: [hapairs], verbs: [get]"), "{forbidden}");
    Ok(())
}

/// There and back; a pause holds the second until it ends.
pub fn switches_over(world: &mut World) -> Result<()> {
    let told = world.plugin(&["switchover"])?;
    ensure!(told.contains("node2 serves") && told.contains("node1 could take over again"), "{told}");
    served_by(world, "node2", AT_ONCE)?;
    world.plugin(&["pause"])?;
    world.wait_for_condition("hapair/web", "Paused", "True", SOON)?;
    let refusal = world.plugin(&["switchover"]).err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(refusal.contains("PausedByUser") && refusal.contains("kubectl hapair resume"), "{refusal}");
    world.plugin(&["resume"])?;
    world.wait_for_condition("hapair/web", "Paused", "False", SOON)?;
    world.plugin(&["switchover"])?;
    served_by(world, "node1", AT_ONCE)?;
    let annotations = world.object("hapair/web")?["metadata"]["annotations"].clone();
    ensure!([STANDBY, PAUSED].iter().all(|key| annotations.get(key).is_none()), "a request was left behind: {annotations}");
    Ok(())
}
