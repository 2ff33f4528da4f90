//! A condition is True only where that was seen: what looks well from one place only is not.
#![allow(clippy::unwrap_used, reason = "a condition that is not there fails the test")]

mod situations;

use hapair_model::{
    Both, Reason,
    observed::{AtBoot, FenceEvent},
    plan::{Next, Subject},
    xml::Element,
};
use hapair_planner::plan;
use situations::*;

#[test]
fn a_service_that_answers_nobody_but_its_own_node_is_not_available() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.first.probes.insert(PAGE.into(), 200);
    hosts.second.probes.insert(PAGE.into(), 0);
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "Available");
    assert_eq!((holds, reason), (Some(false), Reason::NotAnswering));
    assert!(
        message.contains("does not answer node2; the group runs on node1, where it answers"),
        "{message}"
    );
}

#[test]
fn a_service_that_no_other_node_could_ask_answers_locally() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.first.probes.insert(PAGE.into(), 200);
    let (holds, reason, message) = of_pair(&desired, &second_silent(&hosts), "Available");
    assert_eq!(
        (holds, reason),
        (Some(true), Reason::AnsweredLocally),
        "{message}"
    );
    hosts.second.probes.clear();
    assert_eq!(
        of_pair(&desired, &seen(&hosts), "Available").1,
        Reason::AnsweredLocally
    );
}

#[test]
fn a_service_whose_writes_are_frozen_is_not_available() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    leg.suspended = Some("fencing".into());
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "Available");
    assert_eq!((holds, reason), (Some(false), Reason::WritesFrozen));
    assert!(
        message.contains("volume logs") && message.contains("suspended:fencing"),
        "{message}"
    );
}

#[test]
fn fencing_that_the_clusters_configuration_switches_off_is_not_ready() {
    let mut desired = tomcat_pair();
    let off = |host: &mut hapair_model::observed::Host| {
        let text = host.cib.as_ref().unwrap().to_string();
        let text = text.replace(
            "name=\"stonith-enabled\" value=\"true\"",
            "name=\"stonith-enabled\" value=\"false\"",
        );
        host.cib = Some(Element::parse(&text).unwrap());
    };
    let observed = changed(&desired, off);
    // The operator would put it back.
    desired.paused = true;
    let (holds, reason, message) = of_pair(&desired, &observed, "FencingReady");
    assert_eq!((holds, reason), (Some(false), Reason::FencingFailed), "{message}");
    assert!(message.contains("stonith-enabled=false"), "{message}");
}

#[test]
fn a_cluster_that_is_told_to_run_nothing_says_so_and_how_to_end_it() {
    let mut desired = tomcat_pair();
    let stop = |host: &mut hapair_model::observed::Host| {
        let option =
            "<nvpair id=\"by-hand\" name=\"stop-all-resources\" value=\"true\"/></cluster_property_set>";
        let text = host.cib.as_ref().unwrap().to_string();
        host.cib = Some(Element::parse(&text.replacen("</cluster_property_set>", option, 1)).unwrap());
        let cluster = host.cluster.as_mut().unwrap();
        cluster.resources.iter_mut().for_each(|each| each.nodes.clear());
    };
    let observed = changed(&desired, stop);
    desired.paused = true;
    for type_ in ["Available", "RedundancyHealthy"] {
        let (holds, reason, message) = of_pair(&desired, &observed, type_);
        assert_eq!(
            (holds, reason),
            (Some(false), Reason::AllStopped),
            "{type_}: {message}"
        );
        assert!(
            message.contains("`pcs property set stop-all-resources=false`"),
            "{message}"
        );
    }
}

#[test]
fn blocks_that_differ_between_two_legs_that_are_up_to_date_are_told() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.resources.get_mut("logs").unwrap().out_of_sync = 24;
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::BlocksDiffer), "{message}");
    assert!(
        message.contains("24 KiB differ between node1, which serves, and node2")
            && message.contains("on node2 `drbdadm disconnect logs && drbdadm connect logs`, then on node1 `drbdadm adjust logs`"),
        "{message}"
    );
}

