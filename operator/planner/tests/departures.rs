//! What leaves the hosts, and what does not.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Leaving},
    observed::{DrbdConfig, Record, Resource, Role, Unit},
    plan::{Next, Step},
    xml::Element,
};
use situations::*;

/// The ids of all primitives, in the order of the configuration.
fn primitives(cib: &Element) -> Vec<String> {
    cib.primitives()
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect()
}

/// The same objects as in the sample, with the group and the address under another name.
fn under_another_name() -> Desired {
    let mut desired = tomcat_pair();
    desired.groups[0].name = "shop".into();
    desired.floating_ips[0].name = "front".into();
    desired.groups[0].floating_ips = vec!["front".into()];
    desired
}

#[test]
fn a_child_that_is_merely_absent_stays_on_the_hosts_and_is_released() {
    let mut desired = tomcat_pair();
    let before = at_rest(&desired).first.cib.unwrap();
    let hosts = released(&mut desired);
    let after = hosts.first.cib.clone().unwrap();
    assert_eq!(primitives(&after), primitives(&before));
    let tags: Vec<_> = after
        .at(&["configuration", "tags"])
        .unwrap()
        .children
        .iter()
        .filter_map(Element::id)
        .collect();
    assert_eq!(
        tags,
        ["hapair-pair"],
        "pcs removes nothing that is referenced in a tag"
    );
    assert_eq!(
        after.to_string().matches("name=\"hapair-released\"").count(),
        2,
        "{after}"
    );
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.next, Next::Rest);
    let report = hapair_planner::report(&desired, &seen(&hosts), &plan, None);
    let released = report.pair.released.unwrap();
    let released: Vec<_> = released
        .into_iter()
        .map(|each| (each.id, each.object.unwrap().to_string()))
        .collect();
    let expected = [
        ("volume-logs-clone", "ReplicatedVolume logs"),
        ("group-tomcat", "ServiceGroup tomcat"),
        ("group-tomcat", "FloatingIP web"),
    ];
    assert_eq!(
        released,
        expected.map(|(id, object)| (id.to_owned(), object.to_owned()))
    );
}

/// The stages until nothing is left to do, with what each step was.
fn to_rest(desired: &Desired, hosts: &mut Hosts) -> Vec<String> {
    let mut steps = Vec::new();
    for _ in 0..5 {
        let settled = hapair_planner::resolve(desired.clone(), &seen(hosts));
        match plan_of(&settled, hosts) {
            plan if matches!(plan.next, Next::Run(_)) => steps.push(stage_of(&plan).name.to_owned()),
            plan if plan.findings.is_empty() => return steps,
            plan => panic!("{:?}", plan.findings),
        }
        carry_out_next(&settled, hosts);
    }
    panic!("never at rest: {steps:?}");
}

#[test]
fn what_was_released_is_taken_over_as_it_runs_under_whatever_name() {
    for again in [tomcat_pair(), under_another_name()] {
        let mut hosts = released(&mut tomcat_pair());
        let before = hosts.first.cib.clone().unwrap();
        assert_eq!(to_rest(&again, &mut hosts), ["configure the cluster"]);
        let after = hosts.first.cib.clone().unwrap();
        assert_eq!(
            primitives(&after),
            primitives(&before),
            "a resource with another id is stopped and started"
        );
        let text = after.to_string();
        assert!(
            !text.contains("hapair-released") && !text.contains("target-role"),
            "{text}"
        );
        let group = format!("group-{}", again.groups[0].name);
        assert!(
            text.contains(&format!("<obj_ref id=\"{group}\"/>")) && text.matches("<group ").count() == 1,
            "{text}"
        );
        // What is renamed keeps its ids for good, also while another thing of it changes.
        let mut changed = again.clone();
        changed.preferred = Some(Side::Second);
        to_rest(&changed, &mut hosts);
        assert_eq!(primitives(&hosts.first.cib.unwrap()), primitives(&before));
    }
}

