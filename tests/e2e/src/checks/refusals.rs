//! What the operator refuses, before it has changed anything on a host.

use anyhow::{Result, ensure};
use hapair_e2e::{NAMESPACE, World};

use super::SOON;

/// Waits until an object's Ready is False for this reason, with these words in the message.
fn refused(world: &World, what: &str, reason: &str, words: &str) -> Result<()> {
    world.wait(&format!("{what} Ready=False/{reason} with {words:?}"), SOON, |world| {
        let (status, now, message) = world.condition(what, "Ready").ok()??;
        (status == "False" && now == reason && message.contains(words)).then_some(())
    })
}

fn untouched(world: &World) -> Result<()> {
    for node in 0..2 {
        let left = world.lab.run(
            node,
            "ls -d /var/lib/hapair /etc/hapair /etc/corosync /run/systemd/system/*.service 2> /dev/null; grep -c hapair /etc/hosts || true",
        )?;
        ensure!(left.trim() == "0", "something was changed on {}: {left}", world.lab.config().nodes[node]);
    }
    Ok(())
}

/// Wrong or missing keys, and hosts that are not there.
pub fn connections(world: &mut World) -> Result<()> {
    let sample = world.sample()?;
    let (key, other) = (world.lab.host_key(1)?, world.lab.host_key(0)?);
    world.apply(&sample.replace(&key, &other))?;
    refused(world, "hapair/web", "HostKeyMismatch", "SHA256:")?;

    world.cluster.run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    refused(world, "hapair/web", "SourceMissing", "web-ssh")?;
    world.cluster.run(&["create", "secret", "generic", "-n", NAMESPACE, "web-ssh", "--from-literal=wrong-key=x"])?;
    refused(world, "hapair/web", "SourceMissing", "ssh-privatekey")?;
    world.cluster.run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    let stranger = world.lab.directory().join("hostkey-node1").display().to_string();
    world.cluster.run(&["create", "secret", "generic", "-n", NAMESPACE, "web-ssh", &format!("--from-file=ssh-privatekey={stranger}")])?;
    world.apply(&sample)?;
    refused(world, "hapair/web", "SshDenied", "node1")?;
    world.cluster.run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    world.apply(&world.secrets()?)?;
    untouched(world)
}

/// Devices, networks, units and references that are not as declared. Each is mended, and the next one shows.
pub fn hosts_are_left_alone(world: &mut World) -> Result<()> {
    let sample = world.sample()?.replace("  fencing: {mode: Required}", "  paused: false\n  fencing: {mode: Required}");
    let remake = |world: &World, manifests: &str| -> Result<()> {
        world.cluster.run(&["delete", "-n", NAMESPACE, "harv,hafip,hasg,hapair", "--all", "--timeout=60s"])?;
        world.apply(manifests)
    };
    remake(world, &sample.replace("/dev/ubdb", "/dev/nosuch"))?;
    refused(world, "harv/logs", "DeviceNotFound", "/dev/nosuch")?;
    remake(world, &sample.replace("/dev/ubdb", "/dev/ubda"))?;
    refused(world, "harv/logs", "DeviceInUse", "mounted on /")?;
    remake(world, &sample.replace("/dev/ubdb", "/dev/ubdc"))?;
    refused(world, "harv/logs", "DeviceTooSmall", "MiB")?;

    world.lab.run(1, "mkfs.ext4 -q -U 6f1c20a4-0000-4000-8000-000000000001 /dev/ubdb && sync")?;
    remake(world, &sample)?;
    refused(world, "harv/logs", "DeviceNotBlank", "node2: /dev/ubdb holds ext4 (UUID 6f1c20a4-0000-4000-8000-000000000001)")?;
    world.lab.run(1, "wipefs -a -q /dev/ubdb && dd if=/dev/zero of=/dev/ubdb bs=1M 2> /dev/null; sync; udevadm settle")?;

    remake(world, &sample.replace(&world.floating_address(), "203.0.113.7"))?;
    refused(world, "hafip/web", "NetworkNotFound", "203.0.113.7")?;
    remake(world, &sample.replace(&world.floating_address(), &world.lab.gateway(hapair_lab::Link::Zero)))?;
    refused(world, "hafip/web", "AddressTaken", "another machine answers")?;
    remake(world, &sample.replace(&world.floating_address(), &world.address(1)))?;
    refused(world, "hafip/web", "Conflict", "a node")?;
    remake(world, &sample.replace("tomcat: {}", "systemd: {unit: nosuch}"))?;
    refused(world, "hasg/tomcat", "UnitNotFound", "nosuch.service")?;
    remake(world, &sample.replace("volumes: [{name: logs}]", "volumes: [{name: other}]"))?;
    refused(world, "hasg/tomcat", "DanglingReference", "other")?;
    remake(world, &sample.replacen("pairRef: {name: web}", "pairRef: {name: nobody}", 1))?;
    refused(world, "harv/logs", "PairNotFound", "nobody")?;
    world.cluster.run(&["delete", "-n", NAMESPACE, "harv,hafip,hasg,hapair", "--all", "--timeout=60s"])?;
    untouched(world)
}
