//! Situations of a pair, named as an administrator would name them.
#![allow(dead_code, reason = "each test file uses its own part of the situations")]
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    Both, Reason, Secret, Side,
    desired::{
        Desired, Disk, FenceDevice, Fencing, FilesystemType, FloatingIp, Group, GroupFile, HttpProbe,
        Leaving, Node, Numbers, Owner, Preset, Service, ServiceKind, Tls, Volume,
    },
    observed::{
        Cluster, ClusterNode, ClusterResource, Device, Distribution, Host, HostAddress, HostView, Record,
        Silence, Unit,
    },
    plan::{Next, Plan, Stage, Step},
    report::{Condition, Report},
    xml::Element,
};
use hapair_planner::{FreshKeys, carry_out, plan, report};

/// The sample: tomcat on a floating IP, its logs on a replicated volume.
pub fn tomcat_pair() -> Desired {
    let node = |name: &str, last: u8, bmc: u8| Node {
        id: if name == "node1" { 1 } else { 2 },
        name: name.into(),
        address: format!("192.0.2.{last}"),
        links: vec![(0, format!("192.0.2.{last}")), (1, format!("198.51.100.{last}"))],
        devices: vec![FenceDevice {
            agent: "fence_ipmilan".into(),
            parameters: vec![
                ("ip".into(), format!("192.0.2.{bmc}")),
                ("username".into(), "admin".into()),
            ],
            plug: None,
            password: Some(Secret::new("bmc-password")),
            tls: Tls::System,
        }],
        set_hostname: false,
        standby: None,
    };
    let disk = || Disk {
        device: "/dev/sdb".into(),
        partition: None,
        overwrite: None,
        hide_files: None,
    };
    Desired {
        name: "web".into(),
        owner: Owner {
            cluster: "cluster-uid".into(),
            pair: "pair-uid".into(),
            name: "web/web".into(),
        },
        take_over_from: None,
        nodes: Both::new(node("node1", 11, 21), node("node2", 12, 22)),
        fencing: Fencing::Required,
        admin_password: Some(Secret::new("admin-password")),
        install_packages: true,
        open_firewall: true,
        token: 3000,
        replication_link: 1,
        preferred: Some(Side::First),
        paused: false,
        volumes: vec![Volume {
            name: "logs".into(),
            disks: Both::new(disk(), disk()),
            numbers: Some(Numbers { minor: 0, port: 7789 }),
            filesystem: FilesystemType::Ext4,
            mount_point: "/var/log/tomcat10".into(),
            mount_options: Vec::new(),
            owner: "tomcat:adm".into(),
            mode: "2770".into(),
            copy_from: Some(Side::First),
        }],
        floating_ips: vec![FloatingIp {
            name: "web".into(),
            address: "192.0.2.100".parse().unwrap(),
            prefix: 24,
            interfaces: Both::from_fn(|_| Some("eth0".into())),
            watched: true,
        }],
        groups: vec![Group {
            name: "tomcat".into(),
            volumes: vec!["logs".into()],
            floating_ips: vec!["web".into()],
            services: vec![Service {
                name: "tomcat".into(),
                kind: ServiceKind::Preset(Preset::Tomcat),
                start_timeout: None,
                stop_timeout: None,
            }],
            files: vec![GroupFile {
                path: "/var/lib/tomcat10/webapps/ROOT/index.html".into(),
                content: Both::new(Secret::new("node1"), Secret::new("node2")),
                owner: "root:root".into(),
                mode: "644".into(),
            }],
            probe: Some(HttpProbe {
                port: 8080,
                path: "/".into(),
                codes: vec![],
                timeout: 3,
                failure_threshold: 3,
            }),
        }],
        leaving: Leaving::default(),
        accepted: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        lost_legs: BTreeSet::new(),
        ids: BTreeMap::new(),
    }
}

/// Debian 12 with nothing of a cluster, and a blank second disk.
pub fn bare_host(desired: &Desired, side: Side) -> Host {
    Host {
        name: desired.nodes[side].name.clone(),
        kernel: "6.1.0".into(),
        distribution: Distribution {
            id: "debian".into(),
            version: "12".into(),
            like: Vec::new(),
        },
        drbd_major: Some(8),
        devices: BTreeMap::from([(
            "logs".into(),
            Device {
                exists: true,
                size: 512 << 20,
                ..Device::default()
            },
        )]),
        addresses: vec![address(&format!("{}/24", desired.nodes[side].address))],
        ..Host::default()
    }
}

