//! The service moves: asked for, by a restart, by a power cut.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use hapair_lab::Link;
use hapair_simulator::reality::{differences, story};
use hapair_world::{World, client::metric, recording::Recording};

use super::{AT_ONCE, LONG, SOON, premise::at_home, served_by};
use crate::visitor::Visitor;

/// Longer than it takes from the end of an act until the status is at its end, too.
const TOLD: Duration = Duration::from_secs(300);

/// Plays a scenario that the simulator plays, too: the status has to tell both times what is written down, to
/// its end.
fn told_as_written(
    world: &mut World,
    scenario: &str,
    act: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    // What failed before, on a machine that was busy then, is no part of this story.
    world.lab.run(0, "crm_resource --cleanup")?;
    let recording = Recording::start(world, "hapair/web")?;
    act(world)?;
    let mut told = Vec::new();
    let fits = world.wait("the status to tell of it", TOLD, |world| {
        told = differences(scenario, &story(&recording.versions().ok()?));
        (told.is_empty() && world.condition("hapair/web", "Ready").ok()??.0 == "True").then_some(())
    });
    fits.map_err(|error| anyhow!("{error:#}\n{}", told.join("\n")))
}

/// Successful fencing actions that the cluster remembers, as seen from a host.
fn fenced(world: &World, node: usize) -> Result<usize> {
    let xml = world
        .lab
        .run(node, "stonith_admin --history '*' --output-as=xml")?;
    Ok(xml.matches("<fence_event").count())
}

/// In the manifest.
pub fn standby(world: &mut World) -> Result<()> {
    at_home(world)?;
    told_as_written(world, "standby", |world| {
        world.apply(&world.sample()?.replacen("standby: false", "standby: true", 1))?;
        served_by(world, "node2", LONG)?;
        let log = world.lab.run(1, "cat /var/log/tomcat10/e2e.log")?;
        ensure!(
            log.contains("node1 was here"),
            "node2 does not have node1's log: {log}"
        );
        world.wait("RedundancyHealthy=False/NodeStandby", LONG, |world| {
            let (status, reason, _) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
            (status == "False" && reason == "NodeStandby").then_some(())
        })
    })?;
    told_with_its_phases(world, "Stopped", "node1", "node2", AFTER_A_STOP)
}

/// A recovered node does not pull the service back.
pub fn no_fail_back(world: &mut World) -> Result<()> {
    told_as_written(world, "out of standby", |world| world.apply(&world.sample()?))?;
    let active = world.object("hapair/web")?["status"]["active"].clone();
    ensure!(active == "node2", "the service went back: {active}");
    served_by(world, "node2", AT_ONCE)
}

/// An orderly restart is no failure.
pub fn reboot(world: &mut World) -> Result<()> {
    told_as_written(world, "reboot", |world| {
        let before = fenced(world, 0)?;
        let boot = world.lab.restart(1)?;
        world.lab.wait_for_restart(1, &boot, LONG)?;
        served_by(world, "node1", LONG)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        ensure!(fenced(world, 0)? == before, "a node was fenced");
        ensure!(
            world
                .condition("harv/logs", "SplitBrain")?
                .is_some_and(|(status, _, _)| status == "False"),
            "the volume split"
        );
        Ok(())
    })
}

/// The name of the node that serves, its number in the lab, and the other's name.
pub fn serving(world: &World) -> Result<(String, usize, String)> {
    let active = world.object("hapair/web")?["status"]["active"]
        .as_str()
        .context("no node serves")?
        .to_owned();
    let node = world.lab.node(&active)?;
    Ok((active, node, world.lab.config().nodes[1 - node].clone()))
}

