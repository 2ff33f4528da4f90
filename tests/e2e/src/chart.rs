//! The Helm chart on a real API server, with real hosts behind it: from `helm install` to a pair that serves,
//! then an upgrade, a removal and another installation. The operator runs as the installed Deployment says.
//! The service is asked for all the time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Result, ensure};
use hapair_lab::{Config, output};
use hapair_world::{NAMESPACE, SYSTEM, World, root};
use serde_json::Value;

use crate::{
    checks::{LONG, configuration_version},
    visitor::{Visitor, Visits},
};

/// What a chart has to be told: where the pairs are.
const VALUES: [&str; 2] = ["--set", "watch.namespaces={web}"];

/// Helm, and the chart twice: as it is, and as an older version.
struct Helm {
    program: PathBuf,
    chart: PathBuf,
    older: PathBuf,
}

impl Helm {
    fn prepare(world: &World, programs: &Path) -> Result<Self> {
        let program = programs.join("helm");
        let chart = root().join("charts/hapair-operator");
        let folder = world.lab.directory();
        output(
            Command::new(&program)
                .args(["package", "--version", "0.0.9", "--destination"])
                .arg(folder)
                .arg(&chart),
        )?;
        Ok(Self {
            program,
            chart,
            older: folder.join("hapair-operator-0.0.9.tgz"),
        })
    }

    fn run(&self, world: &World, arguments: &[&str]) -> Result<String> {
        output(
            Command::new(&self.program)
                .env("KUBECONFIG", world.cluster.kubeconfig())
                .args(["-n", SYSTEM])
                .args(arguments),
        )
    }
}

/// The folder of Helm, which is built unless the cache has it. Before a lab is entered, in which no modules
/// are to be had.
pub fn helm_programs() -> Result<PathBuf> {
    Ok(output(&mut Command::new(root().join("tests/chart/helm")))?
        .trim()
        .into())
}

/// Plays it.
pub fn run(config: Config) -> Result<()> {
    let start = Instant::now();
    let say = |what: &str| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32());
    let programs = helm_programs()?;
    let mut world = World::ground(config, say)?;
    let helm = Helm::prepare(&world, &programs)?;
    let (chart, older) = (helm.chart.display().to_string(), helm.older.display().to_string());

    same_as_config(&world, &helm)?;
    say("ok      by default, what the chart installs is what config/default is");

    helm.run(
        &world,
        &[
            &["install", "hapair", older.as_str(), "--create-namespace"],
            VALUES.as_slice(),
        ]
        .concat(),
    )?;
    world.wait_for_kinds()?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    say("ok      helm install, kubectl apply: a pair that is Ready");

    let visitor = Visitor::start(world.floating_address());
    let before = configuration_version(&world, 0)?;
    helm.run(
        &world,
        &[
            &[
                "upgrade",
                "hapair",
                chart.as_str(),
                "--set",
                "operator.resyncSeconds=5",
            ],
            VALUES.as_slice(),
        ]
        .concat(),
    )?;
    world.kill_operator()?;
    world.start_operator(&[])?;
    looked_again(&world)?;
    say("ok      helm upgrade from an older chart");

    helm.run(&world, &["uninstall", "hapair"])?;
    world.kill_operator()?;
    let left = world
        .cluster
        .run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg", "-o", "name"])?;
    ensure!(
        left.lines().count() == 4,
        "helm uninstall took declarations with it; left: {left}"
    );
    let rights = world.cluster.run(&[
        "get",
        "-A",
        "clusterroles,clusterrolebindings,roles,rolebindings",
        "-o",
        "name",
    ])?;
    ensure!(
        !rights.contains("hapair"),
        "helm uninstall left rights behind: {rights}"
    );
    say("ok      helm uninstall: the operator is gone, what was declared is not");

    helm.run(
        &world,
        &[&["install", "hapair", chart.as_str()], VALUES.as_slice()].concat(),
    )?;
    world.start_operator(&[])?;
    looked_again(&world)?;
    say("ok      helm install again, over the CRDs that were kept");

    let Visits { found, missed, .. } = visitor.end()?;
    ensure!(
        missed == 0 && found > 20,
        "the page was there {found} times, and {missed} times it was not"
    );
    ensure!(
        configuration_version(&world, 0)? == before,
        "the cluster's configuration was changed"
    );
    say(&format!(
        "ok      all the while the page was there ({found} of {found} times), and nothing was changed on \
         the hosts"
    ));
    Ok(())
}

/// What the two ways to install differ in: the namespace, which Helm makes itself, and marks of the tool.
fn same_as_config(world: &World, helm: &Helm) -> Result<()> {
    let mut charts = objects(
        world,
        &helm.run(world, &["template", "hapair", &helm.chart.display().to_string()])?,
    )?;
    let config = root().join("config/default").display().to_string();
    let mut configs = objects(world, &world.cluster.run(&["kustomize", &config])?)?;
    ensure!(
        configs.remove("Namespace/hapair-system").is_some(),
        "config/default does not make its namespace"
    );
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    ensure!(
        names(&charts) == names(&configs),
        "the chart has {:?}, config/default {:?}",
        names(&charts),
        names(&configs)
    );
    for (name, config) in configs {
        let chart = charts.remove(&name).unwrap_or_default();
        ensure!(
            chart == config,
            "{name} of the chart is {chart:#}, of config/default {config:#}"
        );
    }
    Ok(())
}

/// Objects by kind and name, without labels and annotations.
fn objects(world: &World, manifests: &str) -> Result<BTreeMap<String, Value>> {
    let file = world.lab.directory().join("objects.yaml");
    fs::write(&file, manifests)?;
    let listed = world.cluster.run(&[
        "create",
        "--dry-run=client",
        "-o",
        "json",
        "-f",
        &file.display().to_string(),
    ])?;
    // One document for each object, or a list of them.
    let mut found = BTreeMap::new();
    for document in serde_json::Deserializer::from_str(&listed).into_iter::<Value>() {
        let document = document?;
        let items = document["items"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![document]);
        for mut object in items {
            unmark(&mut object);
            let name = format!(
                "{}/{}",
                object["kind"].as_str().unwrap_or_default(),
                object["metadata"]["name"].as_str().unwrap_or_default()
            );
            found.insert(name, object);
        }
    }
    Ok(found)
}

/// Takes labels and annotations off an object and its template, and Helm's release off what selects.
fn unmark(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.retain(|field, _| field != "labels" && field != "annotations");
            }
            fields.remove("app.kubernetes.io/instance");
            fields.values_mut().for_each(unmark);
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        _ => {}
    }
}

/// Waits until an operator that was just started has looked twice, and the pair is Ready.
fn looked_again(world: &World) -> Result<()> {
    world.wait("two looks", LONG, |_| {
        (hapair_world::client::metric("hapair_probes_total").ok()? >= 4).then_some(())
    })?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}
