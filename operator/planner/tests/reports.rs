//! What people are told in each situation.
#![allow(clippy::unwrap_used, reason = "a condition that is not there fails the test")]

mod situations;

use hapair_model::{
    Both, Reason,
    desired::{Desired, Service, ServiceKind},
    observed::{Failure, HostView, Probe},
    plan::{Finding, Subject},
    report::Condition,
};
use hapair_planner::{plan, report, second_question};
use situations::*;

fn condition<'a>(conditions: &'a [Condition], type_: &str) -> &'a Condition {
    conditions
        .iter()
        .find(|condition| condition.type_ == type_)
        .unwrap()
}

#[test]
fn a_serving_pair_at_rest_is_ready_and_available() {
    let desired = tomcat_pair();
    insta::assert_debug_snapshot!(told(&desired, &seen(&at_rest(&desired))));
}

#[test]
fn bare_hosts_are_converging_and_claim_nothing() {
    let desired = tomcat_pair();
    let report = told(&desired, &seen(&two_bare_hosts(&desired)));
    assert_eq!(
        condition(&report.pair.conditions, "Ready").reason,
        Reason::Converging
    );
    assert_eq!(
        condition(&report.pair.conditions, "Reconciling").holds,
        Some(true)
    );
    assert_ne!(condition(&report.pair.conditions, "Available").holds, Some(true));
    assert_eq!(report.pair.active, None);
}

#[test]
fn a_silent_host_takes_ready_away_and_not_available() {
    let desired = tomcat_pair();
    let report = told(&desired, &second_silent(&at_rest(&desired)));
    assert_eq!(
        condition(&report.pair.conditions, "Ready").reason,
        Reason::HostUnreachable
    );
    assert_eq!(condition(&report.pair.conditions, "Available").holds, Some(true));
    assert_eq!(condition(&report.pair.conditions, "Stalled").holds, Some(false));
    assert_eq!(report.pair.active.as_deref(), Some("node1"));
}

#[test]
fn two_silent_hosts_make_everything_unknown() {
    let desired = tomcat_pair();
    let silent = || HostView::Silent(hapair_model::observed::Silence::Unreachable("no route".into()));
    let report = told(&desired, &Both::new(silent(), silent()));
    for type_ in ["Quorate", "FencingReady", "RedundancyHealthy", "Available"] {
        assert_eq!(condition(&report.pair.conditions, type_).holds, None, "{type_}");
    }
}

#[test]
fn a_stale_leg_is_named_with_its_node() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "Outdated".into());
    let leg = hosts.second.resources.get_mut("logs").unwrap();
    (leg.connection, leg.disk, leg.peer_disk) = ("Connecting".into(), "Outdated".into(), "DUnknown".into());
    let told_of = |hosts: &Hosts| {
        let report = told(&desired, &seen(hosts));
        let redundancy = condition(&report.pair.conditions, "RedundancyHealthy");
        (redundancy.holds, redundancy.reason, redundancy.message.clone())
    };
    let newest_is_there = (
        Some(false),
        Reason::Disconnected,
        "volume logs: node2 is not connected; its data is Outdated".to_owned(),
    );
    assert_eq!(told_of(&hosts), newest_is_there);
    // What loses packets in one direction is noticed on one side first.
    hosts.second.resources.get_mut("logs").unwrap().connection = "Connected".into();
    assert_eq!(told_of(&hosts), newest_is_there);
    hosts.first.resources.clear();
    let newest_is_away = (
        Some(false),
        Reason::StaleData,
        "volume logs: the data on node2 is Outdated".to_owned(),
    );
    assert_eq!(told_of(&hosts), newest_is_away);
}

#[test]
fn a_secondary_that_lost_its_primary_is_not_called_up_to_date() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "Outdated".into());
    let leg = hosts.second.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "DUnknown".into());
    assert_eq!(
        told(&desired, &seen(&hosts)).pair.data.as_deref(),
        Some("UpToDate/Outdated")
    );
}

#[test]
fn split_brain_is_reported_and_stalls() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for (host, generation) in [(&mut hosts.first, 2), (&mut hosts.second, 4_000)] {
        let leg = host.resources.get_mut("logs").unwrap();
        (leg.connection, leg.generation, leg.peer_disk) =
            ("StandAlone".into(), generation, "DUnknown".into());
    }
    let report = told(&desired, &seen(&hosts));
    assert_eq!(
        condition(&report.volumes["logs"].conditions, "SplitBrain").holds,
        Some(true)
    );
    assert_eq!(
        condition(&report.pair.conditions, "Stalled").reason,
        Reason::SplitBrain
    );
}

