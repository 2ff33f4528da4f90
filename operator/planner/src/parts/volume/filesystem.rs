//! A volume's file system: the resource that mounts it, and the one that notices when it takes no writes.

use std::collections::BTreeSet;

use hapair_model::{
    desired::{FilesystemType, Volume},
    plan::File,
    xml::Element,
};

use crate::{
    elements::{AGENT_LIMIT, attributes, ocf, operations, owned},
    files::{self, MANAGED, text},
    names,
};

/// systemd would unmount the file system at shutdown while pacemaker still moves the service: this makes it
/// wait for pacemaker to stop.
pub fn drop_in(volume: &Volume) -> File {
    let path = files::drop_in(&names::mount_unit(&volume.mount_point));
    text(
        &path,
        "644",
        format!("{MANAGED}[Unit]\nBefore=pacemaker.service\n"),
    )
}

/// Mounts it.
pub fn element(volume: &Volume) -> Element {
    let id = names::filesystem(&volume.name);
    let device = format!("/dev/drbd{}", volume.minor());
    // A list that means a set: its order in Git mounts nothing anew.
    let options = volume
        .mount_options
        .iter()
        .map(String::as_str)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join(",");
    let mut parameters = vec![
        ("device", device.as_str()),
        ("directory", &volume.mount_point),
        ("fstype", volume.filesystem.name()),
        ("force_unmount", "safe"),
    ];
    parameters.extend((!options.is_empty()).then_some(("options", options.as_str())));
    // Left to itself the agent checks no ext4 (is_fsck_needed): one that has gone read-only after an error
    // would be written to again as it is. e2fsck -a of a clean one ends at once; one that needs a person
    // fails the start. XFS repairs itself from its log, or not at all.
    let is_checked = volume.filesystem == FilesystemType::Ext4;
    parameters.extend(is_checked.then_some(("run_fsck", "force")));
    let start = if is_checked { "900s" } else { "60s" };
    ocf(&id, "heartbeat", "Filesystem")
        .child(attributes("instance_attributes", &id, &owned(&parameters)))
        .child(operations(
            &id,
            &[
                ("start", "0s", start, None),
                ("stop", "0s", "60s", None),
                ("monitor", "20s", AGENT_LIMIT, None),
            ],
        ))
}

/// Moves the group when the file system has gone read-only.
pub fn writable(volume: &Volume) -> Element {
    let id = names::writable(&volume.name);
    ocf(&id, "hapair", "writable")
        .child(attributes(
            "instance_attributes",
            &id,
            &owned(&[("directory", &volume.mount_point)]),
        ))
        .child(operations(
            &id,
            &[
                ("start", "0s", AGENT_LIMIT, None),
                ("stop", "0s", AGENT_LIMIT, None),
                ("monitor", "20s", AGENT_LIMIT, None),
            ],
        ))
}
