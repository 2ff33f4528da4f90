//! The agent that watches a file system, run on real ones (root needed, for mounts in a namespace of its own).
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{fs, process::Command};

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/files/writable");
const LIBRARY: &str = "OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7\n\
                       ocf_exit_reason() { echo \"reason: $*\"; }\n";

/// What a script prints in which `agent ACTION` runs the agent on `$dir` and prints its exit status, and `image TYPE` makes
/// a file system of 64 MiB (XFS: 320) and mounts it there.
fn printed(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ocf-shellfuncs"), LIBRARY).unwrap();
    let ground = format!(
        r#"
set -u
cd {folder}
mkdir dir
dir=$PWD/dir
export OCF_FUNCTIONS_DIR=$PWD HA_RSCTMP=$PWD OCF_RESOURCE_INSTANCE=writable-logs OCF_RESKEY_directory=$dir
agent() {{ sh {AGENT} "$1"; echo "$1: $?"; }}
image() {{
  size=64M; [ "$1" = ext4 ] || size=320M
  truncate -s "$size" image
  "mkfs.$1" -q image && mount -o loop image "$dir"
}}
trap 'umount "$dir" 2> /dev/null' EXIT
"#,
        folder = folder.path().display()
    );
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &(ground + script)])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_full_file_system_is_no_failure() {
    for kind in ["ext4", "xfs"] {
        let said = printed(&format!(
            "image {kind}; agent start; cat /dev/zero > $dir/filler 2> /dev/null; sync -f $dir; head -c 1M /dev/zero > $dir/more 2> /dev/null || echo full; agent monitor; agent stop; agent monitor"
        ));
        assert_eq!(
            said, "start: 0\nfull\nmonitor: 0\nstop: 0\nmonitor: 7\n",
            "{kind}"
        );
    }
}

#[test]
fn one_that_is_read_only_or_has_shut_down_is_a_failure_and_can_be_stopped() {
    let said =
        printed("image ext4; agent start; mount -o remount,ro $dir; agent monitor; agent start; agent stop");
    assert!(
        said.starts_with("start: 0\nreason: ") && said.contains("has gone read-only"),
        "{said}"
    );
    assert!(
        said.contains("monitor: 1") && said.contains("start: 1") && said.ends_with("stop: 0\n"),
        "{said}"
    );
    // FS_IOC_SHUTDOWN, as xfs_io's "shutdown" does it.
    let shut_down = "python3 -c 'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack(\"I\", 2))' $dir";
    let said = printed(&format!(
        "image xfs; agent start; {shut_down}; agent monitor; agent stop"
    ));
    assert!(
        said.starts_with("start: 0\nreason: ") && said.contains("Input/output error"),
        "{said}"
    );
    assert!(
        said.contains("monitor: 1") && said.ends_with("stop: 0\n"),
        "{said}"
    );
}

#[test]
fn one_that_hangs_is_waited_for_a_while_and_is_no_failure() {
    let frozen = "image ext4; agent start; rm -f ls; printf '#!/bin/sh\\nexec sleep 30\\n' > ls; chmod +x ls; PATH=$PWD:$PATH; agent monitor; agent stop";
    assert_eq!(printed(frozen), "start: 0\nmonitor: 0\nstop: 0\n");
}
