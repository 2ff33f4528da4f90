//! What a person types where neither DRBD nor the cluster goes on alone.

use hapair_model::desired::{Desired, Volume};

use crate::names;

/// Of two Primaries one stops writing. What it has written is a split brain's business then.
pub fn give_up_one(volume: &str, mount_point: &str) -> String {
    format!(
        "stop the service at once on the node whose data shall be given up (`fuser -vm {mount_point}` shows what writes there), and type \
         there `umount {mount_point}; drbdadm secondary {volume}`. The status says SplitBrain then, with the commands for the rest"
    )
}

/// A leg that stands alone connects again.
pub fn connect(volume: &str, node: &str) -> String {
    format!(
        "on {node} `drbdadm connect {volume}`. While the legs are apart, only one of them has the newest data"
    )
}

/// Somebody has frozen the writes by hand.
pub fn write_again(volume: &str, node: &str) -> String {
    format!("somebody has suspended them by hand. On {node} `drbdadm resume-io {volume}`")
}

/// A leg that has lost its disk takes it back, or gets a new one.
pub fn attach(node: &str, uuid: Option<&str>) -> String {
    let command = uuid.map(|uuid| {
        format!(
            ". Once it answers again, or a blank disk is in its place: `kubectl hapair replace-disk {uuid}`"
        )
    });
    format!(
        "look at the disk and at the kernel's log on {node}. DRBD goes on with the other node's disk, and does not take this one back by \
         itself{}. A disk in another place is named in spec.disks",
        command.unwrap_or_default()
    )
}

/// Where an earlier pair left its data on a host, and another disk is named now.
pub fn begin_anew(volume: &str, node: &str) -> String {
    format!(
        "attach the right disk, or name it by a lasting name below /dev/disk/by-id. To use this disk, and leave what the volume held on the \
         other: on {node} `rm /var/lib/hapair/left/{volume}`; the status then says what the disk holds"
    )
}

/// A device in the place of a leg: the leg itself, or a blank disk that is filled.
pub fn replace(uuid: &str, is_blank: bool) -> String {
    let right = "attach the right disk, or name it by a lasting name below /dev/disk/by-id";
    if !is_blank {
        return right.into();
    }
    format!(
        "{right}. Where the disk was replaced by this blank one: `kubectl hapair replace-disk {uuid}`; it is filled from the other node"
    )
}

/// Blocks that differ are copied. Whoever verified has set an algorithm for that, with which the two do not connect again
/// before the resource is adjusted.
pub fn copy_blocks(volume: &str, serving: &str, other: &str) -> String {
    format!(
        "on {other} `drbdadm disconnect {volume} && drbdadm connect {volume}`, then on {serving} `drbdadm adjust {volume}`: \
         that copies them from {serving}"
    )
}

/// A leg that does not know whether its peer wrote later is taken for the newest.
pub fn go_on_alone(volume: &str, node: &str, peer: &str) -> String {
    format!(
        "bring {peer} back. Where it cannot come back, and {node} served last, type on {node} `drbdadm primary --force {volume} && \
         drbdadm secondary {volume}`. What only {peer} has written is lost then, and DRBD calls it a split brain \
         when {peer} comes back; the status shows what to type then"
    )
}

/// The file system is checked where the cluster could not do that by moving the group. The volume stays Primary meanwhile;
/// without the pause the operator would start the group again.
pub fn check(desired: &Desired, volume: &Volume, node: &str) -> String {
    let group = desired
        .groups
        .iter()
        .find(|group| group.volumes.contains(&volume.name))
        .map(|group| names::group(&group.name));
    let by_hand = group.map(|group| {
        format!(
            ". Where it cannot move: `kubectl hapair pause {pair}`, then on {node} `pcs resource disable {group} --wait=120 && \
             fsck -f -y /dev/drbd{}; pcs resource enable {group}`, then `kubectl hapair resume {pair}`",
            volume.minor(),
            pair = desired.name,
        )
    });
    format!(
        "look at the kernel's log of {node} for the error. The group moves to the other node, which checks the file system before it \
         mounts it{}",
        by_hand.unwrap_or_default()
    )
}
