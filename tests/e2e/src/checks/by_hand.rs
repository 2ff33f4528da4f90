//! What people do to a pair by hand: the status tells it or puts it back, and the service stays, or is soon there again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hapair_world::{NAMESPACE, World};
use serde_json::{Value, json};

use super::{
    AT_ONCE, LONG, SOON, advice, declared, not_ready_for,
    premise::{at_home, go_home},
    served_by,
};
use crate::visitor::Visitor;

/// One thing that somebody does.
struct Deed {
    /// On which node.
    on: On,
    /// What is typed there.
    line: &'static str,
    /// What the operator makes of it.
    told: Told,
    /// What ends it.
    end: End,
    /// For how long the service may be away, in seconds.
    away: u64,
}

#[derive(Clone, Copy)]
enum On {
    Serving = 0,
    Other = 1,
}

enum End {
    /// Nobody: the operator or the cluster does.
    Alone,
    /// What the condition says to type.
    Advised,
}

enum Told {
    /// A condition of the pair: its type, reason, words of its message, and within how many seconds it is False.
    Says(&'static str, &'static str, &'static [&'static str], u64),
    /// An event PutBack with these words, within [`SOON`].
    PutsBack(&'static [&'static str]),
    /// Nothing, but the cluster mends it alone: this line fails on the node after the deed, until it does not.
    Mends(&'static str),
    /// No condition has this reason for 20 seconds.
    Never(&'static str),
}

const DEEDS: &[Deed] = &[
    Deed {
        on: On::Other,
        line: "pcs resource ban group-tomcat node2",
        told: Told::Says(
            "RedundancyHealthy",
            "Banned",
            &["group-tomcat", "node2", "cli-ban"],
            15,
        ),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Other,
        line: "pcs constraint location group-tomcat avoids node2",
        told: Told::Says(
            "RedundancyHealthy",
            "Banned",
            &["group-tomcat", "node2", "location-group-tomcat"],
            15,
        ),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Other,
        line: "usermod --uid 1500 tomcat",
        told: Told::Says(
            "RedundancyHealthy",
            "IdsDiffer",
            &["user tomcat", "1500 on node2"],
            15,
        ),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "pcs property set maintenance-mode=true",
        told: Told::Says("RedundancyHealthy", "Maintenance", &["maintenance mode"], 15),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Other,
        line: "pcs node maintenance",
        told: Told::Says(
            "RedundancyHealthy",
            "Maintenance",
            &["node2 is in maintenance mode"],
            15,
        ),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "pcs property set stop-all-resources=true",
        told: Told::Says("Available", "AllStopped", &["stop-all-resources=true"], 15),
        end: End::Advised,
        away: 120,
    },
    Deed {
        on: On::Serving,
        line: "pcs property set stonith-enabled=false",
        told: Told::PutsBack(&["stonith-enabled", "pause"]),
        end: End::Alone,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "pcs resource unmanage service-tomcat-tomcat",
        told: Told::PutsBack(&["is-managed", "pause"]),
        end: End::Alone,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "pcs resource disable group-tomcat",
        told: Told::PutsBack(&["target-role", "pause"]),
        end: End::Alone,
        away: 60,
    },
    Deed {
        on: On::Other,
        line: "pcs node standby",
        // The sample says that it is not.
        told: Told::Says("RedundancyHealthy", "Converging", &["node2 is in standby"], 15),
        end: End::Alone,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "crm_resource --refresh",
        told: Told::Never("FencingFailed"),
        end: End::Alone,
        away: 5,
    },
    Deed {
        on: On::Other,
        line: "rm /etc/drbd.d/logs.res",
        told: Told::PutsBack(&["/etc/drbd.d/logs.res"]),
        end: End::Alone,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "rm /usr/lib/ocf/resource.d/hapair/http",
        told: Told::PutsBack(&["/usr/lib/ocf/resource.d/hapair/http"]),
        end: End::Alone,
        away: 60,
    },
    Deed {
        on: On::Other,
        line: "drbdadm disconnect logs",
        told: Told::Says(
            "RedundancyHealthy",
            "Disconnected",
            &["logs", "node2 is StandAlone"],
            15,
        ),
        end: End::Advised,
        away: 15,
    },
    Deed {
        on: On::Other,
        line: "drbdadm detach logs",
        told: Told::Says(
            "RedundancyHealthy",
            "DiskFailed",
            &["logs", "node2 has lost its disk"],
            15,
        ),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Other,
        line: "drbdadm invalidate logs",
        told: Told::Says("RedundancyHealthy", "Resyncing", &["logs"], 15),
        end: End::Alone,
        away: 5,
    },
    // Longer than two monitors of everything take: what waits for a device is no failure, and nothing is stopped for it.
    Deed {
        on: On::Serving,
        line: "drbdadm suspend-io logs && sleep 45",
        told: Told::Says("Available", "WritesFrozen", &["logs", "suspended:user"], 5),
        end: End::Advised,
        away: 55,
    },
    Deed {
        on: On::Other,
        line: "ip address add 10.77.0.100/24 dev $(ip -o address show to 10.77.0.0/24 | head -n 1 | cut -d ' ' -f 2)",
        told: Told::Says("Ready", "AssignedTwice", &["10.77.0.100", "node1", "node2"], 15),
        end: End::Advised,
        away: 60,
    },
    Deed {
        on: On::Other,
        line: "systemctl start tomcat10",
        told: Told::Says("Ready", "RunsTwice", &["tomcat10 runs on node2"], 30),
        end: End::Advised,
        away: 5,
    },
    Deed {
        on: On::Serving,
        line: "ip address delete 10.77.0.100/24 dev $(ip -o address show to 10.77.0.100 | cut -d ' ' -f 2)",
        told: Told::Mends("ip -o address show to 10.77.0.100 | grep -q ."),
        end: End::Alone,
        away: 45,
    },
    Deed {
        on: On::Serving,
        line: "umount -l /var/log/tomcat10",
        told: Told::Mends("mountpoint -q /var/log/tomcat10"),
        end: End::Alone,
        away: 60,
    },
    Deed {
        on: On::Serving,
        line: "systemctl stop tomcat10",
        told: Told::Mends("systemctl is-active -q tomcat10"),
        end: End::Alone,
        away: 60,
    },
    Deed {
        on: On::Serving,
        line: "pkill -STOP java",
        told: Told::Says("Available", "NotAnswering", &["http://10.77.0.100:8080/"], 30),
        end: End::Alone,
        away: 60,
    },
];

/// Each of them in turn, on a pair that is well.
pub fn deeds_are_told_or_put_back(world: &mut World) -> Result<()> {
    go_home(world)?;
    for deed in DEEDS {
        at_home(world)?;
        let start = Instant::now();
        play(world, deed).with_context(|| format!("after `{}`", deed.line))?;
        println!(
            "           {} ({:.0} s)",
            deed.line,
            start.elapsed().as_secs_f32()
        );
        go_home(world)?;
    }
    Ok(())
}

fn play(world: &World, deed: &Deed) -> Result<()> {
    let node = deed.on as usize;
    let before = put_back(world)?.len();
    let visitor = Visitor::start(world.floating_address());
    world.lab.run(node, deed.line)?;
    match deed.told {
        Told::Says(condition, reason, words, within) => {
            let what = format!("{condition}=False/{reason} with {words:?}");
            let message = world.wait(&what, Duration::from_secs(within), |world| {
                let (status, now, message) = world.condition("hapair/web", condition).ok()??;
                let all = words.iter().all(|word| message.contains(word));
                (status == "False" && now == reason && all).then_some(message)
            })?;
            if matches!(deed.end, End::Advised) {
                advice::follow(world, &message, advice::REMEDY)?;
            }
        }
        Told::PutsBack(words) => {
            let all = |note: &str| words.iter().all(|word| note.contains(word));
            world.wait(&format!("an event PutBack with {words:?}"), SOON, |world| {
                let notes = put_back(world).ok()?;
                notes.iter().skip(before).any(|note| all(note)).then_some(())
            })?;
            world.wait(&format!("lastPutBack with {words:?}"), SOON, |world| {
                let pair = world.object("hapair/web").ok()?;
                all(pair["status"]["lastPutBack"]["what"].as_str()?).then_some(())
            })?;
        }
        Told::Mends(line) => {
            let is_well = |world: &World| world.lab.output(node, line).map(|output| output.status.success());
            ensure!(!is_well(world)?, "`{line}` does not see it");
            world.wait(&format!("`{line}`"), LONG, |world| {
                is_well(world).ok()?.then_some(())
            })?;
        }
        Told::Never(reason) => never(world, reason)?,
    }
    for condition in ["Ready", "Available", "RedundancyHealthy"] {
        world.wait_for_condition("hapair/web", condition, "True", LONG)?;
    }
    let visits = visitor.end()?;
    ensure!(
        visits.longest_gap <= Duration::from_secs(deed.away),
        "the page was away for {:.0} s, and {} s are what it may be",
        visits.longest_gap.as_secs_f32(),
        deed.away
    );
    Ok(())
}

/// What events of the pair say of things that were put back, the oldest first.
fn put_back(world: &World) -> Result<Vec<String>> {
    let events: Value = serde_json::from_str(&world.cluster.run(&[
        "get",
        "events.events.k8s.io",
        "-n",
        NAMESPACE,
        "--sort-by=.metadata.creationTimestamp",
        "-o",
        "json",
    ])?)?;
    let events = events["items"].as_array().into_iter().flatten();
    let of_putting_back = events.filter(|event| event["reason"] == "PutBack");
    Ok(of_putting_back
        .filter_map(|event| Some(event["note"].as_str()?.to_owned()))
        .collect())
}

fn never(world: &World, reason: &str) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let pair = world.object("hapair/web")?;
        let conditions = pair["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        ensure!(
            conditions.iter().all(|condition| condition["reason"] != reason),
            "{reason} was told: {conditions:?}"
        );
        std::thread::sleep(Duration::from_millis(400));
    }
    Ok(())
}

