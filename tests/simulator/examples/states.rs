//! Writes objects as the operator leaves them in states that tools have to tell apart, for the tests of
//! config/argocd. usage: states DIRECTORY

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use hapair_model::Side;
use hapair_simulator::{
    experiment::{Experiment, Start, run},
    objects::{changed, sample, secrets},
};
use serde_json::{Value, json};

/// Longer than a pair at rest takes to tell of a change.
const TOLD: Duration = Duration::from_secs(120);

/// A state, how it comes about from a pair at rest, and the objects to keep of it.
type State = (&'static str, fn(&Experiment), &'static [&'static str]);

const STATES: &[State] = &[
    (
        "at-rest",
        |_| {},
        &[
            "hapairs/web",
            "replicatedvolumes/logs",
            "floatingips/web",
            "servicegroups/tomcat",
        ],
    ),
    (
        "standby",
        |run| {
            run.apply([changed("HAPair", |spec| {
                spec["nodes"][0]["standby"] = json!(true)
            })])
        },
        &["hapairs/web"],
    ),
    (
        "paused",
        |run| run.apply([changed("HAPair", |spec| spec["paused"] = json!(true))]),
        &["hapairs/web"],
    ),
    (
        "address-of-no-network",
        |run| {
            run.apply([changed("FloatingIP", |spec| {
                spec["address"] = json!("203.0.113.100/24")
            })])
        },
        &["hapairs/web", "floatingips/web"],
    ),
    (
        "service-fails",
        service_fails,
        &["hapairs/web", "servicegroups/tomcat"],
    ),
    (
        "other-node-lost",
        other_node_lost,
        &["hapairs/web", "replicatedvolumes/logs"],
    ),
];

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).context("usage: states DIRECTORY")?;
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    before_it_is_well(directory)?;
    let at_rest = at_rest()?;
    for (state, act, objects) in STATES {
        run(&at_rest, None, 1, async |experiment| {
            act(experiment);
            tokio::time::sleep(TOLD).await;
            objects
                .iter()
                .try_for_each(|object| keep(experiment, object, state, directory))
        })?;
    }
    not_carried_out_yet(&at_rest, directory)
}

fn at_rest() -> Result<Start> {
    let end = run(&Start::bare(), None, 1, async |experiment| {
        experiment.apply(secrets().into_iter().chain(sample()));
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    ensure!(end.troubles.is_empty(), "{:?}", end.troubles);
    Ok(Start::after(end))
}

/// Nothing seen of it yet; a Secret still to come; at work on bare hosts.
fn before_it_is_well(directory: &Path) -> Result<()> {
    run(&Start::bare(), None, 1, async |experiment| {
        experiment.apply(secrets().into_iter().skip(1).chain(sample()));
        keep(experiment, "hapairs/web", "new", directory)?;
        tokio::time::sleep(Duration::from_secs(20)).await;
        keep(experiment, "hapairs/web", "secret-to-come", directory)?;
        experiment.apply(secrets());
        tokio::time::sleep(Duration::from_secs(20)).await;
        keep(experiment, "hapairs/web", "birth", directory)
    })
}

/// Declared otherwise a moment ago; and to be taken off the hosts.
fn not_carried_out_yet(at_rest: &Start, directory: &Path) -> Result<()> {
    run(at_rest, None, 1, async |experiment| {
        experiment.apply([changed("HAPair", |spec| {
            spec["preferredNode"] = json!("node2");
            spec["deletionPolicy"] = json!("Teardown");
        })]);
        keep(experiment, "hapairs/web", "changed", directory)?;
        tokio::time::sleep(TOLD).await;
        experiment.api.delete("hapairs", "web");
        keep(experiment, "hapairs/web", "deleted", directory)
    })
}

fn service_fails(experiment: &Experiment) {
    let mut world = experiment.shared.world();
    world
        .agent_trouble
        .insert("service-tomcat-tomcat".into(), "port 8080 is taken".into());
    world.reboot(Side::First);
}

fn other_node_lost(experiment: &Experiment) {
    let mut world = experiment.shared.world();
    world.bmc_works[Side::Second] = false;
    world.machines[Side::Second].cut_power();
}

/// Keeps what tools judge by, without the times, which are never twice the same.
fn keep(experiment: &Experiment, object: &str, state: &str, directory: &Path) -> Result<()> {
    let (plural, name) = object.split_once('/').context("an object is PLURAL/NAME")?;
    let found = experiment
        .api
        .get(plural, name)
        .with_context(|| format!("{object} is gone"))?;
    let of = |value: &Value, fields: &[&str]| -> Value {
        let present = fields.iter().filter(|field| !value[**field].is_null());
        present
            .map(|field| ((*field).to_owned(), value[*field].clone()))
            .collect()
    };
    let mut kept = of(&found, &["apiVersion", "kind"]);
    kept["metadata"] = of(
        &found["metadata"],
        &["name", "namespace", "generation", "deletionTimestamp"],
    );
    kept["status"] = of(&found["status"], &["observedGeneration"]);
    if let Some(conditions) = found["status"]["conditions"].as_array() {
        let timeless = |condition| {
            of(
                condition,
                &["type", "status", "observedGeneration", "reason", "message"],
            )
        };
        kept["status"]["conditions"] = conditions.iter().map(timeless).collect();
    }
    let kind = found["kind"].as_str().unwrap_or_default().to_lowercase();
    let yaml = serde_saphyr::to_string(&kept)?;
    fs::write(
        directory.join(format!("{kind}-{state}.yaml")),
        format!("# Generated by `make generate` with the simulator. Do not edit.\n{yaml}"),
    )?;
    Ok(())
}
