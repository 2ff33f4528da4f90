//! `kubectl hapair`.

use anyhow::{Result, ensure};
use hapair_crds::requests::{PAUSED, STANDBY};
use hapair_lab::bmc;
use hapair_world::{ADMIN_PASSWORD, NAMESPACE, World};

use super::{AT_ONCE, SOON, premise::at_home, served_by};

/// The screen of a pair that is well, and the answers to what cannot be answered.
pub fn tells(world: &mut World) -> Result<()> {
    at_home(world)?;
    let screen = world.plugin(&["status"])?;
    for words in [
        "web/web  Ready, serving on node1",
        "do:  nothing",
        "node1 UpToDate Primary ══ node2 UpToDate",
        "on node1",
    ] {
        ensure!(
            screen.contains(words),
            "{words:?} is not on the screen:\n{screen}"
        );
    }
    ensure!(
        !screen.contains('\x1b'),
        "there are colours in what is no terminal:\n{screen}"
    );
    let why = world.plugin(&["why", "redundancyhealthy"])?;
    ensure!(
        why.contains("RedundancyHealthy is True: Healthy") && why.contains("What to do: "),
        "{why}"
    );
    let refusal = |arguments: &[&str]| {
        world
            .plugin(arguments)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let nobody = refusal(&["status", "nosuch"]);
    ensure!(
        nobody.contains("\"nosuch\"") && nobody.contains("There: web"),
        "{nobody}"
    );
    let stranger = refusal(&["standby", "node3"]);
    ensure!(stranger.contains("node1 and node2"), "{stranger}");
    let outsider = world.cluster.kubeconfig_of("default", "default")?;
    let forbidden = world
        .plugin_as(&outsider, &["status", "web"])
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(
        forbidden.contains("resources: [hapairs], verbs: [get]"),
        "{forbidden}"
    );
    Ok(())
}

/// What has to be asked of the hosts: through the API server's service proxy, by whom it is allowed.
pub fn asks_the_hosts(world: &mut World) -> Result<()> {
    at_home(world)?;
    let (plan, code) = world.plugin_tells(&["plan", "--exit-code"])?;
    ensure!(
        plan.contains("Nothing would be done") && code == Some(0),
        "{code:?}: {plan}"
    );
    let standby = world.lab.directory().join("standby.yaml");
    std::fs::write(
        &standby,
        world.sample()?.replacen("standby: false", "standby: true", 1),
    )?;
    let standby = standby.display().to_string();
    let (plan, code) = world.plugin_tells(&["plan", "-f", &standby, "--exit-code"])?;
    ensure!(
        code == Some(3)
            && plan.contains("group tomcat: Move ip-web ( node1 -> node2 )")
            && plan.contains("push-cib")
            && plan.ends_with("Then the hosts are as declared.\nIt interrupts volume logs, group tomcat.\n"),
        "{code:?}: {plan}"
    );
    served_by(world, "node1", AT_ONCE)?;

    let logs = world.plugin(&["logs", "--since", "2h", "--lines", "5000"])?;
    let has = |node: &str, source: &str| {
        logs.lines()
            .any(|line| line.contains(&format!("Z {node} {source}: ")))
    };
    for (node, source) in [
        ("node1", "corosync"),
        ("node2", "pacemaker-controld"),
        ("node1", "kernel"),
    ] {
        ensure!(
            has(node, source),
            "{source} of {node} is not in the logs, which have {} lines",
            logs.lines().count()
        );
    }
    ensure!(
        logs.lines().is_sorted_by_key(|line| line.split(' ').next()),
        "the logs are not in the order of time"
    );

    let bundle = world.lab.directory().join("bundle.tar");
    world.plugin(&["diagnose", "--file", &bundle.display().to_string()])?;
    let bundle = std::fs::read(&bundle)?;
    let holds = |text: &str| bundle.windows(text.len()).any(|window| window == text.as_bytes());
    ensure!(
        holds("node1/cib.xml") && holds("node2/crm_mon") && holds("plan.txt"),
        "the bundle lacks a part"
    );
    let drbd = world.lab.run(0, "cat /var/lib/hapair/drbd.key")?;
    for secret in [ADMIN_PASSWORD, bmc::PASSWORD, drbd.trim()] {
        ensure!(!holds(secret), "a secret is in the bundle");
    }

    world.wait("the connections of those who asked to end", SOON, |world| {
        // The pair's own stay: one a host.
        (connections(world).ok()? <= 2).then_some(())
    })?;
    let elsewhere = world.lab.directory().join("elsewhere.yaml");
    std::fs::write(
        &elsewhere,
        world
            .sample()?
            .replace("name: web-hacluster", "name: node1-bmc-of-others"),
    )?;
    let refused = world
        .plugin(&["plan", "-f", &elsewhere.display().to_string()])
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(
        refused.contains("Secret node1-bmc-of-others, which the pair does not use yet"),
        "{refused}"
    );

    world
        .cluster
        .run(&["create", "serviceaccount", "-n", NAMESPACE, "stranger"])?;
    let stranger = world
        .plugin(&["plan", "--service-account", "web/stranger"])
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(
        stranger.contains("resources: [hapairs/plan], verbs: [get]"),
        "{stranger}"
    );
    let outsider = world.plugin_as(
        &world.cluster.kubeconfig_of(NAMESPACE, "stranger")?,
        &["plan", "web"],
    );
    let outsider = outsider.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(
        outsider.contains("resources: [serviceaccounts/token], resourceNames: [hapair-asker]"),
        "{outsider}"
    );
    Ok(())
}

/// ssh clients of the operator.
fn connections(world: &World) -> Result<usize> {
    let line = |process: &u32| std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    Ok(world
        .operator_processes()?
        .iter()
        .filter(|process| line(process).starts_with(b"ssh\0"))
        .count())
}

/// There and back; a pause holds the second until it ends.
pub fn switches_over(world: &mut World) -> Result<()> {
    at_home(world)?;
    let told = world.plugin(&["switchover"])?;
    ensure!(
        told.contains("node2 serves") && told.contains("node1 could take over again"),
        "{told}"
    );
    served_by(world, "node2", AT_ONCE)?;
    world.plugin(&["pause"])?;
    world.wait_for_condition("hapair/web", "Paused", "True", SOON)?;
    let refusal = world
        .plugin(&["switchover"])
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(
        refusal.contains("PausedByUser") && refusal.contains("kubectl hapair resume"),
        "{refusal}"
    );
    world.plugin(&["resume"])?;
    world.wait_for_condition("hapair/web", "Paused", "False", SOON)?;
    served_by(world, "node2", AT_ONCE)?;
    let annotations = world.object("hapair/web")?["metadata"]["annotations"].clone();
    ensure!(
        [STANDBY, PAUSED]
            .iter()
            .all(|request| annotations.get(request.annotation).is_none()),
        "a request was left behind: {annotations}"
    );
    Ok(())
}
