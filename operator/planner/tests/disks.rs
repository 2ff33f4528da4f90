//! Devices, and the first data of a volume on them.

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Disk, Partition},
    observed::{Attached, Device, DrbdConfig, Resource, Signature, Unit, VolumeRecord},
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
fn a_leg_that_holds_data_is_never_minted_over() {
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
fn a_device_that_carries_something_is_left_alone_until_that_is_named() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts
        .second
        .devices
        .get_mut("logs")
        .unwrap()
        .signatures
        .push(Signature {
            kind: "ext4".into(),
            uuid: "6f1c20a4".into(),
        });
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
            partition: Some(Partition {
                disk: "/dev/sdb".into(),
                name: "hapair-logs".into(),
                size_mib: None,
            }),
            overwrite: None,
            hide_files: None,
        };
    }
    let hosts = with_packages(&desired).map(|mut host| {
        host.packages.insert("fdisk".into(), "1".into());
        let disk = host
            .devices
            .insert("logs".into(), Device::default())
            .unwrap_or_default();
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
    assert!(
        at(|step| matches!(step, Step::MakePartition { .. }))
            < at(|step| matches!(step, Step::CreateMetadata { .. }))
    );
}

#[test]
fn a_disk_that_holds_anything_is_not_partitioned_until_that_is_named() {
    let (mut desired, mut hosts) = partitioned();
    let gpt = Signature {
        kind: "gpt".into(),
        uuid: "9d0e".into(),
    };
    hosts.first.disks.get_mut("logs").unwrap().signatures = vec![gpt];
    hosts.first.disks.get_mut("logs").unwrap().partitions = vec!["hapair-other".into(), "someones".into()];
    desired.volumes[0].disks.first.overwrite = Some("gpt:9d0e".into());
    assert_eq!(
        reasons(&plan_of(&desired, &hosts)),
        [Reason::DeviceNotBlank],
        "no consent covers the partitions of other volumes"
    );
    desired.volumes[0].disks.first.overwrite = None;
    hosts.first.disks.get_mut("logs").unwrap().partitions.pop();
    assert!(
        matches!(plan_of(&desired, &hosts).next, Next::Run(_)),
        "partitions of other volumes stay beside it"
    );
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
    assert_eq!(
        reasons(&plan_of(&desired, &hosts)),
        [Reason::Conflict, Reason::Conflict]
    );
}

#[test]
fn drbd_metadata_that_is_not_ours_is_not_blank() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts
        .first
        .devices
        .get_mut("logs")
        .unwrap()
        .signatures
        .push(Signature {
            kind: "drbd".into(),
            uuid: "0123456789abcdef".into(),
        });
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DeviceNotBlank]);
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
fn a_resource_of_someone_else_with_the_volumes_name_is_left_alone() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts
        .first
        .drbd_config
        .insert("logs".into(), DrbdConfig::default());
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (plan.next.clone(), reasons(&plan)),
        (Next::Rest, vec![Reason::Conflict])
    );
}

#[test]
fn a_device_with_several_signatures_needs_consent_to_all_of_them() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let signature = |kind: &str| Signature {
        kind: kind.into(),
        uuid: String::new(),
    };
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
        assert!(
            matches!(stage_of(&plan).steps[side].as_slice(), [Step::EnableUnits { .. }]),
            "{plan:?}"
        );
    }
}

