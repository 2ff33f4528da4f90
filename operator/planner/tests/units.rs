//! A unit has one owner, by whatever name it is declared.

mod situations;

use hapair_model::{
    Reason,
    desired::{Group, Service, ServiceKind},
    observed::Unit,
};
use hapair_planner::plan;
use situations::*;

/// What is found when a second group has this unit, which systemd knows under another name on both hosts.
fn found(declared: &str, id: &str) -> Option<String> {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.push(Group {
        name: "second".into(),
        services: vec![Service {
            name: "again".into(),
            kind: ServiceKind::Systemd(declared.into()),
            start_timeout: None,
            stop_timeout: None,
        }],
        volumes: Vec::new(),
        floating_ips: Vec::new(),
        files: Vec::new(),
        probe: None,
    });
    for host in [&mut hosts.first, &mut hosts.second] {
        for name in [declared, id] {
            let unit = Unit {
                id: id.into(),
                load: "loaded".into(),
                active: "inactive".into(),
                ..Unit::default()
            };
            host.units
                .entry(name.into())
                .and_modify(|unit| unit.id = id.into())
                .or_insert(unit);
        }
    }
    let findings = plan(&desired, &seen(&hosts), &fresh()).findings;
    let conflict = findings
        .into_iter()
        .find(|finding| finding.reason == Reason::Conflict)?;
    Some(conflict.message)
}

#[test]
fn an_alias_of_another_groups_unit_is_that_unit() {
    let message = found("tomcat", "tomcat10").unwrap_or_default();
    assert!(
        message.contains("is the unit tomcat10, which is the service tomcat of group \"tomcat\""),
        "{message}"
    );
    assert_eq!(found("mysql", "mariadb"), None);
}

#[test]
fn an_alias_of_the_hosts_unit_is_the_hosts() {
    let message = found("sshd-by-another-name", "ssh").unwrap_or_default();
    assert!(
        message.contains("is the unit ssh, which belongs to the cluster or to the host"),
        "{message}"
    );
}
