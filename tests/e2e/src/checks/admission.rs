//! What the API server itself refuses (CEL rules and bounds of the CRDs).

use std::fs;

use anyhow::{Result, ensure};
use hapair_world::{NAMESPACE, World, root};

/// A change of the sample, and what the refusal has to speak of.
const ILLEGAL: &[(&str, &str, &str)] = &[
    ("    - name: node2\n", "    - name: node1\n", "spec.nodes"),
    (
        "fencing: {mode: Required}",
        "fencing: {mode: Required}\n  preferredNode: node3",
        "preferredNode",
    ),
    (
        "replication: {link: 1}",
        "replication: {link: 2}",
        "spec.replication.link",
    ),
    ("      fencing: [{ipmi:", "      disabled: [{ipmi:", "spec.nodes"),
    (
        "filesystem: {type: ext4,",
        "filesystem: {type: zfs,",
        "spec.filesystem.type",
    ),
    (
        "mountPoint: /var/log/tomcat10",
        "mountPoint: log",
        "spec.filesystem.mountPoint",
    ),
    (
        "mountPoint: /var/log/tomcat10",
        "mountPoint: /var/log",
        "spec.filesystem.mountPoint",
    ),
    (
        "mountPoint: /var/log/tomcat10",
        "mountPoint: /boot/logs",
        "spec.filesystem.mountPoint",
    ),
    (
        "mountPoint: /var/log/tomcat10",
        "mountPoint: /var/log/../lib",
        "spec.filesystem.mountPoint",
    ),
    (
        "mountPoint: /var/log/tomcat10",
        "mountOptions: [ro], mountPoint: /var/log/tomcat10",
        "spec.filesystem.mountOptions",
    ),
    (
        "{ipmi: {address: ",
        "{agent: {name: fence_pve, parameters: [{name: password, value: open}]}}, {ipmi: {address: ",
        "spec.nodes[0].fencing[0].agent.parameters",
    ),
    (
        "fencing: {mode: Required}",
        "fencing: {mode: Required}\n  delegation: {paths: [/srv/../etc]}",
        "spec.delegation.paths",
    ),
    (
        "fencing: {mode: Required}",
        "fencing: {mode: Required}\n  delegation: {agents: ['..:x']}",
        "spec.delegation.agents",
    ),
    (
        "initialData: {copyFrom: {node: node1}}",
        "initialData: {copyFrom: {node: node1}, empty: {}}",
        "spec.initialData",
    ),
    (
        "initialData: {copyFrom: {node: node1}}",
        "initialData: {copyFrom: {node: node3}}",
        "spec.initialData.copyFrom",
    ),
    (
        "services: [{name: tomcat, tomcat: {}}]",
        "services: [{name: tomcat, tomcat: {}, systemd: {unit: a}}]",
        "spec.services[0]",
    ),
    ("  floatingIPs: [{name: web}]\n", "", "spec.probe"),
    ("port: 8080", "port: 80800", "spec.probe.http.port"),
    (
        "secretRef: {name: node1-bmc}}}]",
        "secretRef: {name: node1-bmc}}, redfish: {address: a, system: /b, secretRef: {name: c}}}]",
        "spec.nodes[0].fencing[0]",
    ),
];

/// What nobody has looked at is not taken for done by tools that know kstatus.
pub fn new_objects_say_that_nobody_looked(world: &mut World) -> Result<()> {
    let file = world.lab.directory().join("new.yaml");
    fs::write(&file, world.sample()?)?;
    let arguments = [
        "create",
        "--dry-run=server",
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.status}{\"\\n\"}",
        "-f",
        &file.display().to_string(),
    ];
    let statuses = world.cluster.run(&arguments)?;
    let expected = [r#"{"observedGeneration":-1}"#; 4];
    ensure!(
        statuses.lines().eq(expected),
        "new objects have the statuses {statuses}"
    );
    Ok(())
}

/// Each illegal change is refused with the path of the field; the sample itself is not.
pub fn illegal_specs_are_refused(world: &mut World) -> Result<()> {
    let sample = world.sample()?.replace("\n  preferredNode: node1", "");
    world.dry_run(&sample)?;
    for sample in ["two-vms.yaml", "web-and-database.yaml"] {
        world.dry_run(&fs::read_to_string(root().join("config/samples").join(sample))?)?;
    }
    for (from, to, path) in ILLEGAL {
        ensure!(sample.contains(from), "the sample has no {from:?}");
        refused(world, &sample.replacen(from, to, 1), path)?;
    }
    let second = sample.find("    - name: node2\n").unwrap_or_default();
    let end = sample.find("  ssh: {user: root").unwrap_or_default();
    refused(
        world,
        &format!("{}{}", &sample[..second], &sample[end..]),
        "spec.nodes",
    )?;
    let third = sample[second..end]
        .replace("node2", "node3")
        .replace(".12", ".13");
    refused(
        world,
        &format!("{}{third}{}", &sample[..end], &sample[end..]),
        "spec.nodes",
    )?;
    let twin = sample.replace(&world.address(1), &world.address(0));
    refused(world, &twin, "same address")
}

fn refused(world: &World, manifests: &str, path: &str) -> Result<()> {
    match world.dry_run(manifests) {
        Ok(()) => anyhow::bail!("a spec that breaks {path} was taken:\n{manifests}"),
        Err(error) => {
            let text = error.to_string();
            ensure!(text.contains(path), "the refusal does not name {path}: {text}");
            Ok(())
        }
    }
}
