//! A real Prometheus that scrapes the operator.

use std::{
    fs,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use hapair_world::{World, root};
use serde_json::Value;

use super::SOON;

const PROMETHEUS: &str = "http://127.0.0.1:9090";
/// Longer than an alert without patience takes to fire, or to be over.
const PATIENCE: Duration = Duration::from_secs(5);
/// Panels that have nothing to show of a pair that is well.
const QUIET: [&str; 2] = [
    "hapair_volume_synced_ratio",
    "hapair_node_fenced_timestamp_seconds",
];

/// The dashboard's queries have answers, and no alert wakes anybody for a pair that is well.
pub fn dashboard_and_alerts(world: &mut World) -> Result<()> {
    let folder = world.lab.directory().join("prometheus");
    fs::create_dir_all(&folder)?;
    // The alerts with no patience: nothing could fire while they are watched here.
    let rules = fs::read_to_string(root().join("config/prometheus/alerts.yaml"))?;
    let hasty = |line: &str| {
        if line.trim_start().starts_with("for: ") {
            "        for: 1s".to_owned()
        } else {
            line.to_owned()
        }
    };
    let alerts = folder.join("alerts.yaml");
    fs::write(&alerts, rules.lines().map(hasty).collect::<Vec<_>>().join("\n"))?;
    let settings = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n- \
         job_name: hapair\n  honor_labels: true\n  \
         static_configs: [{{targets: ['127.0.0.1:8080']}}]\n",
        alerts.display()
    );
    fs::write(folder.join("prometheus.yml"), settings)?;
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            folder.join("prometheus.yml").display()
        ))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .args(["--web.listen-address=127.0.0.1:9090", "--log.level=warn"]);
    world.cluster.start_program("prometheus", command)?;
    let asked = ask(world);
    world.cluster.stop_program("prometheus")?;
    asked
}

fn ask(world: &World) -> Result<()> {
    world.wait("the first figures in Prometheus", SOON, |_| {
        results("hapair_condition").ok().filter(|found| *found > 0)
    })?;
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(
        root().join("config/prometheus/dashboard.json"),
    )?)?;
    let panels = dashboard["panels"]
        .as_array()
        .context("the dashboard has no panels")?;
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries: Vec<_> = targets.filter_map(|target| target["expr"].as_str()).collect();
    ensure!(queries.len() > 8, "the dashboard has {} queries", queries.len());
    for query in queries {
        let query = query.replace("$namespace", ".*").replace("$pair", ".*");
        let is_quiet = QUIET.iter().any(|name| query.contains(name));
        world.wait(&format!("an answer to {query}"), SOON, |_| {
            results(&query).ok().filter(|found| *found > 0 || is_quiet)
        })?;
    }
    ensure!(results("up == 1")? == 1, "the operator is not scraped");
    // Its figures' rates are nothing at first, which is what one of the alerts is about.
    world.wait("the operator's looks in Prometheus", SOON, |_| {
        results("rate(hapair_turns_total[5m]) > 0")
            .ok()
            .filter(|found| *found > 0)
    })?;
    std::thread::sleep(PATIENCE);
    let firing = query("ALERTS{alertstate=\"firing\"}")?;
    ensure!(
        firing.trim() == "[]",
        "an alert fires for a pair that is well: {firing}"
    );
    Ok(())
}

fn results(expression: &str) -> Result<usize> {
    let answer: Value = serde_json::from_str(&query(expression)?)?;
    Ok(answer.as_array().map_or(0, Vec::len))
}

fn query(expression: &str) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("promtool")
        .args(["query", "instant", "-o", "json", PROMETHEUS, expression])
        .output()?;
    ensure!(
        status.success(),
        "{expression}: {}",
        String::from_utf8_lossy(&stderr)
    );
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}
