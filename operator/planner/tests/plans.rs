//! What is planned in each situation on the way from two bare hosts to a serving pair, and after each kind of change.

mod situations;

use hapair_model::{
    Both, Reason, Side,
    desired::{Fencing, Leaving, Partition, ServiceKind},
    observed::{Device, Firewall, Job, Signature},
    plan::{Content, File, Next, Plan, Step, Subject},
};
use situations::*;

fn reasons(plan: &Plan) -> Vec<Reason> {
    plan.findings.iter().map(|finding| finding.reason).collect()
}

#[test]
fn bare_hosts_get_their_packages_with_the_services_masked() {
    let desired = tomcat_pair();
    insta::assert_yaml_snapshot!(stage_of(&plan_of(&desired, &two_bare_hosts(&desired))));
}

#[test]
fn while_packages_are_installed_nothing_else_is_planned() {
    let desired = tomcat_pair();
    let hosts = two_bare_hosts(&desired).map(|mut host| {
        host.install = Some(Job::Running);
        host
    });
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn an_installation_that_failed_is_tried_again_only_after_a_pause() {
    let desired = tomcat_pair();
    let failed = |age| {
        two_bare_hosts(&desired).map(|mut host| {
            host.install = Some(Job::Failed { message: "no such package".into(), age });
            host
        })
    };
    assert!(matches!(plan_of(&desired, &failed(10)).next, Next::Wait(_)));
    assert!(matches!(plan_of(&desired, &failed(61)).next, Next::Run(_)));
}

#[test]
fn hosts_with_packages_are_prepared_in_one_stage() {
    let desired = tomcat_pair();
    insta::assert_yaml_snapshot!(stage_of(&plan_of(&desired, &with_packages(&desired))));
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
    let running = hapair_model::observed::Unit { load: "loaded".into(), active: "active".into(), ..Default::default() };
    hosts.first.units.insert("hapair-filesystem-logs".into(), running);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn pacemaker_first_starts_with_the_whole_configuration_in_place() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &born(&desired));
    let stage = stage_of(&plan);
    let [Step::SeedCib { cib }, Step::EnableUnits { .. }] = stage.steps.first.as_slice() else { panic!("{stage:?}") };
    assert_eq!(stage.steps.first, stage.steps.second, "the same bytes on both");
    insta::assert_snapshot!(cib);
}

#[test]
fn the_first_change_of_the_running_cluster_puts_dc_deadtime_back() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &serving(&desired));
    let [Step::PushCib { cib, planned_on }] = stage_of(&plan).steps.first.as_slice() else { panic!("{plan:?}") };
    assert!(cib.contains("name=\"dc-deadtime\" value=\"20s\""));
    assert_eq!(planned_on, "1.1");
}

#[test]
fn at_the_goal_the_plan_is_empty() {
    let desired = tomcat_pair();
    assert_eq!(plan_of(&desired, &at_rest(&desired)), Plan { next: Next::Rest, findings: Vec::new() });
}

#[test]
fn a_host_that_is_silent_holds_the_pair_as_it_is() {
    let desired = tomcat_pair();
    let plan = hapair_planner::plan(&desired, &second_silent(&with_packages(&desired)), &fresh());
    assert_eq!(plan.next, Next::Rest);
    assert_eq!(reasons(&plan), [Reason::HostUnreachable]);
}

