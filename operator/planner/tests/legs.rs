//! Legs that have held data: replaced, renamed, missing, left behind and back again.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::{Attached, Device, Failure, Resource, Signature, Task, VolumeRecord},
    plan::{Next, Step},
    xml::Element,
};
use situations::*;

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

/// The spec names a blank disk for node2, whose leg runs on another one.
fn with_a_new_disk(desired: &mut Desired) -> Hosts {
    let mut hosts = at_rest(desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        let disk = Attached {
            name: "/dev/sdb".into(),
            path: "/dev/sdb".into(),
        };
        host.resources.get_mut("logs").unwrap().attached = Some(disk);
    }
    desired.volumes[0].disks.second.device = "/dev/sdc".into();
    let device = hosts.second.devices.get_mut("logs").unwrap();
    (device.path, device.signatures, device.label) = ("/dev/sdc".into(), Vec::new(), None);
    hosts
}

#[test]
fn a_leg_gets_another_disk_step_by_step() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    let steps = |hosts: &Hosts| stage_of(&plan_of(&desired, hosts)).steps.clone();
    assert_eq!(
        (steps(&hosts).first, steps(&hosts).second),
        (
            vec![],
            vec![Step::Detach {
                resource: "logs".into(),
                disk: Some("/dev/sdb".into())
            }]
        )
    );
    carry_out_next(&desired, &mut hosts);
    let second = steps(&hosts).second;
    let at = |is_it: fn(&Step) -> bool| {
        second
            .iter()
            .position(is_it)
            .unwrap_or_else(|| panic!("{second:?}"))
    };
    let written = at(|step| matches!(step, Step::WriteFile(file) if file.path == "/etc/drbd.d/logs.res"));
    let made = at(|step| matches!(step, Step::CreateMetadata { device, .. } if device == "/dev/sdc"));
    assert!(written < made, "{second:?}");
    carry_out_next(&desired, &mut hosts);
    assert!(
        matches!(steps(&hosts).second.as_slice(), [Step::BringUp { .. }]),
        "{:?}",
        steps(&hosts).second
    );
    carry_out_next(&desired, &mut hosts);
    let leg = &hosts.second.resources["logs"];
    assert_eq!(leg.attached.as_ref().unwrap().name, "/dev/sdc");
    assert_eq!(hosts.second.pending, [""; 0]);
}

#[test]
fn a_restart_in_the_middle_goes_on_with_the_new_disk() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    carry_out_next(&desired, &mut hosts);
    // node2 was restarted before the new disk had its metadata: its leg cannot come up, and is neither missed nor taken for a lost one.
    hosts.second.resources.clear();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.findings, []);
    let steps = &stage_of(&plan).steps.second;
    let makes = |step: &Step| matches!(step, Step::CreateMetadata { device, .. } if device == "/dev/sdc");
    assert!(steps.iter().any(makes), "{steps:?}");
}

