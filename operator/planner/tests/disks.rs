//! Disks that hold something, and consent.

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Disk, Partition},
    observed::{Device, DrbdConfig, Signature},
    plan::{Next, Step, Subject},
};
use situations::*;

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