#[test]
fn a_device_of_someone_elses_resource_is_in_use_and_no_consent_is_asked_for() {
    let desired = tomcat_pair();
    for (disks, device) in [
        (vec!["/dev/sdb".to_owned()], "/dev/sdb"),
        (Vec::new(), "/dev/drbd5"),
    ] {
        let mut desired = desired.clone();
        desired.volumes[0].disks.first.device = device.into();
        let mut hosts = with_packages(&desired);
        let device = hosts.first.devices.get_mut("logs").unwrap();
        device.signatures = vec![Signature {
            kind: "drbd".into(),
            uuid: "1".into(),
        }];
        hosts.first.drbd_config.insert(
            "theirs".into(),
            DrbdConfig {
                minors: vec![5],
                ports: vec![7790],
                disks,
                ours: false,
            },
        );
        let [finding] = &plan_of(&desired, &hosts).findings[..] else {
            panic!("one finding")
        };
        assert_eq!(finding.reason, Reason::DeviceInUse);
        assert!(
            finding.message.contains("belongs to the DRBD resource theirs")
                && !finding.message.contains("overwrite"),
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
    let ext4 = || {
        vec![Signature {
            kind: "ext4".into(),
            uuid: "1".into(),
        }]
    };
    let blank = Device {
        signatures: Vec::new(),
        ..with_a_leg_that_is_down(&desired).second.devices["logs"].clone()
    };
    let changes = [
        (
            blank.clone(),
            "/dev/sdb is blank, expected DRBD's metadata f44642132f79ec16 of this volume",
        ),
        (
            Device {
                signatures: ext4(),
                ..blank
            },
            "/dev/sdb holds ext4:1, expected DRBD's metadata",
        ),
        (
            Device::default(),
            "/dev/sdb does not exist, expected DRBD's metadata",
        ),
    ];
    for (device, words) in changes {
        let mut hosts = with_a_leg_that_is_down(&desired);
        hosts.second.devices.insert("logs".into(), device);
        hosts
            .second
            .metadata_elsewhere
            .insert("f44642132f79ec16".into(), "/dev/sdc".into());
        let plan = plan_of(&desired, &hosts);
        assert_eq!(
            (&plan.next, reasons(&plan)),
            (&Next::Rest, vec![Reason::LegMissing])
        );
        let message = &plan.findings[0].message;
        assert!(
            message.contains(words)
                && message.contains("It is on /dev/sdc")
                && !message.contains("overwrite"),
            "{message}"
        );
    }
}

#[test]
fn a_record_of_a_volume_that_has_left_does_not_keep_a_new_one_from_its_disk() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let left = VolumeRecord {
        device_uuid: Some("f4".into()),
        zeroes: false,
        minor: 0,
        port: 7789,
    };
    hosts.first.volume_records.insert("logs".into(), left);
    let plan = plan_of(&desired, &hosts);
    assert!(
        stage_of(&plan)
            .steps
            .first
            .iter()
            .any(|step| matches!(step, Step::CreateMetadata { .. })),
        "{:?}",
        plan.findings
    );
}

#[test]
fn a_disk_that_a_person_has_put_in_place_of_another_is_taken_note_of_once_it_holds_the_data() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.metadata.insert("logs".into(), "7777".into());
    let plan = plan_of(&desired, &hosts);
    let [
        Step::RecordMetadata {
            uuid,
            minor: 0,
            port: 7789,
            ..
        },
    ] = stage_of(&plan).steps.second.as_slice()
    else {
        panic!("{:?}", plan.next)
    };
    assert_eq!(uuid, "7777");
    carry_out_next(&desired, &mut hosts);
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
    hosts.second.metadata.insert("logs".into(), "8888".into());
    hosts.second.resources.get_mut("logs").unwrap().disk = "Inconsistent".into();
    assert!(
        !matches!(plan_of(&desired, &hosts).next, Next::Run(_)),
        "a leg that is being filled is none yet"
    );
}

