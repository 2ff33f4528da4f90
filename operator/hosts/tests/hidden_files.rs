//! Counting what a volume would hide: the probe, run for real (root needed), in a mount namespace of its own.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::process::Command;

/// What the probe counts below /srv/data, which this shell script has filled; `None` when it did not look.
fn counted(ground: &str) -> Option<u32> {
    below("/srv/data", ground)
}

fn below(mount_point: &str, ground: &str) -> Option<u32> {
    section("hidden-files", mount_point, ground).parse().ok()
}

/// A section of the probe, without its head.
fn section(name: &str, mount_point: &str, ground: &str) -> String {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let script = format!(
        "set -eu\nmkdir -p /var/lib/hapair /srv\nmount -t tmpfs none /srv\nmount -t tmpfs none \
         /var/lib/hapair\n{ground}\n\
         mkdir /srv/probe; cp {scripts}/probe {scripts}/fresh /srv/probe\n\
         printf '%s\\n' 'package base-files' 'mount-point data {mount_point}' 'own-file /srv/data/page.html' \
         > /srv/probe/question\n\
         sh /srv/probe/probe | sed -n '/^section {name}.data /{{:a;n;/^section \\|^end/q;p;ba}}'"
    );
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn files_links_and_pipes_are_counted_whatever_their_names_and_directories_are_not() {
    let ground = "mkdir -p '/srv/data/a b/c'; cd /srv/data; touch 'a b/c/with  blanks' '*' .hidden; ln -s \
        nowhere link; mkfifo pipe";
    assert_eq!(counted(ground), Some(5));
}

#[test]
fn a_directory_that_is_empty_or_not_there_hides_nothing() {
    assert_eq!(counted("mkdir -p /srv/data/empty"), Some(0));
    assert_eq!(counted(":"), Some(0));
}

#[test]
fn files_of_packages_and_the_pairs_own_are_not_counted() {
    assert_eq!(
        counted("mkdir /srv/data; touch /srv/data/page.html /srv/data/other"),
        Some(1)
    );
    let package = "mkdir /srv/data; mount --bind /usr/share/base-files /srv/data";
    assert_ne!(
        counted(package),
        Some(0),
        "under another path they are not the package's"
    );
    assert_eq!(below("/usr/share/base-files", ":"), Some(0));
}

#[test]
fn once_there_is_a_leg_nobody_looks() {
    assert_eq!(
        counted(
            "mkdir -p /srv/data /var/lib/hapair/volumes; touch /srv/data/x; echo record > \
             /var/lib/hapair/volumes/data"
        ),
        None
    );
}

#[test]
fn who_has_a_file_open_below_the_mount_point_is_named() {
    let ground = "mkdir -p /srv/data/deep; cp $(command -v sleep) /srv/writer; /srv/writer 5 > /srv/data/deep/log & trap 'kill $!' EXIT";
    // Where this test is run as a unit, so is what it starts.
    let cgroup = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let unit = cgroup
        .lines()
        .next()
        .and_then(|line| line.strip_suffix(".service"));
    let who = unit.and_then(|unit| unit.rsplit('/').next()).unwrap_or("writer");
    assert_eq!(section("open-files", "/srv/data", ground), who);
    assert_eq!(
        section(
            "open-files",
            "/srv/dat",
            "mkdir -p /srv/dat /srv/data; exec 8> /srv/data/x"
        ),
        ""
    );
}
