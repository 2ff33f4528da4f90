//! A living pair in the middle of an upgrade, or with something wrong on one host: what is harmless goes on.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason, Secret,
    desired::{Desired, ServiceKind},
    observed::{Host, Job, Limit, Unit},
    plan::{Next, Step},
    xml::Element,
};
use situations::*;

type Change = fn(&mut Host);

fn runs_debian_13(host: &mut Host) {
    host.distribution.version = "13".into();
    // What the two releases call differently.
    host.packages.insert("fence-agents-ipmilan".into(), "1".into());
}

/// The configuration that is pushed next, if one is.
fn pushed(desired: &Desired, hosts: &Hosts) -> Option<String> {
    let Next::Run(stage) = plan_of(desired, hosts).next else {
        return None;
    };
    stage
        .steps
        .iter()
        .flat_map(|(_, steps)| steps)
        .find_map(|step| match step {
            Step::PushCib { cib, .. } => Some(cib.clone()),
            _ => None,
        })
}

#[test]
fn two_releases_are_refused_before_the_pair_is_formed_and_not_later() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    runs_debian_13(&mut hosts.second);
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, plan.findings[0].reason),
        (&Next::Rest, Reason::UnsupportedDistribution)
    );
    let mut hosts = at_rest(&desired);
    runs_debian_13(&mut hosts.second);
    let plan = plan_of(&desired, &hosts);
    assert!(plan.next == Next::Rest && plan.findings.is_empty(), "{plan:?}");
    desired.groups[0].files[0].content.first = Secret::new("another page");
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
    // tomcat9 there, tomcat10 here.
    hosts.second.distribution.version = "11".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, plan.findings[0].reason),
        (&Next::Rest, Reason::UnsupportedDistribution)
    );
}

#[test]
fn a_node_goes_into_standby_and_comes_out_of_it_whatever_is_wrong_beside() {
    let wrong: [(&str, Change); 4] = [
        ("a package is missing", |host| {
            drop(host.packages.remove("resource-agents"))
        }),
        ("its installation fails", |host| {
            host.packages.remove("resource-agents");
            host.install = Some(Job::Failed {
                message: "no candidate".into(),
                age: 5,
                times: 1,
            });
        }),
        ("the kernel has no module", |host| host.drbd_major = None),
        ("the release is too old", |host| {
            host.distribution.version = "10".into()
        }),
    ];
    for (what, change) in wrong {
        let mut desired = tomcat_pair();
        // A missing package that may be installed is installed first.
        desired.install_packages = what != "a package is missing";
        let mut hosts = at_rest(&desired);
        change(&mut hosts.second);
        assert_eq!(pushed(&desired, &hosts), None, "{what}");
        desired.nodes.second.standby = Some(true);
        let cib =
            pushed(&desired, &hosts).unwrap_or_else(|| panic!("{what}: {:?}", plan_of(&desired, &hosts)));
        // Nothing but the nodes is another.
        let without_nodes = |cib: &Element| {
            let mut cib = cib.clone();
            cib.children.retain(|section| section.name != "status");
            cib.first_mut("configuration")
                .children
                .retain(|section| section.name != "nodes");
            cib
        };
        assert!(cib.contains("name=\"standby\" value=\"on\""), "{what}: {cib}");
        let (live, cib) = (hosts.first.cib.clone().unwrap(), Element::parse(&cib).unwrap());
        assert_eq!(without_nodes(&cib), without_nodes(&live), "{what}");
    }
}

#[test]
fn hosts_that_may_not_be_the_pairs_are_left_alone_also_by_standby() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.nodes.second.standby = Some(true);
    hosts.second.name = "renamed".into();
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
}

