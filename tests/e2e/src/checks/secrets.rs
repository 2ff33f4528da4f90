//! Secrets are in their files and nowhere else.

use anyhow::{Result, ensure};
use hapair_e2e::{ADMIN_PASSWORD, NAMESPACE, World};
use hapair_lab::bmc;

/// Looks for each secret in logs, the CIB, process listings, world-readable files, events, statuses and the operator's log.
pub fn stay_in_their_files(world: &mut World) -> Result<()> {
    let key = std::fs::read_to_string(world.lab.private_key())?;
    let line_of_key = key.lines().nth(2).unwrap_or_default().to_owned();
    let drbd = world.lab.run(0, "cat /var/lib/hapair/drbd.key")?.trim().to_owned();
    let secrets = [ADMIN_PASSWORD.to_owned(), bmc::PASSWORD.to_owned(), drbd, line_of_key];
    for secret in &secrets {
        ensure!(secret.len() > 8, "a secret is too short to be looked for");
        for node in 0..2 {
            // The pattern travels on standard input, so that this search does not find itself.
            let found = world.on_host_with_input(
                node,
                "read -r s; printf '%s\\n' \"$s\" > /run/pattern; chmod 600 /run/pattern; \
                 { journalctl --boot --no-pager; cat /var/log/pacemaker/* /var/log/corosync/* /var/log/pcsd/*; cibadmin -Q -l; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; } \
                 2> /dev/null | grep -a -c -F -f /run/pattern; \
                 find / -xdev -type f -perm -o+r -newer /etc/hostname -size -4096k ! -path '/proc/*' ! -path '/sys/*' -exec grep -l -F -f /run/pattern {} + 2> /dev/null; \
                 rm -f /run/pattern",
                secret,
            )?;
            ensure!(found.trim() == "0", "a secret was found on {}: {found}", world.lab.config().nodes[node]);
        }
        let objects = world.cluster.run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg,events", "-o", "yaml"])?;
        ensure!(!objects.contains(secret.as_str()), "a secret is in an event or a status");
        let log = std::fs::read_to_string(world.lab.directory().join("operator.log"))?;
        ensure!(!log.contains(secret.as_str()), "a secret is in the operator's log");
    }
    Ok(())
}
