//! Devices, and the birth of a volume on them.

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Disk, Partition},
    observed::{Device, DrbdConfig, Resource, Signature, Unit, VolumeRecord},
    plan::{Next, Plan, Step, Subject},
};
use situations::*;

fn reasons(plan: &Plan) -> Vec<Reason> {
    plan.findings.iter().map(|finding| finding.reason).collect()
}

#[test]
fn two_blank_legs_get_one_generation_on_the_node_whose_data_is_kept() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &prepared(&desired));
    let stage = stage_of(&plan);
    assert!(matches!(stage.steps.first.as_slice(), [Step::Mint { skip_sync: true, .. }, Step::MakeFilesystem { copy: true, .. }]));
    assert!(stage.steps.second.is_empty());
}

#[test]
fn a_leg_that_holds_data_is_never_minted_over() {
    let desired = tomcat_pair();
    let mut hosts = prepared(&desired);
    hosts.second.resources.get_mut("logs").unwrap().generation = 42;
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn a_file_system_whose_content_is_not_complete_is_made_again() {
    let desired = tomcat_pair();
    let hosts = born(&desired).map(|mut host| {
        host.devices.get_mut("logs").unwrap().label = Some("hapair-new".into());
        host
    });
    let plan = plan_of(&desired, &hosts);
    assert!(matches!(stage_of(&plan).steps.first.as_slice(), [Step::MakeFilesystem { .. }]));
}

#[test]
fn while_the_first_content_is_written_nothing_else_is_planned() {
    let desired = tomcat_pair();
    let mut hosts = prepared(&desired);
    let running = Unit { load: "loaded".into(), active: "active".into(), ..Default::default() };
    hosts.first.units.insert("hapair-filesystem-logs".into(), running);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn a_device_that_carries_something_is_left_alone_until_that_is_named() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.second.devices.get_mut("logs").unwrap().signatures.push(Signature { kind: "ext4".into(), uuid: "6f1c20a4".into() });
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.next, Next::Rest);
    assert_eq!(plan.findings[0].about, Subject::Volume("logs".into()));
    insta::assert_snapshot!(plan.findings[0].message);
    desired.volumes[0].disks[Side::Second].overwrite = Some("ext4:6f1c20a4".into());
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
}

fn partitioned() -> (Desired, Hosts) {
    let mut desired = tomcat_pair();
    for side in Side::BOTH {
        desired.volumes[0].disks[side] = Disk {
            device: "/dev/disk/by-partlabel/hapair-logs".into(),
            partition: Some(Partition { disk: "/dev/sdb".into(), name: "hapair-logs".into(), size_mib: None }),
            overwrite: None,
        };
    }
    let hosts = with_packages(&desired).map(|mut host| {
        host.packages.insert("fdisk".into(), "1".into());
        let disk = host.devices.insert("logs".into(), Device::default()).unwrap_or_default();
        host.disks.insert("logs".into(), disk);
        host
    });
    (desired, hosts)
}

#[test]
fn a_partition_is_made_before_there_is_metadata_on_it() {
    let (desired, hosts) = partitioned();
    let plan = plan_of(&desired, &hosts);
    let steps = &stage_of(&plan).steps.first;
    let at = |wanted: fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    assert!(at(|step| matches!(step, Step::MakePartition { .. })) < at(|step| matches!(step, Step::CreateMetadata { .. })));
}

#[test]
fn a_disk_that_holds_anything_is_not_partitioned_until_that_is_named() {
    let (mut desired, mut hosts) = partitioned();
    let gpt = Signature { kind: "gpt".into(), uuid: "9d0e".into() };
    hosts.first.disks.get_mut("logs").unwrap().signatures = vec![gpt];
    hosts.first.disks.get_mut("logs").unwrap().partitions = vec!["hapair-other".into(), "someones".into()];
    desired.volumes[0].disks.first.overwrite = Some("gpt:9d0e".into());
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DeviceNotBlank], "no consent covers the partitions of other volumes");
    desired.volumes[0].disks.first.overwrite = None;
    hosts.first.disks.get_mut("logs").unwrap().partitions.pop();
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)), "partitions of other volumes stay beside it");
    hosts.first.disks.get_mut("logs").unwrap().partitions.clear();
    desired.volumes[0].disks.first.overwrite = Some("gpt:9d0e".into());
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
}

