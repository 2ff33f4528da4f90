//! A mistake in an object that is added to a running pair keeps nothing from the rest: the object is left out until
//! it is mended.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason,
    desired::{Desired, Disk, Group, Service, ServiceKind, Volume},
    observed::{Device, Signature, VolumeRecord},
    plan::{Finding, Next, Plan, Subject},
    reason::Scope,
};
use situations::*;

/// A running pair to which a group is added whose unit is on no host; the pair's token changes, too.
fn with_a_mistaken_group() -> (Desired, Hosts) {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.token = 10_000;
    desired.groups.push(Group {
        name: "backup".into(),
        volumes: Vec::new(),
        floating_ips: Vec::new(),
        services: vec![Service {
            name: "backup".into(),
            kind: ServiceKind::Systemd("nosuch".into()),
            start_timeout: None,
            stop_timeout: None,
        }],
        files: Vec::new(),
        probe: None,
    });
    (desired, hosts)
}

/// A running pair to which a volume is added whose disk holds something on node1, and a group that needs it.
fn with_a_volume_on_a_used_disk() -> (Desired, Hosts) {
    let (mut desired, mut hosts) = with_a_mistaken_group();
    desired.groups[1].services.clear();
    desired.groups[1].volumes = vec!["data".into()];
    desired.volumes.push(Volume {
        name: "data".into(),
        mount_point: "/srv/data".into(),
        numbers: None,
        copy_from: None,
        ..desired.volumes[0].clone()
    });
    let device = |disk: Disk| Disk {
        device: "/dev/sdc".into(),
        ..disk
    };
    desired.volumes[1].disks = desired.volumes[1].disks.clone().map(device);
    let blank = Device {
        exists: true,
        size: 512 << 20,
        ..Device::default()
    };
    hosts.first.devices.insert("data".into(), blank.clone());
    hosts.second.devices.insert("data".into(), blank);
    hosts.first.devices.get_mut("data").unwrap().signatures = vec![Signature {
        kind: "xfs".into(),
        uuid: "c0ffee".into(),
    }];
    let seen = seen(&hosts);
    (hapair_planner::resolve(desired, &seen), hosts)
}

fn names(plan: &Plan) -> Vec<(&Subject, Reason)> {
    let mut names: Vec<_> = plan
        .findings
        .iter()
        .map(|each| (&each.about, each.reason))
        .collect();
    names.dedup();
    names
}

fn changes_the_token(plan: &Plan) -> bool {
    let steps = &stage_of(plan).steps;
    format!("{steps:?}").contains("token: 10000")
}

#[test]
fn what_is_there_is_changed_although_a_new_group_is_mistaken() {
    let (desired, hosts) = with_a_mistaken_group();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        names(&plan),
        [(&Subject::Group("backup".into()), Reason::UnitNotFound)]
    );
    assert!(plan.findings.iter().all(|finding| finding.stops == Scope::Object));
    assert!(changes_the_token(&plan), "{plan:?}");
    assert!(!format!("{:?}", plan.next).contains("backup"), "{plan:?}");
}

#[test]
fn a_group_that_needs_a_volume_that_cannot_be_waits_with_it_and_says_so() {
    let (desired, hosts) = with_a_volume_on_a_used_disk();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        names(&plan),
        [
            (&Subject::Volume("data".into()), Reason::DeviceNotBlank),
            (&Subject::Group("backup".into()), Reason::DeviceNotBlank),
        ]
    );
    let told = &plan.findings[1].message;
    assert!(
        told.starts_with("it waits for ReplicatedVolume data: node1"),
        "{told}"
    );
    assert!(changes_the_token(&plan), "{plan:?}");
    assert!(!format!("{:?}", plan.next).contains("sdc"), "{plan:?}");
}

#[test]
fn once_it_is_mended_it_is_made() {
    let (desired, mut hosts) = with_a_volume_on_a_used_disk();
    hosts.first.devices.get_mut("data").unwrap().signatures.clear();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.findings, []);
    assert!(format!("{:?}", plan.next).contains("sdc"), "{plan:?}");
}

#[test]
fn nothing_is_held_up_by_it() {
    let (desired, mut hosts) = with_a_mistaken_group();
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    let observed = seen(&hosts);
    let plan = plan_of(&desired, &hosts);
    let report = hapair_planner::report(&desired, &observed, &plan, None);
    let stalled = |group: &str| {
        let conditions = &report.groups[group].conditions;
        conditions
            .iter()
            .find(|each| each.type_ == "Stalled")
            .unwrap()
            .holds
    };
    assert_eq!((stalled("backup"), stalled("tomcat")), (Some(true), Some(false)));
}

#[test]
fn the_pair_serves_and_is_redundant_as_it_was_without_it() {
    let (desired, hosts) = with_a_volume_on_a_used_disk();
    let plan = plan_of(&desired, &hosts);
    let report = hapair_planner::report(&desired, &seen(&hosts), &plan, None);
    let of_pair = |type_: &str| {
        let mut conditions = report.pair.conditions.iter();
        let found = conditions.find(|each| each.type_ == type_).unwrap();
        (found.holds, found.message.clone())
    };
    assert_eq!(of_pair("Available").0, Some(true), "{:?}", of_pair("Available"));
    assert_eq!(
        of_pair("RedundancyHealthy").0,
        Some(true),
        "{:?}",
        of_pair("RedundancyHealthy")
    );
    assert_eq!(of_pair("Ready").0, Some(false));
    assert_eq!(report.pair.data.as_deref(), Some("UpToDate/UpToDate"));
}

#[test]
fn what_the_pair_has_is_changed_as_a_whole_or_not_at_all() {
    let (mut desired, hosts) = with_a_mistaken_group();
    desired.groups[0].services[0].kind = ServiceKind::Systemd("nosuch".into());
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.next, Next::Rest);
    assert!(
        plan.findings
            .iter()
            .all(|finding| finding.stops == Scope::Changes),
        "{plan:?}"
    );
}

#[test]
fn a_group_of_the_pair_that_gains_a_volume_that_cannot_be_is_not_changed() {
    let (mut desired, hosts) = with_a_volume_on_a_used_disk();
    desired.groups[0].volumes.push("data".into());
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
}

#[test]
fn a_pair_that_was_never_formed_begins_whole() {
    let (desired, _) = with_a_mistaken_group();
    assert_eq!(plan_of(&desired, &with_packages(&desired)).next, Next::Rest);
}

#[test]
fn a_volume_that_was_begun_is_no_newcomer() {
    let (desired, mut hosts) = with_a_volume_on_a_used_disk();
    let record = VolumeRecord {
        device_uuid: None,
        zeroes: true,
        minor: 1,
        port: 7790,
    };
    hosts.second.volume_records.insert("data".into(), record);
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
}

#[test]
fn a_new_object_whose_spec_cannot_be_understood_is_left_out_and_one_that_runs_is_not() {
    let (mut desired, hosts) = with_a_mistaken_group();
    desired.groups.pop();
    let plan = |group: &str| {
        let message = "spec.probe: it cannot be carried out".to_owned();
        let finding = Finding::new(Subject::Group(group.into()), Reason::InvalidSpec, message);
        hapair_planner::plan_in_part(&desired, &seen(&hosts), vec![finding], &fresh())
    };
    assert!(changes_the_token(&plan("backup")));
    assert_eq!(plan("tomcat").next, Next::Rest);
}