/// Failover is pacemaker's: it works with the operator switched off.
pub fn power_cut_without_operator(world: &mut World) -> Result<()> {
    let (active, node, peer) = serving(world)?;
    world.lab.run(
        node,
        "echo 'before the cut' >> /var/log/tomcat10/e2e.log; sync /var/log/tomcat10/e2e.log",
    )?;
    world.kill_operator()?;
    world.lab.power_off(node)?;
    let cut = Instant::now();
    served_by(world, &peer, LONG)?;
    println!(
        "           power cut to the other node's page: {:.0} s",
        cut.elapsed().as_secs_f32()
    );
    ensure!(
        fenced(world, 1 - node)? > 0,
        "the node without power was not fenced"
    );
    let log = world.lab.run(1 - node, "cat /var/log/tomcat10/e2e.log")?;
    ensure!(
        log.contains("before the cut"),
        "an acknowledged record is lost: {log}"
    );
    world.start_operator(&["--resync-seconds=3"])?;
    world.lab.power_on(node)?;
    // Until then the status is what the operator left behind when it was killed.
    world.wait("two looks at both hosts", LONG, |_| {
        (metric("hapair_probes_total").ok()? >= 4).then_some(())
    })?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let data = world.object("hapair/web")?["status"]["data"].clone();
    ensure!(data == "UpToDate/UpToDate", "the data is {data}");
    told_with_its_phases(world, "Fenced", &active, &peer, AFTER_A_LOSS)
}

const AFTER_A_LOSS: &[&str] = &[
    "Membership",
    "Fencing",
    "FencingDelay",
    "Promotion",
    "Filesystem",
    "Address",
    "Service",
    "Probe",
];
const AFTER_A_STOP: &[&str] = &["Stop", "Promotion", "Filesystem", "Address", "Service", "Probe"];

/// The status says how the service came where it is, and where the seconds went.
fn told_with_its_phases(world: &World, cause: &str, from: &str, to: &str, expected: &[&str]) -> Result<()> {
    let told = world.wait("lastFailover in the status", SOON, |world| {
        let told = world.object("hapair/web").ok()?["status"]["lastFailover"].clone();
        (told["cause"] == cause && told["from"] == from && told["to"] == to).then_some(told)
    })?;
    let phases: Vec<_> = told["phases"].as_array().into_iter().flatten().collect();
    let names: Vec<_> = phases.iter().filter_map(|phase| phase["name"].as_str()).collect();
    ensure!(names == expected, "lastFailover is {told}");
    println!("           {told}");
    Ok(())
}

