//! What leaves the hosts, in which order, and what does not.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Side,
    desired::{Desired, Leaving},
    observed::{DrbdConfig, Record, Resource, Role, Unit},
    plan::{Next, Step},
    xml::Element,
};
use hapair_planner::gone;
use situations::*;

#[test]
fn what_leaves_is_stopped_before_it_goes_and_a_group_before_its_volume() {
    const STOPPED: &str = "name=\"target-role\" value=\"Stopped\"";
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.volumes.clear();
    desired.leaving = Leaving {
        volumes: vec!["logs".into()],
        groups: vec!["tomcat".into()],
        ..Leaving::default()
    };
    let cib = pushed(&desired, &hosts);
    assert!(
        cib.contains("group-tomcat-meta_attributes-target-role") && cib.matches(STOPPED).count() == 1,
        "{cib}"
    );
    carry_out_next(&desired, &mut hosts);
    assert!(
        matches!(plan_of(&desired, &hosts).next, Next::Wait(_)),
        "the group is stopping"
    );
    stop_group(&mut hosts);
    let cib = pushed(&desired, &hosts);
    assert!(
        !cib.contains("group-tomcat") && cib.contains("volume-logs-clone"),
        "{cib}"
    );
    carry_out_next(&desired, &mut hosts);
    let cib = pushed(&desired, &hosts);
    assert!(
        cib.contains("volume-logs-clone-meta_attributes-target-role"),
        "{cib}"
    );
    carry_out_next(&desired, &mut hosts);
    assert!(
        matches!(plan_of(&desired, &hosts).next, Next::Wait(_)),
        "the volume is stopping"
    );
    stop_in_cluster(&mut hosts, "volume-logs");
    assert!(!pushed(&desired, &hosts).contains("volume-logs"));
    carry_out_next(&desired, &mut hosts);
    assert!(
        matches!(plan_of(&desired, &hosts).next, Next::Wait(_)),
        "the resource is still Primary"
    );
    hosts.first.resources.get_mut("logs").unwrap().role = "Secondary".into();
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert!(
            matches!(stage_of(&plan).steps[side].as_slice(), [Step::TakeDown { .. }]),
            "{plan:?}"
        );
    }
}

#[test]
fn the_files_of_a_group_that_leaves_are_given_back_before_it_is_gone() {
    let mut desired = tomcat_pair();
    let path = desired.groups[0].files[0].path.clone();
    let written = |desired: &Desired| {
        let mut hosts = at_rest(desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            host.service_files.insert(path.clone());
        }
        hosts
    };
    desired.leaving = Leaving {
        groups: vec!["old".into()],
        files: [path.clone()].into(),
        ..Leaving::default()
    };
    // Another group has it now.
    assert_eq!(gone(&desired, &seen(&written(&desired))).groups, ["old"]);

    desired.groups.clear();
    let mut hosts = written(&desired);
    assert_eq!(gone(&desired, &seen(&hosts)).groups, [""; 0]);
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert_eq!(
            stage_of(&plan).steps[side],
            [Step::GiveBack {
                paths: vec![path.clone()]
            }]
        );
    }
    carry_out_next(&desired, &mut hosts);
    assert_eq!(gone(&desired, &seen(&hosts)).groups, ["old"]);
}

#[test]
fn a_group_deleted_with_retain_keeps_its_address_and_the_pair_goes_on() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    carry_out_next(&desired, &mut hosts);
    assert_eq!(
        plan_of(&desired, &hosts).next,
        Next::Rest,
        "the address within the group that stays is not declared a second time"
    );
}

#[test]
fn a_host_that_is_not_ours_any_more_is_not_torn_down() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.owner = None;
    let ours = Record {
        owner: desired.owner.to_string(),
        epoch: 1,
        name: None,
    };
    hosts.first.owner = Some(ours);
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    assert!(matches!(
        stage_of(&plan).steps.first.as_slice(),
        [Step::LeaveCluster]
    ));
    assert!(stage_of(&plan).steps.second.is_empty());
}

#[test]
fn a_group_under_a_new_name_waits_until_the_old_one_is_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.leaving.groups = vec!["tomcat".into()];
    desired.groups[0].name = "renamed".into();
    let cib = pushed(&desired, &hosts);
    assert_eq!(cib.matches("id=\"filesystem-logs\"").count(), 1, "{cib}");
    assert!(
        cib.contains("target-role") && !cib.contains("group-renamed"),
        "{cib}"
    );
    carry_out_next(&desired, &mut hosts);
    stop_group(&mut hosts);
    let cib = pushed(&desired, &hosts);
    assert!(
        !cib.contains("group-tomcat") && cib.contains("group-renamed"),
        "{cib}"
    );
}

#[test]
fn an_address_that_moves_into_a_group_is_never_there_twice() {
    let mut desired = tomcat_pair();
    let names = std::mem::take(&mut desired.groups[0].floating_ips);
    desired.groups[0].probe = None;
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster
            .as_mut()
            .unwrap()
            .resources
            .retain(|each| each.id != "probe-tomcat");
    }
    desired.groups[0].floating_ips = names;
    let cib = pushed(&desired, &hosts);
    assert_eq!(cib.matches("<primitive id=\"ip-web\"").count(), 1, "{cib}");
}

