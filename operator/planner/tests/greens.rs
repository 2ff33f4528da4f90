//! A condition is True only where that was seen: what looks well from one place only is not.
#![allow(clippy::unwrap_used, reason = "a condition that is not there fails the test")]

mod situations;

use hapair_model::{
    Both, Reason,
    desired::{Desired, ServiceKind},
    observed::{AtBoot, Failure, FenceEvent, HostView, LoadState, PathFacts, PathKind, Task, User},
    plan::{Next, Step, Subject},
    report::{Condition, Report},
    xml::Element,
};
use hapair_planner::{plan, question, report};
use situations::*;

fn told(desired: &Desired, observed: &Both<HostView>) -> Report {
    report(desired, observed, &plan(desired, observed, &fresh()), None)
}

/// A condition of the pair: whether it holds, why, and what is said.
fn of_pair(desired: &Desired, observed: &Both<HostView>, type_: &str) -> (Option<bool>, Reason, String) {
    let report = told(desired, observed);
    let is_asked_for = |condition: &&Condition| condition.type_ == type_;
    let found = report.pair.conditions.iter().find(is_asked_for).unwrap().clone();
    (found.holds, found.reason, found.message)
}

/// The pair at rest, with something changed on both hosts.
fn changed(desired: &Desired, change: impl Fn(&mut hapair_model::observed::Host)) -> Both<HostView> {
    let mut hosts = at_rest(desired);
    change(&mut hosts.first);
    change(&mut hosts.second);
    seen(&hosts)
}

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
fn an_agent_that_is_gone_on_the_other_node_leaves_no_redundancy() {
    let mut desired = tomcat_pair();
    desired.groups[0].services[0].kind = ServiceKind::Ocf {
        agent: "heartbeat:tomcat".into(),
        parameters: vec![],
    };
    let path = "/usr/lib/ocf/resource.d/heartbeat/tomcat";
    // It is asked at every look.
    assert!(question(&desired).all(|question| question.paths.iter().any(|asked| asked == path)));
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        let agent = PathFacts {
            kind: PathKind::File,
            user: "root".into(),
            group: "root".into(),
            mode: 0o755,
        };
        host.paths.insert(path.into(), agent);
    }
    assert_eq!(
        of_pair(&desired, &seen(&hosts), "RedundancyHealthy").0,
        Some(true)
    );
    hosts.second.paths.clear();
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::UnitNotFound), "{message}");
    assert_eq!(
        message,
        format!("node2 could not start ocf:heartbeat:tomcat: there is no {path}")
    );
}

/// Nothing is taken over from a node before it was fenced.
#[test]
fn a_node_that_serves_and_could_not_be_fenced_leaves_no_redundancy() {
    let desired = tomcat_pair();
    let failed = |node: &str| {
        changed(&desired, |host| {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.failures.push(Failure {
                resource: format!("fence-{node}-1"),
                task: Task::Monitor,
                node: "node2".into(),
                message: "Connection refused".into(),
                passed: None,
            });
        })
    };
    let (holds, reason, message) = of_pair(&desired, &failed("node1"), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::FencingFailed), "{message}");
    assert!(
        message.starts_with("node1 could not be fenced, and until it is"),
        "{message}"
    );
    assert!(
        message.contains("fence-node1-1 failed to monitor on node2: Connection refused"),
        "{message}"
    );
    // The one that does not serve: what serves would stay where it is.
    let (holds, _, message) = of_pair(&desired, &failed("node2"), "RedundancyHealthy");
    assert_eq!(holds, Some(true), "{message}");
    assert_eq!(of_pair(&desired, &failed("node2"), "FencingReady").0, Some(false));
}