#[test]
fn an_older_leg_that_is_being_brought_up_is_no_split_brain() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let newest = hosts.second.resources.get_mut("logs").unwrap();
    newest.ancestors = vec![newest.generation];
    (newest.connection, newest.generation, newest.peer_disk) =
        ("StandAlone".into(), 0x4000, "DUnknown".into());
    hosts.first.resources.get_mut("logs").unwrap().connection = "Connecting".into();
    let split = |hosts: &Hosts| {
        condition(
            &told(&desired, &seen(hosts)).volumes["logs"].conditions,
            "SplitBrain",
        )
        .holds
    };
    assert_eq!(split(&hosts), Some(false));
    // Its disk is not attached yet, and drbdsetup knows no generation.
    let newest = hosts.second.resources.get_mut("logs").unwrap();
    (newest.generation, newest.ancestors) = (0, Vec::new());
    assert_eq!(split(&hosts), None);
    hosts.second.resources.get_mut("logs").unwrap().connection = "Connecting".into();
    assert_eq!(split(&hosts), None);
    hosts.second.resources.get_mut("logs").unwrap().connection = "Connected".into();
    assert_eq!(split(&hosts), Some(false));
}

#[test]
fn of_a_leg_that_is_not_seen_nothing_is_claimed() {
    let desired = tomcat_pair();
    let told_of = |role: &str, connection: &str| {
        let mut hosts = at_rest(&desired);
        let leg = hosts.first.resources.get_mut("logs").unwrap();
        (leg.role, leg.connection, leg.peer_disk) = (role.into(), connection.into(), "DUnknown".into());
        let report = told(&desired, &second_silent(&hosts));
        let conditions = &report.volumes["logs"].conditions;
        (
            condition(conditions, "SplitBrain").holds,
            condition(conditions, "UpToDate").message.clone(),
        )
    };
    assert_eq!(told_of("Secondary", "Connected").0, Some(false));
    let away = "volume logs: node2 is not connected";
    assert_eq!(
        told_of("Primary", "Connecting"),
        (None, format!("{away}; its data is older than its peer's"))
    );
    assert_eq!(told_of("Secondary", "Connecting"), (None, away.into()));
    let (split, alone) = told_of("Primary", "StandAlone");
    assert_eq!((split, alone.starts_with(away)), (None, true), "{alone}");
}

#[test]
fn a_service_that_does_not_answer_is_not_available() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.first.probes.insert(PAGE.into(), 0);
    hosts.second.probes.insert(PAGE.into(), 503);
    let report = told(&desired, &seen(&hosts));
    assert_eq!(
        condition(&report.pair.conditions, "Available").reason,
        Reason::NotAnswering
    );
}

#[test]
fn an_address_that_is_not_carried_out_is_not_assigned_and_the_service_is_asked_at_the_old_one() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.floating_ips[0].address = "203.0.113.100".parse().unwrap();
    desired.floating_ips[0].interfaces = hapair_model::Both::default();
    let observed = seen(&hosts);
    let asked =
        second_question(&desired, &observed).expect("the cluster has another address than is declared");
    assert_eq!(asked.first.probes, [probe()]);
    let report = told(&desired, &observed);
    let assigned = condition(&report.floating_ips["web"].conditions, "Assigned");
    assert_eq!(
        (assigned.holds, report.floating_ips["web"].node.as_deref()),
        (Some(false), None)
    );
    assert_eq!(
        assigned.message,
        "203.0.113.100 is on no node; the cluster still has 192.0.2.100, on node1"
    );
    let available = condition(&report.pair.conditions, "Available");
    assert_eq!(
        (available.holds, available.message.as_str()),
        (
            Some(true),
            "http://192.0.2.100:8080/ answers with HTTP status 200 from node1"
        )
    );
    assert_eq!(
        condition(&report.pair.conditions, "Stalled").reason,
        Reason::NetworkNotFound
    );
}

#[test]
fn a_new_address_that_cannot_be_configured_leaves_the_old_one_asked() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.floating_ips[0].name = "other".into();
    desired.floating_ips[0].address = "203.0.113.100".parse().unwrap();
    desired.groups[0].floating_ips = vec!["other".into()];
    let observed = seen(&hosts);
    let asked = second_question(&desired, &observed).expect("the cluster's group has another address");
    assert_eq!(asked.first.probes, [probe()]);
    let report = told(&desired, &observed);
    assert_eq!(condition(&report.pair.conditions, "Available").holds, Some(true));
    assert_eq!(report.pair.active.as_deref(), Some("node1"));
}

/// A tool that waits for every object would wait for ever.
#[test]
fn what_is_not_well_while_another_object_needs_a_person_is_stalled_too() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.floating_ips[0].address = "203.0.113.100".parse().unwrap();
    desired.floating_ips[0].interfaces = hapair_model::Both::default();
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "Outdated".into());
    hosts.second.resources.remove("logs");
    let report = told(&desired, &seen(&hosts));
    let stalled = condition(&report.volumes["logs"].conditions, "Stalled");
    assert_eq!(
        (stalled.holds, stalled.reason),
        (Some(true), Reason::NetworkNotFound)
    );
    assert!(
        stalled.message.starts_with(
            "FloatingIP web holds everything up: node1: 203.0.113.100 lies in the network of no interface"
        ),
        "{}",
        stalled.message
    );
    assert_eq!(
        condition(&report.groups["tomcat"].conditions, "Stalled").holds,
        Some(false)
    );
}

#[test]
fn what_serves_as_declared_is_asked_once() {
    let desired = tomcat_pair();
    assert_eq!(second_question(&desired, &seen(&at_rest(&desired))), None);
}

