//! Edits and disks that would break a pair which serves.

use std::time::Instant;

use anyhow::{Result, ensure};
use hapair_world::World;
use serde_json::json;

use super::{AT_ONCE, LONG, SOON, advice, declared, delete, not_ready_for, premise::at_home, served_by};
use crate::visitor::Visitor;

/// The partition of the sample's volume.
const DISK: &str = "/dev/disk/by-partlabel/hapair-logs";
/// The disk that it is on.
const WHOLE_DISK: &str = "/dev/ubdb";

/// One unit in two groups, a mount point of the host's, and a volume that is declared anew with another disk.
pub fn edits_break_nothing(world: &mut World) -> Result<()> {
    at_home(world)?;
    let group = world.object("hasg/tomcat")?;
    let second = declared(
        &group,
        "second",
        |spec| *spec = json!({"pairRef": {"name": "web"}, "services": [{"name": "again", "systemd": {"unit": "tomcat10"}}]}),
    );
    let delegated = world.sample()?.replace(
        "  preferredNode: node1",
        "  preferredNode: node1\n  delegation: {units: [tomcat10]}",
    );
    world.apply(&delegated)?;
    world.apply(&second)?;
    not_ready_for(world, "hasg/second", "Conflict", &["tomcat10", "\"tomcat\""])?;
    delete(world, &["hasg/second"])?;

    let volume = world.object("harv/logs")?;
    let over_ours = declared(&volume, "over-ours", |spec| {
        spec["filesystem"]["mountPoint"] = json!("/var/lib/pacemaker")
    });
    world.apply(&over_ours)?;
    not_ready_for(world, "harv/over-ours", "InvalidSpec", &["/var/lib/pacemaker"])?;
    delete(world, &["harv/over-ours"])?;

    // The disk below the running leg's partition, and the partition by another name.
    for (device, ready) in [(WHOLE_DISK, false), ("/dev/ubdb1", true)] {
        let anew = declared(&volume, "logs", |spec| {
            spec["disks"][1] = json!({"node": "node2", "device": device})
        });
        delete(world, &["harv/logs"])?;
        world.apply(&anew)?;
        match ready {
            false => not_ready_for(world, "harv/logs", "DeviceInUse", &["node2", device])?,
            true => world.wait_for_condition("harv/logs", "Ready", "True", SOON)?,
        }
        let legs = world.lab.run(1, "drbdadm status logs")?;
        ensure!(
            legs.matches("UpToDate").count() == 2,
            "a leg was touched:\n{legs}"
        );
        nothing_to_adjust(world)?;
    }
    delete(world, &["harv/logs"])?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("harv/logs", "Ready", "True", SOON)?;
    world.wait_for_condition("hapair/web", "Ready", "True", SOON)?;
    nothing_to_adjust(world)?;
    served_by(world, "node1", AT_ONCE)
}

/// The resource agent adjusts a leg whenever one starts on either node. Where the running leg's disk has another name
/// than in the file, it would be detached below a service that runs.
fn nothing_to_adjust(world: &World) -> Result<()> {
    for node in 0..2 {
        let due = world.lab.run(node, "drbdadm --dry-run adjust logs")?;
        ensure!(
            due.trim().is_empty(),
            "node{} has something to adjust:\n{due}",
            node + 1
        );
    }
    Ok(())
}

/// That node2's disk does not carry the leg is told, and nothing is offered that would cover what is there.
pub fn missing_leg_is_told(world: &World) -> Result<()> {
    not_ready_for(
        world,
        "harv/logs",
        "LegMissing",
        &["node2", "expected DRBD's metadata"],
    )?;
    let (_, _, message) = world.condition("harv/logs", "Ready")?.unwrap_or_default();
    ensure!(
        !message.contains("overwrite") && !message.contains("replace-disk"),
        "it offers to cover what is there: {message}"
    );
    Ok(())
}

