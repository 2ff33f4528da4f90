//! From bare hosts to a serving pair.

use anyhow::{Result, ensure};
use hapair_e2e::{NAMESPACE, World};

use super::LONG;

/// The sample is applied; the operator is killed while packages are installed, while the volume gets its first data, and while the cluster
/// starts.
pub fn converges_though_killed(world: &mut World) -> Result<()> {
    world.apply(&world.sample()?)?;
    for moment in ["packages are being installed", "give the volumes their first data", "start pacemaker"] {
        world.wait(&format!("Ready to speak of {moment:?}"), LONG, |world| {
            let (_, _, message) = world.condition("hapair/web", "Ready").ok()??;
            (message == moment).then_some(())
        })?;
        world.kill_operator()?;
        world.start_operator(&["--resync-seconds=3"])?;
    }
    world.wait_for_condition("hapair/web", "Available", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world
        .cluster
        .run(&["wait", "-n", NAMESPACE, "--for=condition=Ready", "hapair/web", "harv/logs", "hafip/web", "hasg/tomcat", "--timeout=30s"])
        .map(drop)
}

/// kubectl's columns; pcs, pcsd and DRBD on the hosts.
pub fn looks_as_promised(world: &mut World) -> Result<()> {
    let row = world.cluster.run(&["get", "-n", NAMESPACE, "hapairs", "--no-headers"])?;
    let columns: Vec<_> = row.split_whitespace().take(7).collect();
    ensure!(columns == ["web", "True", "True", "node1", "2/2", "UpToDate/UpToDate", "Ready"], "kubectl get hapairs shows {row}");
    for node in 0..2 {
        let nodes = world.lab.run(node, "pcs status nodes")?;
        ensure!(nodes.contains(" Online: node1 node2"), "pcs status nodes: {nodes}");
        let status = world.lab.run(node, "pcs status")?;
        ensure!(status.contains("Online: [ node1 node2 ]") && !status.contains("Failed"), "pcs status: {status}");
        world.lab.run(node, "pcs status pcsd node1 node2")?;
        let drbd = world.lab.run(node, "drbdsetup events2 --now logs")?;
        ensure!(drbd.contains(" disk:UpToDate") && drbd.contains("peer-disk:UpToDate"), "DRBD: {drbd}");
        let held = world.lab.run(node, "apt-mark showhold; systemctl is-enabled tomcat10 drbd || true")?;
        ensure!(held.contains("pacemaker") && held.contains("disabled"), "holds and units: {held}");
    }
    Ok(())
}

/// Through the floating address.
pub fn serves_node1s_page(world: &mut World) -> Result<()> {
    let page = world.page().unwrap_or_default();
    ensure!(page.contains("<h1>node1</h1>"), "the page is {page:?}");
    world.lab.run(0, "echo 'node1 was here' > /var/log/tomcat10/e2e.log; sync").map(drop)
}
