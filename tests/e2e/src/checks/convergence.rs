//! From bare hosts to a serving pair.

use anyhow::{Result, ensure};
use hapair_world::{NAMESPACE, World, condition_of, recording::Recording};
use serde_json::Value;

use super::{AT_ONCE, LONG, SOON, secrets, served_by};

/// A repository that does not answer: the packages cannot be installed, which is said with the host's name;
/// mended, it goes on by itself. node2 has another name at first, and is given its own because the manifest
/// asks for that.
pub fn waits_for_packages(world: &mut World) -> Result<()> {
    secrets::watch(world)?;
    world.lab.run(
        1,
        "sed -i 's/:8000/:8001/' /etc/apt/sources.list; hostname debian; echo debian > /etc/hostname",
    )?;
    world.apply(&world.sample()?)?;
    world.wait("Ready=False/HostNameMismatch", LONG, |world| {
        let (_, reason, message) = world.condition("hapair/web", "Ready").ok()??;
        (reason == "HostNameMismatch" && message.contains("debian")).then_some(())
    })?;
    world.apply(&renaming(world)?)?;
    world.wait("Ready=False/PackagesFailed on node2", LONG, |world| {
        let (_, reason, message) = world.condition("hapair/web", "Ready").ok()??;
        (reason == "PackagesFailed" && message.contains("node2")).then_some(())
    })?;
    // As the runbook has it: tried again at once.
    world
        .lab
        .run(
            1,
            "sed -i 's/:8001/:8000/' /etc/apt/sources.list; systemctl reset-failed hapair-packages",
        )
        .map(drop)
}

/// The sample, with the wish that node2 be given its name.
fn renaming(world: &World) -> Result<String> {
    Ok(world.sample()?.replace(
        "    - name: node2\n",
        "    - name: node2\n      hostname: Managed\n",
    ))
}

/// The sample is applied; the operator is killed while packages are installed, while the volume gets its
/// first data, and while the cluster starts.
pub fn converges_though_killed(world: &mut World) -> Result<()> {
    // Some of what is told is soon over.
    let recording = Recording::start(world, "hapair/web")?;
    for moment in [
        "packages are being installed",
        "give the volumes their first data",
        "start pacemaker",
    ] {
        world.wait(&format!("Ready to speak of {moment:?}"), LONG, |_| {
            let told = |version: &Value| {
                condition_of(version, "Ready").is_some_and(|(_, _, message)| message == moment)
            };
            recording.versions().ok()?.iter().any(told).then_some(())
        })?;
        world.kill_operator()?;
        world.start_operator(&["--resync-seconds=3"])?;
    }
    world.wait_for_condition("hapair/web", "Available", "True", LONG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    ensure!(
        world.lab.run(1, "uname -n; cat /etc/hostname")? == "node2\nnode2\n",
        "node2 was not given its name"
    );
    world
        .cluster
        .run(&[
            "wait",
            "-n",
            NAMESPACE,
            "--for=condition=Ready",
            "hapair/web",
            "harv/logs",
            "hafip/web",
            "hasg/tomcat",
            "--timeout=30s",
        ])
        .map(drop)
}

/// The sample is applied to hosts on which nothing of a cluster ever ran.
pub fn becomes_ready(world: &mut World) -> Result<()> {
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    serves_node1s_page(world)
}

/// The sample on a partition that held a file system, with a person's consent. Nobody is there to answer a
/// question of DRBD's tools.
pub fn takes_a_used_partition(world: &mut World) -> Result<()> {
    let uuid = "6f1c20a4-0000-4000-8000-000000000001";
    world.on_host_with_input(
        0,
        &format!(
            "sfdisk -q /dev/ubdb && udevadm settle && mkfs.ext4 -q -U {uuid} /dev/disk/by-partlabel/hapair-logs"
        ),
        "label: gpt\nname=hapair-logs",
    )?;
    let agreed = format!("partition: {{disk: /dev/ubdb}}, overwrite: \"ext4:{uuid}\"");
    world.apply(
        &world
            .sample()?
            .replacen("partition: {disk: /dev/ubdb}", &agreed, 1),
    )?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    serves_node1s_page(world)?;
    world.apply(&world.sample()?)
}

/// kubectl's columns; pcs, pcsd and DRBD on the hosts.
pub fn looks_as_promised(world: &mut World) -> Result<()> {
    // By its singular, too: nothing else may be called that.
    world.cluster.run(&["get", "-n", NAMESPACE, "hapair", "web"])?;
    world.wait("kubectl get hapairs to show a healthy pair", SOON, |world| {
        let row = world
            .cluster
            .run(&["get", "-n", NAMESPACE, "hapairs", "--no-headers"])
            .ok()?;
        let columns: Vec<_> = row.split_whitespace().take(7).collect();
        (columns
            == [
                "web",
                "True",
                "True",
                "node1",
                "2/2",
                "UpToDate/UpToDate",
                "Ready",
            ])
        .then_some(())
    })?;
    // What failed while packages were being installed on a busy machine, and has recovered, is no part of this.
    world
        .lab
        .run(0, "crm_resource --cleanup && crm_resource --wait --timeout=120")?;
    world.on_both(|node| {
        let nodes = world.lab.run(node, "pcs status nodes")?;
        ensure!(
            nodes.contains(" Online: node1 node2"),
            "pcs status nodes: {nodes}"
        );
        let status = world.lab.run(node, "pcs status")?;
        ensure!(
            status.contains("Online: [ node1 node2 ]") && !status.contains("Failed"),
            "pcs status: {status}"
        );
        world.lab.run(node, "pcs status pcsd node1 node2")?;
        let drbd = world.lab.run(node, "drbdsetup events2 --now logs")?;
        ensure!(
            drbd.contains(" disk:UpToDate") && drbd.contains("peer-disk:UpToDate"),
            "DRBD: {drbd}"
        );
        let held = world.lab.run(
            node,
            "apt-mark showhold; systemctl is-enabled tomcat10 drbd || true",
        )?;
        ensure!(
            held.contains("pacemaker") && held.contains("disabled"),
            "holds and units: {held}"
        );
        Ok(())
    })?;
    Ok(())
}

/// Through the floating address.
pub fn serves_node1s_page(world: &mut World) -> Result<()> {
    served_by(world, "node1", AT_ONCE)?;
    world
        .lab
        .run(0, "echo 'node1 was here' > /var/log/tomcat10/e2e.log; sync")
        .map(drop)
}
