//! Scripts that install packages: masks around the installation, and what becomes of them when it fails.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{run, succeeds};

const TOOLS: [(&str, &str); 4] = [
    ("systemctl", "case $* in *is-active*) exit 3 ;; esac"),
    ("systemd-run", ""),
    ("dpkg", ""),
    // What is installed meanwhile must not start.
    (
        "apt-get",
        "case $* in *install*) readlink /etc/systemd/system/corosync.service ;; esac",
    ),
];

#[test]
fn an_installation_is_a_unit_that_outlives_the_connection() {
    let ran = succeeds(
        &TOOLS,
        "step install-packages apt corosync,pacemaker pcs tomcat10; ls /run/hapair-packages",
    );
    let started = ran.calls.last().unwrap();
    assert!(
        started.starts_with("systemd-run --quiet --unit hapair-packages ")
            && started.ends_with("/run/hapair-packages/job corosync,pacemaker pcs tomcat10"),
        "{started}"
    );
    assert_eq!(ran.said, "job\nunmask\n");
}

#[test]
fn an_installation_that_runs_is_left_alone() {
    let ran = succeeds(
        &[("systemctl", ""), ("systemd-run", "")],
        "step install-packages apt '' pcs",
    );
    assert_eq!(ran.calls, ["systemctl --quiet is-active hapair-packages.service"]);
}

#[test]
fn services_are_masked_while_they_are_installed_and_not_afterwards() {
    let ran = succeeds(
        &TOOLS,
        "step install-packages.apt corosync,pacemaker pcs tomcat10; ls /etc/systemd/system /var/lib/hapair/pending",
    );
    assert_eq!(
        ran.said,
        "/dev/null\n/etc/systemd/system:\n\n/var/lib/hapair/pending:\n"
    );
    let apt: Vec<_> = ran
        .calls
        .iter()
        .filter(|call| call.starts_with("apt-get"))
        .collect();
    assert!(
        apt.len() == 2
            && apt[0].contains(" update ")
            && apt[1].ends_with("--no-install-recommends pcs tomcat10"),
        "{apt:?}"
    );
    // Of an earlier one that was cut off.
    let configured = "dpkg --force-confdef --force-confold --configure -a".to_owned();
    assert!(ran.calls.contains(&configured), "{ran:?}");
}

#[test]
fn a_failed_installation_leaves_masks_that_the_next_one_takes_away() {
    let script =
        "step install-packages.apt corosync pcs || true; ls /etc/systemd/system /var/lib/hapair/pending";
    let mut tools = TOOLS;
    tools[3].1 = "exit 100";
    let ran = run(&tools, script);
    assert_eq!(
        ran.said,
        "/etc/systemd/system:\ncorosync.service\n\n/var/lib/hapair/pending:\nunmask-corosync\n"
    );
    let resumed = "touch /var/lib/hapair/pending/unmask-corosync
        ln -s /dev/null /etc/systemd/system/corosync.service
        step install-packages.apt corosync; ls /etc/systemd/system /var/lib/hapair/pending";
    let ran = succeeds(&TOOLS, resumed);
    assert_eq!(ran.said, "/etc/systemd/system:\n\n/var/lib/hapair/pending:\n");
    assert!(
        !ran.calls.iter().any(|call| call.starts_with("apt-get")),
        "{ran:?}"
    );
}

/// apt-get as it calls the real dpkg, with a package that has a configuration file.
const REAL_DPKG: &str = r#"
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /run/deb/DEBIAN /run/deb/etc
: > /var/lib/dpkg/status
printf 'Package: hapair-example\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: a test\n' > /run/deb/DEBIAN/control
echo /etc/example.conf > /run/deb/DEBIAN/conffiles
echo packaged > /run/deb/etc/example.conf
dpkg-deb --build /run/deb /run/example.deb > /dev/null
echo by hand > /etc/example.conf
"#;

#[test]
fn a_configuration_file_that_a_person_has_changed_stays_and_nobody_is_asked() {
    let install = "case $* in *install*) dpkg $(printf '%s\\n' \"$@\" | sed -n 's/^Dpkg::Options::=//p') \
        --install /run/example.deb < /dev/null > /run/dpkg.log 2>&1 || { cat /run/dpkg.log; exit 1; } ;; esac";
    let ran = succeeds(
        &[
            ("systemctl", "case $* in *is-active*) exit 3 ;; esac"),
            ("apt-get", install),
        ],
        &format!(
            "{REAL_DPKG}step install-packages.apt corosync hapair-example; cat /etc/example.conf /etc/example.conf.dpkg-dist"
        ),
    );
    assert_eq!(ran.said, "by hand\npackaged\n");
}

#[test]
fn a_mask_of_someone_else_stays() {
    let ran = succeeds(
        &TOOLS,
        "ln -s /dev/null /etc/systemd/system/corosync.service
        step install-packages.apt corosync pcs; readlink /etc/systemd/system/corosync.service",
    );
    assert_eq!(ran.said, "/dev/null\n/dev/null\n");
}

#[test]
fn other_package_managers_are_asked_in_their_own_words() {
    let ran = succeeds(
        &[("dnf", ""), ("apt-mark", "")],
        "step install-packages.dnf corosync pcs drbd-utils; step hold-packages pacemaker corosync",
    );
    assert_eq!(
        ran.calls,
        [
            "dnf --assumeyes --quiet install pcs drbd-utils",
            "apt-mark hold pacemaker corosync"
        ]
    );
}