#[test]
fn a_paused_pair_is_not_changed() {
    let mut desired = tomcat_pair();
    desired.paused = true;
    assert_eq!(plan_of(&desired, &two_bare_hosts(&desired)).next, Next::Rest);
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

fn partitioned() -> (hapair_model::desired::Desired, Hosts) {
    let mut desired = tomcat_pair();
    for side in Side::BOTH {
        desired.volumes[0].disks[side] = hapair_model::desired::Disk {
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
fn a_firewall_lets_the_peer_in_before_corosync_starts_and_clients_reach_the_service() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    (hosts.first.firewall, hosts.second.firewall) = (Some(Firewall::Nftables), Some(Firewall::Firewalld));
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        let steps = &stage_of(&plan).steps[side];
        let at = |wanted: fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
        assert!(at(|step| matches!(step, Step::OpenFirewall { .. })) < at(|step| matches!(step, Step::EnableUnits { .. })));
    }
    let written = |side: Side, path: &str| {
        let mut files = stage_of(&plan).steps[side].iter().filter_map(|step| match step {
            Step::WriteFile(File { path: each, content: Content::Text(text), .. }) if each == path => Some(text.clone()),
            _ => None,
        });
        files.next().unwrap()
    };
    insta::assert_snapshot!(written(Side::First, "/etc/hapair/firewall.rules"));
    insta::assert_snapshot!(written(Side::Second, "/etc/firewalld/policies/hapair.xml"));
}

#[test]
fn a_firewall_that_is_not_managed_is_left_alone() {
    let mut desired = tomcat_pair();
    desired.open_firewall = false;
    let mut hosts = with_packages(&desired);
    hosts.first.firewall = Some(Firewall::Ufw);
    assert!(!format!("{:?}", stage_of(&plan_of(&desired, &hosts))).contains("irewall"));
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
fn another_owner_another_cluster_another_name_are_each_refused() {
    let desired = tomcat_pair();
    let refused = |change: fn(&mut hapair_model::observed::Host)| {
        let mut hosts = with_packages(&desired);
        change(&mut hosts.second);
        let plan = plan_of(&desired, &hosts);
        assert_eq!(plan.next, Next::Rest);
        reasons(&plan)
    };
    let owner = hapair_model::observed::Record { owner: "other/pair".into(), epoch: 1 };
    assert_eq!(refused(|host| host.corosync_cluster = Some("debian".into())), [Reason::ForeignCluster]);
    assert_eq!(refused(|host| host.name = "renamed".into()), [Reason::HostNameMismatch]);
    assert_eq!(refused(|host| host.distribution.version = "10".into()), [Reason::UnsupportedDistribution]);
    assert_eq!(refused(|host| host.drbd_major = None), [Reason::DrbdModuleMissing]);
    assert_eq!(refused(|host| host.addresses.clear()), [Reason::NetworkNotFound]);
    assert_eq!(refused(|host| host.taken.push("192.0.2.100".into())), [Reason::AddressTaken]);
    let mut hosts = with_packages(&desired);
    hosts.first.owner = Some(owner.clone());
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::ManagedElsewhere]);
    let mut desired = desired.clone();
    desired.take_over_from = Some(owner.owner);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
}

#[test]
fn a_host_is_renamed_only_when_asked_to_and_never_in_a_cluster() {
    let mut desired = tomcat_pair();
    desired.nodes.second.set_hostname = true;
    let renamed = |mut hosts: Hosts| {
        hosts.second.name = "debian".into();
        hosts
    };
    let plan = plan_of(&desired, &renamed(with_packages(&desired)));
    assert!(matches!(stage_of(&plan).steps.second.first(), Some(Step::SetHostname { .. })));
    assert_eq!(reasons(&plan_of(&desired, &renamed(at_rest(&desired)))), [Reason::HostNameMismatch]);
}

#[test]
fn a_unit_that_does_not_exist_is_named_before_anything_is_done() {
    let mut desired = tomcat_pair();
    desired.groups[0].services[0].kind = ServiceKind::Systemd("nosuch".into());
    let plan = plan_of(&desired, &with_packages(&desired));
    assert_eq!(reasons(&plan), [Reason::UnitNotFound, Reason::UnitNotFound]);
}

#[test]
fn keys_of_a_formed_cluster_are_never_replaced() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.shared_keys.clear();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.next, Next::Rest);
    assert_eq!(reasons(&plan), [Reason::ForeignCluster]);
}

#[test]
fn standby_is_one_patch_of_the_configuration() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    let plan = plan_of(&desired, &hosts);
    let [Step::PushCib { cib, .. }] = stage_of(&plan).steps.first.as_slice() else { panic!("{plan:?}") };
    assert!(cib.contains("<nvpair id=\"nodes-1-standby\" name=\"standby\" value=\"on\"/>"));
}

#[test]
fn a_changed_page_is_written_on_both_nodes_and_nothing_else_happens() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.groups[0].files[0].content = Both::new(hapair_model::Secret::new("new"), hapair_model::Secret::new("new"));
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert!(matches!(stage_of(&plan).steps[side].as_slice(), [Step::WriteFile(file)] if file.path.ends_with("index.html")));
    }
}