/// While a member of the group is started anew, no node serves.
#[test]
fn that_nothing_serves_does_not_make_the_other_node_able_to() {
    let desired = tomcat_pair();
    let stopped = |host: &mut hapair_model::observed::Host| {
        let cluster = host.cluster.as_mut().unwrap();
        let probe = cluster
            .resources
            .iter_mut()
            .find(|each| each.id == "probe-tomcat")
            .unwrap();
        probe.nodes.clear();
    };
    let without_fence = changed(&desired, |host| {
        stopped(host);
        host.cluster.as_mut().unwrap().failures.push(Failure {
            resource: "fence-node1-1".into(),
            task: Task::Monitor,
            node: "node2".into(),
            message: "Connection refused".into(),
            passed: None,
        });
    });
    assert_eq!(
        of_pair(&desired, &without_fence, "RedundancyHealthy").1,
        Reason::FencingFailed
    );
    let mut hosts = at_rest(&desired);
    stopped(&mut hosts.first);
    let (holds, reason, message) = of_pair(&desired, &second_silent(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (None, Reason::NotObserved), "{message}");
}

#[test]
fn of_a_node_that_does_not_answer_nobody_knows_whether_it_could_take_over() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let (holds, reason, message) = of_pair(&desired, &second_silent(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (None, Reason::NotObserved), "{message}");
    assert!(message.contains("node2 does not answer"), "{message}");
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
fn a_fence_that_failed_is_told_as_long_as_the_node_is_away() {
    let desired = tomcat_pair();
    let event = |status: &str, completed: &str| FenceEvent {
        target: "node2".into(),
        status: status.into(),
        completed: Some(completed.into()),
    };
    let told_with = |online: bool, events: &[FenceEvent]| {
        let observed = changed(&desired, |host| {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.fencing = events.to_vec();
            cluster.nodes.get_mut("node2").unwrap().online = online;
        });
        of_pair(&desired, &observed, "FencingReady")
    };
    let failed = [
        event("failed", "2026-11-28 10:00:02Z"),
        event("success", "2026-11-28 09:00:00Z"),
    ];
    let (holds, reason, message) = told_with(false, &failed);
    assert_eq!((holds, reason), (Some(false), Reason::FencingFailed));
    assert!(message.starts_with("node2 could not be fenced"), "{message}");
    assert_eq!(told_with(true, &failed).0, Some(true));
    let fenced_since = [failed[0].clone(), event("success", "2026-11-28 10:00:09Z")];
    assert_eq!(told_with(false, &fenced_since).0, Some(true));
}

#[test]
fn a_resource_that_is_not_managed_is_no_redundancy() {
    let desired = tomcat_pair();
    let observed = changed(&desired, |host| {
        let resources = &mut host.cluster.as_mut().unwrap().resources;
        resources
            .iter_mut()
            .find(|each| each.id == "ip-web")
            .unwrap()
            .unmanaged = true;
    });
    let (holds, reason, message) = of_pair(&desired, &observed, "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::Maintenance));
    assert!(message.starts_with("ip-web is not managed"), "{message}");
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
        "the pair is not Ready either"
    );
}

#[test]
fn a_volume_that_could_not_be_promoted_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let failed = changed(&desired, |host| {
        host.cluster.as_mut().unwrap().failures.push(Failure {
            resource: "volume-logs".into(),
            task: Task::Promote,
            node: "node2".into(),
            message: "no UpToDate disk".into(),
            passed: None,
        });
    });
    let (holds, reason, message) = of_pair(&desired, &failed, "RedundancyHealthy");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceFailed),
        "{message}"
    );
    assert!(
        message.contains("node2") && message.contains("volume-logs"),
        "{message}"
    );
}

#[test]
fn a_node_without_a_package_or_a_unit_that_the_service_needs_is_no_redundancy() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.packages.remove("tomcat10");
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::Converging), "{message}");
    assert!(message.contains("node2 lacks tomcat10"), "{message}");

    // A group that the cluster does not have yet: both hosts lack what it needs.
    let mut more = desired.clone();
    let mut group = more.groups[0].clone();
    group.name = "shop".into();
    group.services[0].kind = ServiceKind::Systemd("shop".into());
    more.groups.push(group);
    let both = at_rest(&desired);
    assert_eq!(
        of_pair(&more, &seen(&both), "RedundancyHealthy").1,
        Reason::Healthy
    );

    // The node that serves lacks something: the other can take over.
    let mut serving = at_rest(&desired);
    serving.first.packages.remove("pcs");
    assert_eq!(
        of_pair(&desired, &seen(&serving), "RedundancyHealthy").1,
        Reason::Healthy
    );

    let mut unmanaged = desired.clone();
    unmanaged.install_packages = false;
    let (holds, reason, _) = of_pair(&unmanaged, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::PackagesMissing));

    let mut hosts = at_rest(&desired);
    let mut unit = hosts.second.units["corosync"].clone();
    unit.load = LoadState::NotFound;
    hosts.second.units.insert("tomcat10".into(), unit);
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::UnitNotFound), "{message}");
    assert!(
        message.contains("node2 could not start tomcat10.service"),
        "{message}"
    );
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
fn what_could_not_be_started_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let failed_on = |node: &str, task: &str| {
        changed(&desired, |host| {
            host.cluster.as_mut().unwrap().failures.push(Failure {
                resource: "service-tomcat-tomcat".into(),
                task: task.into(),
                node: node.into(),
                message: "Permission denied".into(),
                passed: None,
            });
        })
    };
    let (holds, reason, message) = of_pair(&desired, &failed_on("node2", "start"), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::ResourceFailed));
    assert_eq!(
        message,
        "node2 could not take group tomcat over: service-tomcat-tomcat failed to start there: Permission denied"
    );
    assert_eq!(
        of_pair(&desired, &failed_on("node2", "start"), "Ready").0,
        Some(false)
    );
    // It runs where it runs.
    assert_eq!(
        of_pair(&desired, &failed_on("node1", "start"), "RedundancyHealthy").0,
        Some(true)
    );
    assert_eq!(
        of_pair(&desired, &failed_on("node2", "monitor"), "RedundancyHealthy").0,
        Some(true)
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
        let resources = host
            .cib
            .as_mut()
            .unwrap()
            .first_mut("configuration")
            .first_mut("resources");
        resources
            .children
            .push(Element::new("group").with("id", "group-other"));
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "Available");
    assert_eq!((holds, reason), (Some(false), Reason::NotRunning));
    assert!(message.starts_with("group other: "), "{message}");
}