#[test]
fn a_volume_that_is_declared_anew_on_another_disk_leaves_the_running_legs_as_they_are() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.volumes[0].disks.second.device = "/dev/sdc".into();
    hosts.second.devices.get_mut("logs").unwrap().path = "/dev/sdc".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DiskChanged])
    );
    assert!(
        plan.findings[0]
            .message
            .contains("runs on /dev/sdb, and spec.disks names /dev/sdc"),
        "{}",
        plan.findings[0].message
    );
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
        assert!(
            steps
                .iter()
                .any(|step| matches!(step, Step::WriteFile(file) if file.path == "/etc/drbd.d/logs.res")),
            "{steps:?}"
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

/// A pair that has left these hosts: its records are kept, and so is what is on the disks.
fn left_behind(desired: &Desired) -> Hosts {
    let prepared = prepared(desired);
    let mut hosts = with_packages(desired);
    for side in Side::BOTH {
        hosts[side]
            .kept_records
            .clone_from(&prepared[side].volume_records);
        hosts[side].devices.clone_from(&prepared[side].devices);
        hosts[side]
            .devices
            .get_mut("logs")
            .expect("the sample's volume")
            .label = Some("hapair".into());
    }
    hosts
}

#[test]
fn the_same_manifests_after_a_teardown_bring_the_data_back() {
    let desired = tomcat_pair();
    let mut hosts = left_behind(&desired);
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        let steps = &stage_of(&plan).steps[side];
        let recorded =
            |step: &Step| matches!(step, Step::RecordMetadata { uuid, .. } if uuid == "f44642132f79ec16");
        assert!(
            steps.iter().any(recorded) && steps.iter().any(|step| matches!(step, Step::BringUp { .. })),
            "{steps:?}"
        );
        assert!(
            !steps
                .iter()
                .any(|step| matches!(step, Step::CreateMetadata { .. })),
            "{steps:?}"
        );
    }
    carry_out_next(&desired, &mut hosts);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.resources.get_mut("logs").unwrap().generation = 42;
    }
    assert_eq!(
        stage_of(&plan_of(&desired, &hosts)).name,
        "start pacemaker",
        "no generation is made, no file system is made"
    );
}

#[test]
fn what_was_kept_says_nothing_of_other_metadata() {
    let desired = tomcat_pair();
    let mut hosts = left_behind(&desired);
    hosts.second.devices.get_mut("logs").unwrap().signatures[0].uuid = "another".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DeviceNotBlank])
    );
    // A new disk is filled from the other.
    hosts.second.devices.get_mut("logs").unwrap().signatures.clear();
    let plan = plan_of(&desired, &hosts);
    assert!(
        stage_of(&plan)
            .steps
            .second
            .iter()
            .any(|step| matches!(step, Step::CreateMetadata { .. })),
        "{plan:?}"
    );
}

#[test]
fn data_without_a_signature_is_not_blank() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.second.devices.get_mut("logs").unwrap().signatures = vec![Signature::data()];
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DeviceNotBlank])
    );
    let told = &plan.findings[0].message;
    assert!(
        told.contains("holds data without a signature") && told.contains("overwrite to \"data\""),
        "{told}"
    );
    desired.volumes[0].disks.second.overwrite = Some("data".into());
    let plan = plan_of(&desired, &hosts);
    let consented = |step: &Step| matches!(step, Step::CreateMetadata { overwrite, .. } if overwrite.as_deref() == Some("data"));
    assert!(stage_of(&plan).steps.second.iter().any(consented), "{plan:?}");
}

#[test]
fn a_partition_that_was_made_for_the_volume_may_hold_what_was_on_the_disk_before() {
    let mut desired = tomcat_pair();
    let partition = Partition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
    };
    desired.volumes[0].disks.second = Disk {
        device: "/dev/disk/by-partlabel/hapair-logs".into(),
        partition: Some(partition),
        overwrite: Some("ext4:6f1c20a4".into()),
        hide_files: None,
    };
    let mut hosts = with_packages(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.packages.insert("fdisk".into(), "1".into());
    }
    hosts.second.devices.get_mut("logs").unwrap().signatures = vec![Signature::data()];
    let plan = plan_of(&desired, &hosts);
    let consented = |step: &Step| matches!(step, Step::CreateMetadata { overwrite, .. } if overwrite.as_deref() == Some("data"));
    assert!(stage_of(&plan).steps.second.iter().any(consented), "{plan:?}");
}