#[test]
fn a_member_that_cannot_be_configured_interrupts_nothing() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let unit = ServiceKind::Systemd("no-such-unit".into());
    desired.groups[0].services.push(Service {
        name: "extra".into(),
        kind: unit,
        start_timeout: None,
        stop_timeout: None,
    });
    let report = told(&desired, &seen(&hosts));
    assert_eq!(condition(&report.pair.conditions, "Available").holds, Some(true));
    assert_eq!(
        condition(&report.groups["tomcat"].conditions, "Running").reason,
        Reason::NotRunning
    );
    assert_eq!(
        condition(&report.groups["tomcat"].conditions, "Stalled").reason,
        Reason::UnitNotFound
    );
}

#[test]
fn a_failed_step_shows_in_ready_until_it_is_mended() {
    let desired = tomcat_pair();
    let observed = seen(&with_packages(&desired));
    let failure = Finding::new(
        hapair_model::plan::Subject::Pair,
        Reason::StepFailed,
        "node1: no".into(),
    );
    let report = report(
        &desired,
        &observed,
        &plan(&desired, &observed, &fresh()),
        Some(&failure),
    );
    assert_eq!(condition(&report.pair.conditions, "Ready").message, "node1: no");
}

#[test]
fn a_step_that_keeps_failing_is_stalled_and_one_that_failed_is_not() {
    let desired = tomcat_pair();
    let observed = seen(&at_rest(&desired));
    let stalled = |reason| {
        let failure = Finding::new(Subject::Pair, reason, "node1: no space left".into());
        let plan = plan(&desired, &observed, &fresh());
        let report = report(&desired, &observed, &plan, Some(&failure));
        condition(&report.pair.conditions, "Stalled").holds
    };
    assert_eq!(stalled(Reason::StepFailed), Some(false));
    assert_eq!(stalled(Reason::StepKeepsFailing), Some(true));
}

#[test]
fn a_leg_that_goes_down_with_standby_is_no_failure() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster
            .as_mut()
            .unwrap()
            .nodes
            .get_mut("node1")
            .unwrap()
            .standby = true;
        // One leg was looked at before the other went down: both call their data UpToDate.
        let leg = host.resources.get_mut("logs").unwrap();
        (leg.role, leg.connection) = ("Secondary".into(), "Connecting".into());
    }
    let report = told(&desired, &seen(&hosts));
    assert_eq!(
        condition(&report.pair.conditions, "RedundancyHealthy").reason,
        Reason::NodeStandby
    );
}

#[test]
fn an_old_failure_on_a_node_in_standby_is_not_why_the_service_is_on_its_way() {
    let desired = tomcat_pair();
    let told_with = |standby: bool, task: &str| {
        let mut hosts = at_rest(&desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.nodes.get_mut("node1").unwrap().standby = standby;
            cluster
                .resources
                .retain(|resource| resource.id != "service-tomcat-tomcat");
            let (resource, task, node) = ("service-tomcat-tomcat".into(), task.into(), "node1".into());
            cluster.failures.push(Failure {
                resource,
                task,
                node,
                message: "executor connection was dropped".into(),
                passed: None,
                missing_at: None,
            });
        }
        condition(&told(&desired, &seen(&hosts)).pair.conditions, "Available").reason
    };
    assert_eq!(told_with(true, "monitor"), Reason::NotRunning);
    assert_eq!(
        told_with(true, "stop"),
        Reason::ResourceFailed,
        "node2 waits for it"
    );
    assert_eq!(told_with(false, "monitor"), Reason::ResourceFailed);
}

#[test]
fn a_pair_that_was_paused_before_it_was_made_is_not_ready() {
    let desired = Desired {
        paused: true,
        ..tomcat_pair()
    };
    let report = told(&desired, &seen(&two_bare_hosts(&desired)));
    assert_eq!(condition(&report.pair.conditions, "Ready").holds, Some(false));
}

#[test]
fn a_node_in_standby_is_told_and_does_not_make_the_pair_less_ready() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster
            .as_mut()
            .unwrap()
            .nodes
            .get_mut("node2")
            .unwrap()
            .standby = true;
    }
    hosts.second.resources.clear();
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "DUnknown".into());
    let report = told(&desired, &seen(&hosts));
    for conditions in [&report.pair.conditions, &report.volumes["logs"].conditions] {
        assert_eq!(
            condition(conditions, "Ready").holds,
            Some(true),
            "{conditions:#?}"
        );
        assert_eq!(condition(conditions, "Reconciling").holds, Some(false));
    }
    let redundancy = condition(&report.pair.conditions, "RedundancyHealthy");
    assert_eq!(
        (redundancy.holds, redundancy.reason),
        (Some(false), Reason::NodeStandby)
    );
    assert_eq!(
        condition(&report.volumes["logs"].conditions, "UpToDate").reason,
        Reason::NodeStandby
    );
}

fn probe() -> Probe {
    Probe {
        group: "tomcat".into(),
        url: PAGE.into(),
        timeout: 3,
    }
}