#[test]
fn a_child_that_is_merely_absent_stays_on_the_hosts() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.groups.clear();
    desired.floating_ips.clear();
    desired.volumes.clear();
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest);
}

/// The configuration that the next stage pushes.
fn pushed(desired: &hapair_model::desired::Desired, hosts: &Hosts) -> String {
    let plan = plan_of(desired, hosts);
    match stage_of(&plan).steps.first.as_slice() {
        [Step::PushCib { cib, .. }] => cib.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_leaves_is_stopped_before_it_goes_and_a_group_before_its_volume() {
    const STOPPED: &str = "name=\"target-role\" value=\"Stopped\"";
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.volumes.clear();
    desired.leaving = Leaving { volumes: vec!["logs".into()], groups: vec!["tomcat".into()], ..Leaving::default() };
    let cib = pushed(&desired, &hosts);
    assert!(cib.contains("group-tomcat-meta_attributes-target-role") && cib.matches(STOPPED).count() == 1, "{cib}");
    carry_out_next(&desired, &mut hosts);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)), "the group is stopping");
    for id in ["probe-tomcat", "service-tomcat-tomcat", "ip-web", "filesystem-logs"] {
        stop_in_cluster(&mut hosts, id);
    }
    let cib = pushed(&desired, &hosts);
    assert!(!cib.contains("group-tomcat") && cib.contains("volume-logs-clone"), "{cib}");
    carry_out_next(&desired, &mut hosts);
    let cib = pushed(&desired, &hosts);
    assert!(cib.contains("volume-logs-clone-meta_attributes-target-role"), "{cib}");
    carry_out_next(&desired, &mut hosts);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)), "the volume is stopping");
    stop_in_cluster(&mut hosts, "volume-logs");
    assert!(!pushed(&desired, &hosts).contains("volume-logs"));
    carry_out_next(&desired, &mut hosts);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)), "the resource is still Primary");
    hosts.first.resources.get_mut("logs").unwrap().role = "Secondary".into();
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert!(matches!(stage_of(&plan).steps[side].as_slice(), [Step::TakeDown { .. }]), "{plan:?}");
    }
}

#[test]
fn a_change_that_a_crash_cut_off_from_what_follows_is_followed_up() {
    let desired = tomcat_pair();
    let with_mark = |mark: &str| {
        let mut hosts = at_rest(&desired);
        hosts.second.pending = vec![mark.to_owned()];
        let plan = plan_of(&desired, &hosts);
        assert!(stage_of(&plan).steps.first.is_empty());
        stage_of(&plan).steps.second.clone()
    };
    assert!(matches!(with_mark("reload-corosync").as_slice(), [Step::ReloadCorosync]));
    assert!(matches!(with_mark("adjust-logs").as_slice(), [Step::BringUp { .. }]));
    assert!(matches!(with_mark("clean-up-fence-node1-1").as_slice(), [Step::CleanUp { resource }] if resource == "fence-node1-1"));
}

#[test]
fn a_new_volume_takes_no_number_that_anything_on_the_hosts_has() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let left = hapair_model::observed::VolumeRecord { device_uuid: "f4".into(), zeroes: false, minor: 0, port: 7789 };
    hosts.first.volume_records.insert("left-behind".into(), left);
    let foreign = hapair_model::observed::DrbdConfig { minors: vec![1], ports: vec![7790], ours: false };
    hosts.second.drbd_config.insert("someones".into(), foreign);
    hosts.second.resources.insert("up".into(), hapair_model::observed::Resource { minor: 2, ..Default::default() });
    let settled = hapair_planner::settle(desired, &seen(&hosts));
    assert_eq!((settled.volumes[0].minor, settled.volumes[0].port), (3, 7791));
}

#[test]
fn a_resource_of_someone_else_with_the_volumes_name_is_left_alone() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.first.drbd_config.insert("logs".into(), hapair_model::observed::DrbdConfig::default());
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
fn without_fencing_the_configuration_says_so() {
    let mut desired = tomcat_pair();
    desired.fencing = Fencing::Disabled;
    desired.nodes.first.devices.clear();
    desired.nodes.second.devices.clear();
    let plan = plan_of(&desired, &born(&desired));
    let [Step::SeedCib { cib }, _] = stage_of(&plan).steps.first.as_slice() else { panic!("{plan:?}") };
    assert!(cib.contains("name=\"stonith-enabled\" value=\"false\""));
    assert!(!cib.contains("fence_"));
}