#[test]
fn a_leg_that_is_needed_keeps_its_disk() {
    type Change = fn(&mut Desired, &mut Hosts);
    let changes: [(Change, &str); 4] = [
        (
            |_, hosts| hosts.second.resources.get_mut("logs").unwrap().role = "Primary".into(),
            "move it to node1 first",
        ),
        (
            |_, hosts| hosts.first.resources.get_mut("logs").unwrap().disk = "Inconsistent".into(),
            "whose leg has to be connected and UpToDate",
        ),
        (
            |_, hosts| hosts.second.resources.get_mut("logs").unwrap().connection = "Connecting".into(),
            "whose leg has to be connected and UpToDate",
        ),
        (
            |_, hosts| hosts.second.resources.get_mut("logs").unwrap().attached = None,
            "was not told by DRBD",
        ),
    ];
    for (change, words) in changes {
        let mut desired = tomcat_pair();
        let mut hosts = with_a_new_disk(&mut desired);
        change(&mut desired, &mut hosts);
        let plan = plan_of(&desired, &hosts);
        let message = &plan.findings[0].message;
        assert_eq!(reasons(&plan), [Reason::DiskChanged], "{message}");
        assert!(!matches!(plan.next, Next::Run(_)), "{:?}", plan.next);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_new_disk_that_is_too_small_or_holds_something_is_refused_before_anything_is_detached() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.resources.get_mut("logs").unwrap().size = 1 << 20;
    }
    // Nine sectors of four KiB for the bitmap, and 36 KiB for the superblock and the log.
    let needed = (1 << 30) + 72 * 1024;
    let device = hosts.second.devices.get_mut("logs").unwrap();
    device.size = needed - 512;
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DeviceTooSmall]);
    hosts.second.devices.get_mut("logs").unwrap().size = needed;
    assert_eq!(plan_of(&desired, &hosts).findings, []);
    hosts.second.devices.get_mut("logs").unwrap().signatures = vec![Signature {
        kind: "ext4".into(),
        uuid: "1".into(),
    }];
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DeviceNotBlank])
    );
    desired.volumes[0].disks.second.overwrite = Some("ext4:1".into());
    assert!(matches!(
        stage_of(&plan_of(&desired, &hosts)).steps.second[..],
        [Step::Detach { .. }]
    ));
}

/// node2's leg has lost its disk; what is under the disk's name now is blank.
fn with_a_lost_disk(desired: &Desired) -> Hosts {
    let mut hosts = at_rest(desired);
    hosts.first.resources.get_mut("logs").unwrap().peer_disk = "Diskless".into();
    let leg = hosts.second.resources.get_mut("logs").unwrap();
    (leg.disk, leg.attached) = ("Diskless".into(), None);
    let device = hosts.second.devices.get_mut("logs").unwrap();
    (device.signatures, device.label) = (Vec::new(), None);
    hosts
}

/// Whether nothing is done now, and nothing is said of the spec.
fn is_left_alone(desired: &Desired, hosts: &Hosts) -> bool {
    let plan = plan_of(desired, hosts);
    plan.findings.is_empty() && !matches!(plan.next, Next::Run(_))
}

/// The metadata that was made for node2's leg.
fn made(hosts: &Hosts) -> String {
    hosts.second.volume_records["logs"].device_uuid.clone().unwrap()
}

#[test]
fn a_leg_that_has_lost_its_disk_gets_another_one_only_when_a_person_says_so() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_lost_disk(&desired);
    assert!(is_left_alone(&desired, &hosts));
    desired.lost_legs = ["31fb".to_owned()].into();
    assert!(is_left_alone(&desired, &hosts), "another leg was meant");
    desired.lost_legs = [made(&hosts)].into();
    let steps = stage_of(&plan_of(&desired, &hosts)).steps.second.clone();
    let gone = Step::Detach {
        resource: "logs".into(),
        disk: None,
    };
    assert_eq!(steps, [gone]);
    for _ in 0..3 {
        carry_out_next(&desired, &mut hosts);
    }
    let leg = &hosts.second.resources["logs"];
    assert!(leg.attached.is_some(), "{leg:?}");
    assert_eq!(hosts.second.pending, [""; 0]);
}

#[test]
fn a_leg_whose_own_disk_answers_again_takes_that_back_when_a_person_says_so() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_lost_disk(&desired);
    hosts.second.devices = at_rest(&desired).second.devices;
    assert!(is_left_alone(&desired, &hosts));
    desired.lost_legs = [made(&hosts)].into();
    // It may have the newer data.
    hosts.first.resources.get_mut("logs").unwrap().disk = "Outdated".into();
    let returned = hosts.clone();
    carry_out_next(&desired, &mut hosts);
    let steps = stage_of(&plan_of(&desired, &hosts)).steps.second.clone();
    assert!(matches!(steps.as_slice(), [Step::BringUp { .. }]), "{steps:?}");
    let mut hosts = returned;
    desired.lost_legs.clear();
    desired.volumes[0].disks.second.device = "/dev/disk/by-id/wwn-1".into();
    hosts.second.devices.get_mut("logs").unwrap().path = "/dev/sdc".into();
    carry_out_next(&desired, &mut hosts);
    let steps = stage_of(&plan_of(&desired, &hosts)).steps.second.clone();
    assert!(
        matches!(steps.as_slice(), [Step::WriteFile(_), Step::BringUp { .. }]),
        "{steps:?}"
    );
}