/// DRBD's metadata of node2's leg is gone while the node is down. Neither is it made anew by itself, nor is
/// anything offered that would cover a leg. A blank disk in its place is made a leg by what the status says, and is filled from node1.
pub fn an_emptied_leg_is_told(world: &mut World) -> Result<()> {
    at_home(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world.kill_operator()?;
    world.lab.run(
        1,
        &format!("systemctl stop pacemaker && wipefs --all --types drbd {DISK}"),
    )?;
    world.start_operator(&["--resync-seconds=3"])?;
    missing_leg_is_told(world)?;
    served_by(world, "node1", AT_ONCE)?;
    world.lab.run(
        1,
        &format!("blkdiscard --zeroout {WHOLE_DISK} && blockdev --rereadpt {WHOLE_DISK}"),
    )?;
    let message = world.wait(
        "the status to say how a blank disk becomes a leg",
        SOON,
        |world| {
            let (_, _, message) = world.condition("harv/logs", "Ready").ok()??;
            message.contains("replace-disk").then_some(message)
        },
    )?;
    println!("           {message}");
    advice::follow(world, &message, advice::REMEDY)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    served_by(world, "node1", AT_ONCE)
}

/// A disk of its own for the new leg; and where its own partition begins, which is blank then.
const NEW_DISK: &str = "modprobe loop && rm -f /var/tmp/new-disk && truncate -s 640M /var/tmp/new-disk && losetup /dev/loop0 /var/tmp/new-disk";
const OLD_DISK: &str = "sfdisk --quiet --delete /dev/ubdb && blkdiscard --zeroout /dev/ubdb && blockdev --rereadpt /dev/ubdb && \
                        udevadm settle";

/// node2's leg gets another disk, and later its first place again, while the service goes on; what is on the new disk serves.
pub fn a_leg_gets_another_disk(world: &mut World) -> Result<()> {
    at_home(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world.lab.run(1, NEW_DISK)?;
    let visitor = Visitor::start(world.floating_address());
    let volume = world.object("harv/logs")?;
    let elsewhere = declared(&volume, "logs", |spec| {
        spec["disks"][1] = json!({"node": "node2", "device": "/dev/loop0"})
    });
    world.apply(&elsewhere)?;
    runs_on(world, "/dev/loop0")?;
    a_blank_disk_takes_the_place_of_a_failed_one(world)?;
    let visits = visitor.end()?;
    ensure!(
        visits.longest_gap <= AT_ONCE,
        "the page was away for {:.0} s",
        visits.longest_gap.as_secs_f32()
    );
    world.lab.run(
        0,
        "echo moved > /var/log/tomcat10/moved && sync /var/log/tomcat10/moved",
    )?;
    world.plugin(&["switchover"])?;
    served_by(world, "node2", LONG)?;
    let log = world.lab.run(1, "cat /var/log/tomcat10/moved")?;
    ensure!(log == "moved\n", "the new disk does not hold the data: {log:?}");

    // Its node uses it now.
    world.apply(&world.sample()?)?;
    not_ready_for(
        world,
        "harv/logs",
        "DiskChanged",
        &["node2", "move it to node1 first"],
    )?;
    world.plugin(&["switchover"])?;
    served_by(world, "node1", AT_ONCE)?;
    // The name of the partition is still the old one's.
    not_ready_for(
        world,
        "harv/logs",
        "DiskChanged",
        &["node2", "hapair-logs", "take the old one out"],
    )?;
    world.lab.run(1, OLD_DISK)?;
    runs_on(world, DISK)
}

/// DRBD gives the disk up as after an error, and another one is there under its name.
fn a_blank_disk_takes_the_place_of_a_failed_one(world: &World) -> Result<()> {
    world
        .lab
        .run(1, "drbdadm detach --force logs && losetup --detach /dev/loop0")?;
    world.lab.run(1, NEW_DISK)?;
    let what = "RedundancyHealthy=False/DiskFailed, with the command";
    let message = world.wait(what, SOON, |world| {
        let (_, reason, message) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
        (reason == "DiskFailed" && message.contains("replace-disk")).then_some(message)
    })?;
    println!("           {message}");
    advice::follow(world, &message, "is in its place: ")?;
    runs_on(world, "/dev/loop0")
}

/// Waits until node2's leg has this disk, with the data.
fn runs_on(world: &World, disk: &str) -> Result<()> {
    let began = Instant::now();
    world.wait(&format!("node2's leg on {disk}"), LONG, |world| {
        let shown = world.lab.run(1, "drbdsetup show logs").ok()?;
        shown.contains(&format!("\"{disk}\"")).then_some(())
    })?;
    world.wait_for_condition("harv/logs", "Ready", "True", LONG)?;
    world.wait_for_condition("hapair/web", "RedundancyHealthy", "True", LONG)?;
    println!(
        "           on {disk} after {:.0} s",
        began.elapsed().as_secs_f32()
    );
    let legs = world.lab.run(1, "drbdadm status logs")?;
    ensure!(
        legs.matches("UpToDate").count() == 2,
        "the legs are not equal:\n{legs}"
    );
    nothing_to_adjust(world)
}
