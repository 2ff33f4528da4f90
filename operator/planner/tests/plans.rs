//! What is planned in each situation on the way from two bare hosts to a serving pair, and after each kind of
//! change.

mod situations;

use hapair_model::{
    Both, Reason, Side,
    desired::{Fencing, ServiceKind},
    observed::{Failure, Firewall, Job, Task},
    plan::{Content, File, Next, PackageManager, Plan, Step},
};
use situations::*;

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
            host.install = Some(Job::Failed {
                message: "no such package".into(),
                age,
                times: 1,
            });
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
fn pacemaker_first_starts_with_the_whole_configuration_in_place() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &with_first_data(&desired));
    let stage = stage_of(&plan);
    let [Step::SeedCib { cib }, Step::EnableUnits { .. }] = stage.steps.first.as_slice() else {
        panic!("{stage:?}")
    };
    assert_eq!(stage.steps.first, stage.steps.second, "the same bytes on both");
    insta::assert_snapshot!(cib);
}

#[test]
fn the_first_change_of_the_running_cluster_puts_dc_deadtime_back() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &serving(&desired));
    let [Step::PushCib { cib, planned_on }] = stage_of(&plan).steps.first.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(cib.contains("name=\"dc-deadtime\" value=\"20s\""));
    assert_eq!(planned_on, "1.1");
}

#[test]
fn at_the_goal_the_plan_is_empty() {
    let desired = tomcat_pair();
    assert_eq!(
        plan_of(&desired, &at_rest(&desired)),
        Plan {
            next: Next::Rest,
            findings: Vec::new()
        }
    );
}

#[test]
fn a_host_that_is_silent_holds_the_pair_as_it_is() {
    let desired = tomcat_pair();
    let plan = hapair_planner::plan(&desired, &second_silent(&with_packages(&desired)), &fresh());
    assert_eq!(plan.next, Next::Rest);
    assert_eq!(reasons(&plan), [Reason::HostUnreachable]);
}

#[test]
fn masks_of_an_installation_that_was_cut_short_are_taken_away_before_anything_else() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    hosts.second.pending = vec!["unmask-corosync".into()];
    let plan = plan_of(&desired, &hosts);
    let finishing = Step::InstallPackages {
        manager: PackageManager::Apt,
        packages: Vec::new(),
        mask: Vec::new(),
    };
    assert_eq!(stage_of(&plan).steps, Both::new(Vec::new(), vec![finishing]));
    hosts.second.install = Some(Job::Running);
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Wait(_)));
}

#[test]
fn a_missing_package_masks_nothing_that_a_failover_needs() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.second.packages.remove("ipmitool");
    hosts.second.units.get_mut("pcsd").unwrap().active = "inactive".into();
    let plan = plan_of(&desired, &hosts);
    let install = Step::InstallPackages {
        manager: PackageManager::Apt,
        packages: vec!["ipmitool".into()],
        mask: Vec::new(),
    };
    assert_eq!(stage_of(&plan).steps.second, vec![install]);
}