/// Consent to a partition table is consent to the partitions that were there when it was given.
#[test]
fn consent_to_a_disk_names_its_partitions() {
    let mut desired = tomcat_pair();
    let partition = Partition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
    };
    let overwrite = Some("gpt:table+part:one".into());
    desired.volumes[0].disks.second = Disk {
        device: "/dev/disk/by-partlabel/hapair-logs".into(),
        partition: Some(partition),
        overwrite,
        hide_files: None,
    };
    let mut hosts = with_packages(&desired);
    hosts.second.devices.insert("logs".into(), Device::default());
    let signature = |kind: &str, uuid: &str| Signature {
        kind: kind.into(),
        uuid: uuid.into(),
    };
    let signatures = vec![signature("gpt", "table"), signature("part", "one")];
    let disk = Device {
        exists: true,
        size: 1 << 30,
        partitions: vec!["data".into()],
        signatures,
        ..Device::default()
    };
    hosts.second.disks.insert("logs".into(), disk);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
    let disk = hosts.second.disks.get_mut("logs").unwrap();
    disk.partitions.push("more".into());
    disk.signatures.push(signature("part", "two"));
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DeviceNotBlank])
    );
    assert!(
        plan.findings[0].message.contains("gpt:table+part:one+part:two"),
        "{}",
        plan.findings[0].message
    );
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

/// A host that lost its records, and a volume whose data comes back after a teardown, have had their first
/// day.
#[test]
fn files_below_a_volume_that_was_born_are_no_matter() {
    let desired = tomcat_pair();
    let mut hosts = left_behind(&desired);
    hosts.second.hidden_files.insert("logs".into(), 12);
    assert_eq!(reasons(&plan_of(&desired, &hosts)), []);
    let mut hosts = at_rest(&desired);
    hosts.second.hidden_files.insert("logs".into(), 12);
    assert_eq!(reasons(&plan_of(&desired, &hosts)), []);
}

/// node2's leg as it runs under this name of its disk, with a file that has another name of it.
fn running_as(desired: &Desired, name: &str, in_the_file: &str) -> Hosts {
    let mut hosts = at_rest(desired);
    let path = "/dev/sdb1".to_owned();
    hosts.second.devices.get_mut("logs").expect("a leg at rest").path = path.clone();
    hosts
        .second
        .drbd_config
        .get_mut("logs")
        .expect("a leg at rest")
        .disks = vec![in_the_file.into(), path.clone()];
    let leg = hosts.second.resources.get_mut("logs").expect("a leg at rest");
    leg.attached = Some(Attached {
        name: name.into(),
        path,
    });
    hosts
}

#[test]
fn a_running_leg_keeps_the_name_of_its_disk_since_drbd_would_detach_it_for_another() {
    let desired = tomcat_pair();
    let declared = desired.volumes[0].disks.second.device.clone();
    let device = |hosts: &Hosts| {
        let resolved = hapair_planner::resolve(desired.clone(), &seen(hosts));
        resolved.volumes[0].disks.second.device.clone()
    };
    // Whatever name the file has, after the next write it has that under which the leg runs.
    for in_the_file in ["/dev/sdb1", declared.as_str()] {
        assert_eq!(
            device(&running_as(&desired, "/dev/sdb1", in_the_file)),
            "/dev/sdb1"
        );
    }
    let mut down = running_as(&desired, "/dev/sdb1", "/dev/sdb1");
    down.second.resources.clear();
    assert_eq!(device(&down), declared);
    let mut another_disk = running_as(&desired, "/dev/sdc1", "/dev/sdc1");
    another_disk
        .second
        .resources
        .get_mut("logs")
        .unwrap()
        .attached
        .as_mut()
        .unwrap()
        .path = "/dev/sdc1".into();
    assert_eq!(device(&another_disk), declared);
}
