//! Files that the operator keeps on a host, all of them in one list.

use hapair_model::{
    Side,
    desired::{Desired, FenceDevice, Node},
    plan::{Content, File, FollowUp},
};

use crate::{
    names::{self, FENCE_DIRECTORY},
    render,
};

/// The files one host shall have. `drbd_major` decides about the form of DRBD's.
pub fn wanted(desired: &Desired, side: Side, drbd_major: u32) -> Vec<File> {
    let mut files = vec![
        File { follow_up: Some(FollowUp::ReloadCorosync), ..text(names::COROSYNC_CONF, "644", render::corosync(desired)) },
        text(names::HTTP_AGENT, "755", include_str!("../files/http").to_owned()),
    ];
    for volume in &desired.volumes {
        files.push(File {
            path: names::resource_file(&volume.name),
            mode: "600".into(),
            owner: "root:root".into(),
            content: Content::WithDrbdSecret(render::drbd(desired, volume, drbd_major)),
            follow_up: Some(FollowUp::Adjust(volume.name.clone())),
        });
        files.push(text(&mount_drop_in(&volume.mount_point), "644", MOUNT_DROP_IN.to_owned()));
    }
    for (_, node) in desired.nodes.iter() {
        for (level, device) in node.devices.iter().enumerate() {
            files.extend(fence_files(node, level, device));
        }
    }
    for file in desired.groups.iter().flat_map(|group| &group.files) {
        let content = Content::Secret(file.content[side].clone());
        files.push(File { path: file.path.clone(), mode: file.mode.clone(), owner: file.owner.clone(), content, follow_up: None });
    }
    files
}

/// The paths of those files, which do not depend on what the hosts say.
pub fn paths(desired: &Desired, side: Side) -> Vec<String> {
    wanted(desired, side, 8).into_iter().map(|file| file.path).collect()
}

/// systemd would unmount the file system at shutdown while pacemaker still moves the service: this makes it wait for pacemaker to stop.
const MOUNT_DROP_IN: &str = "# Managed by hapair-operator; changes here are undone.\n[Unit]\nBefore=pacemaker.service\n";

/// Where the drop-in for a mount point is.
pub fn mount_drop_in(mount_point: &str) -> String {
    format!("/etc/systemd/system/{}.d/hapair.conf", names::mount_unit(mount_point))
}

/// A file of root's that everyone may read.
pub fn text(path: &str, mode: &str, content: String) -> File {
    File { path: path.into(), mode: mode.into(), owner: "root:root".into(), content: Content::Text(content), follow_up: None }
}

/// A device's password never enters the CIB or a command line: it is in a file, and so is a script that brings it to where it is needed.
fn fence_files(node: &Node, level: usize, device: &FenceDevice) -> Vec<File> {
    let Some(password) = &device.password else { return Vec::new() };
    let path = fence_script(node, level);
    let password_file = File {
        path: format!("{path}.password"),
        mode: "600".into(),
        owner: "root:root".into(),
        content: Content::Secret(password.clone()),
        // A device that has failed to start stays stopped, whatever its password is now.
        follow_up: Some(FollowUp::CleanUp(names::fence(node, level))),
    };
    let script = match device.agent.as_str() {
        "fence_ipmilan" => include_str!("../files/ipmitool-with-password-file").replace("@PASSWORD_FILE@", &format!("{path}.password")),
        _ => format!(
            "#!/bin/sh\n# Managed by hapair-operator. Prints the device's password for its fence agent.\nexec cat {path}.password\n"
        ),
    };
    vec![password_file, text(&path, "700", script)]
}

/// The script through which a fence agent gets at its device's password.
pub fn fence_script(node: &Node, level: usize) -> String {
    format!("{FENCE_DIRECTORY}/{}-{}", node.name, level + 1)
}
