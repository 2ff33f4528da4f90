//! Scripts that speak to systemd and to the cluster's daemons: how these are called, and which marks go.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{refuses, run, succeeds};

/// Nothing is active.
const IDLE: (&str, &str) = ("systemctl", "case $* in *is-active*) exit 3 ;; esac");
/// Everything is.
const BUSY: (&str, &str) = ("systemctl", "exit 0");

#[test]
fn a_unit_is_enabled_without_a_reload_and_started_and_its_marks_go() {
    let ran = succeeds(
        &[IDLE],
        "cd /var/lib/hapair/pending; touch restart-corosync reload-corosync clean-up-volume-logs
        step enable-units corosync; ls",
    );
    assert_eq!(
        ran.calls,
        [
            "systemctl enable --quiet --no-reload corosync",
            "systemctl --quiet is-active corosync",
            "systemctl start corosync"
        ]
    );
    assert_eq!(ran.said, "clean-up-volume-logs\n");
}

#[test]
fn pacemaker_that_starts_has_no_failures_to_forget() {
    let ran = succeeds(
        &[IDLE],
        "cd /var/lib/hapair/pending; touch clean-up-volume-logs; step enable-units pacemaker; ls",
    );
    assert_eq!(ran.said, "");
}

#[test]
fn a_unit_that_runs_is_not_started_and_keeps_its_marks() {
    let ran = succeeds(
        &[BUSY],
        "touch /var/lib/hapair/pending/restart-corosync; step enable-units corosync; ls /var/lib/hapair/pending",
    );
    assert_eq!(ran.said, "restart-corosync\n");
    assert!(!ran.calls.iter().any(|call| call.contains("start ")), "{ran:?}");
}

#[test]
fn a_unit_is_stopped_when_it_is_disabled_unless_the_cluster_runs_and_drbd_never() {
    let ran = succeeds(&[IDLE], "step disable-units tomcat10 drbd");
    assert_eq!(
        ran.calls,
        [
            "systemctl disable --quiet --no-reload tomcat10 drbd",
            "systemctl --quiet is-active pacemaker",
            "systemctl stop tomcat10"
        ]
    );
    let ran = succeeds(&[BUSY], "step disable-units tomcat10");
    assert!(!ran.calls.iter().any(|call| call.contains("stop")), "{ran:?}");
}

#[test]
fn nothing_is_restarted_under_pacemaker() {
    let ran = succeeds(
        &[IDLE],
        "touch /var/lib/hapair/pending/restart-corosync; step restart-units corosync; ls /var/lib/hapair/pending",
    );
    assert_eq!(ran.said, "");
    assert!(
        ran.calls.contains(&"systemctl restart corosync".to_owned()),
        "{ran:?}"
    );
    let ran = refuses(&[BUSY], "step restart-units corosync", "pacemaker runs");
    assert_eq!(ran.calls.len(), 1, "{ran:?}");
}

#[test]
fn systemd_and_corosync_read_their_files_again() {
    let ran = succeeds(
        &[BUSY, ("corosync-cfgtool", "")],
        "touch /var/lib/hapair/pending/reload-corosync; step reload-units; step reload-corosync
        ls /var/lib/hapair/pending",
    );
    assert_eq!(ran.calls, ["systemctl daemon-reload", "corosync-cfgtool -R"]);
    assert_eq!(ran.said, "");
    // The mark stays when it fails.
    let ran = run(
        &[("corosync-cfgtool", "exit 1")],
        "touch /var/lib/hapair/pending/reload-corosync; step reload-corosync || ls /var/lib/hapair/pending",
    );
    assert_eq!(ran.said, "reload-corosync\n");
}

#[test]
fn a_failure_is_forgotten_with_the_marks_of_what_it_waited_for() {
    let marks = "cd /var/lib/hapair/pending; touch clean-up-volume-logs adjust-logs adjust-other";
    let script = format!("{marks}; step clean-up volume-logs; ls");
    let ran = succeeds(&[("crm_resource", "")], &script);
    assert_eq!(ran.calls, ["crm_resource --cleanup --resource volume-logs"]);
    assert_eq!(ran.said, "adjust-other\n");
}

#[test]
fn one_failed_monitor_is_forgotten_and_no_mark_with_it() {
    let marks = "cd /var/lib/hapair/pending; touch clean-up-volume-logs adjust-logs";
    // cibadmin ends so where it finds nothing (CRM_EX_NOSUCH).
    for (clone, alone) in [("exit 105", "--force "), ("exit 0", "")] {
        let script = format!("{marks}; step forget-failure volume-logs node1 15000; ls");
        let ran = succeeds(&[("crm_resource", ""), ("cibadmin", clone)], &script);
        assert_eq!(
            ran.calls,
            [
                "cibadmin --query --local --xpath //clone//primitive[@id='volume-logs']".to_owned(),
                format!(
                    "crm_resource --cleanup {alone}--resource volume-logs --node node1 --operation monitor --interval 15000ms"
                )
            ]
        );
        assert_eq!(ran.said, "adjust-logs\nclean-up-volume-logs\n");
    }
}