/// Where the pair's service is asked.
pub const PAGE: &str = "http://192.0.2.100:8080/";

pub type Hosts = Both<Host>;

pub fn two_bare_hosts(desired: &Desired) -> Hosts {
    Both::from_fn(|side| bare_host(desired, side))
}

/// Packages are there, and the record of who installed them; none of their services ever ran.
pub fn with_packages(desired: &Desired) -> Hosts {
    let packages = [
        "corosync",
        "curl",
        "drbd-utils",
        "fence-agents",
        "ipmitool",
        "pacemaker",
        "pacemaker-cli-utils",
        "pcs",
        "resource-agents",
        "tomcat10",
    ];
    two_bare_hosts(desired).map(|mut host| {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
            name: None,
        });
        host.packages = packages
            .iter()
            .map(|name| ((*name).to_owned(), "1".to_owned()))
            .collect();
        let idle = Unit {
            load: "loaded".into(),
            active: "inactive".into(),
            ..Unit::default()
        };
        host.units = ["corosync", "pacemaker", "pcsd", "drbd", "tomcat10"]
            .iter()
            .map(|unit| ((*unit).to_owned(), idle.clone()))
            .collect();
        host
    })
}

/// The first stage went through: files, corosync, two connected blank legs.
pub fn prepared(desired: &Desired) -> Hosts {
    let mut hosts = with_packages(desired);
    let Next::Run(stage) = plan_of(desired, &hosts).next else {
        panic!("nothing to prepare")
    };
    for side in Side::BOTH {
        stage.steps[side]
            .iter()
            .for_each(|step| carry_out(step, desired, side, &mut hosts));
    }
    hosts
}

/// The volume has data and a file system on both legs.
pub fn with_first_data(desired: &Desired) -> Hosts {
    prepared(desired).map(|mut host| {
        let leg = host.resources.get_mut("logs").unwrap();
        (leg.disk, leg.peer_disk, leg.generation) =
            ("UpToDate".into(), "UpToDate".into(), 0x31FB_4757_5D89_66C6);
        host.devices.get_mut("logs").unwrap().label = Some("hapair".into());
        host
    })
}

/// Everything runs on node1.
pub fn serving(desired: &Desired) -> Hosts {
    let mut hosts = with_first_data(desired);
    let Next::Run(stage) = plan_of(desired, &hosts).next else {
        panic!("nothing to start")
    };
    for side in Side::BOTH {
        stage.steps[side]
            .iter()
            .for_each(|step| carry_out(step, desired, side, &mut hosts));
        hosts[side].cluster = Some(cluster(desired));
        hosts[side].probes.insert(PAGE.into(), 200);
    }
    hosts.first.resources.get_mut("logs").unwrap().role = "Primary".into();
    hosts.first.addresses.push(address("192.0.2.100/24"));
    hosts
}

fn address(address: &str) -> HostAddress {
    HostAddress {
        address: address.into(),
        interface: "eth0".into(),
    }
}

/// Everything is as declared.
pub fn at_rest(desired: &Desired) -> Hosts {
    let mut hosts = serving(desired);
    for _ in 0..5 {
        if !matches!(plan_of(desired, &hosts).next, Next::Run(_)) {
            break;
        }
        carry_out_next(desired, &mut hosts);
        if hosts.any(|host| !host.pcs_hosts.is_empty()) {
            hosts.first.pcs_hosts = vec!["node1".into(), "node2".into()];
            hosts.second.pcs_hosts = hosts.first.pcs_hosts.clone();
        }
    }
    hosts
}

fn cluster(desired: &Desired) -> Cluster {
    let resource = |id: &str, role: &str, node: &str| ClusterResource {
        id: id.into(),
        role: role.into(),
        nodes: vec![node.into()],
        ..ClusterResource::default()
    };
    Cluster {
        quorate: true,
        has_dc: true,
        nodes: desired
            .nodes
            .iter()
            .map(|(_, node)| {
                (
                    node.name.clone(),
                    ClusterNode {
                        online: true,
                        ..ClusterNode::default()
                    },
                )
            })
            .collect(),
        resources: vec![
            resource("fence-node1-1", "Started", "node2"),
            resource("fence-node2-1", "Started", "node1"),
            resource("volume-logs", "Promoted", "node1"),
            resource("volume-logs", "Unpromoted", "node2"),
            resource("filesystem-logs", "Started", "node1"),
            resource("ip-web", "Started", "node1"),
            resource("service-tomcat-tomcat", "Started", "node1"),
            resource("probe-tomcat", "Started", "node1"),
            resource("writable-logs", "Started", "node1"),
            resource("link-web", "Started", "node1"),
            resource("link-web", "Started", "node2"),
        ],
        ..Cluster::default()
    }
}

