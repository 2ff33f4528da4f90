//! Resource definitions of another version than the operator.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use hapair_world::{World, root};

use super::{AT_ONCE, LONG, SOON, configuration_version, not_ready_for, premise::at_home, served_by};

const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";

fn patch(world: &World, plural: &str, operation: &str) -> Result<()> {
    world
        .cluster
        .run(&[
            "patch",
            &format!("crd/{plural}.hapair.dev"),
            "--type=json",
            "-p",
            operation,
        ])
        .map(drop)
}

/// The definitions as they are delivered.
fn restore(world: &World) -> Result<()> {
    for plural in ["hapairs", "floatingips"] {
        world.cluster.apply(&fs::read_to_string(
            root().join(format!("crds/generated/hapair.dev_{plural}.yaml")),
        )?)?;
    }
    Ok(())
}

/// Waits for what the API server publishes of the kinds.
fn published(world: &World, is_so: impl Fn(&str) -> bool) -> Result<()> {
    let schemas = ["get", "--raw", "/openapi/v3/apis/hapair.dev/v1alpha1"];
    world.wait("the schemas", SOON, |world| {
        world
            .cluster
            .run(&schemas)
            .is_ok_and(|text| is_so(&text))
            .then_some(())
    })
}

/// Older ones: an operator that starts says what they lack and ends. The field is none that the sample uses.
pub fn older_definitions_are_named(world: &mut World) -> Result<()> {
    at_home(world)?;
    let log = world.lab.directory().join("older.log");
    fs::write(&log, "")?;
    patch(
        world,
        "hapairs",
        &format!(r#"[{{"op": "remove", "path": "{SPEC}/firewall"}}]"#),
    )?;
    published(world, |schemas| !schemas.contains("\"firewall\""))?;
    let mut second = world.spawn_operator("older", "127.0.0.1:8082", &[])?;
    world.wait("the field in the log", SOON, |_| {
        fs::read_to_string(&log)
            .is_ok_and(|log| log.contains("HAPair's spec.firewall"))
            .then_some(())
    })?;
    world.wait("the operator's end", SOON, |_| {
        second.has_ended().ok().filter(|ended| *ended)
    })?;
    restore(world)?;
    served_by(world, "node1", AT_ONCE)
}

/// Newer ones: a field and a value that this operator does not know are named, not passed over, and nothing
/// is done meanwhile.
pub fn newer_fields_and_values_are_named(world: &mut World) -> Result<()> {
    at_home(world)?;
    let before = configuration_version(world, 0)?;
    let address = format!("  address: {}/24\n", world.floating_address());
    let newer = world
        .sample()?
        .replacen("      standby: false", "      standby: false\n      rack: a1", 1);
    let newer = newer.replacen(&address, &format!("{address}  deletionPolicy: Archive\n"), 1);
    let refusal = world
        .apply(&newer)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(
        refusal.contains("rack") && refusal.contains("Archive"),
        "what the API server does not know was not refused by name: {refusal}"
    );
    patch(
        world,
        "floatingips",
        &format!(r#"[{{"op": "add", "path": "{SPEC}/deletionPolicy/enum/-", "value": "Archive"}}]"#),
    )?;
    patch(
        world,
        "hapairs",
        &format!(
            r#"[{{"op": "add", "path": "{SPEC}/nodes/items/properties/rack", "value": {{"type": "string"}}}}]"#
        ),
    )?;
    published(world, |schemas| {
        schemas.contains("\"rack\"") && schemas.contains("\"Archive\"")
    })?;
    // For a second, the API server goes on to show the operator's watch the old schema.
    std::thread::sleep(Duration::from_secs(3));
    world.apply(&newer)?;
    not_ready_for(world, "hapair/web", "InvalidSpec", &["spec.nodes[0].rack"])?;
    not_ready_for(
        world,
        "hafip/web",
        "InvalidSpec",
        &["spec.deletionPolicy", "`Archive`"],
    )?;
    served_by(world, "node1", AT_ONCE)?;
    ensure!(
        configuration_version(world, 0)? == before,
        "the cluster's configuration was changed"
    );
    world.apply(&world.sample()?)?;
    restore(world)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}
