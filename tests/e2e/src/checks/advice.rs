//! What the status tells a person to do, done.

use anyhow::{Context as _, Result, ensure};
use hapair_world::World;

use super::{LONG, failover::serving, served_by};

/// Both nodes have written while they were apart. What the status says, word for word, heals it, and the data of the node
/// that serves lives.
pub fn split_brain(world: &mut World) -> Result<()> {
    let (active, node, peer) = serving(world)?;
    let other = 1 - node;
    world.lab.run(node, "pcs property set maintenance-mode=true")?;
    world.lab.run(
        other,
        "drbdadm disconnect logs && drbdadm primary --force logs && mount /dev/drbd0 /mnt && echo theirs > /mnt/split && \
         umount /mnt && drbdadm secondary logs",
    )?;
    world.lab.run(
        node,
        "echo ours > /var/log/tomcat10/split && sync /var/log/tomcat10/split",
    )?;
    world.lab.run(other, "drbdadm connect logs")?;
    world.wait_for_condition("harv/logs", "SplitBrain", "True", LONG)?;
    world.lab.run(node, "pcs property set maintenance-mode=false")?;
    heal_split_brain(world, &active)?;
    let kept = world.lab.run(node, "cat /var/log/tomcat10/split")?;
    ensure!(kept == "ours\n", "{peer}'s data lives: {kept}");
    Ok(())
}

/// Does what the status says to keep the data of the node that serves.
fn heal_split_brain(world: &mut World, active: &str) -> Result<()> {
    let sentence = format!("{active}, which serves: ");
    let message = world.wait(
        "RedundancyHealthy=False/SplitBrain, with the commands",
        LONG,
        |world| {
            let (_, reason, message) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
            (reason == "SplitBrain" && message.contains(&sentence)).then_some(message)
        },
    )?;
    println!("           {message}");
    follow(world, &message, &sentence)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    served_by(world, active, LONG)
}

/// A block of the other node's disk has changed behind DRBD's back, and `drbdadm verify` has found it. The status says so,
/// and what it says makes the two equal again.
pub fn blocks_differ(world: &mut World) -> Result<()> {
    let (active, node, _) = serving(world)?;
    let other = 1 - node;
    let disk = "$(drbdadm sh-ll-dev logs)";
    let sum = format!("dd if={disk} bs=4096 skip=25600 count=1 iflag=direct status=none | sha256sum");
    world.lab.run(
        other,
        &format!(
            "dd if=/dev/urandom of={disk} bs=4096 seek=25600 count=1 oflag=direct conv=notrunc status=none"
        ),
    )?;
    for host in [node, other] {
        world
            .lab
            .run(host, "drbdadm net-options --verify-alg=sha256 logs")?;
    }
    world.lab.run(node, "drbdadm verify logs")?;
    let what = "RedundancyHealthy=False/BlocksDiffer, with the command";
    let message = world.wait(what, LONG, |world| {
        let (_, reason, message) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
        (reason == "BlocksDiffer").then_some(message)
    })?;
    println!("           {message}");
    follow(world, &message, REMEDY)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let sums = [world.lab.run(node, &sum)?, world.lab.run(other, &sum)?];
    ensure!(sums[0] == sums[1], "the block still differs: {sums:?}");
    served_by(world, &active, LONG)
}

/// Both nodes have lost their power, and one of them and its BMC do not come back. A person who knows that it is off types
/// what docs/how-to.md and the status say.
pub fn one_survivor(world: &mut World) -> Result<()> {
    let (active, node, peer) = serving(world)?;
    let other = 1 - node;
    world
        .lab
        .run(node, "echo 'before the outage' > /var/log/tomcat10/outage; sync")?;
    world.lab.power_off(other)?;
    world.lab.power_off(node)?;
    world.lab.stop_bmc(other)?;
    world.lab.power_on(node)?;
    world.lab.wait_for_ssh(node, LONG)?;
    world.wait(
        "Quorate=False/NoQuorum, seen on the node that is there",
        LONG,
        |world| {
            let waits = "corosync-cmapctl -g runtime.votequorum.wait_for_all_status | grep -q '= 1$'";
            world.lab.run(node, waits).ok()?;
            let (status, reason, _) = world.condition("hapair/web", "Quorate").ok()??;
            (status == "False" && reason == "NoQuorum").then_some(())
        },
    )?;
    world.lab.run(node, "pcs quorum unblock --force")?;
    let sentence = format!("{active} served last, type ");
    let message = world.wait("the status to say how the data is taken", LONG, |world| {
        let (_, _, message) = world.condition("hapair/web", "Available").ok()??;
        message.contains(&sentence).then_some(message)
    })?;
    println!("           {message}");
    follow(world, &message, &sentence)?;
    served_by(world, &active, LONG)?;
    world
        .lab
        .run(node, "grep -q 'before the outage' /var/log/tomcat10/outage")?;
    world.lab.start_bmc(other)?;
    world.lab.power_on(other)?;
    // What was forced has no generation in common with it any more.
    heal_split_brain(world, &active)?;
    ensure!(
        world.lab.run(node, "cat /var/log/tomcat10/outage")? == "before the outage\n",
        "{peer}'s data lives"
    );
    Ok(())
}

/// What stands before a message's own remedy.
pub const REMEDY: &str = "What to do: ";

/// Types what a message has after these words: the commands of the first sentence that has any: the plugin's here, each other
/// on the node that it is for, or on the first.
pub fn follow(world: &World, message: &str, after: &str) -> Result<()> {
    let (_, rest) = message
        .split_once(after)
        .with_context(|| format!("no {after:?} in {message}"))?;
    let sentence = rest.split(". ").find(|sentence| sentence.contains('`'));
    let parts: Vec<_> = sentence
        .with_context(|| format!("no command in {rest}"))?
        .split('`')
        .collect();
    for part in parts.chunks_exact(2) {
        if let Some(words) = part[1].strip_prefix("kubectl hapair ") {
            println!("           {}", part[1]);
            world.plugin(&words.split(' ').collect::<Vec<_>>())?;
            continue;
        }
        let node = part[0].trim_end().rsplit(' ').next().unwrap_or_default();
        let on = match part[0].trim_end().ends_with(&format!("on {node}")) {
            true => world.lab.node(node)?,
            false => 0,
        };
        println!("           {}: {}", world.lab.config().nodes[on], part[1]);
        world.lab.run(on, part[1])?;
    }
    Ok(())
}
