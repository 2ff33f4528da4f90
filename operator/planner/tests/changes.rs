//! What each change of a spec that can change does to a pair at rest, and how a stage that was cut off
//! anywhere goes on.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use std::fmt::Write;

use hapair_model::{
    Secret, Side,
    desired::{Desired, Fencing, HttpProbe, Node, ServiceKind, Tls},
    observed::{Ban, Cluster},
    plan::{Next, Step},
    xml::Element,
};
use situations::*;

/// The step in a line; of a changed configuration, the lines that differ.
fn told(step: &Step, hosts: &Hosts) -> String {
    match step {
        Step::WriteFile(file) => format!("write {}\n", file.path),
        Step::PushCib { cib, .. } => {
            let mut live = hosts.first.cib.clone().unwrap();
            live.children.retain(|section| section.name != "status");
            let live = live.to_string();
            let only = |one: &str, other: &str, sign: char| -> String {
                one.lines()
                    .filter(|line| !other.lines().any(|each| each == *line))
                    .map(|line| format!("  {sign}{}\n", line.trim()))
                    .collect()
            };
            format!(
                "patch the configuration\n{}{}",
                only(&live, cib, '-'),
                only(cib, &live, '+')
            )
        }
        other => format!("{}\n", other.name()),
    }
}

/// The stages that lead from a pair at rest to what is declared after a change.
fn stages_after(change: impl Fn(&mut Desired)) -> String {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    change(&mut desired);
    let mut text = String::new();
    for _ in 0..6 {
        let plan = plan_of(&desired, &hosts);
        let Next::Run(stage) = &plan.next else {
            writeln!(
                text,
                "then: {}",
                if plan.findings.is_empty() {
                    "at rest"
                } else {
                    &plan.findings[0].message
                }
            )
            .unwrap();
            return text;
        };
        for side in Side::BOTH {
            for step in &stage.steps[side] {
                write!(text, "{}: {}", desired.nodes[side].name, told(step, &hosts)).unwrap();
            }
        }
        carry_out_next(&desired, &mut hosts);
    }
    text + "never at rest\n"
}

