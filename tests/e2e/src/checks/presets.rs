//! Services that are known by name, beside tomcat: nginx, and a database on a volume.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hapair_world::{World, client};

use super::{LONG, SOON};

const SAMPLE: &str = "web-and-database.yaml";

/// The sample as it stands, but for the number of files that the volume hides on node2.
pub fn become_ready(world: &mut World) -> Result<()> {
    let sample = world.sample_of(SAMPLE)?;
    world.apply(&sample)?;
    let number = world.wait("the number of files that the volume would hide", LONG, |world| {
        let (_, reason, message) = world.condition("harv/database", "Ready").ok()??;
        let number = message
            .rsplit_once("hideFiles to ")?
            .1
            .trim_end_matches('.')
            .parse::<u32>()
            .ok();
        number.filter(|_| reason == "MountPointNotEmpty")
    })?;
    let consent = format!("{{node: node2, hideFiles: {number}, partition");
    world.apply(&sample.replacen("{node: node2, partition", &consent, 1))?;
    for object in ["hasg/web", "hasg/database", "hapair/web"] {
        world.wait_for_condition(object, "Ready", "True", LONG)?;
    }
    page_of(world, "node1", SOON)?;
    sql(world, 0, "create table visits (node text)")?;
    sql(world, 0, "insert into visits values ($$node1$$)")?;
    only_the_cluster_starts_them(world)
}

/// systemd starts none of their units by itself.
fn only_the_cluster_starts_them(world: &World) -> Result<()> {
    for node in 0..2 {
        let enabled = world
            .lab
            .run(node, "systemctl list-unit-files --state=enabled --no-legend")?;
        let found = enabled
            .lines()
            .find(|line| line.starts_with("nginx") || line.starts_with("postgresql"));
        ensure!(found.is_none(), "systemd starts it at boot: {found:?}");
    }
    let running = world.lab.output(1, "pgrep -x 'nginx|postgres'")?;
    ensure!(!running.status.success(), "something runs on node2, too");
    Ok(())
}

/// Each moves, the database with what was written to it.
pub fn move_with_their_data(world: &mut World) -> Result<()> {
    world.plugin(&["switchover"])?;
    page_of(world, "node2", LONG)?;
    let rows = sql(world, 1, "select node from visits")?;
    ensure!(rows.trim() == "node1", "the table holds {rows:?} on node2");
    sql(world, 1, "insert into visits values ($$node2$$)")?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    world.plugin(&["switchover"])?;
    page_of(world, "node1", LONG)?;
    let rows = sql(world, 0, "select count(*) from visits")?;
    ensure!(rows.trim() == "2", "the table has {rows:?} rows on node1");
    Ok(())
}

fn page_of(world: &World, node: &str, limit: Duration) -> Result<()> {
    let page = |world: &World| client::get(&world.floating_address(), 80, "/").ok();
    world.wait(&format!("nginx' page of {node}"), limit, |world| {
        page(world)
            .filter(|page| page.contains(&format!("<h1>{node}</h1>")))
            .map(drop)
    })
}

/// What the database on a host answers.
fn sql(world: &World, node: usize, statement: &str) -> Result<String> {
    let line =
        format!("runuser -u postgres -- psql --quiet --tuples-only --no-align --command '{statement}'");
    world
        .wait(&format!("an answer to {statement:?}"), SOON, |world| {
            world.lab.run(node, &line).ok()
        })
        .context("the database does not answer")
}