#[test]
fn a_copy_of_the_running_leg_does_not_take_its_place() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    hosts.second.devices.get_mut("logs").unwrap().signatures = vec![Signature {
        kind: "drbd".into(),
        uuid: made(&hosts),
    }];
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::DeviceNotBlank])
    );
    assert!(
        plan.findings[0].message.contains("a copy of the running leg"),
        "{:?}",
        plan.findings
    );
}

#[test]
fn a_leg_that_waits_for_its_new_disk_holds_nothing_else_up() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    hosts.second.resources.get_mut("logs").unwrap().role = "Primary".into();
    hosts.first.resources.get_mut("logs").unwrap().role = "Secondary".into();
    // A file that somebody has changed, and the leg's own, which names its disk until it is given up.
    hosts.second.files.remove("/etc/corosync/corosync.conf");
    let plan = plan_of(&desired, &hosts);
    assert_eq!(reasons(&plan), [Reason::DiskChanged]);
    let steps = &stage_of(&plan).steps.second;
    let writes = |path: &str| {
        steps
            .iter()
            .any(|step| matches!(step, Step::WriteFile(file) if file.path == path))
    };
    assert!(writes("/etc/corosync/corosync.conf"), "{steps:?}");
    assert!(!writes("/etc/drbd.d/logs.res"), "{steps:?}");
}

#[test]
fn of_two_legs_that_are_to_get_other_disks_one_goes_first() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    desired.volumes[0].disks.first.device = "/dev/sdd".into();
    let device = hosts.first.devices.get_mut("logs").unwrap();
    (device.path, device.signatures, device.label) = ("/dev/sdd".into(), Vec::new(), None);
    let detached = |hosts: &Hosts| {
        let plan = plan_of(&desired, hosts);
        assert_eq!(plan.findings, []);
        let steps = stage_of(&plan).steps.clone();
        steps.map(|steps| matches!(steps.as_slice(), [Step::Detach { .. }]))
    };
    // node1 serves.
    assert_eq!(detached(&hosts), Both::new(false, true));
    hosts.first.resources.get_mut("logs").unwrap().role = "Secondary".into();
    assert_eq!(detached(&hosts), Both::new(true, false));
    // The operator died before it took node2's disk away.
    hosts.second.pending.push("attach-logs".into());
    assert_eq!(detached(&hosts), Both::new(false, true));
    // Its leg gets the new one, while node1's file stays as it is.
    carry_out_next(&desired, &mut hosts);
    hosts.first.resources.get_mut("logs").unwrap().peer_disk = "Diskless".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.findings, []);
    let steps = &stage_of(&plan).steps;
    assert_eq!(steps.first, []);
    assert!(
        steps
            .second
            .iter()
            .any(|step| matches!(step, Step::CreateMetadata { .. })),
        "{steps:?}"
    );
}

#[test]
fn a_leg_that_is_down_keeps_a_disk_that_is_there() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_new_disk(&mut desired);
    hosts.second.resources.clear();
    let made = made(&hosts);
    hosts.second.metadata_elsewhere = [(made, "/dev/sdb".to_owned())].into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(reasons(&plan), [Reason::DiskChanged]);
    assert!(
        plan.findings[0].message.contains("its disk is there: /dev/sdb"),
        "{:?}",
        plan.findings
    );
}