#[test]
fn one_device_under_two_names_is_still_one_device() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let mut twin = desired.volumes[0].clone();
    (twin.name, twin.mount_point) = ("twin".into(), "/srv".into());
    desired.volumes.push(twin);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.devices.get_mut("logs").unwrap().path = "/dev/sdb".into();
        let device = host.devices["logs"].clone();
        host.devices.insert("twin".into(), device);
    }
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::Conflict, Reason::Conflict]);
}

#[test]
fn drbd_metadata_that_is_not_ours_is_not_blank() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.first.devices.get_mut("logs").unwrap().signatures.push(Signature { kind: "drbd".into(), uuid: "0123456789abcdef".into() });
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DeviceNotBlank]);
}

#[test]
fn a_new_volume_takes_no_number_that_anything_on_the_hosts_has() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let left = VolumeRecord { device_uuid: "f4".into(), zeroes: false, minor: 0, port: 7789 };
    hosts.first.volume_records.insert("left-behind".into(), left);
    let foreign = DrbdConfig { minors: vec![1], ports: vec![7790], disks: Vec::new(), ours: false };
    hosts.second.drbd_config.insert("someones".into(), foreign);
    hosts.second.resources.insert("up".into(), Resource { minor: 2, ..Default::default() });
    let settled = hapair_planner::settle(desired, &seen(&hosts));
    assert_eq!((settled.volumes[0].minor, settled.volumes[0].port), (3, 7791));
}

#[test]
fn a_resource_of_someone_else_with_the_volumes_name_is_left_alone() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.first.drbd_config.insert("logs".into(), DrbdConfig::default());
    let plan = plan_of(&desired, &hosts);
    assert_eq!((plan.next.clone(), reasons(&plan)), (Next::Rest, vec![Reason::Conflict]));
}

#[test]
fn a_device_with_several_signatures_needs_consent_to_all_of_them() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let signature = |kind: &str| Signature { kind: kind.into(), uuid: String::new() };
    hosts.second.devices.get_mut("logs").unwrap().signatures = vec![signature("gpt"), signature("PMBR")];
    desired.volumes[0].disks[Side::Second].overwrite = Some("gpt:".into());
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DeviceNotBlank]);
    desired.volumes[0].disks[Side::Second].overwrite = Some("PMBR:+gpt:".into());
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
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
        assert!(matches!(stage_of(&plan).steps[side].as_slice(), [Step::EnableUnits { .. }]), "{plan:?}");
    }
}

#[test]
fn a_device_of_someone_elses_resource_is_in_use_and_no_consent_is_asked_for() {
    let desired = tomcat_pair();
    for (disks, device) in [(vec!["/dev/sdb".to_owned()], "/dev/sdb"), (Vec::new(), "/dev/drbd5")] {
        let mut desired = desired.clone();
        desired.volumes[0].disks.first.device = device.into();
        let mut hosts = with_packages(&desired);
        let device = hosts.first.devices.get_mut("logs").unwrap();
        device.signatures = vec![Signature { kind: "drbd".into(), uuid: "1".into() }];
        hosts.first.drbd_config.insert("theirs".into(), DrbdConfig { minors: vec![5], ports: vec![7790], disks, ours: false });
        let [finding] = &plan_of(&desired, &hosts).findings[..] else { panic!("one finding") };
        assert_eq!(finding.reason, Reason::DeviceInUse);
        assert!(
            finding.message.contains("belongs to the DRBD resource theirs") && !finding.message.contains("overwrite"),
            "{}",
            finding.message
        );
    }
}

/// node2 is in standby, so that its leg is down; what stands below it is looked at.
fn with_a_leg_that_is_down(desired: &Desired) -> Hosts {
    let mut hosts = at_rest(desired);
    hosts.second.resources.clear();
    hosts
}