#[test]
fn owners_with_other_numbers_on_the_other_node_are_no_redundancy() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let (user, group) = desired.volumes[0].owner.split_once(':').unwrap();
    for (host, id) in [(&mut hosts.first, 998), (&mut hosts.second, 997)] {
        host.users.insert(user.into(), User { uid: id, gid: 4 });
        host.groups.insert(group.into(), 4);
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::IdsDiffer));
    assert!(
        message.starts_with("spec.filesystem.owner: user tomcat is 998 on node1 and 997 on node2"),
        "{message}"
    );
    // A pair that lives is not held up for it, and one that does not yet is.
    assert!(reasons(&plan_of(&desired, &hosts)).is_empty());
    let mut hosts = with_packages(&desired);
    for (host, id) in [(&mut hosts.first, 998), (&mut hosts.second, 997)] {
        host.users.insert(user.into(), User { uid: id, gid: 4 });
    }
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::IdsDiffer]);
}

/// What a service writes belongs to the user as whom it runs, whoever owns the directory.
#[test]
fn a_services_user_with_other_numbers_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let with_user = |hosts: &mut Hosts, gids: [u32; 2]| {
        for (host, gid) in [&mut hosts.first, &mut hosts.second].into_iter().zip(gids) {
            host.units.get_mut("tomcat10").unwrap().user = Some("app".into());
            host.users.insert("app".into(), User { uid: 998, gid });
        }
    };
    let mut hosts = at_rest(&desired);
    with_user(&mut hosts, [998, 997]);
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::IdsDiffer), "{message}");
    assert!(
        message.starts_with(
            "spec.services[name=tomcat]: the group of user app is 998 on node1 and 997 on node2"
        ),
        "{message}"
    );
    assert!(reasons(&plan_of(&desired, &hosts)).is_empty());
    let mut hosts = with_packages(&desired);
    with_user(&mut hosts, [998, 997]);
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::IdsDiffer]);
    with_user(&mut hosts, [998, 998]);
    assert!(reasons(&plan_of(&desired, &hosts)).is_empty());
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

/// At the end of a maintenance mode pacemaker would stop and start what has run well since.
#[test]
fn a_monitors_failure_that_has_passed_is_forgotten() {
    let desired = tomcat_pair();
    let with = |passed: Option<u32>, maintenance: bool| {
        let mut hosts = at_rest(&desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.maintenance = maintenance;
            cluster.failures.push(Failure {
                resource: "ip-web".into(),
                task: Task::Monitor,
                node: "node1".into(),
                message: "Resource agent did not complete within 20s".into(),
                passed,
            });
        }
        plan_of(&desired, &hosts).next
    };
    let Next::Run(stage) = with(Some(10_000), false) else {
        panic!("nothing is done");
    };
    assert_eq!(stage.name, "forget a failure that has passed");
    let steps: Vec<_> = stage.steps.iter().flat_map(|(_, steps)| steps).collect();
    let [
        Step::ForgetFailure {
            resource,
            node,
            interval_ms,
        },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}");
    };
    assert_eq!(
        (resource.as_str(), node.as_str(), *interval_ms),
        ("ip-web", "node1", 10_000)
    );
    assert_eq!(with(None, false), Next::Rest, "pacemaker acts upon it");
    assert!(
        !matches!(with(Some(10_000), true), Next::Run(_)),
        "nothing is done in a maintenance mode"
    );
}
