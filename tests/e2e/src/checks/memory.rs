//! A host that has lost everything that the operator wrote on it.

use anyhow::{Result, ensure};
use hapair_world::World;

use super::{AT_ONCE, LONG, innocence, premise::at_home, served_by};

/// The cluster's and the operator's files are gone, the packages and the disk with the data are there.
const EMPTY: &str = "
systemctl stop pacemaker corosync
drbdadm down all
rm -rf /etc/corosync /etc/pacemaker/authkey /etc/hapair /etc/drbd.d/*.res /var/lib/hapair \
/var/lib/pacemaker/cib/*
systemctl disable pacemaker corosync
";

/// The metadata of the leg, and how much DRBD has copied to it since it came up, in KiB.
const LEG: &str =
    "wipefs --no-act --noheadings --types drbd --output UUID /dev/disk/by-partlabel/hapair-logs";
const RECEIVED: &str = "drbdsetup events2 --now --statistics logs | grep -o 'received:[0-9]*' | cut -d: -f2";

/// What tells a leg from a disk: its metadata's first bytes, put aside and given back.
const HIDE_LEG: &str = "
disk=/dev/disk/by-partlabel/hapair-logs
at=$(($(wipefs --no-act --noheadings --types drbd --output OFFSET $disk)))
dd if=$disk of=/run/leg.$at bs=1 skip=$at count=16 status=none
wipefs --quiet --all --types drbd $disk
";
const SHOW_LEG: &str = "
leg=$(ls /run/leg.*)
dd if=$leg of=/dev/disk/by-partlabel/hapair-logs bs=1 seek=${leg##*.} conv=notrunc,fsync status=none
rm $leg
";

/// While its disk carries no leg, that is told, and nothing is made anew on it, although nothing on the host says that there was one. Then
/// it gets its keys back from its peer, and its leg is what it was: no person is asked, and the service goes on.
pub fn lost_keys_come_back(world: &mut World) -> Result<()> {
    at_home(world)?;
    let leg = world.lab.run(1, LEG)?;
    // In the middle of it the operator would start the cluster again, with half of its files.
    world.kill_operator()?;
    world.lab.run(1, EMPTY)?;
    world.lab.run(1, HIDE_LEG)?;
    world.start_operator(&["--resync-seconds=3"])?;
    innocence::missing_leg_is_told(world)?;
    served_by(world, "node1", AT_ONCE)?;
    world.lab.run(1, SHOW_LEG)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    served_by(world, "node1", AT_ONCE)?;
    ensure!(world.lab.run(1, LEG)? == leg, "the leg was made anew");
    let received: u64 = world.lab.run(1, RECEIVED)?.trim().parse()?;
    ensure!(received < 50_000, "the leg was copied whole: {received} KiB");
    Ok(())
}
