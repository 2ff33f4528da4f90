//! The name of a running leg's disk. DRBD compares names, not devices: with another name of the same disk in the file,
//! the next `drbdadm adjust` detaches the disk and attaches it again (drbd-utils, drbdadm_adjust.c, disk_equal). The
//! resource agent adjusts whenever an instance starts on either node, also below a Primary, which then stands without a
//! disk for a moment, resynchronises from its peer, and loses the service to it (seen on Debian 12).

use hapair_model::{
    Both, Side,
    desired::{Desired, Volume},
    observed::{Host, HostView},
};

/// A leg that runs keeps its disk's name, as long as the declared one leads to the same disk. The declared name comes
/// into the file once the leg is down.
pub fn resolve(desired: &mut Desired, observed: &Both<HostView>) {
    for volume in &mut desired.volumes {
        for side in Side::BOTH {
            let running = observed[side].host().and_then(|host| running(volume, host));
            if let Some(name) = running {
                volume.disks[side].device = name;
            }
        }
    }
}

fn running(volume: &Volume, host: &Host) -> Option<String> {
    let is_ours = host.drbd_config.get(&volume.name)?.ours;
    let attached = host.resources.get(&volume.name)?.attached.as_ref()?;
    let is_same = host.devices.get(&volume.name)?.path == attached.path;
    (is_ours && is_same).then(|| attached.name.clone())
}