/// The cluster was formed by pacemaker 2.0, and its hosts have been upgraded since.
#[test]
fn a_configuration_of_an_older_schema_keeps_its_words() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        let text = host.cib.as_ref().unwrap().to_string();
        let text = text
            .replace("pacemaker-3.7", "pacemaker-3.5")
            .replace("\"Promoted\"", "\"Master\"")
            .replace("\"Unpromoted\"", "\"Slave\"");
        host.cib = Some(Element::parse(&text).unwrap());
    }
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
    desired.nodes.second.standby = Some(true);
    let cib = pushed(&desired, &hosts).unwrap();
    assert!(cib.contains("\"Master\"") && !cib.contains("romoted\""), "{cib}");
}

/// The pair with a service of this unit instead of tomcat.
fn with_unit(unit: &str, limit: Limit) -> (Desired, Hosts) {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups[0].services[0].kind = ServiceKind::Systemd(unit.into());
    for host in [&mut hosts.first, &mut hosts.second] {
        let state = Unit {
            load: "loaded".into(),
            start_limit: limit,
            stop_limit: limit,
            ..Unit::default()
        };
        host.units.insert(unit.into(), state);
    }
    (desired, hosts)
}

fn timeouts(desired: &Desired, hosts: &Hosts) -> (String, String) {
    let of = |operation: &str| timeout(desired, hosts, &format!("service-tomcat-tomcat-{operation}-0s"));
    (of("start"), of("stop"))
}

/// That of an operation in the configuration.
fn timeout(desired: &Desired, hosts: &Hosts, operation: &str) -> String {
    let settled = hapair_planner::resolve(desired.clone(), &seen(hosts));
    let cib = pushed(&settled, hosts)
        .or_else(|| hosts.first.cib.as_ref().map(ToString::to_string))
        .unwrap();
    let cib = Element::parse(&cib).unwrap();
    let mut all = cib.all().into_iter();
    let found = all.find(|each| each.id() == Some(operation)).unwrap();
    found.get("timeout").unwrap().to_owned()
}

/// A unit has started before its service answers; one without a limit would keep a group that never answers for an hour.
#[test]
fn a_probe_starts_within_the_longest_limit_that_is_one() {
    let of = |limit: Limit| {
        let (desired, hosts) = with_unit("slow", limit);
        timeout(&desired, &hosts, "probe-tomcat-start-0s")
    };
    assert_eq!(of(Limit::Seconds(90)), "120s");
    assert_eq!(of(Limit::Seconds(600)), "630s");
    assert_eq!(of(Limit::Endless), "120s");
}

#[test]
fn a_service_is_given_longer_than_its_unit_is_by_systemd() {
    let pair = |start: &str, stop: &str| (start.to_owned(), stop.to_owned());
    let (desired, hosts) = with_unit("mariadb", Limit::Seconds(900));
    assert_eq!(timeouts(&desired, &hosts), pair("930s", "930s"));
    let (mut desired, hosts) = with_unit("postgresql@15-main", Limit::Endless);
    assert_eq!(timeouts(&desired, &hosts), pair("3600s", "3600s"));
    desired.groups[0].services[0].stop_timeout = Some(600);
    assert_eq!(timeouts(&desired, &hosts), pair("3600s", "600s"));
    let (desired, hosts) = with_unit("small", Limit::Seconds(90));
    assert_eq!(timeouts(&desired, &hosts), pair("120s", "120s"));
}

#[test]
fn a_stop_that_may_take_less_than_the_units_own_is_refused() {
    let (mut desired, hosts) = with_unit("mariadb", Limit::Seconds(900));
    desired.groups[0].services[0].stop_timeout = Some(899);
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, plan.findings[0].reason),
        (&Next::Rest, Reason::InvalidSpec)
    );
    let told = &plan.findings[0].message;
    assert!(
        told.contains("spec.services[name=tomcat].stopTimeoutSeconds") && told.contains("900 s on node1"),
        "{told}"
    );
    desired.groups[0].services[0].stop_timeout = Some(900);
    assert_eq!(plan_of(&desired, &hosts).findings, []);
}