/// The next stage goes through.
pub fn carry_out_next(desired: &Desired, hosts: &mut Hosts) {
    let plan = plan_of(desired, hosts);
    let steps = &stage_of(&plan).steps;
    for side in Side::BOTH {
        for step in &steps[side] {
            carry_out(step, desired, side, hosts);
        }
    }
}

/// The cluster has stopped this resource.
pub fn stop_in_cluster(hosts: &mut Hosts, id: &str) {
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cluster
            .as_mut()
            .unwrap()
            .resources
            .retain(|each| each.id != id);
    }
}

/// The cluster has stopped the sample's group.
pub fn stop_group(hosts: &mut Hosts) {
    for id in [
        "writable-logs",
        "probe-tomcat",
        "service-tomcat-tomcat",
        "ip-web",
        "filesystem-logs",
    ] {
        stop_in_cluster(hosts, id);
    }
}

/// The resources of the configuration as this host has it.
pub fn resources_in_cib(host: &mut Host) -> &mut Element {
    let cib = host.cib.as_mut().unwrap();
    cib.first_mut("configuration").first_mut("resources")
}

pub fn seen(hosts: &Hosts) -> Both<HostView> {
    hosts.clone().map(|host| HostView::Seen(Box::new(host)))
}

/// node2 does not answer.
pub fn second_silent(hosts: &Hosts) -> Both<HostView> {
    Both::new(
        HostView::Seen(Box::new(hosts.first.clone())),
        HostView::Silent(Silence::Unreachable("timed out".into())),
    )
}

pub fn plan_of(desired: &Desired, hosts: &Hosts) -> Plan {
    plan(desired, &seen(hosts), &fresh())
}

/// Why a plan is not what was wished for.
pub fn reasons(plan: &Plan) -> Vec<Reason> {
    plan.findings.iter().map(|finding| finding.reason).collect()
}

pub fn fresh() -> FreshKeys {
    let key = |byte: u8| Secret::new(vec![byte; 4]);
    FreshKeys {
        corosync: key(1),
        pacemaker: key(2),
        drbd: key(3),
    }
}

/// The stage that is next, for a snapshot.
pub fn stage_of(plan: &Plan) -> &Stage {
    match &plan.next {
        Next::Run(stage) => stage,
        other => panic!("expected a stage, not {other:?} with {:?}", plan.findings),
    }
}

/// A pair whose children were deleted with Retain.
pub fn released(desired: &mut Desired) -> Hosts {
    let mut hosts = at_rest(desired);
    desired.groups.clear();
    desired.floating_ips.clear();
    desired.volumes.clear();
    carry_out_next(desired, &mut hosts);
    hosts
}

/// The configuration that the next stage pushes.
pub fn pushed(desired: &Desired, hosts: &Hosts) -> String {
    let plan = plan_of(desired, hosts);
    match stage_of(&plan).steps.first.as_slice() {
        [Step::PushCib { cib, .. }] => cib.clone(),
        other => panic!("{other:?}"),
    }
}

/// What is told of the pair.
pub fn told(desired: &Desired, observed: &Both<HostView>) -> Report {
    report(desired, observed, &plan(desired, observed, &fresh()), None)
}

/// Whether a configuration has an element of this id.
pub fn has(cib: &Element, id: &str) -> bool {
    cib.all()
        .iter()
        .any(|each| each.name != "obj_ref" && each.id() == Some(id))
}

/// A condition of the pair: whether it holds, why, and what is said.
pub fn of_pair(desired: &Desired, observed: &Both<HostView>, type_: &str) -> (Option<bool>, Reason, String) {
    let report = told(desired, observed);
    let is_asked_for = |condition: &&Condition| condition.type_ == type_;
    let found = report.pair.conditions.iter().find(is_asked_for).unwrap().clone();
    (found.holds, found.reason, found.message)
}

/// The pair at rest, with something changed on both hosts.
pub fn changed(desired: &Desired, change: impl Fn(&mut Host)) -> Both<HostView> {
    let mut hosts = at_rest(desired);
    change(&mut hosts.first);
    change(&mut hosts.second);
    seen(&hosts)
}