#[test]
fn a_leg_that_could_not_come_up_without_its_disk_is_made_on_the_one_that_the_spec_names() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_lost_disk(&desired);
    hosts.second.resources.clear();
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::LegMissing]);
    desired.volumes[0].disks.second.device = "/dev/sdc".into();
    hosts.second.devices.get_mut("logs").unwrap().path = "/dev/sdc".into();
    carry_out_next(&desired, &mut hosts);
    let steps = stage_of(&plan_of(&desired, &hosts)).steps.second.clone();
    let makes = |step: &Step| matches!(step, Step::CreateMetadata { device, .. } if device == "/dev/sdc");
    assert!(steps.iter().any(makes), "{steps:?}");
    carry_out_next(&desired, &mut hosts);
    for host in [&mut hosts.first, &mut hosts.second] {
        let failures = &mut host.cluster.as_mut().unwrap().failures;
        failures.push(Failure {
            resource: "volume-logs".into(),
            task: Task::Start,
            node: "node2".into(),
            message: String::new(),
            passed: None,
            missing_at: None,
        });
    }
    let steps = stage_of(&plan_of(&desired, &hosts)).steps.second.clone();
    let again = Step::CleanUp {
        resource: "volume-logs".into(),
    };
    assert_eq!(steps, [again]);
}

#[test]
fn a_lost_leg_waits_for_a_good_one_to_be_filled_from() {
    let mut desired = tomcat_pair();
    let mut hosts = with_a_lost_disk(&desired);
    desired.lost_legs = [made(&hosts)].into();
    hosts.first.resources.get_mut("logs").unwrap().disk = "Inconsistent".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(reasons(&plan), [Reason::DiskChanged]);
    assert!(!matches!(plan.next, Next::Run(_)), "{:?}", plan.next);
    hosts.first.resources.get_mut("logs").unwrap().disk = "UpToDate".into();
    hosts.second.resources.get_mut("logs").unwrap().connection = "Connecting".into();
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::DiskChanged]);
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
fn what_an_earlier_pair_left_is_not_covered() {
    let desired = tomcat_pair();
    let mut hosts = left_behind(&desired);
    hosts.second.devices.get_mut("logs").unwrap().signatures[0].uuid = "another".into();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, reasons(&plan)),
        (&Next::Rest, vec![Reason::LegMissing])
    );
    let message = &plan.findings[0].message;
    assert!(
        message.contains("expected DRBD's metadata f44642132f79ec16") && !message.contains("overwrite"),
        "{message}"
    );
    // Who wants another disk takes the record away, as the message says.
    let mut anew = hosts.clone();
    anew.second.kept_records.clear();
    assert_eq!(reasons(&plan_of(&desired, &anew)), [Reason::DeviceNotBlank]);
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

/// DRBD's handler did nothing when the resync ended.
#[test]
fn a_constraint_that_stays_is_taken_away_on_the_primary_once_both_legs_have_the_newest_data() {
    let desired = tomcat_pair();
    let with_constraint = |change: fn(&mut Hosts)| {
        let mut hosts = at_rest(&desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            let text = host.cib.as_ref().unwrap().to_string();
            let constraint = "<rsc_location id=\"drbd-fence-by-handler-logs-volume-logs-clone\" rsc=\"volume-logs-clone\"/></constraints>";
            host.cib = Some(Element::parse(&text.replacen("</constraints>", constraint, 1)).unwrap());
        }
        change(&mut hosts);
        plan_of(&desired, &hosts).next
    };
    let Next::Run(stage) = with_constraint(|_| {}) else {
        panic!("the constraint stays")
    };
    let unfence = Step::Unfence {
        resource: "logs".into(),
        minor: 0,
    };
    assert_eq!(stage.steps, Both::new(vec![unfence], Vec::new()));
    for change in [
        (|hosts| leg(hosts, Side::Second).disk = "Inconsistent".into()) as fn(&mut Hosts),
        |hosts| leg(hosts, Side::First).peer_disk = "Outdated".into(),
        |hosts| leg(hosts, Side::First).connection = "Connecting".into(),
        |hosts| leg(hosts, Side::First).replication = "SyncSource".into(),
    ] {
        assert!(!matches!(with_constraint(change), Next::Run(_)));
    }
}

fn leg(hosts: &mut Hosts, side: Side) -> &mut Resource {
    hosts[side].resources.get_mut("logs").unwrap()
}
