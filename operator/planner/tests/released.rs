//! What an object that is gone leaves in the cluster, and what takes it over.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Leaving},
    plan::Next,
    xml::Element,
};
use situations::*;

/// The ids of all primitives, in the order of the configuration, but for what watches interfaces: that goes with its address.
fn primitives(cib: &Element) -> Vec<String> {
    cib.primitives()
        .filter(|each| each.get("type") != Some("link"))
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
        let resources = resources_in_cib(host);
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
    stop_group(&mut hosts);
    assert!(!pushed(&desired, &hosts).contains("group-tomcat"));
}
