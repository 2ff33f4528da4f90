//! What the operator refuses, before it has changed anything on a host.

use anyhow::{Result, ensure};
use hapair_world::{NAMESPACE, World};

use super::{AT_ONCE, LONG, SOON, premise::at_home, served_by};

/// Waits until an object's Ready is False for this reason, with these words in the message.
fn refused(world: &World, what: &str, reason: &str, words: &str) -> Result<()> {
    world.wait(
        &format!("{what} Ready=False/{reason} with {words:?}"),
        SOON,
        |world| {
            let (status, now, message) = world.condition(what, "Ready").ok()??;
            (status == "False" && now == reason && message.contains(words)).then_some(())
        },
    )
}

fn untouched(world: &World) -> Result<()> {
    for node in 0..2 {
        let left = world.lab.run(
            node,
            "ls -d /var/lib/hapair /etc/hapair /etc/corosync /run/systemd/system/*.service 2> /dev/null; \
             grep -c hapair /etc/hosts || true",
        )?;
        ensure!(
            left.trim() == "0",
            "something was changed on {}: {left}",
            world.lab.config().nodes[node]
        );
    }
    Ok(())
}

/// Wrong or missing keys, and hosts that are not there.
pub fn connections(world: &mut World) -> Result<()> {
    let sample = world.sample()?;
    let (key, other) = (world.lab.host_key(1)?, world.lab.host_key(0)?);
    world.apply(&sample.replace(&key, &other))?;
    refused(world, "hapair/web", "HostKeyMismatch", "SHA256:")?;

    world
        .cluster
        .run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    refused(world, "hapair/web", "SourceMissing", "web-ssh")?;
    world.cluster.run(&[
        "create",
        "secret",
        "generic",
        "-n",
        NAMESPACE,
        "web-ssh",
        "--from-literal=wrong-key=x",
    ])?;
    refused(world, "hapair/web", "SourceMissing", "ssh-privatekey")?;
    world
        .cluster
        .run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    let stranger = world.lab.directory().join("hostkey-node1").display().to_string();
    world.cluster.run(&[
        "create",
        "secret",
        "generic",
        "-n",
        NAMESPACE,
        "web-ssh",
        &format!("--from-file=ssh-privatekey={stranger}"),
    ])?;
    world.apply(&sample)?;
    refused(world, "hapair/web", "SshDenied", "node1")?;
    remove(world)?;
    world
        .cluster
        .run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    world.apply(&world.secrets()?)?;
    // A host that was shown wrong keys may take none at all for a while (OpenSSH 9.8, PerSourcePenalties).
    for node in 0..2 {
        world.lab.wait_for_ssh(node, LONG)?;
    }
    untouched(world)
}

/// Deletes the pair and its children. Nothing of them is on a host yet.
fn remove(world: &World) -> Result<()> {
    world
        .cluster
        .run(&[
            "delete",
            "-n",
            NAMESPACE,
            "harv,hafip,hasg,hapair",
            "--all",
            "--timeout=60s",
        ])
        .map(drop)
}

/// A user who is not root, hosts that are not there, a distribution and a kernel that cannot be used.
pub fn hosts_of_the_wrong_kind(world: &mut World) -> Result<()> {
    let sample = world.sample()?;
    for node in 0..2 {
        world.lab.run(
            node,
            "useradd --create-home plain && cp -r ~root/.ssh /home/plain/ && chown -R plain /home/plain/.ssh",
        )?;
    }
    world.apply(&sample.replace("ssh: {user: root,", "ssh: {user: plain,"))?;
    refused(world, "hapair/web", "NotRoot", "sudo")?;
    let nowhere = world.address(1).replace(".12", ".99");
    world.apply(&sample.replacen(
        &format!("address: {}", world.address(1)),
        &format!("address: {nowhere}"),
        1,
    ))?;
    refused(world, "hapair/web", "HostUnreachable", "node2")?;
    world.lab.run(
        1,
        "cp /etc/os-release /var/tmp/ && sed -i 's/^VERSION_ID=.*/VERSION_ID=\"9\"/' /etc/os-release",
    )?;
    world.apply(&sample)?;
    refused(world, "hapair/web", "UnsupportedDistribution", "node2")?;
    world.lab.run(
        1,
        "cd /lib/modules/$(uname -r) && mv $(find . -name 'drbd.ko*') /var/tmp/drbd.ko && depmod && cat \
         /var/tmp/os-release > /etc/os-release",
    )?;
    refused(world, "harv/logs", "DrbdModuleMissing", "node2")?;
    remove(world)?;
    world.lab.run(
        1,
        "mv /var/tmp/drbd.ko /lib/modules/$(uname -r)/kernel/drivers/block/drbd/ && depmod",
    )?;
    untouched(world)
}

