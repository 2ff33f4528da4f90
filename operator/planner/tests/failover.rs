//! What is made of the journals of two hosts between which a group has moved. Their lines are shortened ones of real
//! hosts: seconds of the minute, who says it, what.
#![allow(clippy::unwrap_used, reason = "a line that cannot be read fails the test")]

mod situations;

use hapair_model::{
    failover::{Cause, Moved},
    host::Line,
};
use hapair_planner::failover;
use situations::tomcat_pair;

/// Lines of a journal: `12.5 fenced: Operation …`.
fn journal(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let (time, rest) = line.trim().split_once(' ').unwrap();
        let (source, message) = rest.split_once(": ").unwrap();
        let source = match source {
            "controld" | "fenced" => format!("pacemaker-{source}"),
            other => other.to_owned(),
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some seconds in microseconds have room"
        )]
        let time = (time.parse::<f64>().unwrap() * 1e6) as u64;
        Line {
            time,
            source,
            priority: 5,
            message: message.to_owned(),
        }
    };
    text.trim().lines().map(line).collect()
}

/// The cause and the phases, with tenths of seconds; nothing when nothing is told.
fn told(new: &str, old: &str) -> String {
    let moved = Moved {
        group: "tomcat".into(),
        from: "node1".into(),
        to: "node2".into(),
    };
    let Some(failover) = failover(&tomcat_pair(), &moved, &journal(new), &journal_or_none(old)) else {
        return "nothing".into();
    };
    let phases = failover
        .phases
        .iter()
        .map(|(phase, took)| format!(" {} {:.1}", phase.name(), took.as_secs_f64()));
    let cause = match failover.cause {
        Cause::Fenced => "fenced:",
        Cause::Stopped => "stopped:",
    };
    cause.to_owned() + &phases.collect::<String>()
}

fn journal_or_none(text: &str) -> Vec<Line> {
    match text.is_empty() {
        true => Vec::new(),
        false => journal(text),
    }
}

/// node2 takes over: the volume, then the members one after the other.
const ARRIVAL: &str = "
    30.0 controld:  notice: Result of promote operation for volume-logs on node2: ok
    31.0 controld:  notice: Result of start operation for filesystem-logs on node2: ok
    32.5 controld:  notice: Result of start operation for ip-web on node2: ok
    36.0 controld:  notice: Result of start operation for service-tomcat-tomcat on node2: ok
    45.5 controld:  notice: Result of start operation for probe-tomcat on node2: ok
    46.0 controld:  notice: Result of start operation for writable-logs on node2: ok";

/// node1 is lost, and fenced after the delay.
const LOSS: &str = "
    4.0 corosync:   [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms), waiting 3600ms for consensus.
    7.6 corosync:   [TOTEM ] A new membership (2.27) was formed. Members left: 1
    8.6 controld:  notice: Requesting fencing (reboot) of node node1
    8.7 fenced:  notice: Delaying 'reboot' action targeting node1 using fence-node1-1 for 15s
    27.0 fenced:  notice: Operation 'reboot' [4914] targeting node1 using fence-node1-1 returned 0
    27.1 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node2: OK (complete)";

#[test]
fn a_lost_node_is_counted_from_its_last_word() {
    assert_eq!(
        told(&format!("{LOSS}{ARRIVAL}"), ""),
        "fenced: Membership 6.6 Fencing 4.5 FencingDelay 15.0 Promotion 2.9 Filesystem 1.0 Address 1.5 Service 3.5 Probe 9.5"
    );
}

#[test]
fn a_node_that_could_not_stop_is_counted_from_the_decision_to_fence_it() {
    let fenced = "
    20.0 controld:  notice: Requesting fencing (reboot) of node node1
    24.0 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node2: OK (complete)
    26.0 corosync:   [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms), waiting 3600ms for consensus.
    29.0 corosync:   [TOTEM ] A new membership (2.27) was formed. Members left: 1";
    assert_eq!(
        told(&format!("{fenced}{ARRIVAL}"), ""),
        "fenced: Fencing 4.0 Promotion 6.0 Filesystem 1.0 Address 1.5 Service 3.5 Probe 9.5"
    );
}

