//! RedundancyHealthy is True only where the other node could take over now.
#![allow(clippy::unwrap_used, reason = "a condition that is not there fails the test")]

mod situations;

use hapair_model::{
    Reason,
    desired::{Desired, ServiceKind},
    observed::{Ban, Cluster, Failure, GivenUp, Host, LoadState, PathFacts, PathKind, Task, User},
    reason::remedy_of,
    xml::Element,
};
use hapair_planner::question;
use situations::*;

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
                missing_at: None,
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
            missing_at: None,
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
fn a_volume_that_could_not_be_promoted_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let failed = changed(&desired, |host| {
        host.cluster.as_mut().unwrap().failures.push(Failure {
            resource: "volume-logs".into(),
            task: Task::Promote,
            node: "node2".into(),
            message: "no UpToDate disk".into(),
            passed: None,
            missing_at: None,
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
                missing_at: None,
            });
        })
    };
    let (holds, reason, message) = of_pair(&desired, &failed_on("node2", "start"), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::ResourceFailed));
    assert_eq!(
        remedy_of(&message).0,
        "node2 could not take group tomcat over: service-tomcat-tomcat failed to start there: Permission denied."
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
fn maintenance_and_a_ban_are_told_though_everything_runs() {
    let desired = tomcat_pair();
    let told_of = |change: &dyn Fn(&mut Cluster)| {
        let observed = changed(&desired, |host| change(host.cluster.as_mut().unwrap()));
        let told = of_pair(&desired, &observed, "RedundancyHealthy");
        assert_eq!(of_pair(&desired, &observed, "Ready").0, told.0);
        told
    };
    let ban = |resource: &str, node: &str| Ban {
        id: "cli-ban".into(),
        resource: resource.into(),
        node: node.into(),
    };
    assert_eq!(
        told_of(&|cluster: &mut Cluster| cluster.maintenance = true).1,
        Reason::Maintenance
    );
    let (_, reason, message) =
        told_of(&|cluster: &mut Cluster| cluster.nodes.get_mut("node2").unwrap().maintenance = true);
    assert_eq!(
        (reason, message.starts_with("node2")),
        (Reason::Maintenance, true),
        "{message}"
    );
    let (holds, reason, message) =
        told_of(&|cluster: &mut Cluster| cluster.bans.push(ban("group-tomcat", "node2")));
    assert_eq!((holds, reason), (Some(false), Reason::Banned));
    assert_eq!(
        remedy_of(&message).0,
        "group-tomcat cannot be taken over by node2: the constraint cli-ban forbids it."
    );
    let joins = |cluster: &mut Cluster| {
        let node = cluster.nodes.get_mut("node2").unwrap();
        (node.pending, node.standby) = (true, true);
    };
    let (_, reason, message) = told_of(&joins);
    assert_eq!(
        (reason, message.as_str()),
        (Reason::NodeOffline, "node2 is on its way into the cluster")
    );
    let of_drbd = Ban {
        id: "drbd-fence-by-handler-logs-volume-logs-clone".into(),
        ..ban("volume-logs-clone", "node1")
    };
    let (holds, reason, _) = told_of(&|cluster: &mut Cluster| cluster.bans.push(of_drbd.clone()));
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::StaleData),
        "nobody is to take DRBD's constraint for one of pcs"
    );
    let (holds, ..) = told_of(&|cluster: &mut Cluster| cluster.bans.push(ban("fence-node2-1", "node2")));
    assert_eq!(
        holds,
        Some(true),
        "a fencing device is never on the node it fences"
    );
}

/// A pair at rest in which node2 is changed.
fn with_node2(change: impl FnOnce(&mut Desired, &mut Host)) -> (Option<bool>, Reason, String) {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    change(&mut desired, &mut hosts.second);
    of_pair(&desired, &seen(&hosts), "RedundancyHealthy")
}

#[test]
fn a_leg_that_could_not_be_started_is_told_in_the_clusters_words_and_not_as_a_broken_network() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.resources.clear();
    let leg = hosts.first.resources.get_mut("logs").unwrap();
    (leg.connection, leg.peer_disk) = ("Connecting".into(), "DUnknown".into());
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster.as_mut().unwrap().failures.push(Failure {
            resource: "volume-logs".into(),
            task: Task::Start,
            node: "node2".into(),
            message: "not installed".into(),
            passed: None,
            missing_at: None,
        });
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceFailed),
        "{message}"
    );
    assert!(
        message.starts_with("volume logs: volume-logs failed to start on node2: not installed")
            && message.contains("`pcs resource cleanup volume-logs`"),
        "{message}"
    );
    // On neither: nothing runs, and that is why.
    hosts.first.resources.clear();
    for host in [&mut hosts.first, &mut hosts.second] {
        let cluster = host.cluster.as_mut().unwrap();
        for each in &mut cluster.resources {
            if each.id != "fence-node1-1" && each.id != "fence-node2-1" {
                each.nodes.clear();
            }
        }
    }
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "Available");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceFailed),
        "{message}"
    );
    assert!(
        message.contains("volume-logs failed to start on node2"),
        "{message}"
    );
}

#[test]
fn a_file_that_only_the_serving_node_has_is_no_redundancy() {
    let path = "/usr/lib/ocf/resource.d/hapair/http";
    let (holds, reason, message) = with_node2(|_, host| drop(host.files.remove(path)));
    assert_eq!((holds, reason), (Some(false), Reason::Converging), "{message}");
    let (holds, reason, message) = with_node2(|desired, host| {
        desired.paused = true;
        host.files.remove(path);
    });
    assert_eq!((holds, reason), (Some(false), Reason::PausedByUser), "{message}");
    assert!(
        message.starts_with(&format!("node2 lacks the file {path}")),
        "{message}"
    );
}

