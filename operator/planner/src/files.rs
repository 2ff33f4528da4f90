//! Files that the operator keeps on a host, all of them in one list.

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::{Desired, FenceDevice, Node, ServiceKind, Tls},
    plan::{Content, File, FollowUp, Keep},
};

use crate::{
    names::{self, FENCE_DIRECTORY},
    platform::{services, tomcat_units},
    render,
};

/// The files one host shall have. `drbd_major` decides about the form of DRBD's, `tomcat` is the unit of the
/// distribution's tomcat.
pub fn wanted(desired: &Desired, side: Side, drbd_major: u32, tomcat: &str) -> Vec<File> {
    let mut files = vec![
        File {
            keep: Keep::Versions,
            follow_up: Some(FollowUp::ReloadCorosync),
            ..text(names::COROSYNC_CONF, "644", render::corosync(desired))
        },
        text(names::HTTP_AGENT, "755", include_str!("../files/http").to_owned()),
    ];
    if !desired.volumes.is_empty() {
        files.push(text(
            names::WRITABLE_AGENT,
            "755",
            include_str!("../files/writable").to_owned(),
        ));
        // Before the resources that name them.
        files.push(text(
            names::FENCE_PEER,
            "755",
            include_str!("../files/fence-peer").to_owned(),
        ));
        files.push(text(
            names::UNFENCE_PEER,
            "755",
            include_str!("../files/unfence-peer").to_owned(),
        ));
    }
    for volume in &desired.volumes {
        files.push(File {
            path: names::resource_file(&volume.name),
            mode: "600".into(),
            owner: "root:root".into(),
            content: Content::WithDrbdSecret(render::drbd(desired, volume, drbd_major)),
            keep: Keep::Versions,
            follow_up: Some(FollowUp::Adjust(volume.name.clone())),
        });
        files.push(text(
            &drop_in(&names::mount_unit(&volume.mount_point)),
            "644",
            MOUNT_DROP_IN.to_owned(),
        ));
    }
    if services(desired).any(|kind| *kind == ServiceKind::Tomcat) {
        files.push(text(
            &drop_in(&format!("{tomcat}.service")),
            "644",
            tomcat_drop_in(tomcat),
        ));
        files.push(text(
            &drop_in("rsyslog.service"),
            "644",
            RSYSLOG_DROP_IN.to_owned(),
        ));
    }
    files.extend(authorities(desired));
    for (_, node) in desired.nodes.iter() {
        for (level, device) in node.devices.iter().enumerate() {
            files.extend(fence_files(node, level, device));
        }
    }
    for file in desired.groups.iter().flat_map(|group| &group.files) {
        let content = Content::Secret(file.content[side].clone());
        files.push(File {
            path: file.path.clone(),
            mode: file.mode.clone(),
            owner: file.owner.clone(),
            content,
            keep: Keep::Original,
            follow_up: None,
        });
    }
    files
}

/// The paths of those files on a host of which nothing is known yet.
pub fn paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all(desired, side).map(|file| file.path).collect()
}

/// The paths of those that are the operator's alone. What another one replaced is given back, and must not be
/// removed after that.
pub fn own_paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all(desired, side)
        .filter(|file| file.keep != Keep::Original)
        .map(|file| file.path)
        .collect()
}

fn all(desired: &Desired, side: Side) -> impl Iterator<Item = File> {
    tomcat_units()
        .into_iter()
        .flat_map(move |tomcat| wanted(desired, side, 8, tomcat))
}

/// systemd would unmount the file system at shutdown while pacemaker still moves the service: this makes it
/// wait for pacemaker to stop.
const MOUNT_DROP_IN: &str =
    "# Managed by hapair-operator; changes here are undone.\n[Unit]\nBefore=pacemaker.service\n";

