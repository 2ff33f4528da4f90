//! Taking things off the hosts, because their objects are deleted with `deletionPolicy: Teardown`.

use anyhow::{Context as _, Result, ensure};
use hapair_world::{NAMESPACE, World};

use super::{LONG, served_by};

fn delete(world: &World, what: &str) -> Result<()> {
    world.cluster.run(&[
        "patch",
        "-n",
        NAMESPACE,
        what,
        "--type=merge",
        "-p",
        r#"{"spec":{"deletionPolicy":"Teardown"}}"#,
    ])?;
    world
        .cluster
        .run(&[
            "delete",
            "-n",
            NAMESPACE,
            what,
            &format!("--timeout={}s", LONG.as_secs()),
        ])
        .map(drop)
}

/// A file of the group's: tomcat's page.
const PAGE: &str = "/var/lib/tomcat10/webapps/ROOT/index.html";

/// The group, then its volume and its address: nothing of them is left but the data.
pub fn of_children(world: &mut World) -> Result<()> {
    let active = world.object("hapair/web")?["status"]["active"]
        .as_str()
        .context("no node serves")?
        .to_owned();
    world.lab.run(
        world.lab.node(&active)?,
        "echo kept > /var/log/tomcat10/kept-through-teardown; sync",
    )?;
    delete(world, "hasg/tomcat")?;
    ensure!(world.page().is_none(), "the service still answers");
    let page = |node| world.lab.run(node, &format!("grep -c 'It works' {PAGE} || true"));
    // node2 has lost all its records in an earlier check, and with them what the package had brought.
    ensure!(
        (page(0)?.trim(), page(1)?.trim()) == ("1", "0"),
        "the page that the package brought is not given back on node1, or is on node2"
    );
    delete(world, "harv/logs")?;
    delete(world, "hafip/web")?;
    for node in 0..2 {
        let left = world.lab.run(
            node,
            "cibadmin -Q -l -o configuration | grep -c -E 'group-tomcat|volume-logs|ip-web' || true; \
             drbdsetup events2 --now | grep -c name:logs || true; \
             ls /etc/drbd.d/logs.res 2> /dev/null | wc -l; wipefs --noheadings --output TYPE \
             /dev/disk/by-partlabel/hapair-logs",
        )?;
        let words: Vec<_> = left.split_whitespace().collect();
        ensure!(
            words == ["0", "0", "0", "drbd", "ext4"],
            "left on node{}: {left}",
            node + 1
        );
    }
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

/// The pair: the hosts are themselves again, and the data is still on its disks.
pub fn of_the_pair(world: &mut World) -> Result<()> {
    delete(world, "hapair/web")?;
    for node in 0..2 {
        let left = world.lab.run(
            node,
            "systemctl is-active pacemaker corosync || true; systemctl is-enabled pacemaker corosync || \
             true; \
             ls -d /var/lib/hapair/owner /etc/corosync/corosync.conf /etc/hapair/fence/* \
             /etc/systemd/system/*.mount.d/hapair.conf 2> /dev/null; grep -c hapair /etc/hosts || true; \
             wipefs --noheadings --output TYPE /dev/disk/by-partlabel/hapair-logs",
        )?;
        let words: Vec<_> = left.split_whitespace().collect();
        ensure!(
            words
                == [
                    "inactive", "inactive", "disabled", "disabled", "0", "drbd", "ext4"
                ],
            "left on node{}: {left}",
            node + 1
        );
    }
    Ok(())
}

/// The same manifests again: the volume comes back with what was written before.
pub fn data_comes_back(world: &mut World) -> Result<()> {
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    served_by(world, "node1", LONG)?;
    let kept = world.lab.run(0, "cat /var/log/tomcat10/kept-through-teardown")?;
    ensure!(kept.trim() == "kept", "the data is not what it was: {kept:?}");
    Ok(())
}