#[test]
fn the_handler_is_run_once_more_with_what_drbd_would_give_it() {
    let handler = "mkdir -p /run/drbd; mount --bind /run/drbd /usr/lib/drbd 2> /dev/null || { mkdir -p /usr/lib/drbd; mount --bind /run/drbd \
        /usr/lib/drbd; }; printf '#!/bin/sh\\necho $DRBD_RESOURCE $DRBD_MINOR; exit 7\\n' > /usr/lib/drbd/hapair-unfence-peer; chmod 755 \
        /usr/lib/drbd/hapair-unfence-peer";
    let ran = run(&[], &format!("{handler}; step unfence logs 3"));
    assert_eq!(
        (ran.code, ran.said.as_str()),
        (7, "logs 3\n"),
        "its status is the step's"
    );
}

#[test]
fn a_host_is_renamed_only_without_a_cluster() {
    let tools = [IDLE, ("hostnamectl", "")];
    assert!(
        succeeds(&tools, "step set-hostname node2")
            .calls
            .contains(&"hostnamectl set-hostname node2".to_owned())
    );
    let ran = refuses(
        &[BUSY, ("hostnamectl", "")],
        "step set-hostname node2",
        "corosync runs",
    );
    assert_eq!(ran.calls, ["systemctl --quiet is-active corosync"]);
}

#[test]
fn the_administrators_password_is_on_no_command_line_and_broken_files_of_pcsd_go() {
    let ran = succeeds(
        &[BUSY, ("chpasswd", "cat > /run/told")],
        "cd /var/lib/pcsd; : > pcsd.key; echo whole > pcsd.crt
        printf 'the-digest\\nthe-password\\n' | step set-admin-password
        cat /run/told /var/lib/hapair/admin-password; stat --format %a /var/lib/hapair/admin-password; ls",
    );
    assert_eq!(ran.said, "hacluster:the-password\nthe-digest\n600\npcsd.crt\n");
    assert!(!ran.calls.concat().contains("the-"), "{ran:?}");
    assert!(ran.calls.contains(&"systemctl start pcsd".to_owned()), "{ran:?}");
}

#[test]
fn pcs_is_logged_in_with_a_password_on_its_standard_input() {
    let ran = succeeds(
        &[("pcs", "cat")],
        "echo token > /var/lib/pcsd/known-hosts
        printf 'the-password' | step authenticate-pcs node1 192.0.2.11 node2 192.0.2.12",
    );
    assert_eq!(
        ran.calls,
        ["pcs host auth -u hacluster node1 addr=192.0.2.11 node2 addr=192.0.2.12"]
    );
    assert_eq!(ran.said, "the-password\n");
}

const LEAVE: &str = "
echo conf > /etc/corosync/corosync.conf
for file in cib.xml cib.xml.sig cib-1.raw cib.last; do echo $file > /var/lib/pacemaker/cib/$file; done
step leave-cluster
ls /etc/corosync /var/lib/pacemaker/cib
cd /var/lib/hapair/kept/left.*; ls";

#[test]
fn a_host_that_leaves_stops_pacemaker_first_and_keeps_what_the_cluster_was() {
    let ran = succeeds(&[BUSY], LEAVE);
    let stops: Vec<_> = ran.calls.iter().filter(|call| call.contains(" stop ")).collect();
    assert_eq!(stops, ["systemctl stop pacemaker", "systemctl stop corosync"]);
    assert_eq!(
        ran.said,
        "/etc/corosync:\n\n/var/lib/pacemaker/cib:\ncib-1.raw\ncib.last\ncib.xml\ncib.xml.sig\ncorosync.conf\n"
    );
}

#[test]
fn a_cluster_that_does_not_stop_keeps_its_configuration() {
    let hangs = ("systemctl", "case $* in 'stop corosync') exit 1 ;; esac");
    let ran = run(&[hangs], LEAVE);
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = run(
        &[hangs],
        &LEAVE.replace(
            "step leave-cluster",
            "step leave-cluster || ls /var/lib/pacemaker/cib; exit",
        ),
    );
    assert_eq!(ran.said, "cib-1.raw\ncib.last\ncib.xml\ncib.xml.sig\n");
}

#[test]
fn a_host_without_the_packages_can_leave_too() {
    let ran = succeeds(
        &[("systemctl", "case $* in *cat*) exit 1 ;; esac")],
        "step leave-cluster; ls /var/lib/hapair/kept/left.*",
    );
    assert!(!ran.calls.iter().any(|call| call.contains("stop")), "{ran:?}");
}

#[test]
fn masks_of_an_installation_go_and_those_of_others_stay() {
    let ran = succeeds(
        &[BUSY],
        "cd /etc/systemd/system
        mkdir multi-user.target.wants
        for unit in corosync pacemaker tomcat10; do ln -s /dev/null $unit.service; done
        ln -s /lib/systemd/system/corosync.service multi-user.target.wants/corosync.service
        touch /var/lib/hapair/pending/unmask-corosync /var/lib/hapair/pending/unmask-tomcat10
        # A person has put a unit of their own there since.
        rm tomcat10.service; echo '[Unit]' > tomcat10.service
        step unmask
        ls multi-user.target.wants *.service /var/lib/hapair/pending",
    );
    assert_eq!(
        ran.said,
        "pacemaker.service\ntomcat10.service\n\n/var/lib/hapair/pending:\n\nmulti-user.target.wants:\n"
    );
    assert_eq!(ran.calls, ["systemctl daemon-reload"]);
}