#[test]
fn a_node_that_decided_itself_that_it_is_fenced_is_counted_from_what_the_other_knows() {
    let another = "
    5.0 kernel: drbd data/0 drbd1: peer( Primary -> Secondary ) ";
    let fenced = "
    24.0 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node1: OK (complete)";
    assert_eq!(
        told(&format!("{another}{fenced}{ARRIVAL}"), ""),
        "fenced: Fencing 0.0 Promotion 6.0 Filesystem 1.0 Address 1.5 Service 3.5 Probe 9.5"
    );
    assert_eq!(
        told(&format!("{another}{ARRIVAL}"), ""),
        "nothing",
        "another volume was demoted"
    );
    let long_before = "
    1.0 controld:  notice: Requesting fencing (reboot) of node node1
    2.0 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node2: OK (complete)
    4.0 corosync:   [TOTEM ] A new membership (2.30) was formed. Members joined: 1";
    let told = told(&format!("{long_before}{fenced}{ARRIVAL}"), "");
    assert!(told.starts_with("fenced: Fencing 0.0 Promotion 6.0 "), "{told}");
}

/// node1 stops what it runs; its clock is an hour ahead.
const DEPARTURE: &str = "
    3000.0 controld:  notice: Result of start operation for ip-web on node1: ok
    3600.0 controld:  notice: Requesting local execution of stop operation for writable-logs on node1
    3600.5 controld:  notice: Result of stop operation for writable-logs on node1: ok
    3601.0 controld:  notice: Requesting local execution of stop operation for probe-tomcat on node1
    3601.5 controld:  notice: Result of stop operation for probe-tomcat on node1: ok
    3604.0 controld:  notice: Result of stop operation for service-tomcat-tomcat on node1: ok
    3605.0 controld:  notice: Result of stop operation for ip-web on node1: ok
    3606.0 controld:  notice: Result of stop operation for filesystem-logs on node1: ok
    3606.5 controld:  notice: Result of demote operation for volume-logs on node1: ok";
const DEMOTED: &str = "
    28.0 kernel: drbd logs/0 drbd0: peer( Primary -> Secondary ) ";

#[test]
fn what_was_stopped_is_counted_by_each_nodes_own_clock() {
    let arrived = format!("{DEMOTED}{ARRIVAL}");
    let then = "Promotion 2.0 Filesystem 1.0 Address 1.5 Service 3.5 Probe 9.5";
    assert_eq!(told(&arrived, DEPARTURE), format!("stopped: Stop 5.5 {then}"));
    assert_eq!(
        told(&arrived, ""),
        format!("stopped: {then}"),
        "node1 is restarting and does not answer"
    );
}

#[test]
fn a_node_that_was_fenced_and_is_back_is_no_cause() {
    let before = "
    1.0 controld:  notice: Requesting fencing (reboot) of node node1
    2.0 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node2: OK (complete)
    20.0 corosync:   [TOTEM ] A new membership (1.30) was formed. Members joined: 1";
    let told = told(&format!("{before}{DEMOTED}{ARRIVAL}"), DEPARTURE);
    assert!(told.starts_with("stopped: Stop 5.5 "), "{told}");
}

#[test]
fn a_loss_that_was_over_before_the_node_was_fenced_is_another_one() {
    let before = "
    1.0 corosync:   [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms), waiting 3600ms for consensus.
    3.0 corosync:   [TOTEM ] A new membership (2.27) was formed. Members left: 1
    5.0 corosync:   [TOTEM ] A new membership (2.30) was formed. Members joined: 1
    22.0 controld:  notice: Requesting fencing (reboot) of node node1
    24.0 fenced:  notice: Operation 'reboot' targeting node1 by node2 for pacemaker-controld.1649@node2: OK (complete)";
    let told = told(&format!("{before}{ARRIVAL}"), "");
    assert!(told.starts_with("fenced: Fencing 2.0 Promotion 6.0 "), "{told}");
}

#[test]
fn a_service_that_was_restarted_since_does_not_count_twice() {
    let restarted = "
    300.0 controld:  notice: Result of start operation for service-tomcat-tomcat on node2: ok
    309.0 controld:  notice: Result of start operation for probe-tomcat on node2: ok";
    let told = told(&format!("{LOSS}{ARRIVAL}{restarted}"), "");
    assert!(told.ends_with("Service 3.5 Probe 9.5"), "{told}");
}

#[test]
fn what_came_from_nowhere_or_is_not_in_the_journal_is_not_told() {
    assert_eq!(told(ARRIVAL, ""), "nothing", "a first start");
    assert_eq!(told(LOSS, ""), "nothing", "the journal was cut off");
    assert_eq!(told("1.0 kernel: Linux version 6", ""), "nothing");
}