/// A Secret that is deleted while the pair serves: it goes on serving, and the status says what is missing.
pub fn secret_deleted_later(world: &mut World) -> Result<()> {
    at_home(world)?;
    world
        .cluster
        .run(&["delete", "secret", "-n", NAMESPACE, "web-ssh"])?;
    refused(world, "hapair/web", "SourceMissing", "web-ssh")?;
    served_by(world, "node1", AT_ONCE)?;
    world.apply(&world.secrets()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", SOON)
}

/// A BMC's password that is wrong from one day on is shown; the right one is enough to go on.
pub fn wrong_bmc_password(world: &mut World) -> Result<()> {
    at_home(world)?;
    let secrets = world.secrets()?;
    world.apply(&secrets.replace(hapair_lab::bmc::PASSWORD, "not-the-password"))?;
    world.wait("FencingReady=False/FencingFailed", LONG, |world| {
        let (status, reason, message) = world.condition("hapair/web", "FencingReady").ok()??;
        (status == "False" && reason == "FencingFailed" && message.contains("fence-node")).then_some(())
    })?;
    world.apply(&secrets)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

/// Devices, networks, units and references that are not as declared. Each is mended, and the next one shows.
pub fn hosts_are_left_alone(world: &mut World) -> Result<()> {
    let sample = world.sample()?.replace(
        "  fencing: {mode: Required}",
        "  paused: false\n  fencing: {mode: Required}",
    );
    let remake = |world: &World, manifests: &str| -> Result<()> {
        remove(world)?;
        world.apply(manifests)
    };
    remake(world, &sample.replace("/dev/ubdb", "/dev/nosuch"))?;
    refused(world, "harv/logs", "DeviceNotFound", "/dev/nosuch")?;
    remake(world, &sample.replace("/dev/ubdb", "/dev/ubda"))?;
    refused(world, "harv/logs", "DeviceInUse", "mounted on /")?;
    remake(world, &sample.replace("/dev/ubdb", "/dev/ubdc"))?;
    refused(world, "harv/logs", "DeviceTooSmall", "MiB")?;

    world.lab.run(
        1,
        "mkfs.ext4 -q -U 6f1c20a4-0000-4000-8000-000000000001 /dev/ubdb && sync",
    )?;
    remake(world, &sample)?;
    refused(
        world,
        "harv/logs",
        "DeviceNotBlank",
        "node2: /dev/ubdb holds ext4 (UUID 6f1c20a4-0000-4000-8000-000000000001)",
    )?;
    // What is mended while the pair is declared is enough for it to go on.
    world.lab.run(1, "wipefs -a -q /dev/ubdb && sync")?;
    refused(
        world,
        "harv/logs",
        "DeviceNotBlank",
        "node2: /dev/ubdb holds data without a signature",
    )?;
    remove(world)?;
    world.lab.run(
        1,
        "dd if=/dev/zero of=/dev/ubdb bs=1M 2> /dev/null; sync; udevadm settle",
    )?;

    world.on_host_with_input(
        0,
        "sfdisk -q /dev/ubdb && udevadm settle",
        "label: gpt\nname=someones",
    )?;
    remake(world, &sample)?;
    refused(world, "harv/logs", "DeviceNotBlank", "node1: /dev/ubdb holds")?;
    remove(world)?;
    world.lab.run(
        0,
        "dd if=/dev/zero of=/dev/ubdb bs=1M 2> /dev/null; sync; blockdev --rereadpt /dev/ubdb; \
        udevadm settle",
    )?;

    world.lab.run(
        1,
        "mkdir /var/log/tomcat10; touch /var/log/tomcat10/one /var/log/tomcat10/two",
    )?;
    remake(world, &sample)?;
    refused(
        world,
        "harv/logs",
        "MountPointNotEmpty",
        "node2: spec.filesystem.mountPoint /var/log/tomcat10 holds 2 files",
    )?;
    remove(world)?;
    world.lab.run(1, "rm -r /var/log/tomcat10")?;

    // Paused, since the twin arrives after the others, which are without fault.
    let paused = sample.replace("paused: false", "paused: true");
    let with_twin = |change: &dyn Fn(&str) -> String| {
        let [_, volume, _, _] = paused.split("---\n").collect::<Vec<_>>()[..] else {
            return paused.clone();
        };
        format!(
            "{paused}---\n{}",
            change(&volume.replace("name: logs", "name: twin"))
        )
    };
    remake(world, &with_twin(&|twin| twin.replace("/dev/ubdb", "/dev/ubdc")))?;
    refused(world, "harv/twin", "Conflict", "spec.filesystem.mountPoint")?;
    remake(
        world,
        &with_twin(&|twin| {
            twin.replace("/var/log/tomcat10", "/var/log/tomcat10/more")
                .replace("/dev/ubdb", "/dev/ubdc")
        }),
    )?;
    refused(world, "harv/twin", "Conflict", "lie within each other")?;
    remake(
        world,
        &with_twin(&|twin| {
            twin.replace("/var/log/tomcat10", "/srv")
                .replace("partition: {disk: /dev/ubdb}", "device: /dev/ubdb")
        }),
    )?;
    refused(
        world,
        "harv/twin",
        "Conflict",
        "/dev/ubdb is also a disk of volume",
    )?;

    remake(world, &sample.replace(&world.floating_address(), "203.0.113.7"))?;
    refused(world, "hafip/web", "NetworkNotFound", "203.0.113.7")?;
    remake(
        world,
        &sample.replace(
            &world.floating_address(),
            &world.lab.gateway(hapair_lab::Link::Zero),
        ),
    )?;
    refused(world, "hafip/web", "AddressTaken", "another machine answers")?;
    remake(
        world,
        &sample.replace(&world.floating_address(), &world.address(1)),
    )?;
    refused(world, "hafip/web", "Conflict", "a node")?;
    let of_unit = sample.replace("tomcat: {}", "systemd: {unit: nosuch}");
    remake(world, &of_unit)?;
    refused(world, "hasg/tomcat", "NotDelegated", "spec.delegation.units")?;
    remake(
        world,
        &of_unit.replace(
            "  paused: false",
            "  paused: false\n  delegation: {units: [nosuch]}",
        ),
    )?;
    refused(world, "hasg/tomcat", "UnitNotFound", "nosuch.service")?;
    remake(
        world,
        &sample.replace("volumes: [{name: logs}]", "volumes: [{name: other}]"),
    )?;
    refused(world, "hasg/tomcat", "DanglingReference", "other")?;
    remake(
        world,
        &sample.replacen("pairRef: {name: web}", "pairRef: {name: nobody}", 1),
    )?;
    refused(world, "harv/logs", "PairNotFound", "nobody")?;
    remove(world)?;
    untouched(world)
}