/// Debian's tomcat has rsyslog write into tomcat's log directory (/etc/rsyslog.d/tomcat10.conf), which is on
/// the volume. A file that rsyslog has open there keeps the volume from being unmounted, and the agent then
/// ends rsyslog; one that it opened before the mount is hidden below it. rsyslog closes its files at SIGHUP
/// (rsyslogd(8)), and is started again whatever ended it.
const RSYSLOG_DROP_IN: &str =
    "# Managed by hapair-operator; changes here are undone.\n[Service]\nRestart=always\n";

/// Tomcat compiles pages into its cache and does not sync them. After a power cut they may be empty, and
/// tomcat would answer with status 500 for ever: it compiles a page again only when the class is missing or
/// older than its source. pacemaker lets systemd read its units before each start.
fn tomcat_drop_in(unit: &str) -> String {
    format!(
        "# Managed by hapair-operator; changes here are undone.\n[Service]\n\
         ExecStartPre=-/usr/bin/find /var/cache/{unit} -type f -size 0 -delete\n\
         ExecStartPre=-+/usr/bin/systemctl --quiet kill --signal=HUP rsyslog.service\n\
         ExecStopPost=-+/usr/bin/systemctl --quiet kill --signal=HUP rsyslog.service\n"
    )
}

fn drop_in(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}.d/hapair.conf")
}

/// A file of root's that everyone may read.
pub fn text(path: &str, mode: &str, content: String) -> File {
    File {
        path: path.into(),
        mode: mode.into(),
        owner: "root:root".into(),
        content: Content::Text(content),
        keep: Keep::Nothing,
        follow_up: None,
    }
}

/// fence_redfish has no parameter for an authority; python3-requests, which it uses, takes one from the
/// environment.
fn authorities(desired: &Desired) -> Vec<File> {
    let devices = desired.nodes.iter().flat_map(|(_, node)| &node.devices);
    let all: BTreeSet<_> = devices
        .filter_map(|device| match &device.tls {
            Tls::Authority(pem) => Some(String::from_utf8_lossy(pem.expose()).trim().to_owned()),
            Tls::System | Tls::Unverified => None,
        })
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    let pem: String = all.into_iter().map(|pem| pem + "\n").collect();
    let agent = format!(
        "#!/bin/sh\n# Managed by hapair-operator; changes here are undone.\n# fence_redfish, which trusts \
         the pair's own authorities.\n\
         export REQUESTS_CA_BUNDLE={}\nexec /usr/sbin/fence_redfish \"$@\"\n",
        names::FENCE_AUTHORITIES
    );
    vec![
        text(names::FENCE_AUTHORITIES, "644", pem),
        text(&format!("/usr/sbin/{}", names::REDFISH_AGENT), "755", agent),
    ]
}

/// A device's password never enters the CIB or a command line: it is in a file, and so is a script that
/// brings it to where it is needed.
fn fence_files(node: &Node, level: usize, device: &FenceDevice) -> Vec<File> {
    let Some(password) = &device.password else {
        return Vec::new();
    };
    let path = fence_script(node, level);
    let password_file = File {
        path: format!("{path}.password"),
        mode: "600".into(),
        owner: "root:root".into(),
        content: Content::Secret(password.clone()),
        keep: Keep::Nothing,
        // A device that has failed to start stays stopped, whatever its password is now.
        follow_up: Some(FollowUp::CleanUp(names::fence(node, level))),
    };
    let script = match device.agent.as_str() {
        "fence_ipmilan" => include_str!("../files/ipmitool-with-password-file")
            .replace("@PASSWORD_FILE@", &format!("{path}.password")),
        _ => format!(
            "#!/bin/sh\n# Managed by hapair-operator. Prints the device's password for its fence \
             agent.\nexec cat {path}.password\n"
        ),
    };
    vec![password_file, text(&path, "700", script)]
}

/// The script through which a fence agent gets at its device's password.
pub fn fence_script(node: &Node, level: usize) -> String {
    format!("{FENCE_DIRECTORY}/{}-{}", node.name, level + 1)
}