#[test]
fn a_resource_of_someone_else_is_not_taken_down_with_a_volume_of_its_name() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.drbd_config.insert("logs".into(), DrbdConfig::default());
        host.resources.insert(
            "logs".into(),
            Resource {
                role: "Primary".into(),
                ..Default::default()
            },
        );
    }
    desired.groups.clear();
    desired.volumes.clear();
    desired.leaving.volumes = vec!["logs".into()];
    assert!(!format!("{:?}", plan_of(&desired, &hosts)).contains("TakeDown"));
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)).volumes, ["logs"]);
}

#[test]
fn what_the_cluster_still_stops_is_not_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    for host in [&mut hosts.first, &mut hosts.second] {
        // An administrator took it out of the configuration while it ran.
        host.cib = Some(Element::parse("<cib><configuration><resources/></configuration></cib>").unwrap());
        let resources = &mut host.cluster.as_mut().unwrap().resources;
        resources
            .iter_mut()
            .find(|each| each.id == "service-tomcat-tomcat")
            .unwrap()
            .orphaned = true;
    }
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)), Leaving::default());
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)).groups, ["tomcat"]);
}

#[test]
fn what_was_not_observed_is_not_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    for host in [&mut hosts.first, &mut hosts.second] {
        (host.cib, host.cluster) = (None, None);
    }
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)), Leaving::default());
}

#[test]
fn a_configuration_that_an_interrupted_teardown_left_behind_is_put_aside_too() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
            name: None,
        });
        for unit in ["pacemaker", "corosync"] {
            host.units.insert(unit.into(), Unit::default());
        }
        host.cluster = None;
    }
    hosts.second.cib_on_disk = None;
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    let steps = &stage_of(&plan).steps;
    assert_eq!(
        (steps.first.as_slice(), steps.second.as_slice()),
        ([Step::LeaveCluster].as_slice(), [].as_slice())
    );
}

#[test]
fn a_volume_that_is_still_in_use_is_waited_for_before_a_host_is_forgotten() {
    let desired = tomcat_pair();
    let mut hosts = prepared(&desired).map(|mut host| {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
            name: None,
        });
        for unit in ["pacemaker", "corosync"] {
            host.units.insert(unit.into(), Unit::default());
        }
        host
    });
    hosts.first.drbd_config.entry("logs".into()).or_default().ours = true;
    hosts.first.resources.get_mut("logs").unwrap().role = Role::Primary;
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    assert_eq!(plan.next, Next::Wait("a volume is still in use on node1".into()));
    hosts.first.resources.get_mut("logs").unwrap().role = Role::Secondary;
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    assert_eq!(stage_of(&plan).name, "forget the pair");
}

/// What the configuration would be after the next stage.
fn next_configuration(desired: &Desired, hosts: &Hosts) -> Element {
    Element::parse(&pushed(desired, hosts)).unwrap()
}

#[test]
fn a_group_that_loses_its_last_member_is_stopped_before_it_goes() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let group = &mut desired.groups[0];
    (group.volumes, group.floating_ips, group.services, group.probe) =
        (Vec::new(), Vec::new(), Vec::new(), None);
    let first = next_configuration(&desired, &hosts);
    assert!(
        has(&first, "group-tomcat") && first.to_string().contains("value=\"Stopped\""),
        "{first}"
    );
    carry_out_next(&desired, &mut hosts);
    stop_group(&mut hosts);
    assert!(!has(&next_configuration(&desired, &hosts), "group-tomcat"));
}

#[test]
fn a_constraint_of_someone_else_goes_with_the_resource_that_it_names() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        let constraints = host
            .cib
            .as_mut()
            .unwrap()
            .first_mut("configuration")
            .first_mut("constraints");
        for (id, resource) in [
            ("cli-ban-group", "group-tomcat"),
            ("cli-prefer-clone", "volume-logs-clone"),
        ] {
            let ban = Element::new("rsc_location")
                .with("id", id)
                .with("rsc", resource)
                .with("node", "node2");
            constraints.children.push(ban);
        }
    }
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    carry_out_next(&desired, &mut hosts);
    stop_group(&mut hosts);
    let cib = next_configuration(&desired, &hosts);
    assert!(
        !has(&cib, "cli-ban-group") && has(&cib, "cli-prefer-clone"),
        "{cib}"
    );
}

#[test]
fn what_a_services_file_replaced_is_given_back_and_not_removed() {
    let desired = tomcat_pair();
    let hosts = with_packages(&desired);
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    let forgets = |steps: &[Step]| {
        steps.iter().any(|step| matches!(step, Step::Forget { files } if files.iter().all(|path| !path.ends_with("index.html"))))
    };
    let steps = &stage_of(&plan).steps;
    assert!(forgets(&steps.first) && forgets(&steps.second));
}