#[test]
fn a_leg_that_held_data_and_is_not_there_any_more_is_never_made_anew() {
    let desired = tomcat_pair();
    let ext4 = || vec![Signature { kind: "ext4".into(), uuid: "1".into() }];
    let blank = Device { signatures: Vec::new(), ..with_a_leg_that_is_down(&desired).second.devices["logs"].clone() };
    let changes = [
        (blank.clone(), "/dev/sdb is blank, expected DRBD's metadata f44642132f79ec16 of this volume"),
        (Device { signatures: ext4(), ..blank }, "/dev/sdb holds ext4:1, expected DRBD's metadata"),
        (Device::default(), "/dev/sdb does not exist, expected DRBD's metadata"),
    ];
    for (device, words) in changes {
        let mut hosts = with_a_leg_that_is_down(&desired);
        hosts.second.devices.insert("logs".into(), device);
        hosts.second.metadata_elsewhere.insert("f44642132f79ec16".into(), "/dev/sdc".into());
        let plan = plan_of(&desired, &hosts);
        assert_eq!((&plan.next, reasons(&plan)), (&Next::Rest, vec![Reason::LegMissing]));
        let message = &plan.findings[0].message;
        assert!(message.contains(words) && message.contains("It is on /dev/sdc") && !message.contains("overwrite"), "{message}");
    }
}

#[test]
fn a_record_of_a_volume_that_has_left_does_not_keep_a_new_one_from_its_disk() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let left = VolumeRecord { device_uuid: "f4".into(), zeroes: false, minor: 0, port: 7789 };
    hosts.first.volume_records.insert("logs".into(), left);
    let plan = plan_of(&desired, &hosts);
    assert!(stage_of(&plan).steps.first.iter().any(|step| matches!(step, Step::CreateMetadata { .. })), "{:?}", plan.findings);
}

#[test]
fn a_disk_that_a_person_has_put_in_place_of_another_is_taken_note_of_once_it_holds_the_data() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.metadata.insert("logs".into(), "7777".into());
    let plan = plan_of(&desired, &hosts);
    let [Step::RecordMetadata { uuid, minor: 0, port: 7789, .. }] = stage_of(&plan).steps.second.as_slice() else {
        panic!("{:?}", plan.next)
    };
    assert_eq!(uuid, "7777");
    carry_out_next(&desired, &mut hosts);
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
    hosts.second.metadata.insert("logs".into(), "8888".into());
    hosts.second.resources.get_mut("logs").unwrap().disk = "Inconsistent".into();
    assert!(!matches!(plan_of(&desired, &hosts).next, Next::Run(_)), "a leg that is being filled is none yet");
}

#[test]
fn a_volume_that_is_declared_anew_on_another_disk_leaves_the_running_legs_as_they_are() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.volumes[0].disks.second.device = "/dev/sdc".into();
    hosts.second.devices.get_mut("logs").unwrap().path = "/dev/sdc".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!((&plan.next, reasons(&plan)), (&Next::Rest, vec![Reason::DiskChanged]));
    assert!(plan.findings[0].message.contains("runs on /dev/sdb, and spec.disks names /dev/sdc"), "{}", plan.findings[0].message);
}

#[test]
fn another_name_of_the_same_disk_is_written_down_and_nothing_is_detached() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.volumes[0].disks.second.device = "/dev/disk/by-id/x".into();
    hosts.second.devices.get_mut("logs").unwrap().path = "/dev/sdb".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.findings, []);
    for steps in [&stage_of(&plan).steps.first, &stage_of(&plan).steps.second] {
        assert!(steps.iter().any(|step| matches!(step, Step::WriteFile(file) if file.path == "/etc/drbd.d/logs.res")), "{steps:?}");
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
        host.devices.insert("data".into(), Device { exists: true, size: 512 << 20, path: "/dev/sdc".into(), ..Device::default() });
    }
    let plan = plan_of(&desired, &hosts);
    assert_eq!((&plan.next, reasons(&plan)), (&Next::Rest, vec![Reason::SourceInUse]));
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    assert_eq!(reasons(&plan_of(&desired, &hosts)), []);
}