#[test]
fn a_user_that_only_the_serving_node_has_is_no_redundancy() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts
        .first
        .users
        .insert("app".into(), User { uid: 998, gid: 998 });
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!((holds, reason), (Some(false), Reason::IdsDiffer), "{message}");
    assert!(
        message.starts_with("node2 has no user app")
            && message.contains("on node2 `useradd --system --uid 998 app`"),
        "{message}"
    );
}

#[test]
fn a_link_in_the_place_of_the_mount_point_on_the_other_node_is_no_redundancy() {
    let (holds, reason, message) = with_node2(|desired, host| {
        let link = PathFacts {
            kind: PathKind::Link,
            user: "root".into(),
            group: "root".into(),
            mode: 0o777,
        };
        host.paths.insert(desired.volumes[0].mount_point.clone(), link);
    });
    assert_eq!((holds, reason), (Some(false), Reason::PathUnusable), "{message}");
    assert!(
        message.starts_with("node2 could not mount /var/log/tomcat10"),
        "{message}"
    );
}

/// Outside of a pause both are put back.
#[test]
fn what_was_disabled_during_a_pause_is_no_redundancy_and_the_way_back_is_told() {
    let stopped = |id: &str| {
        let mut desired = tomcat_pair();
        let mut hosts = at_rest(&desired);
        desired.paused = true;
        for host in [&mut hosts.first, &mut hosts.second] {
            let text = host.cib.as_ref().unwrap().to_string();
            let begin = format!("id=\"{id}\"");
            let (before, rest) = text.split_once(&begin).unwrap();
            let (tag, after) = rest.split_once('>').unwrap();
            let meta = "<meta_attributes id=\"x\"><nvpair id=\"y\" name=\"target-role\" value=\"Stopped\"/></meta_attributes>";
            host.cib = Some(Element::parse(&format!("{before}{begin}{tag}>{meta}{after}")).unwrap());
        }
        (desired, hosts)
    };
    let (desired, hosts) = stopped("group-tomcat");
    let (holds, reason, message) = of_pair(&desired, &seen(&hosts), "RedundancyHealthy");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceDisabled),
        "{message}"
    );
    assert!(
        message.contains("`pcs resource enable group-tomcat`"),
        "{message}"
    );
    let (desired, hosts) = stopped("fence-node1-1");
    for condition in ["RedundancyHealthy", "FencingReady"] {
        let (holds, reason, message) = of_pair(&desired, &seen(&hosts), condition);
        assert_eq!(
            (holds, reason),
            (Some(false), Reason::FencingFailed),
            "{condition}: {message}"
        );
        assert!(
            message.contains("`pcs stonith enable fence-node1-1`"),
            "{message}"
        );
    }
}

#[test]
fn a_masked_unit_on_the_other_node_is_told_with_the_way_back() {
    let (holds, reason, message) =
        with_node2(|_, host| host.units.get_mut("tomcat10").unwrap().load = LoadState::Masked);
    assert_eq!((holds, reason), (Some(false), Reason::UnitNotFound), "{message}");
    assert!(
        message.contains("on node2 `systemctl unmask tomcat10`"),
        "{message}"
    );
}

#[test]
fn what_has_failed_too_often_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let given_up_on = |node: &str| {
        let observed = changed(&desired, |host| {
            host.cluster.as_mut().unwrap().given_up.push(GivenUp {
                resource: "service-tomcat-tomcat".into(),
                node: node.into(),
                times: "3".into(),
            });
        });
        of_pair(&desired, &observed, "RedundancyHealthy")
    };
    let (holds, reason, message) = given_up_on("node2");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceFailed),
        "{message}"
    );
    assert!(
        message.starts_with("node2 could not take group tomcat over: service-tomcat-tomcat has failed there as often as it may (fail-count 3)")
            && message.contains("`pcs resource cleanup service-tomcat-tomcat`"),
        "{message}"
    );
    assert_eq!(given_up_on("node1").0, Some(true));
}

/// A monitor that finds no agent or no program keeps the cluster from the node for good.
#[test]
fn a_monitor_that_found_something_missing_on_the_other_node_is_no_redundancy() {
    let desired = tomcat_pair();
    let observed = changed(&desired, |host| {
        host.cluster.as_mut().unwrap().failures.push(Failure {
            resource: "probe-tomcat".into(),
            task: Task::Monitor,
            node: "node2".into(),
            message: "not installed".into(),
            passed: None,
            missing_at: Some(1),
        });
    });
    let (holds, reason, message) = of_pair(&desired, &observed, "RedundancyHealthy");
    assert_eq!(
        (holds, reason),
        (Some(false), Reason::ResourceFailed),
        "{message}"
    );
    assert!(message.contains("probe-tomcat failed to monitor"), "{message}");
}

#[test]
fn what_somebody_has_mounted_in_a_volumes_place_is_told_with_the_way_out() {
    let mounted = |directory: &'static str, device: &'static str| {
        with_node2(|_, host| drop(host.mount_points.insert(directory.into(), device.into())))
    };
    for (directory, device) in [("/var/log/tomcat10", "/dev/sdc1"), ("/mnt", "/dev/drbd0")] {
        let (holds, reason, message) = mounted(directory, device);
        assert_eq!(
            (holds, reason),
            (Some(false), Reason::MountedOutside),
            "{message}"
        );
        assert!(
            message.starts_with(&format!("node2 has {device} mounted on {directory}"))
                && message.contains(&format!("on node2 `umount {directory}`")),
            "{message}"
        );
    }
    assert_eq!(mounted("/var/log/tomcat10", "/dev/drbd0").0, Some(true));
    assert_eq!(mounted("/srv", "/dev/sdc1").0, Some(true));
}
