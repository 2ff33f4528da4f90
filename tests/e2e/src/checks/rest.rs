//! A pair at rest.

use anyhow::{Context, Result, ensure};
use hapair_world::{World, client::metric};

use super::{LONG, SOON};

/// What may not change while the pair is at rest: the configuration's version and every file of ours.
fn state(world: &World, node: usize) -> Result<String> {
    world.lab.run(
        node,
        "cibadmin -Q -l | head -1 | grep -o ' [a-z_]*epoch=\"[0-9]*\"'; find /etc /var/lib/hapair \
         /usr/lib/ocf /var/lib/pcsd -type f -printf '%p %T@ %C@\\n' | sort",
    )
}

/// What was counted until one moment, on both sides.
struct Counted {
    looks: u64,
    /// Those of them that a host asked for.
    asked_for: u64,
    probes: u64,
    writes: u64,
    /// By each host's sshd, without our own.
    executions: [u64; 2],
}

impl Counted {
    /// Counts between two looks. `ours` are the executions of such counts on each host, so far.
    fn read(world: &World, ours: &mut u64) -> Result<Self> {
        world.wait("a count that no look fell into", LONG, |world| {
            let looks = metric("hapair_turns_total").ok()?;
            *ours += 1;
            let executions = world
                .on_both(|node| executions(world, node))
                .ok()?
                .map(|seen| seen - *ours);
            let (probes, writes) = (
                metric("hapair_probes_total").ok()?,
                metric("hapair_api_writes_total").ok()?,
            );
            let asked_for = metric("hapair_turns_asked_for_total").unwrap_or_default();
            (metric("hapair_turns_total").ok()? == looks).then_some(Self {
                looks,
                asked_for,
                probes,
                writes,
                executions,
            })
        })
    }
}

/// Executions that the host's sshd has seen, this one included.
fn executions(world: &World, node: usize) -> Result<u64> {
    let text = world.lab.run(
        node,
        // From OpenSSH 9.8 on a session is a program of its own (sshd-session(8)).
        "journalctl --sync; journalctl --boot --identifier sshd --identifier sshd-session --no-pager | grep -c \
            'Starting session: command'",
    )?;
    text.trim().parse().context("a number")
}

fn versions(world: &World) -> Result<String> {
    world.cluster.run(&[
        "get",
        "-A",
        "hapairs,harv,hafip,hasg",
        "-o",
        "jsonpath={.items[*].metadata.resourceVersion}",
    ])
}

/// Five resyncs: no change on a host, no write to the API server, one execution a host for each, counted on
/// both sides. Applying the same again changes nothing either.
pub fn is_radio_silence(world: &mut World) -> Result<()> {
    world.apply(&world.sample()?)?;
    let begun = world.wait("a first look", SOON, |_| metric("hapair_turns_total").ok())?;
    // What the apply woke is over when a whole resync has passed.
    let settled = begun + 2;
    world.wait("two looks", SOON, |_| {
        (metric("hapair_turns_total").ok()? >= settled).then_some(())
    })?;
    let (states, objects) = ([state(world, 0)?, state(world, 1)?], versions(world)?);
    let mut ours = 0;
    let before = Counted::read(world, &mut ours)?;

    world.wait("five resyncs", LONG, |_| {
        (metric("hapair_turns_total").ok()? >= before.looks + 5).then_some(())
    })?;

    let after = Counted::read(world, &mut ours)?;
    let looks = after.looks - before.looks;
    ensure!(
        after.writes == before.writes,
        "the operator wrote to the API server while everything was as declared"
    );
    // The cluster says once in a quarter of an hour that it has checked everything (cluster-recheck-interval).
    ensure!(
        after.asked_for <= before.asked_for + 1,
        "a host asked to be looked at while nothing happened on it"
    );
    let now = versions(world)?;
    ensure!(
        now == objects,
        "an object was written while everything was as declared: {objects} → {now}"
    );
    let probed = after.probes - before.probes;
    // A look may be under way at either count.
    ensure!(
        probed.abs_diff(2 * looks) <= 2,
        "{looks} looks sent {probed} probes to two hosts"
    );
    for (node, unchanged) in states.iter().enumerate() {
        let seen = after.executions[node] - before.executions[node];
        ensure!(
            seen.abs_diff(looks) <= 1,
            "{looks} looks were {seen} executions on host {node}"
        );
        let watches = world.lab.run(node, "pgrep --count --full hapair-watch")?;
        ensure!(
            watches.trim() == "1",
            "{} watches run on host {node}",
            watches.trim()
        );
        let state = state(world, node)?;
        ensure!(
            state == *unchanged,
            "something changed on host {node}:\n{}",
            difference(unchanged, &state)
        );
    }
    Ok(())
}

fn difference(before: &str, after: &str) -> String {
    after
        .lines()
        .filter(|line| !before.contains(line))
        .collect::<Vec<_>>()
        .join("\n")
}
