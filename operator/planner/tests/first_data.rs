//! The first data of a volume: on which leg, when, and what it would hide.

mod situations;

use hapair_model::{
    Reason, Side,
    observed::{Device, DrbdConfig, Resource, Unit, VolumeRecord},
    plan::{Next, Step},
};
use situations::*;

#[test]
fn two_blank_legs_get_one_generation_on_the_node_whose_data_is_kept() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &prepared(&desired));
    let stage = stage_of(&plan);
    assert!(matches!(
        stage.steps.first.as_slice(),
        [
            Step::CreateFirstGeneration { skip_sync: true, .. },
            Step::MakeFilesystem { copy: true, .. }
        ]
    ));
    assert!(stage.steps.second.is_empty());
}

#[test]
fn a_leg_that_holds_data_is_never_given_a_first_generation() {
    let desired = tomcat_pair();
    let mut hosts = prepared(&desired);
    hosts.second.resources.get_mut("logs").unwrap().generation = 42;
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn a_file_system_whose_content_is_not_complete_is_made_again() {
    let desired = tomcat_pair();
    let hosts = with_first_data(&desired).map(|mut host| {
        host.devices.get_mut("logs").unwrap().label = Some("hapair-new".into());
        host
    });
    let plan = plan_of(&desired, &hosts);
    assert!(matches!(
        stage_of(&plan).steps.first.as_slice(),
        [Step::MakeFilesystem { .. }]
    ));
}

#[test]
fn while_the_first_content_is_written_nothing_else_is_planned() {
    let desired = tomcat_pair();
    let mut hosts = prepared(&desired);
    let running = Unit {
        load: "loaded".into(),
        active: "active".into(),
        ..Default::default()
    };
    hosts.first.units.insert("hapair-filesystem-logs".into(), running);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn a_new_volume_takes_no_number_that_anything_on_the_hosts_has() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let left = VolumeRecord {
        device_uuid: Some("f4".into()),
        zeroes: false,
        minor: 0,
        port: 7789,
    };
    hosts.first.volume_records.insert("left-behind".into(), left);
    let foreign = DrbdConfig {
        minors: vec![1],
        ports: vec![7790],
        disks: Vec::new(),
        ours: false,
    };
    hosts.second.drbd_config.insert("someones".into(), foreign);
    hosts.second.resources.insert(
        "up".into(),
        Resource {
            minor: 2,
            ..Default::default()
        },
    );
    let settled = hapair_planner::resolve(desired, &seen(&hosts));
    assert_eq!((settled.volumes[0].minor(), settled.volumes[0].port()), (3, 7791));
}

#[test]
fn a_cluster_that_does_not_tell_what_it_runs_gets_no_new_volume() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired).map(|mut host| {
        host.cluster = None;
        host.cib = None;
        host.resources.clear();
        host.volume_records.clear();
        host.devices.get_mut("logs").unwrap().signatures.clear();
        host.units.get_mut("pacemaker").unwrap().active = "inactive".into();
        host
    });
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert!(
            matches!(stage_of(&plan).steps[side].as_slice(), [Step::EnableUnits { .. }]),
            "{plan:?}"
        );
    }
}

#[test]
fn a_directory_is_not_copied_while_a_service_writes_to_it() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let mut second = desired.volumes[0].clone();
    (second.name, second.mount_point) = ("data".into(), "/srv/data".into());
    second.disks.first.device = "/dev/sdc".into();
    second.disks.second.device = "/dev/sdc".into();
    desired.volumes.push(second);
    desired.groups[0].volumes.push("data".into());
    for host in [&mut hosts.first, &mut hosts.second] {
        host.devices.insert(
            "data".into(),
            Device {
                exists: true,
                size: 512 << 20,
                path: "/dev/sdc".into(),
                ..Device::default()
            },
        );
    }
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::SourceInUse])
    );
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    assert_eq!(reasons(&plan_of(&desired, &hosts)), []);
}

#[test]
fn files_that_a_new_volume_would_hide_need_consent_by_their_number() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.second.hidden_files.insert("logs".into(), 12);
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::MountPointNotEmpty])
    );
    insta::assert_snapshot!(plan.findings[0].message);
    desired.volumes[0].disks.second.hide_files = Some(11);
    assert_eq!(
        reasons(&plan_of(&desired, &hosts)),
        [Reason::MountPointNotEmpty],
        "consent is to what was there"
    );
    desired.volumes[0].disks.second.hide_files = Some(12);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
}

#[test]
fn what_is_carried_over_is_not_hidden() {
    let mut desired = tomcat_pair();
    desired.volumes[0].copy_from = Some(Side::First);
    let mut hosts = with_packages(&desired);
    hosts.first.hidden_files.insert("logs".into(), 3);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
    hosts.second.hidden_files.insert("logs".into(), 1);
    assert_eq!(
        reasons(&plan_of(&desired, &hosts)),
        [Reason::MountPointNotEmpty],
        "the other node's are not carried over"
    );
}
