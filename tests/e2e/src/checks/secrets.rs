//! Secrets are in their files and nowhere else.

use anyhow::{Result, ensure};
use hapair_lab::bmc;
use hapair_world::{ADMIN_PASSWORD, NAMESPACE, World};

/// Looks at the command line and the environment of every process while it is young, and of all of them now
/// and then: to look at all each time takes a third of a host. DRBD's secret joins once it exists; drbdadm
/// gives it to drbdsetup as an argument, which is told in docs/security.md.
const SAMPLER: &str = r#"
import os, time
patterns = [line.strip() for line in open("/run/secrets", "rb")]
os.remove("/run/secrets")
key = "/var/lib/hapair/drbd.key"
drbd = None
rounds = 0
seen = {}
while True:
    if key and os.path.exists(key):
        drbd = open(key, "rb").read().strip()
        patterns.append(drbd)
        key = None
        seen = {}
    seen = {pid: seen.get(pid, 0) + 1 for pid in os.listdir("/proc") if pid.isdigit()}
    for pid, looks in seen.items():
        for what in ("cmdline", "environ") if looks < 4 or rounds % 50 == 0 else ():
            try:
                data = open("/proc/%s/%s" % (pid, what), "rb").read()
            except OSError:
                continue
            by_drbd = data.split(b"\0")[0].rsplit(b"/")[-1].startswith(b"drbdsetup")
            if any(pattern and pattern in data and not (by_drbd and pattern == drbd) for pattern in patterns):
                open("/run/secrets-seen", "ab").write(what.encode() + b" of " + data[:40].replace(b"\0", b" ") + b"\n")
    rounds += 1
    with open("/run/secrets-rounds.new", "w") as count:
        count.write(str(rounds))
    os.replace("/run/secrets-rounds.new", "/run/secrets-rounds")
    time.sleep(0.2)
"#;

/// Starts the sampler on both hosts.
pub fn watch(world: &World) -> Result<()> {
    for node in 0..2 {
        world.on_host_with_input(node, "cat > /run/sampler.py", SAMPLER)?;
        world.on_host_with_input(
            node,
            "umask 077; cat > /run/secrets",
            &format!("{ADMIN_PASSWORD}\n{}", bmc::PASSWORD),
        )?;
        world.lab.run(
            node,
            "setsid python3 /run/sampler.py < /dev/null > /run/sampler.log 2>&1 &",
        )?;
    }
    Ok(())
}

/// What the samplers have seen since they were started.
pub fn were_never_seen(world: &mut World) -> Result<()> {
    for node in 0..2 {
        let rounds = world
            .lab
            .run(node, "cat /run/secrets-rounds; cat /run/sampler.log")?;
        ensure!(
            rounds.trim().parse::<u32>().is_ok_and(|rounds| rounds > 100),
            "the sampler of node{} ended: {rounds}",
            node + 1
        );
        let seen = world
            .lab
            .run(node, "cat /run/secrets-seen 2> /dev/null || true")?;
        ensure!(seen.is_empty(), "a secret was seen on node{}: {seen}", node + 1);
    }
    Ok(())
}

/// Looks for the secrets in logs, the CIB, process listings, world-readable files, events, statuses and the
/// operator's log.
pub fn stay_in_their_files(world: &mut World) -> Result<()> {
    let key = std::fs::read_to_string(world.lab.private_key())?;
    let line_of_key = key.lines().nth(2).unwrap_or_default().to_owned();
    let drbd = world
        .lab
        .run(0, "cat /var/lib/hapair/drbd.key")?
        .trim()
        .to_owned();
    let secrets = [
        ADMIN_PASSWORD.to_owned(),
        bmc::PASSWORD.to_owned(),
        drbd,
        line_of_key,
    ];
    ensure!(
        secrets.iter().all(|secret| secret.len() > 8),
        "a secret is too short to be looked for"
    );
    world.on_both(|node| {
        // The patterns travel on standard input, so that this search does not find itself.
        let found = world.on_host_with_input(
            node,
            "umask 077; cat > /run/patterns; \
             { journalctl --boot --no-pager; cat /var/log/pacemaker/* /var/log/corosync/* /var/log/pcsd/*; \
             cibadmin -Q -l; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; } \
             2> /dev/null | grep -a -c -F -f /run/patterns; \
             find / -xdev -type f -perm -o+r -newer /etc/hostname -size -4096k ! -path '/proc/*' ! -path \
             '/sys/*' -exec grep -l -F -f /run/patterns {} + 2> /dev/null; \
             rm -f /run/patterns",
            &secrets.join("\n"),
        )?;
        ensure!(
            found.trim() == "0",
            "a secret was found on {}: {found}",
            world.lab.config().nodes[node]
        );
        Ok(())
    })?;
    let objects = world.cluster.run(&[
        "get",
        "-n",
        NAMESPACE,
        "hapairs,harv,hafip,hasg,events",
        "-o",
        "yaml",
    ])?;
    let log = std::fs::read_to_string(world.lab.directory().join("operator.log"))?;
    for secret in &secrets {
        ensure!(
            !objects.contains(secret.as_str()),
            "a secret is in an event or a status"
        );
        ensure!(
            !log.contains(secret.as_str()),
            "a secret is in the operator's log"
        );
    }
    Ok(())
}
