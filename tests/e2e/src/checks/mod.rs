//! The checks of the end-to-end test, by what they are about.

pub mod admission;
pub mod advice;
pub mod agents;
pub mod by_hand;
pub mod convergence;
pub mod failover;
pub mod faults;
pub mod innocence;
pub mod intrusion;
pub mod memory;
pub mod monitoring;
pub mod order;
pub mod permissions;
pub mod plugin;
pub mod premise;
pub mod presets;
pub mod refusals;
pub mod released;
pub mod rest;
pub mod secrets;
pub mod skew;
pub mod teardown;
pub mod traces;

use std::time::Duration;

use anyhow::Result;
use hapair_world::{NAMESPACE, World};
use serde_json::{Value, json};

/// Longer than anything here may take, packages on a busy machine included.
pub const LONG: Duration = Duration::from_secs(900);
/// Longer than the operator may take to tell the truth.
pub const SOON: Duration = Duration::from_secs(60);
/// For a service that was never away: room for one slow answer, and for no interruption.
pub const AT_ONCE: Duration = Duration::from_secs(5);

/// Waits for a node's page on the floating address.
pub fn served_by(world: &World, node: &str, limit: Duration) -> Result<()> {
    let wanted = format!("<h1>{node}</h1>");
    world
        .wait(&format!("{node}'s page"), limit, |world| {
            world.page().filter(|page| page.contains(&wanted))
        })
        .map(drop)
}

/// Waits until an object is told not to be Ready for this reason, with all of these words.
pub fn not_ready_for(world: &World, object: &str, reason: &str, words: &[&str]) -> Result<()> {
    world.wait(
        &format!("Ready=False/{reason} of {object} with {words:?}"),
        SOON,
        |world| {
            let (_, now, message) = world.condition(object, "Ready").ok()??;
            (now == reason && words.iter().all(|word| message.contains(word))).then_some(())
        },
    )
}

/// The version of the cluster's configuration, as a host has it: it counts changes.
pub fn configuration_version(world: &World, node: usize) -> Result<String> {
    world
        .lab
        .run(node, "cibadmin -Q -l | head -1 | grep -o ' epoch=\"[0-9]*\"'")
}

/// Deletes objects of the sample: with their `deletionPolicy`, Retain, the hosts go on.
pub fn delete(world: &World, objects: &[&str]) -> Result<()> {
    world
        .cluster
        .run(&[["delete", "-n", NAMESPACE, "--timeout=60s"].as_slice(), objects].concat())
        .map(drop)
}

/// The declaration of an object under this name, with a changed spec.
pub fn declared(object: &Value, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut spec = object["spec"].clone();
    change(&mut spec);
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": spec})
        .to_string()
}