#[test]
fn a_fence_that_failed_is_told_as_long_as_the_cluster_waits_for_it() {
    let desired = tomcat_pair();
    let event = |status: &str, completed: &str| FenceEvent {
        target: "node2".into(),
        status: status.into(),
        completed: Some(completed.into()),
    };
    let told_with = |unclean: bool, events: &[FenceEvent]| {
        let observed = changed(&desired, |host| {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.fencing = events.to_vec();
            let node = cluster.nodes.get_mut("node2").unwrap();
            (node.online, node.unclean) = (false, unclean);
        });
        of_pair(&desired, &observed, "FencingReady")
    };
    let failed = [
        event("failed", "2026-11-28 10:00:02Z"),
        event("success", "2026-11-28 09:00:00Z"),
    ];
    let (holds, reason, message) = told_with(true, &failed);
    assert_eq!((holds, reason), (Some(false), Reason::FencingFailed));
    assert!(message.starts_with("node2 could not be fenced"), "{message}");
    // It has left in order.
    assert_eq!(told_with(false, &failed).0, Some(true));
    let fenced_since = [failed[0].clone(), event("success", "2026-11-28 10:00:09Z")];
    assert_eq!(told_with(true, &fenced_since).0, Some(true));
}

#[test]
fn an_address_that_both_hosts_have_is_not_assigned() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let floating = hosts
        .first
        .addresses
        .iter()
        .find(|each| each.address.starts_with("192.0.2.100/"));
    let floating = floating.unwrap().clone();
    hosts.second.addresses.push(floating);
    // node2 asks itself then.
    hosts.second.probes.insert(PAGE.into(), 0);
    let report = told(&desired, &seen(&hosts));
    let conditions = &report.floating_ips["web"].conditions;
    let assigned = conditions.iter().find(|each| each.type_ == "Assigned").unwrap();
    assert_eq!(
        (assigned.holds, assigned.reason),
        (Some(false), Reason::AssignedTwice)
    );
    assert!(
        assigned
            .message
            .contains("on node2 `ip address del 192.0.2.100/24 dev eth0`"),
        "{}",
        assigned.message
    );
    assert_eq!(conditions[0].holds, Some(false), "{:?}", conditions[0]);
    let ready = &report.pair.conditions[0];
    assert_eq!(
        (ready.holds, ready.reason),
        (Some(false), Reason::AssignedTwice),
        "the cause is told before what follows from it"
    );
    let available = report
        .pair
        .conditions
        .iter()
        .find(|each| each.type_ == "Available");
    assert_eq!(available.unwrap().reason, Reason::NotAnswering);
}

#[test]
fn what_a_hosts_own_configuration_brings_up_at_boot_is_named_before_there_is_a_cluster_and_afterwards() {
    let desired = tomcat_pair();
    let at_boot = |what: &str, file: &str| AtBoot {
        what: what.into(),
        file: file.into(),
    };
    let address = at_boot("192.0.2.100", "/etc/network/interfaces");
    let mount = at_boot("/var/log/tomcat10", "/etc/fstab");

    let mut hosts = Both::from_fn(|side| bare_host(&desired, side));
    hosts.second.at_boot = vec![address.clone(), mount.clone()];
    let plan = plan(&desired, &seen(&hosts), &fresh());
    assert_eq!(plan.next, Next::Rest);
    let found = |about: &Subject| {
        let mut findings = plan.findings.iter();
        findings.find(|finding| finding.about == *about && finding.reason == Reason::SetAtBoot)
    };
    for (about, file) in [
        (Subject::FloatingIp("web".into()), "/etc/network/interfaces"),
        (Subject::Volume("logs".into()), "/etc/fstab"),
    ] {
        let finding = found(&about).unwrap();
        assert!(
            finding.message.starts_with("node2: ") && finding.message.contains(file),
            "{finding:?}"
        );
    }

    let mut hosts = at_rest(&desired);
    hosts.second.at_boot = vec![address, mount];
    let report = told(&desired, &seen(&hosts));
    let ready = [
        &report.pair.conditions[0],
        &report.floating_ips["web"].conditions[0],
        &report.volumes["logs"].conditions[0],
    ];
    for each in ready {
        assert_eq!(
            (each.holds, each.reason),
            (Some(false), Reason::SetAtBoot),
            "{each:?}"
        );
        assert!(each.message.contains("on node2 remove "), "{each:?}");
    }
}

