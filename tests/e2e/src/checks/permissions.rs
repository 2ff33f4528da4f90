//! What the operator may do, and what it does when it may not.

use std::time::Duration;

use anyhow::{Result, ensure};
use hapair_world::{NAMESPACE, World};

use super::{AT_ONCE, LONG, SOON, configuration_version, not_ready_for, premise::at_home, served_by};

/// Without the right to list floating IPs a fresh operator does not see any: nothing may be removed for that.
pub fn forbidden_list_removes_nothing(world: &mut World) -> Result<()> {
    at_home(world)?;
    let before = configuration_version(world, 0)?;
    world.kill_operator()?;
    let patch = r#"[{"op":"replace","path":"/rules/0/resources","value":["hapairs","replicatedvolumes","servicegroups"]}]"#;
    world.cluster.run(&[
        "patch",
        "clusterrole",
        "hapair-operator",
        "--type=json",
        "-p",
        patch,
    ])?;
    world.start_operator(&["--resync-seconds=3"])?;
    not_ready_for(world, "hapair/web", "NotSynced", &["floatingips"])?;
    served_by(world, "node1", AT_ONCE)?;
    ensure!(
        configuration_version(world, 0)? == before,
        "the cluster's configuration was changed"
    );
    let patch = patch.replace("\"servicegroups\"", "\"floatingips\",\"servicegroups\"");
    world.cluster.run(&[
        "patch",
        "clusterrole",
        "hapair-operator",
        "--type=json",
        "-p",
        &patch,
    ])?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

/// A namespace in which nobody has let it read Secrets.
pub fn forbidden_secrets_are_told(world: &mut World) -> Result<()> {
    at_home(world)?;
    world
        .cluster
        .run(&["delete", "-n", NAMESPACE, "rolebinding", "hapair-operator"])?;
    not_ready_for(
        world,
        "hapair/web",
        "SourceForbidden",
        &["secrets", "config/rbac/pair-namespace"],
    )?;
    served_by(world, "node1", AT_ONCE)?;
    world.apply_folder("config/rbac/pair-namespace", &["-n", NAMESPACE])?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

/// A second operator with the same Lease acts only when the first is gone.
pub fn second_operator_waits(world: &mut World) -> Result<()> {
    at_home(world)?;
    let holder = |world: &World| {
        world.cluster.get("hapair-system", "lease/hapair-operator").ok()?["spec"]["holderIdentity"]
            .as_str()
            .map(str::to_owned)
    };
    let first = world.wait("a leader", SOON, holder)?;
    let mut second = world.spawn_operator("second", "127.0.0.1:8082", &["--resync-seconds=3"])?;
    std::thread::sleep(Duration::from_secs(8));
    ensure!(
        world.wait("a leader", SOON, holder)? == first,
        "a second operator took the Lease from a healthy one"
    );
    world.kill_operator()?;
    world.wait("the second operator to lead", SOON, |world| {
        holder(world).filter(|holder| holder.starts_with("second_"))
    })?;
    world.wait_for_condition("hapair/web", "Ready", "True", SOON)?;
    second.kill()?;
    world.start_operator(&["--resync-seconds=3"])?;
    world
        .wait("the first to lead again", SOON, |world| {
            holder(world).filter(|holder| holder.starts_with("operator_"))
        })
        .map(drop)
}