#[test]
fn a_paused_pair_is_not_changed() {
    let mut desired = tomcat_pair();
    desired.paused = true;
    assert_eq!(plan_of(&desired, &two_bare_hosts(&desired)).next, Next::Rest);
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
        assert!(
            at(|step| matches!(step, Step::OpenFirewall { .. }))
                < at(|step| matches!(step, Step::EnableUnits { .. }))
        );
    }
    let written = |side: Side, path: &str| {
        let mut files = stage_of(&plan).steps[side].iter().filter_map(|step| match step {
            Step::WriteFile(File {
                path: each,
                content: Content::Text(text),
                ..
            }) if each == path => Some(text.clone()),
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
fn another_owner_another_cluster_another_name_are_each_refused() {
    let desired = tomcat_pair();
    let refused = |change: fn(&mut hapair_model::observed::Host)| {
        let mut hosts = with_packages(&desired);
        change(&mut hosts.second);
        let plan = plan_of(&desired, &hosts);
        assert_eq!(plan.next, Next::Rest);
        reasons(&plan)
    };
    let owner = hapair_model::observed::Record {
        owner: "other/pair".into(),
        epoch: 1,
        name: None,
    };
    assert_eq!(
        refused(|host| host.corosync_cluster = Some("debian".into())),
        [Reason::ForeignCluster]
    );
    assert_eq!(
        refused(|host| host.name = "renamed".into()),
        [Reason::HostNameMismatch]
    );
    assert_eq!(
        refused(|host| host.distribution.version = "10".into()),
        [Reason::UnsupportedDistribution]
    );
    assert_eq!(
        refused(|host| host.drbd_major = None),
        [Reason::DrbdModuleMissing]
    );
    assert_eq!(
        refused(|host| host.plain_rules = Some("/etc/iptables/rules.v4".into())),
        [Reason::FirewallNotManaged]
    );
    assert_eq!(refused(|host| host.addresses.clear()), [Reason::NetworkNotFound]);
    assert_eq!(
        refused(|host| host.taken.push("192.0.2.100".into())),
        [Reason::AddressTaken]
    );
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
    assert!(matches!(
        stage_of(&plan).steps.second.first(),
        Some(Step::SetHostname { .. })
    ));
    assert_eq!(
        reasons(&plan_of(&desired, &renamed(at_rest(&desired)))),
        [Reason::HostNameMismatch]
    );
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
    assert_eq!(reasons(&plan), [Reason::KeysLost; 3]);
}

#[test]
fn standby_is_one_patch_of_the_configuration() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    let plan = plan_of(&desired, &hosts);
    let [Step::PushCib { cib, .. }] = stage_of(&plan).steps.first.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(cib.contains("<nvpair id=\"nodes-1-standby\" name=\"standby\" value=\"on\"/>"));
}

#[test]
fn a_changed_page_is_written_on_both_nodes_and_nothing_else_happens() {
    let mut desired = tomcat_pair();
    let hosts = at_rest(&desired);
    desired.groups[0].files[0].content =
        Both::new(hapair_model::Secret::new("new"), hapair_model::Secret::new("new"));
    let plan = plan_of(&desired, &hosts);
    for side in Side::BOTH {
        assert!(
            matches!(stage_of(&plan).steps[side].as_slice(), [Step::WriteFile(file)] if file.path.ends_with("index.html"))
        );
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
    assert!(matches!(
        with_mark("reload-corosync").as_slice(),
        [Step::ReloadCorosync]
    ));
    assert!(matches!(
        with_mark("adjust-logs").as_slice(),
        [Step::BringUp { .. }]
    ));
    assert!(
        matches!(with_mark("clean-up-fence-node1-1").as_slice(), [Step::CleanUp { resource }] if resource == "fence-node1-1")
    );
}

/// A monitor that ran between the loss of a file and its return: the cluster would keep what it looked after away from the
/// node until the failure expires.
#[test]
fn what_failed_for_want_of_a_file_is_tried_again_once_the_file_is_there() {
    let desired = tomcat_pair();
    let with = |missing_at: Option<i64>, mended_at: Option<i64>| {
        let mut hosts = at_rest(&desired);
        let failure = Failure {
            resource: "volume-logs".into(),
            task: Task::Monitor,
            node: hosts.second.name.clone(),
            message: "not installed".into(),
            passed: None,
            missing_at,
        };
        hosts.second.mended_at = mended_at;
        for host in [&mut hosts.first, &mut hosts.second] {
            host.cluster.as_mut().unwrap().failures.push(failure.clone());
        }
        plan_of(&desired, &hosts).next
    };
    let Next::Run(stage) = with(Some(100), Some(103)) else {
        panic!("nothing is done");
    };
    let steps: Vec<_> = stage.steps.iter().flat_map(|(_, steps)| steps).collect();
    assert!(
        matches!(steps.as_slice(), [Step::CleanUp { resource }] if resource == "volume-logs"),
        "{steps:?}"
    );
    assert_eq!(
        with(Some(104), Some(103)),
        Next::Rest,
        "it was not that file: once more would change nothing"
    );
    assert_eq!(with(None, Some(103)), Next::Rest, "it failed in another way");
    assert_eq!(with(Some(100), None), Next::Rest, "nothing was put there");
}

#[test]
fn without_fencing_the_configuration_says_so() {
    let mut desired = tomcat_pair();
    desired.fencing = Fencing::Disabled;
    desired.nodes.first.devices.clear();
    desired.nodes.second.devices.clear();
    let plan = plan_of(&desired, &with_first_data(&desired));
    let [Step::SeedCib { cib }, _] = stage_of(&plan).steps.first.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(cib.contains("name=\"stonith-enabled\" value=\"false\""));
    assert!(!cib.contains("fence_"));
}

#[test]
fn no_plan_shows_a_secret() {
    let desired = tomcat_pair();
    for hosts in [
        with_packages(&desired),
        prepared(&desired),
        with_first_data(&desired),
        serving(&desired),
    ] {
        let shown = format!("{:?}", plan_of(&desired, &hosts));
        assert!(
            !shown.contains("bmc-password") && !shown.contains("admin-password"),
            "{shown}"
        );
    }
}

#[test]
fn a_cluster_that_no_record_vouches_for_is_foreign_whatever_its_name() {
    let desired = tomcat_pair();
    let forgotten = |change: fn(&mut hapair_model::observed::Host)| {
        let mut hosts = at_rest(&desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            host.owner = None;
            change(host);
        }
        let plan = plan_of(&desired, &hosts);
        assert_eq!(plan.next, Next::Rest);
        reasons(&plan)
    };
    assert_eq!(
        forgotten(|_| ()),
        [Reason::ForeignCluster, Reason::ForeignCluster]
    );
    // Stopped, with its configuration on disk; and before pacemaker ever ran.
    assert_eq!(
        forgotten(|host| (host.corosync_cluster, host.cluster, host.cib) = (None, None, None)),
        [Reason::ForeignCluster; 2]
    );
    assert_eq!(
        forgotten(|host| (host.cluster, host.cib, host.cib_on_disk) = (None, None, None)),
        [Reason::ForeignCluster; 2]
    );
    // One host has lost its record; the other's vouches for the cluster that both are in.
    let mut hosts = at_rest(&desired);
    hosts.second.owner = None;
    assert_eq!(reasons(&plan_of(&desired, &hosts)), []);
    hosts
        .first
        .cluster
        .as_mut()
        .unwrap()
        .nodes
        .get_mut("node2")
        .unwrap()
        .online = false;
    assert_eq!(reasons(&plan_of(&desired, &hosts)), [Reason::ForeignCluster]);
}

/// A name that no agent has would have no effect, without a word.
#[test]
fn a_parameter_that_the_agent_does_not_have_is_refused_by_name() {
    let mut desired = tomcat_pair();
    let parameters = vec![("pgdata".into(), "/srv".into()), ("data".into(), "/srv".into())];
    desired.groups[0].services[0].kind = ServiceKind::Ocf {
        agent: "heartbeat:pgsql".into(),
        parameters,
    };
    let mut hosts = with_packages(&desired);
    let question = hapair_planner::second_question(&desired, &seen(&hosts)).unwrap();
    assert_eq!(question.first.agents, ["heartbeat:pgsql"]);
    let known = ["pgctl", "pgdata"].map(str::to_owned).into_iter().collect();
    for host in [&mut hosts.first, &mut hosts.second] {
        host.agents.insert(
            "heartbeat:pgsql".into(),
            Some(std::collections::BTreeSet::clone(&known)),
        );
    }
    let plan = plan_of(&desired, &hosts);
    assert_eq!(reasons(&plan), [Reason::InvalidSpec, Reason::InvalidSpec]);
    let told = &plan.findings[0].message;
    assert!(
        told.contains("spec.services[name=tomcat].ocf.parameters[name=data]")
            && told.contains("it has pgctl, pgdata"),
        "{told}"
    );
    hosts.first.agents.insert("heartbeat:pgsql".into(), None);
    assert_eq!(plan_of(&desired, &hosts).findings[0].reason, Reason::UnitNotFound);
}

/// At the end of a maintenance mode pacemaker would stop and start what has run well since.
#[test]
fn a_monitors_failure_that_has_passed_is_forgotten() {
    let desired = tomcat_pair();
    let with = |passed: Option<u32>, maintenance: bool| {
        let mut hosts = at_rest(&desired);
        for host in [&mut hosts.first, &mut hosts.second] {
            let cluster = host.cluster.as_mut().unwrap();
            cluster.maintenance = maintenance;
            cluster.failures.push(Failure {
                resource: "ip-web".into(),
                task: Task::Monitor,
                node: "node1".into(),
                message: "Resource agent did not complete within 20s".into(),
                passed,
                missing_at: None,
            });
        }
        plan_of(&desired, &hosts).next
    };
    let Next::Run(stage) = with(Some(10_000), false) else {
        panic!("nothing is done");
    };
    assert_eq!(stage.name, "forget a failure that has passed");
    let steps: Vec<_> = stage.steps.iter().flat_map(|(_, steps)| steps).collect();
    let [
        Step::ForgetFailure {
            resource,
            node,
            interval_ms,
        },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}");
    };
    assert_eq!(
        (resource.as_str(), node.as_str(), *interval_ms),
        ("ip-web", "node1", 10_000)
    );
    assert_eq!(with(None, false), Next::Rest, "pacemaker acts upon it");
    assert!(
        !matches!(with(Some(10_000), true), Next::Run(_)),
        "nothing is done in a maintenance mode"
    );
}