/// A field, and what is done to it.
type Change = (&'static str, fn(&mut Desired));

#[test]
fn every_field_that_can_change_has_its_plan() {
    let changes: &[Change] = &[
        ("nodes[].standby", |desired| {
            desired.nodes.second.standby = Some(true)
        }),
        ("nodes[].address, beside links", |desired| {
            desired.nodes.first.address = "192.0.2.211".into()
        }),
        ("nodes[].fencing[].ipmi.address", |desired| {
            desired.nodes.first.devices[0].parameters[0].1 = "192.0.2.31".into()
        }),
        ("nodes[].fencing[].ipmi.secretRef: another password", |desired| {
            desired.nodes.first.devices[0].password = Some(Secret::new("another"));
        }),
        ("nodes[].fencing: a second level", |desired| {
            let mut device = desired.nodes.first.devices[0].clone();
            device.parameters[0].1 = "192.0.2.31".into();
            desired.nodes.first.devices.push(device);
        }),
        ("nodes[].fencing[].redfish.tls: an authority", |desired| {
            let device = &mut desired.nodes.first.devices[0];
            device.agent = "fence_redfish".into();
            device.tls = Tls::Authority(Secret::new("-----BEGIN CERTIFICATE-----"));
        }),
        ("nodes[].fencing[].agent: a virtual machine", |desired| {
            let device = &mut desired.nodes.first.devices[0];
            (device.agent, device.plug) = ("fence_pve".into(), Some("101".into()));
        }),
        ("fencing.mode: Disabled", |desired| {
            desired.fencing = Fencing::Disabled;
            desired.nodes.first.devices.clear();
            desired.nodes.second.devices.clear();
        }),
        ("clusterAdmin.secretRef: another password", |desired| {
            desired.admin_password = Some(Secret::new("another"))
        }),
        ("clusterAdmin: gone", |desired| desired.admin_password = None),
        ("packages: Unmanaged", |desired| desired.install_packages = false),
        ("firewall: Unmanaged", |desired| desired.open_firewall = false),
        ("corosync.token", |desired| desired.token = 10_000),
        ("preferredNode: node2", |desired| {
            desired.preferred = Some(Side::Second)
        }),
        ("preferredNode: none", |desired| desired.preferred = None),
        ("paused", |desired| desired.paused = true),
        ("volume: filesystem.mountPoint", |desired| {
            desired.volumes[0].mount_point = "/srv/logs".into()
        }),
        ("volume: filesystem.mountOptions", |desired| {
            desired.volumes[0].mount_options = vec!["noatime".into()]
        }),
        ("volume: filesystem.owner", |desired| {
            desired.volumes[0].owner = "root:root".into()
        }),
        ("floating IP: address", |desired| {
            desired.floating_ips[0].address = "192.0.2.101".parse().unwrap()
        }),
        ("group: probe", |desired| {
            desired.groups[0].probe = Some(HttpProbe {
                port: 8081,
                path: "/ready".into(),
                codes: vec![],
                timeout: 3,
                failure_threshold: 3,
            })
        }),
        ("group: codes of its probe", |desired| {
            desired.groups[0].probe.as_mut().unwrap().codes = vec![200, 401];
        }),
        ("group: probe's time", |desired| {
            desired.groups[0].probe.as_mut().unwrap().timeout = 10;
        }),
        ("group: probe's threshold", |desired| {
            desired.groups[0].probe.as_mut().unwrap().failure_threshold = 1;
        }),
        ("group: probe gone", |desired| desired.groups[0].probe = None),
        ("group: files: gone", |desired| desired.groups[0].files.clear()),
        ("group: volumes: gone", |desired| {
            desired.groups[0].volumes.clear()
        }),
        ("group: services: an agent", |desired| {
            desired.groups[0].services[0].kind = ServiceKind::Ocf {
                agent: "heartbeat:pgsql".into(),
                parameters: vec![("pgdata".into(), "/srv".into())],
            };
        }),
    ];
    let text: String = changes
        .iter()
        .map(|(name, change)| format!("── {name}\n{}\n", stages_after(change)))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn a_stage_that_was_cut_off_anywhere_ends_where_it_would_have_ended() {
    let desired = tomcat_pair();
    let whole = prepared(&desired);
    let plan = plan_of(&desired, &with_packages(&desired));
    let steps = &stage_of(&plan).steps;
    for first in 0..=steps.first.len() {
        for second in 0..=steps.second.len() {
            let mut hosts = with_packages(&desired);
            let done = [
                (Side::First, &steps.first[..first]),
                (Side::Second, &steps.second[..second]),
            ];
            for (side, done) in done {
                done.iter()
                    .for_each(|step| hapair_planner::carry_out(step, &desired, side, &mut hosts));
            }
            for _ in 0..4 {
                if matches!(&plan_of(&desired, &hosts).next, Next::Run(stage) if stage.name == "prepare the \
                    hosts")
                {
                    carry_out_next(&desired, &mut hosts);
                }
            }
            assert_eq!(hosts, whole, "after {first} steps on node1 and {second} on node2");
        }
    }
}

/// What a plan waits for, if it does.
fn waits_for(desired: &Desired, hosts: &Hosts) -> Option<String> {
    match plan_of(desired, hosts).next {
        Next::Wait(what) => Some(what),
        _ => None,
    }
}

#[test]
fn standby_waits_until_the_peer_can_take_over() {
    let mut desired = tomcat_pair();
    let at_rest = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    assert!(matches!(plan_of(&desired, &at_rest).next, Next::Run(_)));

    let mut hosts = at_rest.clone();
    hosts.second.resources.get_mut("logs").unwrap().disk = "Inconsistent".into();
    let data = "node1 goes into standby once volume logs is UpToDate on node2";
    assert_eq!(waits_for(&desired, &hosts).as_deref(), Some(data));
    // Nothing is to serve: that is what the person asks for.
    let both = Desired {
        nodes: desired.nodes.clone().map(|node| Node {
            standby: Some(true),
            ..node
        }),
        ..desired.clone()
    };
    assert!(matches!(plan_of(&both, &hosts).next, Next::Run(_)));
    // Also while nothing runs anywhere: both nodes have just started, and the newest data is on node1.
    for host in [&mut hosts.first, &mut hosts.second] {
        host.resources.get_mut("logs").unwrap().role = "Secondary".into();
        host.cluster
            .as_mut()
            .unwrap()
            .resources
            .iter_mut()
            .for_each(|each| each.nodes.clear());
    }
    assert_eq!(waits_for(&desired, &hosts).as_deref(), Some(data));

    let place = |change: &dyn Fn(&mut Cluster)| {
        let mut hosts = at_rest.clone();
        for host in [&mut hosts.first, &mut hosts.second] {
            change(host.cluster.as_mut().unwrap());
        }
        waits_for(&desired, &hosts).unwrap_or_default()
    };
    let maintenance = place(&|cluster| cluster.nodes.get_mut("node2").unwrap().maintenance = true);
    assert_eq!(maintenance, "node1 goes into standby once node2 can run services");
    let ban = Ban {
        id: "cli-ban".into(),
        resource: "group-tomcat".into(),
        node: "node2".into(),
    };
    assert!(place(&|cluster| cluster.bans.push(ban.clone())).contains("cli-ban"));
}

#[test]
fn standby_of_a_node_whose_own_disk_is_broken_does_not_wait() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    hosts.first.resources.get_mut("logs").unwrap().disk = "Diskless".into();
    hosts.second.resources.get_mut("logs").unwrap().peer_disk = "Diskless".into();
    assert!(matches!(plan_of(&desired, &hosts).next, Next::Run(_)));
}

#[test]
fn standby_waits_while_the_peer_has_started_and_not_joined() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    // node2 serves; node1, just booted, sees a cluster in which nothing runs, and remembers an older standby.
    desired.nodes.second.standby = Some(true);
    let alone = hosts.first.cluster.as_mut().unwrap();
    (alone.has_dc, alone.quorate) = (false, false);
    alone.resources.clear();
    let cluster = hosts.second.cluster.as_mut().unwrap();
    cluster.nodes.get_mut("node1").unwrap().online = false;
    for each in &mut cluster.resources {
        each.nodes.iter_mut().for_each(|node| *node = "node2".into());
    }
    hosts.first.resources.clear();
    let leg = hosts.second.resources.get_mut("logs").unwrap();
    (leg.role, leg.connection) = ("Primary".into(), "Connecting".into());
    let waits = waits_for(&desired, &hosts);
    assert_eq!(
        waits.as_deref(),
        Some("node2 goes into standby once volume logs is UpToDate on node1")
    );
}