#[test]
fn an_address_under_another_name_is_taken_over_and_one_that_is_new_gets_an_id_of_its_own() {
    let mut desired = tomcat_pair();
    desired.groups.clear();
    let mut hosts = at_rest(&desired);
    desired.floating_ips[0].name = "front".into();
    to_rest(&desired, &mut hosts);
    assert!(primitives(&hosts.first.cib.clone().unwrap()).contains(&"ip-web".to_owned()));
    let mut another = desired.floating_ips[0].clone();
    (another.name, another.address) = ("web".into(), "192.0.2.101".parse().unwrap());
    desired.floating_ips.push(another);
    to_rest(&desired, &mut hosts);
    let cib = hosts.first.cib.clone().unwrap();
    assert!(has(&cib, "ip-web") && has(&cib, "ip-web-2"), "{cib}");
    let address = |id: &str| {
        cib.all()
            .iter()
            .find(|each| each.id() == Some(&format!("{id}-instance_attributes-ip")))
            .unwrap()
            .get("value")
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (address("ip-web"), address("ip-web-2")),
        ("192.0.2.100".into(), "192.0.2.101".into())
    );
    // What has another name than its id is still changed in place.
    desired.floating_ips[0].address = "192.0.2.103".parse().unwrap();
    to_rest(&desired, &mut hosts);
    let cib = hosts.first.cib.clone().unwrap();
    assert!(
        cib.to_string().contains("value=\"192.0.2.103\"") && !has(&cib, "ip-front"),
        "{cib}"
    );
}

/// A host that has lost its configuration has an empty one until it has joined.
#[test]
fn the_ids_are_those_of_the_cluster_and_not_of_a_host_that_is_joining() {
    let again = under_another_name();
    let mut hosts = released(&mut tomcat_pair());
    to_rest(&again, &mut hosts);
    hosts.first.cib = Some(Element::parse("<cib><configuration><resources/></configuration></cib>").unwrap());
    let alone = hosts.first.cluster.as_mut().unwrap();
    (alone.quorate, alone.has_dc) = (false, false);
    let settled = hapair_planner::resolve(again, &seen(&hosts));
    assert_eq!(settled.id("service-shop-tomcat".into()), "service-tomcat-tomcat");
}

#[test]
fn a_part_of_what_was_released_together_is_refused_with_the_way_out() {
    let mut hosts = released(&mut tomcat_pair());
    let mut desired = under_another_name();
    desired.groups[0].services.clear();
    let settled = hapair_planner::resolve(desired, &seen(&hosts));
    let plan = plan_of(&settled, &hosts);
    let finding = &plan.findings[0];
    assert_eq!((&plan.next, finding.reason), (&Next::Rest, Reason::Conflict));
    assert!(
        finding.message.contains("group-tomcat")
            && finding
                .message
                .contains("pcs resource delete service-tomcat-tomcat"),
        "{}",
        finding.message
    );
    // pcs has removed it.
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    for host in [&mut hosts.first, &mut hosts.second] {
        let resources = host
            .cib
            .as_mut()
            .unwrap()
            .first_mut("configuration")
            .first_mut("resources");
        resources
            .first_mut("group")
            .children
            .retain(|each| each.id() != Some("service-tomcat-tomcat"));
    }
    to_rest(&settled, &mut hosts);
}

#[test]
fn a_released_group_can_be_deleted_with_teardown_after_all() {
    let mut hosts = released(&mut tomcat_pair());
    let mut desired = tomcat_pair();
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)), Leaving::default());
    assert!(pushed(&desired, &hosts).contains("group-tomcat-meta_attributes-target-role"));
    carry_out_next(&desired, &mut hosts);
    for id in [
        "filesystem-logs",
        "ip-web",
        "service-tomcat-tomcat",
        "probe-tomcat",
        "writable-logs",
    ] {
        stop_in_cluster(&mut hosts, id);
    }
    assert!(!pushed(&desired, &hosts).contains("group-tomcat"));
}

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
    for id in [
        "writable-logs",
        "probe-tomcat",
        "service-tomcat-tomcat",
        "ip-web",
        "filesystem-logs",
    ] {
        stop_in_cluster(&mut hosts, id);
    }
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
    for id in [
        "writable-logs",
        "probe-tomcat",
        "service-tomcat-tomcat",
        "ip-web",
        "filesystem-logs",
    ] {
        stop_in_cluster(&mut hosts, id);
    }
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

fn has(cib: &Element, id: &str) -> bool {
    cib.all()
        .iter()
        .any(|each| each.name != "obj_ref" && each.id() == Some(id))
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
    for id in [
        "filesystem-logs",
        "ip-web",
        "service-tomcat-tomcat",
        "probe-tomcat",
        "writable-logs",
    ] {
        stop_in_cluster(&mut hosts, id);
    }
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
    for id in [
        "filesystem-logs",
        "ip-web",
        "service-tomcat-tomcat",
        "probe-tomcat",
        "writable-logs",
    ] {
        stop_in_cluster(&mut hosts, id);
    }
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
