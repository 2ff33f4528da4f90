//! The agent that watches an interface, run against a file tree of its own.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use tempfile::TempDir;

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/files/link");
const LIBRARY: &str = "OCF_SUCCESS=0 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7\n";

/// A node with one interface, and an `attrd_updater` that notes how it is called.
struct Node {
    folder: TempDir,
}

impl Node {
    /// `carrier` is what the kernel says; `None`: there is no such interface.
    fn new(carrier: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ocf-shellfuncs"), LIBRARY).unwrap();
        let updater = folder.path().join("attrd_updater");
        fs::write(&updater, "#!/bin/sh\necho \"$*\" >> \"${0%/*}/calls\"\n").unwrap();
        fs::set_permissions(&updater, fs::Permissions::from_mode(0o755)).unwrap();
        let node = Self { folder };
        if let Some(carrier) = carrier {
            node.carrier(carrier);
        }
        node
    }

    fn carrier(&self, says: &str) {
        let interface = self.folder.path().join("class/net/eth0");
        fs::create_dir_all(&interface).unwrap();
        fs::write(interface.join("carrier"), says).unwrap();
    }

    /// The exit status, and what the cluster was told meanwhile.
    fn run(&self, action: &str) -> (i32, String) {
        let calls = self.folder.path().join("calls");
        let _ = fs::remove_file(&calls);
        let folder = self.folder.path().display();
        let status = Command::new("sh")
            .args([AGENT, action])
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("OCF_FUNCTIONS_DIR", self.folder.path())
            .env("HA_RSCTMP", self.folder.path())
            .env("SYS", self.folder.path())
            .env("OCF_RESOURCE_INSTANCE", "link-web")
            .env("__OCF_ACTION", action)
            .env("OCF_RESKEY_interface", "eth0")
            .env("OCF_RESKEY_name", "link-web")
            .status()
            .unwrap();
        (
            status.code().unwrap(),
            fs::read_to_string(calls).unwrap_or_default(),
        )
    }
}

fn update(value: u8) -> String {
    format!("--name link-web --update-both {value} --delay 20s\n")
}

#[test]
fn the_cluster_is_told_of_the_link_at_each_look_and_no_look_fails() {
    let node = Node::new(Some("1\n"));
    assert_eq!(node.run("monitor"), (7, String::new()), "before the start");
    assert_eq!(node.run("start"), (0, update(1)));
    node.carrier("0\n");
    assert_eq!(node.run("monitor"), (0, update(0)));
    // What the kernel has to say of an interface that is down is an error.
    node.carrier("");
    assert_eq!(node.run("monitor"), (0, update(0)));
    node.carrier("1\n");
    assert_eq!(node.run("monitor"), (0, update(1)));
}

#[test]
fn an_interface_that_is_not_there_has_no_link() {
    assert_eq!(Node::new(None).run("start"), (0, update(0)));
}

#[test]
fn once_it_is_stopped_nothing_is_known_of_the_link() {
    let node = Node::new(Some("1\n"));
    node.run("start");
    assert_eq!(node.run("stop"), (0, "--name link-web --delete\n".to_owned()));
    assert_eq!(node.run("stop"), (0, String::new()));
    assert_eq!(node.run("monitor"), (7, String::new()));
}
