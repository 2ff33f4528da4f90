//! A pair at rest.

use anyhow::{Context, Result, ensure};
use hapair_e2e::{World, client};

use super::{LONG, SOON};

/// What may not change while the pair is at rest: the configuration's version and every file of ours.
fn state(world: &World, node: usize) -> Result<String> {
    world.lab.run(
        node,
        "cibadmin -Q -l | head -1 | grep -o ' [a-z_]*epoch=\"[0-9]*\"'; find /etc /var/lib/hapair /usr/lib/ocf /var/lib/pcsd -type f -printf '%p %T@ %C@\\n' | sort",
    )
}

/// Executions that the host's sshd has seen.
fn executions(world: &World, node: usize) -> Result<u64> {
    // The look itself is one more, before it is counted.
    let text = world.lab.run(node, "journalctl --boot --identifier sshd --no-pager | grep -c 'Starting session: command'")?;
    text.trim().parse().context("a number")
}

fn metric(name: &str) -> Result<u64> {
    let text = client::get("127.0.0.1", 8080, "/metrics")?;
    let line = text.lines().find(|line| line.starts_with(name)).with_context(|| format!("no metric {name}"))?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()? as u64)
}

/// Ten resyncs: no change on a host, no write to the API server, one execution a host for each, counted on both sides. Applying the same
/// again changes nothing either.
pub fn is_radio_silence(world: &mut World) -> Result<()> {
    world.apply(&world.sample()?)?;
    let begun = world.wait("a first look", SOON, |_| metric("hapair_turns_total").ok())?;
    // What the apply woke is over when a whole resync has passed.
    let settled = begun + 2;
    world.wait("two looks", SOON, |_| (metric("hapair_turns_total").ok()? >= settled).then_some(()))?;
    let before = [state(world, 0)?, state(world, 1)?];
    let (turns, probes, writes) = (metric("hapair_turns_total")?, metric("hapair_probes_total")?, metric("hapair_api_writes_total")?);
    let versions = world.cluster.run(&["get", "-A", "hapairs,harv,hafip,hasg", "-o", "jsonpath={.items[*].metadata.resourceVersion}"])?;
    let executed = [executions(world, 0)?, executions(world, 1)?];

    world.wait("ten resyncs", LONG, |_| (metric("hapair_turns_total").ok()? >= turns + 10).then_some(()))?;

    let looks = metric("hapair_turns_total")? - turns;
    let seen = [executions(world, 0)? - executed[0], executions(world, 1)? - executed[1]];
    ensure!(metric("hapair_api_writes_total")? == writes, "the operator wrote to the API server while everything was as declared");
    let now = world.cluster.run(&["get", "-A", "hapairs,harv,hafip,hasg", "-o", "jsonpath={.items[*].metadata.resourceVersion}"])?;
    ensure!(now == versions, "an object was written while everything was as declared: {versions} → {now}");
    let probed = metric("hapair_probes_total")? - probes;
    ensure!(probed.abs_diff(2 * looks) <= 2, "{looks} looks sent {probed} probes to two hosts");
    for (node, seen) in seen.into_iter().enumerate() {
        // Our own count is an execution too, and a look may have begun or ended between two readings.
        ensure!(seen.abs_diff(looks + 1) <= 1, "{looks} looks were {seen} executions on host {node}");
        let after = state(world, node)?;
        ensure!(after == before[node], "something changed on host {node}:\n{}", difference(&before[node], &after));
    }
    Ok(())
}

fn difference(before: &str, after: &str) -> String {
    after.lines().filter(|line| !before.contains(line)).collect::<Vec<_>>().join("\n")
}
