//! The end-to-end test: one pair's life, check by check, on the same ground. A check that fails ends the run:
//! those behind it build on it.

use std::time::Instant;

use anyhow::{Result, bail};
use hapair_lab::Config;
use hapair_world::{SYSTEM, World};

use crate::checks::{
    LONG, admission, advice, agents, by_hand, convergence, failover, faults, innocence, intrusion, memory,
    monitoring, order, permissions, plugin, presets, refusals, released, rest, secrets, skew, teardown,
    traces,
};

type Check = fn(&mut World) -> Result<()>;

const CHECKS: &[(&str, Check)] = &[
    (
        "an illegal spec is refused by the API server, with the path of the field",
        admission::illegal_specs_are_refused,
    ),
    (
        "a new object says that nobody has looked at it yet",
        admission::new_objects_say_that_nobody_looked,
    ),
    (
        "a host that cannot be reached as declared is named, and nothing is sent to it",
        refusals::connections,
    ),
    (
        "a host of the wrong kind is named, and left alone",
        refusals::hosts_of_the_wrong_kind,
    ),
    (
        "what stands in the way is named before anything is changed on a host",
        refusals::hosts_are_left_alone,
    ),
    (
        "packages that cannot be had are waited for, and a host is given its name",
        convergence::waits_for_packages,
    ),
    (
        "killed at three moments of the convergence, the operator ends at a pair that is Ready",
        convergence::converges_though_killed,
    ),
    (
        "kubectl, pcs and drbdadm all show a healthy pair",
        convergence::looks_as_promised,
    ),
    (
        "the page is node1's, through the floating address",
        convergence::serves_node1s_page,
    ),
    AGENTS,
    (
        "at rest nothing is written, and each probe is one execution a host",
        rest::is_radio_silence,
    ),
    (
        "Prometheus has an answer to each of the dashboard's queries, and no alert fires",
        monitoring::dashboard_and_alerts,
    ),
    (
        "links that a service's user plants lead the operator nowhere",
        intrusion::links_are_not_followed,
    ),
    (
        "no secret is anywhere but in its file",
        secrets::stay_in_their_files,
    ),
    (
        "no secret was ever on a command line or in an environment",
        secrets::were_never_seen,
    ),
    (
        "a host that has lost its keys and records gets them back from its peer, and a leg that cannot be seen is not made anew",
        memory::lost_keys_come_back,
    ),
    (
        "a unit, a disk and a mount point that something else has are refused, and the service goes on",
        innocence::edits_break_nothing,
    ),
    (
        "a group deleted and declared under another name is taken over as it runs",
        released::is_taken_over_under_another_name,
    ),
    (
        "a Secret that is deleted later is named, and the service goes on",
        refusals::secret_deleted_later,
    ),
    (
        "a kind that cannot be listed removes nothing, and the status says so",
        permissions::forbidden_list_removes_nothing,
    ),
    (
        "Secrets that may not be read are told in the status, with the permission",
        permissions::forbidden_secrets_are_told,
    ),
    (
        "resource definitions older than the operator are named, and it ends",
        skew::older_definitions_are_named,
    ),
    (
        "a field and a value of newer resource definitions are named, and nothing is done meanwhile",
        skew::newer_fields_and_values_are_named,
    ),
    (
        "a second operator waits for the Lease",
        permissions::second_operator_waits,
    ),
    (
        "kubectl hapair shows the pair on one screen, and names what is missing",
        plugin::tells,
    ),
    (
        "kubectl hapair asks the hosts: the plan and what it interrupts, both journals, a bundle without \
         secrets",
        plugin::asks_the_hosts,
    ),
    (
        "kubectl hapair switchover moves the service, and a pause holds it",
        plugin::switches_over,
    ),
    // The restart behind it shows what a changed node id does.
    (
        "two nodes that are swapped in the list change nothing",
        order::swapped_nodes_change_nothing,
    ),
    REBOOT,
    STANDBY,
    NO_FAIL_BACK,
    POWER_CUT,
    REPLICATION_CUT,
    (
        "a group, a volume and an address leave the hosts when they are deleted so",
        teardown::of_children,
    ),
    (
        "the pair leaves its hosts, and the data stays on its disks",
        teardown::of_the_pair,
    ),
    (
        "the same manifests again: the volume comes back with its data",
        teardown::data_comes_back,
    ),
];

/// How the service moves, once more: run on a release beside the one that the whole test is run on.
const FAILOVER: &[(&str, Check)] = &[
    BECOMES_READY,
    AGENTS,
    STANDBY,
    NO_FAIL_BACK,
    REBOOT,
    POWER_CUT,
    REPLICATION_CUT,
    READ_ONLY,
    LOST_LINK,
];