/// Writes and syncs a line of the volume all the time; on its end it prints the longest that one took, in
/// milliseconds.
const WRITER: &str = r#"
import os, sys, time
file = os.open("/var/log/tomcat10/stall", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
longest = 0
while not os.path.exists("/run/stall.stop"):
    start = time.monotonic()
    os.write(file, b"x\n")
    os.fsync(file)
    longest = max(longest, time.monotonic() - start)
    time.sleep(0.02)
print(int(longest * 1000))
"#;

/// Longer than DRBD takes to give its peer up and the handler to have it outdated, on a busy machine, and far
/// shorter than any time-out behind it.
const LONGEST_STALL: u128 = 10_000;

/// A Primary that loses its peer freezes all writes until the peer cannot be promoted any more, and then goes on:
/// only it gets the newest records. Its power is cut next. The other must not be promoted on its older data, and
/// every acknowledged record is there once it is back.
pub fn replication_cut_then_power(world: &mut World) -> Result<()> {
    let (active, node, peer) = serving(world)?;
    told_as_written(world, "stale leg", |world| {
        served_by(world, &active, LONG)?;
        let stall = longest_stall(world, node, |world| {
            world.lab.cut(1 - node, Link::One)?;
            world.wait_for_condition("harv/logs", "Connected", "False", LONG)?;
            let outdated = "drbdsetup events2 --now logs | grep -q peer-disk:Outdated";
            world.wait("the peer to be outdated", TOLD, |world| {
                world.lab.run(node, outdated).ok().map(drop)
            })
        })?;
        println!("           the longest stall of a synced write: {stall} ms");
        ensure!(stall <= LONGEST_STALL, "a synced write was frozen for {stall} ms");
        world.lab.run(
            node,
            "for i in $(seq 200); do echo record $i; done > /var/log/tomcat10/kept; sync \
            /var/log/tomcat10/kept",
        )?;
        world.wait("RedundancyHealthy=False for the volume", LONG, |world| {
            let (status, reason, message) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
            (status == "False"
                && ["Disconnected", "StaleData"].contains(&reason.as_str())
                && message.contains("logs"))
            .then_some(())
        })?;
        served_by(world, &active, AT_ONCE)?;
        world.lab.power_off(node)?;
        let mut promoted = false;
        world.wait("it to serve again, after it was fenced", LONG, |world| {
            let page = world.page().unwrap_or_default();
            promoted |= page.contains(&peer);
            (promoted || world.lab.is_on(node).unwrap_or(false) && page.contains(&active)).then_some(())
        })?;
        ensure!(
            !promoted,
            "{peer} was promoted on data that lacks acknowledged records"
        );
        world.lab.heal(1 - node, Link::One)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        let records = world.lab.run(node, "wc -l < /var/log/tomcat10/kept")?;
        ensure!(
            records.trim() == "200",
            "{} of 200 acknowledged records are left",
            records.trim()
        );
        let left = world.lab.run(
            node,
            "cibadmin --query --local --scope constraints | grep -c drbd-fence-by-handler || true",
        )?;
        ensure!(
            left.trim() == "0",
            "the constraint of the fence handler has stayed"
        );
        Ok(())
    })
}

/// The longest time that a synced write on the volume took during an act, in milliseconds.
fn longest_stall(world: &mut World, node: usize, act: impl FnOnce(&mut World) -> Result<()>) -> Result<u128> {
    world.on_host_with_input(node, "rm -f /run/stall.stop; cat > /run/stall.py", WRITER)?;
    world.lab.run(
        node,
        "systemd-run --quiet --unit stall --property StandardOutput=file:/run/stall.out \
        python3 /run/stall.py",
    )?;
    act(world)?;
    world.lab.run(
        node,
        "touch /run/stall.stop; while systemctl -q is-active stall; do sleep 0.1; done",
    )?;
    Ok(world.lab.run(node, "cat /run/stall.out")?.trim().parse()?)
}

/// Twice the interval of the agent's monitor, and a little.
const TWO_MONITORS: Duration = Duration::from_secs(45);

/// A full file system is told, and nothing is stopped for it. ext4 goes read-only after an error: the agent
/// that notices it fails, and the group moves; the other node checks the file system before it mounts it.
pub fn read_only_moves_the_group(world: &mut World) -> Result<()> {
    let (active, node, other) = serving(world)?;
    world.lab.run(
        node,
        "! dd if=/dev/zero of=/var/log/tomcat10/filler bs=1M 2> /dev/null; sync",
    )?;
    world.wait_for_condition("harv/logs", "Writable", "False", SOON)?;
    let (_, reason, _) = world
        .condition("harv/logs", "Writable")?
        .context("the volume has no such condition")?;
    ensure!(reason == "FilesystemFull", "the reason is {reason}");
    std::thread::sleep(TWO_MONITORS);
    served_by(world, &active, AT_ONCE)?;
    world.lab.run(node, "rm /var/log/tomcat10/filler; sync")?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;

    world.lab.run(
        node,
        "echo the error of a test > /sys/fs/ext4/drbd0/trigger_fs_error",
    )?;
    served_by(world, &other, LONG)?;
    let options = world.lab.run(1 - node, "grep '^/dev/drbd0 ' /proc/mounts")?;
    ensure!(
        options.contains(" rw,") && !options.contains("emergency_ro"),
        "mounted as {options}"
    );
    world.lab.run(node, "crm_resource --cleanup")?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

/// The interface of the clients loses its link on the node that serves, and the cluster stays whole over the other link: the
/// service goes where clients reach it, and nothing is fenced.
pub fn lost_link_moves_the_group(world: &mut World) -> Result<()> {
    let (_, node, other) = serving(world)?;
    // Nobody can log in to bring it up again: it does so by itself.
    let down = format!(
        "dev=$(ip -o address show to {} | cut -d ' ' -f 2); systemd-run --quiet --on-active=120 ip link set $dev up && \
         systemd-run --quiet --on-active=1 ip link set $dev down",
        world.floating_address()
    );
    let boots = [world.lab.boot(0)?, world.lab.boot(1)?];
    let visitor = Visitor::start(world.floating_address());
    world.lab.run(node, &down)?;
    served_by(world, &other, LONG)?;
    let gap = visitor.end()?.longest_gap;
    world.wait_for_condition("hapair/web", "RedundancyHealthy", "False", SOON)?;
    world.lab.wait_for_ssh(node, LONG)?;
    ensure!(
        boots == [world.lab.boot(0)?, world.lab.boot(1)?],
        "a node was fenced, though the cluster was whole"
    );
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    served_by(world, &other, AT_ONCE)?;
    println!("           the page was away for {:.0} s", gap.as_secs_f32());
    ensure!(
        gap < Duration::from_secs(120),
        "the page was away for {:.0} s",
        gap.as_secs_f32()
    );
    Ok(())
}