#[test]
fn a_service_that_runs_on_both_nodes_is_told_with_the_command_that_stops_one() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let unit = hosts.first.units["corosync"].clone();
    hosts.second.units.insert("tomcat10".into(), unit);
    let report = told(&desired, &seen(&hosts));
    let conditions = &report.groups["tomcat"].conditions;
    let running = conditions.iter().find(|each| each.type_ == "Running").unwrap();
    assert_eq!((running.holds, running.reason), (Some(false), Reason::RunsTwice));
    assert!(
        running
            .message
            .contains("on node2 `systemctl disable --now tomcat10`"),
        "{}",
        running.message
    );
}

#[test]
fn two_primaries_that_are_not_connected_are_an_alarm_of_their_own() {
    let desired = tomcat_pair();
    let apart = |connection: &str| {
        changed(&desired, |host| {
            let leg = host.resources.get_mut("logs").unwrap();
            (leg.role, leg.connection) = ("Primary".into(), connection.into());
        })
    };
    let (holds, reason, message) = of_pair(&desired, &apart("Connecting"), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::TwoPrimaries), "{message}");
    assert_eq!(
        of_pair(&desired, &apart("Connecting"), "Stalled").1,
        Reason::TwoPrimaries
    );
    // Seen one after the other, in the middle of a switchover.
    assert_ne!(
        of_pair(&desired, &apart("Connected"), "RedundancyHealthy").1,
        Reason::TwoPrimaries
    );
}

#[test]
fn data_that_has_diverged_is_told_before_drbd_has_noticed() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for (host, generation) in [(&mut hosts.first, 2), (&mut hosts.second, 4_000)] {
        let leg = host.resources.get_mut("logs").unwrap();
        (leg.connection, leg.generation, leg.peer_disk) =
            ("Connecting".into(), generation, "DUnknown".into());
    }
    assert_eq!(
        of_pair(&desired, &seen(&hosts), "RedundancyHealthy").1,
        Reason::SplitBrain
    );
}

#[test]
fn a_group_of_files_alone_is_no_service_and_of_several_groups_the_one_that_does_not_serve_is_named() {
    let mut desired = tomcat_pair();
    let mut files_only = desired.groups[0].clone();
    files_only.name = "files".into();
    (files_only.volumes, files_only.floating_ips, files_only.services) = (vec![], vec![], vec![]);
    (files_only.probe, files_only.files) = (None, vec![]);
    let hosts = at_rest(&desired);
    desired.groups.push(files_only);
    assert_eq!(of_pair(&desired, &seen(&hosts), "Available").0, Some(true));
    let mut other = desired.groups[0].clone();
    other.name = "other".into();
    (other.volumes, other.floating_ips, other.probe) = (vec![], vec![], None);
    other.services[0].name = "other".into();
    desired.groups.push(other);
    // A group that the pair does not have yet takes nothing from it.
    assert_eq!(of_pair(&desired, &seen(&hosts), "Available").0, Some(true));
    let mut hosts = hosts;
    for host in [&mut hosts.first, &mut hosts.second] {
        let resources = resources_in_cib(host);
        resources
            .children
            .push(Element::new("group").with("id", "group-other"));
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "Available");
    assert_eq!((holds, reason), (Some(false), Reason::NotRunning));
    assert!(message.starts_with("group other: "), "{message}");
}

#[test]
fn the_one_node_that_is_left_is_told_how_its_data_is_taken() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.role, leg.connection) = ("Secondary".into(), "Connecting".into());
    (leg.disk, leg.peer_disk) = ("Consistent".into(), "DUnknown".into());
    let cluster = hosts.first.cluster.as_mut().unwrap();
    cluster.nodes.get_mut("node2").unwrap().online = false;
    for resource in &mut cluster.resources {
        resource.nodes.clear();
    }
    let (holds, reason, message) = of_pair(&desired, &second_silent(&hosts), "Available");
    assert_eq!((holds, reason), (Some(false), Reason::StaleData));
    assert!(
        message.contains("type on node1 `drbdadm primary --force logs && drbdadm secondary logs`"),
        "{message}"
    );
    hosts.first.cluster.as_mut().unwrap().quorate = false;
    let before = of_pair(&desired, &second_silent(&hosts), "Available");
    assert!(!before.2.contains("--force"), "{before:?}");
}