/// What the end-to-end test has no time for.
const TRIALS: &[(&str, Check)] = &[
    (
        "a partition that held a file system is taken with consent, and the pair is Ready",
        convergence::takes_a_used_partition,
    ),
    (
        "a change is seen in a collector of traces, down to the step on the host",
        traces::show_each_step,
    ),
    (
        "a wrong BMC password is shown, and the right one is enough to go on",
        refusals::wrong_bmc_password,
    ),
    (
        "a leg whose disk was emptied is told, not made anew",
        innocence::an_emptied_leg_is_told,
    ),
    (
        "a leg gets another disk, and its first place again, while the service goes on",
        innocence::a_leg_gets_another_disk,
    ),
    READ_ONLY,
    LOST_LINK,
    (
        "a split brain is told, and the commands that the status shows heal it",
        advice::split_brain,
    ),
    (
        "blocks that differ are told, and the command that the status shows makes them equal",
        advice::blocks_differ,
    ),
    (
        "what people do by hand is told or put back, and the service stays or is soon there again",
        by_hand::deeds_are_told_or_put_back,
    ),
    (
        "a monitor that failed once is forgotten, and the end of a maintenance mode interrupts nothing",
        by_hand::a_hiccup_is_forgotten,
    ),
    (
        "a page that the service refuses is told, and moves nothing",
        by_hand::a_refused_page_moves_nothing,
    ),
    (
        "a switchover to a node where the service cannot start is withdrawn, and that node is no redundancy",
        by_hand::a_node_that_cannot_start_is_no_redundancy,
    ),
    (
        "what is left of a group that is gone leaves the hosts when a person asks for it",
        released::is_forgotten,
    ),
    (
        "after a total outage the one node that comes back serves, once a person has said that the other is off",
        advice::one_survivor,
    ),
    (
        "three rounds of faults while a client writes: nothing is lost, nothing is there twice, and the \
         status tells",
        faults::three_rounds,
    ),
];

/// Services that are known by name, beside tomcat.
const PRESETS: &[(&str, Check)] = &[
    (
        "nginx and a database become a pair that is Ready",
        presets::become_ready,
    ),
    (
        "both move there and back, the database with its data",
        presets::move_with_their_data,
    ),
];

const BECOMES_READY: (&str, Check) = (
    "bare hosts become a pair that is Ready",
    convergence::becomes_ready,
);
const AGENTS: (&str, Check) = (
    "each agent has the parameters and operations that it is given",
    agents::know_what_they_are_given,
);
const STANDBY: (&str, Check) = ("node1 in standby: node2 serves, with the logs", failover::standby);
const NO_FAIL_BACK: (&str, Check) = ("node1 back: the service stays", failover::no_fail_back);
const REBOOT: (&str, Check) = (
    "node2 rebooted while it serves: the service moves, nothing is fenced, nothing splits",
    failover::reboot,
);
const POWER_CUT: (&str, Check) = (
    "the serving node's power cut with the operator stopped: fenced, and its peer serves",
    failover::power_cut_without_operator,
);
const REPLICATION_CUT: (&str, Check) = (
    "replication cut: writes go on within seconds; then the serving node's power: the stale leg is not promoted, no \
     record is lost",
    failover::replication_cut_then_power,
);
const LOST_LINK: (&str, Check) = (
    "the clients' interface loses its link on the node that serves: the service goes where they reach it",
    failover::lost_link_moves_the_group,
);
const READ_ONLY: (&str, Check) = (
    "a full file system is told, and one that has gone read-only moves the group",
    failover::read_only_moves_the_group,
);

/// Runs every check, or those between two, both included.
pub fn run(config: Config, from: Option<usize>, to: Option<usize>) -> Result<()> {
    play(CHECKS, config, from, to)
}

/// Runs the checks of failover alone.
pub fn failover(config: Config, from: Option<usize>, to: Option<usize>) -> Result<()> {
    play(FAILOVER, config, from, to)
}

/// Runs what the end-to-end test has no time for.
pub fn trials(config: Config, from: Option<usize>, to: Option<usize>) -> Result<()> {
    // Built before there is a lab: inside its network there are no modules to be had.
    traces::collector(|what| println!("{what}"))?;
    play(TRIALS, config, from, to)
}

/// Runs the checks of presets alone.
pub fn presets(config: Config, from: Option<usize>, to: Option<usize>) -> Result<()> {
    play(PRESETS, config, from, to)
}

fn play(checks: &[(&str, Check)], config: Config, from: Option<usize>, to: Option<usize>) -> Result<()> {
    let start = Instant::now();
    let say = |what: &str| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32());
    let mut world = match from {
        None => World::up(config, say)?,
        Some(_) => World::attach(&config.name)?,
    };
    let renewed = |world: &World| {
        Some(world.cluster.get(SYSTEM, "lease/hapair-operator").ok()?["spec"]["renewTime"].clone())
    };
    let before = renewed(&world);
    world.start_operator(&["--resync-seconds=3"])?;
    // What an operator before this one has left is not taken for what is so.
    world.wait("the operator to have the Lease", LONG, |world| {
        renewed(world).filter(|now| before.as_ref() != Some(now))
    })?;
    world.apply(&world.secrets()?)?;
    let first = from.unwrap_or(0);
    let end = to.map_or(checks.len(), |last| checks.len().min(last + 1));
    for (number, (name, check)) in checks.iter().enumerate().take(end).skip(first) {
        let began = Instant::now();
        if let Err(error) = check(&mut world) {
            println!(
                "{:7.1} s  FAILED  {name}\n{error:#}",
                start.elapsed().as_secs_f32()
            );
            println!("{} passed, 1 failed", number - first);
            bail!("the end-to-end test failed at: {name}");
        }
        println!(
            "{:7.1} s  ok      {name} ({:.1} s)",
            start.elapsed().as_secs_f32(),
            began.elapsed().as_secs_f32()
        );
    }
    println!("{} passed, 0 failed", end.saturating_sub(first));
    Ok(())
}