#[test]
fn a_member_that_someone_has_added_to_a_group_stays_in_its_place() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for host in [&mut hosts.first, &mut hosts.second] {
        let resources = resources_in_cib(host);
        let group = resources
            .children
            .iter_mut()
            .find(|each| each.id() == Some("group-tomcat"))
            .unwrap();
        group.children.insert(
            1,
            Element::new("primitive")
                .with("id", "backup")
                .with("class", "systemd")
                .with("type", "backup"),
        );
    }
    assert_eq!(
        plan_of(&desired, &hosts).next,
        Next::Rest,
        "it is nothing of ours"
    );
    desired.groups[0].probe = None;
    let Next::Run(stage) = plan_of(&desired, &hosts).next else {
        panic!("the probe is to go")
    };
    let pushed = stage
        .steps
        .iter()
        .flat_map(|(_, steps)| steps)
        .find_map(|step| match step {
            Step::PushCib { cib, .. } => Some(Element::parse(cib).unwrap()),
            _ => None,
        });
    let pushed = pushed.unwrap();
    let group = pushed
        .all()
        .into_iter()
        .find(|each| each.id() == Some("group-tomcat"))
        .unwrap();
    assert_eq!(
        group.children.iter().position(|each| each.id() == Some("backup")),
        Some(1)
    );
}