/// A probe's path that the service refuses moves nothing, and is told in the service's own words.
pub fn a_refused_page_moves_nothing(world: &mut World) -> Result<()> {
    at_home(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let group = world.object("hasg/tomcat")?;
    let with_probe = |probe: Value| declared(&group, "tomcat", |spec| spec["probe"]["http"] = probe);
    let visitor = Visitor::start(world.floating_address());
    world.apply(&with_probe(json!({"port": 8080, "path": "/nowhere"})))?;
    not_ready_for(
        world,
        "hasg/tomcat",
        "ProbeRefused",
        &["/nowhere", "404", "node1"],
    )?;
    // As the advice has it, where that is what the service is to say.
    world.apply(&with_probe(
        json!({"port": 8080, "path": "/nowhere", "codes": [404]}),
    ))?;
    world.wait_for_condition("hasg/tomcat", "Available", "True", LONG)?;
    world.apply(&with_probe(group["spec"]["probe"]["http"].clone()))?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let visits = visitor.end()?;
    ensure!(visits.missed == 0, "the page was missing {} times", visits.missed);
    served_by(world, "node1", AT_ONCE)
}

/// tomcat cannot start on node2: a switchover there is withdrawn, and from then on node2 is no redundancy.
pub fn a_node_that_cannot_start_is_no_redundancy(world: &mut World) -> Result<()> {
    const DROP_IN: &str = "/etc/systemd/system/tomcat10.service.d/broken.conf";
    at_home(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world.lab.run(
        1,
        &format!("mkdir -p $(dirname {DROP_IN}) && printf '[Service]\\nExecStartPre=/bin/false\\n' > {DROP_IN} && systemctl daemon-reload"),
    )?;
    let visitor = Visitor::start(world.floating_address());
    let refusal = world.plugin(&["switchover"]).err().map(|error| error.to_string());
    let refusal = refusal.context("a switchover to a node where tomcat cannot start succeeded")?;
    println!("           {}", refusal.lines().last().unwrap_or_default());
    // It has to serve on node1 again before it is told.
    let what = "RedundancyHealthy=False/ResourceFailed of node2";
    let message = world.wait(what, LONG, |world| {
        let (status, reason, message) = world.condition("hapair/web", "RedundancyHealthy").ok()??;
        (status == "False"
            && reason == "ResourceFailed"
            && message.contains("node2 could not take group tomcat over"))
        .then_some(message)
    })?;
    served_by(world, "node1", AT_ONCE)?;
    let visits = visitor.end()?;
    ensure!(
        visits.longest_gap < Duration::from_secs(120),
        "the page was away for {:.0} s",
        visits.longest_gap.as_secs_f32()
    );
    world
        .lab
        .run(1, &format!("rm {DROP_IN} && systemctl daemon-reload"))?;
    advice::follow(world, &message, advice::REMEDY)?;
    world.wait_for_condition("hapair/web", "RedundancyHealthy", "True", SOON)
}

/// A monitor fails once while the scheduler stands still, as on a starved machine, and goes well when it is repeated:
/// pacemaker remembers that, and would stop and start the service at the end of a maintenance mode. The operator has it
/// forgotten.
pub fn a_hiccup_is_forgotten(world: &mut World) -> Result<()> {
    const FAILED: &str = "crm_mon --one-shot --output-as=xml | grep -q '<failure .*probe-tomcat_monitor'";
    at_home(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let controller = world.lab.run(0, "crmadmin --dc_lookup --quiet")?;
    let controller = usize::from(controller.contains("node2"));
    let visitor = Visitor::start(world.floating_address());
    world.lab.run(controller, "pkill -STOP -f pacemaker-schedulerd")?;
    let hiccup = fail_once(world, FAILED);
    world.lab.run(controller, "pkill -CONT -f pacemaker-schedulerd")?;
    hiccup?;
    world.wait("the failure to be forgotten", SOON, |world| {
        let failed = world.lab.output(0, FAILED).ok()?.status.success();
        (!failed).then_some(())
    })?;
    for mode in ["true", "false"] {
        let line = format!("pcs property set maintenance-mode={mode} && crm_resource --wait --timeout=60");
        world.lab.run(0, &line)?;
    }
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    let visits = visitor.end()?;
    ensure!(visits.missed == 0, "the page was missing {} times", visits.missed);
    Ok(())
}

/// The probe's agent takes itself for stopped when its file is gone.
fn fail_once(world: &World, failed: &str) -> Result<()> {
    const STATE: &str = "/run/resource-agents/hapair-http-probe-tomcat";
    const WELL: &str = "since() { cibadmin --query --xpath \"//lrm_rsc_op[@id='probe-tomcat_$1']\" | grep -o 'last-rc-change=\"[0-9]*' | tr -dc \
                        0-9; }; [ $(since monitor_10000) -gt $(since last_failure_0) ]";
    world.lab.run(0, &format!("rm {STATE}"))?;
    let seen = world.wait("the monitor to fail", SOON, |world| world.lab.run(0, failed).ok());
    world.lab.run(0, &format!("touch {STATE}"))?;
    seen?;
    world.wait("the monitor to go well again", SOON, |world| {
        world.lab.run(0, WELL).ok()
    })?;
    Ok(())
}
