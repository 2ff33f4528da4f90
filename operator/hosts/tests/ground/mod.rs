//! Ground for scripts: a mount namespace in which `/etc`, `/run` and `/var/lib` are the test's own (root
//! needed), with tools that record how they were called in place of those that would touch this machine.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]
#![allow(dead_code, reason = "not every file of tests needs all of it")]

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

/// What became of a script.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub code: i32,
    /// What it printed, errors included.
    pub said: String,
    /// How the tools were called, one line a call.
    pub calls: Vec<String>,
}

const GROUND: &str = r#"
set -eu
mount -t tmpfs -o mode=0755 none /run
mkdir -p /run/lock /run/etc
for file in passwd group shadow nsswitch.conf ld.so.cache alternatives; do cp -a "/etc/$file" /run/etc/; done
mount --bind /run/etc /etc
mkdir -p /etc/systemd/system /etc/drbd.d /etc/corosync
printf '127.0.0.1 localhost\n' > /etc/hosts
mount -t tmpfs -o mode=0755 none /var/lib
mkdir -p /var/lib/hapair/pending /var/lib/pacemaker/cib /var/lib/pcsd /var/lib/drbd
step() { name=$1; shift; sh "$scripts/$name" "$@"; }
"#;

/// Runs a shell script on the ground, in which `step NAME ARGUMENT…` runs a script of the operator. A tool is
/// a name and what it does once its call is recorded.
pub fn run(tools: &[(&str, &str)], script: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    fs::write(&calls, "").unwrap();
    for (name, does) in tools {
        let path = folder.path().join(name);
        let record = format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{does}\n", calls.display());
        fs::write(&path, record).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--uts", "sh", "-c"])
        .arg(format!(
            "exec 2>&1\nscripts={scripts}\nPATH={}:$PATH\n{GROUND}{script}",
            folder.path().display()
        ))
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        said: String::from_utf8_lossy(&output.stdout).into_owned(),
        calls: fs::read_to_string(&calls)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

/// The same, of a script that ends well.
pub fn succeeds(tools: &[(&str, &str)], script: &str) -> Ran {
    let ran = run(tools, script);
    assert_eq!(ran.code, 0, "{ran:#?}");
    ran
}

/// The same, of a script that refuses, with these words.
pub fn refuses(tools: &[(&str, &str)], script: &str, words: &str) -> Ran {
    let ran = run(tools, script);
    assert!(ran.code == 65 && ran.said.contains(words), "{ran:#?}");
    ran
}
