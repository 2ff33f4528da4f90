//! What a person wants off the hosts although its object is gone.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{Reason, plan::Next};
use situations::*;

#[test]
fn what_was_released_is_forgotten_when_a_person_asks_for_it_by_its_name() {
    let mut hosts = released(&mut tomcat_pair());
    let mut declared = tomcat_pair();
    (declared.groups, declared.floating_ips, declared.volumes) = Default::default();
    declared.forgotten = ["group-tomcat".to_owned()].into();
    let asked = |hosts: &Hosts| hapair_planner::resolve(declared.clone(), &seen(hosts));
    assert_eq!(asked(&hosts).leaving.groups, ["tomcat"]);
    assert!(pushed(&asked(&hosts), &hosts).contains("group-tomcat-meta_attributes-target-role"));
    carry_out_next(&asked(&hosts), &mut hosts);
    let members = [
        "filesystem-logs",
        "ip-web",
        "service-tomcat-tomcat",
        "probe-tomcat",
        "writable-logs",
    ];
    members.iter().for_each(|id| stop_in_cluster(&mut hosts, id));
    let left = pushed(&asked(&hosts), &hosts);
    assert!(
        !left.contains("group-tomcat") && left.contains("volume-logs-clone"),
        "{left}"
    );
}

#[test]
fn a_volume_is_forgotten_down_to_its_drbd_resource_and_not_before_the_group_that_runs_on_it() {
    let mut hosts = released(&mut tomcat_pair());
    let mut declared = tomcat_pair();
    (declared.groups, declared.floating_ips, declared.volumes) = Default::default();
    let asked = |names: &[&str], hosts: &Hosts| {
        let mut desired = declared.clone();
        desired.forgotten = names.iter().map(|name| (*name).to_owned()).collect();
        hapair_planner::resolve(desired, &seen(hosts))
    };
    let alone = plan_of(&asked(&["volume-logs-clone"], &hosts), &hosts);
    assert_eq!(
        (&alone.next, reasons(&alone)),
        (&Next::Rest, vec![Reason::InvalidSpec])
    );
    assert!(
        alone.findings[0]
            .message
            .ends_with("Forget both: group-tomcat,volume-logs-clone")
    );
    let both = ["group-tomcat", "volume-logs-clone"];
    let left = |hosts: &Hosts| {
        let desired = asked(&both, hosts);
        let plan = plan_of(&desired, hosts);
        hapair_planner::report(&desired, &seen(hosts), &plan, None)
            .pair
            .released
            .unwrap_or_default()
    };
    let mut stages = Vec::new();
    while let Next::Run(stage) = plan_of(&asked(&both, &hosts), &hosts).next {
        assert!(
            left(&hosts).iter().any(|each| each.id == "volume-logs-clone"),
            "it was told gone before {}",
            stage.name
        );
        hapair_planner::after(&stage, &asked(&both, &hosts), &mut hosts);
        stages.push(stage.name);
        assert!(stages.len() < 10, "{stages:?}");
    }
    assert_eq!(stages.last(), Some(&"take volumes down"), "{stages:?}");
    assert_eq!(left(&hosts), []);
    assert!(!hosts.any(|host| host.drbd_config.contains_key("logs") || host.has_in_cib("volume-logs")));
}

#[test]
fn to_forget_what_is_declared_again_is_a_mistake() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.forgotten = ["volume-logs-clone".to_owned()].into();
    let plan = plan_of(&hapair_planner::resolve(desired, &seen(&hosts)), &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::InvalidSpec])
    );
    let message = &plan.findings[0].message;
    assert!(
        message.contains("is declared by ReplicatedVolume logs"),
        "{message}"
    );
}
