//! A real OpenTelemetry collector that the operator sends its traces to.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use hapair_lab::bmc;
use hapair_world::{ADMIN_PASSWORD, SYSTEM, World, root};
use serde_json::Value;

use super::{LONG, SOON};

/// A turn is seen down to each step on a host; a collector that is gone is told of, and keeps nothing from
/// being done.
pub fn show_each_step(world: &mut World) -> Result<()> {
    let traces = world.lab.directory().join("traces.json");
    start_collector(world, &traces)?;
    restart_with(world, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318")?;
    in_standby(world, true)?;
    let told = world.wait("the step's trace at the collector", SOON, |_| {
        lineage(&read(&traces).ok()?, "push-cib")
    })?;
    let expected = ["push-cib", "steps", "configure the cluster", "turn"];
    ensure!(
        told.iter().map(|span| text(span, "name")).eq(expected),
        "the step's ancestors are {told:?}"
    );
    ensure!(attribute(&told[3], "pair") == Some("web/web"), "{:?}", told[3]);
    let host = attribute(&told[1], "server.address");
    ensure!(
        (0..2).any(|node| host == Some(world.address(node).as_str())),
        "{:?}",
        told[1]
    );
    let said = fs::read_to_string(&traces)?;
    ensure!(
        [ADMIN_PASSWORD, bmc::PASSWORD]
            .iter()
            .all(|secret| !said.contains(secret)),
        "a secret is in the traces"
    );
    let log = world.lab.directory().join("operator.log");
    let before = fs::read_to_string(&log)?.len();
    let log = || fs::read_to_string(&log).unwrap_or_default().split_off(before);
    let complaints = |log: &str| log.matches("the collector takes no traces").count();
    world.cluster.stop_program("collector")?;
    world.wait("a word about the collector that is gone", SOON, |_| {
        (complaints(&log()) > 0).then_some(())
    })?;
    in_standby(world, false)?;
    world.wait_for_condition("hapair/web", "RedundancyHealthy", "True", LONG)?;
    let log = log();
    ensure!(
        complaints(&log) == 1 && !log.contains("ExportError"),
        "the collector that is gone is told of again and again"
    );
    restart_with(world, "OTEL_EXPORTER_OTLP_ENDPOINT-")
}

/// Builds the collector, unless the cache has it. Before a lab is entered, in which no modules are to be had.
pub fn collector(say: impl FnOnce(&str)) -> Result<PathBuf> {
    let modules = root().join("tests/traces/collector");
    let folder = hapair_cluster::build_go("collector", &modules, "", &["."], || {
        say("building an OpenTelemetry collector from source (a minute, once)")
    })?;
    Ok(folder.join("collector"))
}

fn start_collector(world: &World, traces: &Path) -> Result<()> {
    let settings = format!(
        "yaml:{{receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:4318'}}}}}}}}, exporters: \
         {{file: {{path: '{}'}}}}, service: \
         {{telemetry: {{metrics: {{level: none}}}}, pipelines: {{traces: {{receivers: [otlp], exporters: \
         [file]}}}}}}}}",
        traces.display()
    );
    let mut command = Command::new(collector(|_| {})?);
    command.arg(format!("--config={settings}"));
    world.cluster.start_program("collector", command)?;
    world
        .wait("the collector", SOON, |_| {
            TcpStream::connect("127.0.0.1:4318").ok()
        })
        .map(drop)
}

/// The operator with an environment as `kubectl set env` takes it.
fn restart_with(world: &mut World, setting: &str) -> Result<()> {
    world
        .cluster
        .run(&["set", "env", "deployment/hapair-operator", "-n", SYSTEM, setting])?;
    world.kill_operator()?;
    world.start_operator(&["--resync-seconds=3"])
}

/// node2 does not serve: nothing moves.
fn in_standby(world: &World, standby: bool) -> Result<()> {
    let patch = format!(r#"[{{"op": "replace", "path": "/spec/nodes/1/standby", "value": {standby}}}]"#);
    world
        .cluster
        .run(&[
            "patch",
            "-n",
            hapair_world::NAMESPACE,
            "hapair/web",
            "--type=json",
            "-p",
            &patch,
        ])
        .map(drop)
}

/// The spans that have reached the collector.
fn read(traces: &Path) -> Result<Vec<Value>> {
    let mut spans = Vec::new();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for line in fs::read_to_string(traces)?.lines() {
        let request: Value = serde_json::from_str(line).context("the collector wrote no JSON")?;
        let scopes = list(&request, "resourceSpans")
            .into_iter()
            .flat_map(|resource| list(&resource, "scopeSpans"));
        spans.extend(scopes.flat_map(|scope| list(&scope, "spans")));
    }
    Ok(spans)
}

/// The first span of this name, the span it is part of, and so on, once all have come.
fn lineage(spans: &[Value], name: &str) -> Option<Vec<Value>> {
    let mut lineage = vec![spans.iter().find(|span| text(span, "name") == name)?.clone()];
    while let Some(parent) = lineage
        .last()
        .map(|span| text(span, "parentSpanId").to_owned())
        .filter(|parent| !parent.is_empty())
    {
        lineage.push(spans.iter().find(|span| text(span, "spanId") == parent)?.clone());
    }
    Some(lineage)
}

fn text<'a>(span: &'a Value, key: &str) -> &'a str {
    span[key].as_str().unwrap_or_default()
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    span["attributes"]
        .as_array()?
        .iter()
        .find(|each| each["key"] == key)?["value"]["stringValue"]
        .as_str()
}