#[test]
fn no_plan_shows_a_secret() {
    let desired = tomcat_pair();
    for hosts in [with_packages(&desired), prepared(&desired), born(&desired), serving(&desired)] {
        let shown = format!("{:?}", plan_of(&desired, &hosts));
        assert!(!shown.contains("bmc-password") && !shown.contains("admin-password"), "{shown}");
    }
}

#[test]
fn a_group_deleted_with_retain_keeps_its_address_and_the_pair_goes_on() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.groups.clear();
    assert_eq!(plan_of(&desired, &hosts).next, Next::Rest, "the address within the group that stays is not declared a second time");
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
fn a_host_that_is_not_ours_any_more_is_not_torn_down() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let ours = hapair_model::observed::Record { owner: desired.owner.to_string(), epoch: 1 };
    hosts.first.owner = Some(ours);
    let plan = hapair_planner::teardown(&desired, &seen(&hosts));
    assert!(matches!(stage_of(&plan).steps.first.as_slice(), [Step::LeaveCluster]));
    assert!(stage_of(&plan).steps.second.is_empty());
}

#[test]
fn a_group_under_a_new_name_waits_until_the_old_one_is_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.leaving.groups = vec!["tomcat".into()];
    desired.groups[0].name = "renamed".into();
    let cib = pushed(&desired, &hosts);
    assert_eq!(cib.matches("id=\"filesystem-logs\"").count(), 1, "{cib}");
    assert!(cib.contains("target-role") && !cib.contains("group-renamed"), "{cib}");
    carry_out_next(&desired, &mut hosts);
    for id in ["probe-tomcat", "service-tomcat-tomcat", "ip-web", "filesystem-logs"] {
        stop_in_cluster(&mut hosts, id);
    }
    let cib = pushed(&desired, &hosts);
    assert!(!cib.contains("group-tomcat") && cib.contains("group-renamed"), "{cib}");
}

#[test]
fn an_address_that_moves_into_a_group_is_never_there_twice() {
    let mut desired = tomcat_pair();
    let names = std::mem::take(&mut desired.groups[0].floating_ips);
    desired.groups[0].probe = None;
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster.as_mut().unwrap().resources.retain(|each| each.id != "probe-tomcat");
    }
    desired.groups[0].floating_ips = names;
    let cib = pushed(&desired, &hosts);
    assert_eq!(cib.matches("<primitive id=\"ip-web\"").count(), 1, "{cib}");
}

#[test]
fn a_resource_of_someone_else_is_not_taken_down_with_a_volume_of_its_name() {
    let mut desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        host.drbd_config.insert("logs".into(), hapair_model::observed::DrbdConfig::default());
        host.resources.insert("logs".into(), hapair_model::observed::Resource { role: "Primary".into(), ..Default::default() });
    }
    desired.groups.clear();
    desired.volumes.clear();
    desired.leaving.volumes = vec!["logs".into()];
    assert!(!format!("{:?}", plan_of(&desired, &hosts)).contains("TakeDown"));
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)).volumes, ["logs"]);
}

#[test]
fn what_the_cluster_still_stops_is_not_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    for host in [&mut hosts.first, &mut hosts.second] {
        // An administrator took it out of the configuration while it ran.
        host.cib = Some(hapair_model::xml::Element::parse("<cib><configuration><resources/></configuration></cib>").unwrap());
        let resources = &mut host.cluster.as_mut().unwrap().resources;
        resources.iter_mut().find(|each| each.id == "service-tomcat-tomcat").unwrap().orphaned = true;
    }
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)), Leaving::default());
    stop_in_cluster(&mut hosts, "service-tomcat-tomcat");
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)).groups, ["tomcat"]);
}

#[test]
fn what_was_not_observed_is_not_gone() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.groups.clear();
    desired.leaving.groups = vec!["tomcat".into()];
    for host in [&mut hosts.first, &mut hosts.second] {
        (host.cib, host.cluster) = (None, None);
    }
    assert_eq!(hapair_planner::gone(&desired, &seen(&hosts)), Leaving::default());
}
