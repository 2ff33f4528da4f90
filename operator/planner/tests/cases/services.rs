//! Services and their addresses.

use hapair_model::{
    desired::ServiceKind,
    observed::{Failure, Limit, LoadState, Mounted, Silence, Task, Unit},
};

use super::{Case, in_cluster};
use crate::situations::{PAGE, stop_in_cluster, with_packages};

pub fn nothing_declared() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, _| desired.groups.clear(),
        &["no service group"],
        &["nothing, if you do not want one"],
        Case::is_well,
    )]
}

pub fn network_not_found() -> Vec<Case> {
    vec![Case::of(
        with_packages,
        |_, hosts| hosts.second.addresses.clear(),
        &["node2", "eth0"],
        &["give both hosts an address in that network"],
        |case, _| case.hosts = with_packages(&case.desired),
    )]
}

pub fn address_taken() -> Vec<Case> {
    vec![Case::of(
        with_packages,
        |_, hosts| hosts.second.taken.push("192.0.2.100".into()),
        &["node2", "192.0.2.100"],
        &["take the address off that machine"],
        |case, _| case.hosts.second.taken.clear(),
    )]
}

pub fn assigned_twice() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            let mut addresses = hosts.first.addresses.iter();
            let floating = addresses.find(|each| each.without_prefix() == "192.0.2.100");
            hosts.second.addresses.push(floating.unwrap().clone());
        },
        &["192.0.2.100", "node1", "node2"],
        &["on node2 `ip address del 192.0.2.100/24 dev eth0`"],
        Case::as_advised,
    )]
}

pub fn link_down() -> Vec<Case> {
    let on = |node: &'static str| {
        Case::at_rest(
            move |_, hosts| {
                in_cluster(hosts, |cluster| {
                    cluster
                        .nodes
                        .get_mut(node)
                        .unwrap()
                        .links_down
                        .insert("link-web".into());
                })
            },
            if node == "node1" {
                &["node1", "eth0 has no link", "192.0.2.100"]
            } else {
                &["node2", "eth0 has no link", "192.0.2.100"]
            },
            &["look at the cable", "`ip link show eth0`"],
            |case, _| {
                in_cluster(&mut case.hosts, |cluster| {
                    cluster
                        .nodes
                        .values_mut()
                        .for_each(|node| node.links_down.clear());
                })
            },
        )
    };
    vec![on("node1"), on("node2")]
}

pub fn runs_twice() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            let active = hosts.second.units["corosync"].clone();
            hosts.second.units.insert("tomcat10".into(), active);
        },
        &["tomcat10 runs on node2"],
        &["on node2 `systemctl disable --now tomcat10`"],
        Case::as_advised,
    )]
}

pub fn without_unit() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            desired.groups[0].services[0].kind = ServiceKind::Systemd("shop".into());
            let loaded = Unit {
                load: LoadState::Loaded,
                ..Unit::default()
            };
            hosts.first.units.insert("shop".into(), loaded);
        },
        &["node2", "shop.service"],
        &["install what brings it"],
        |case, _| {
            let loaded = case.hosts.first.units["shop"].clone();
            drop(case.hosts.second.units.insert("shop".into(), loaded));
        },
    )]
    .into_iter()
    .chain([Case::at_rest(
        |_, hosts| hosts.second.units.get_mut("tomcat10").unwrap().load = LoadState::Masked,
        &["node2", "tomcat10.service", "masked"],
        &["on node2 `systemctl unmask tomcat10`"],
        Case::as_advised,
    )])
    .collect()
}

pub fn resource_failed() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            stop_in_cluster(hosts, "service-tomcat-tomcat");
            in_cluster(hosts, |cluster| {
                cluster.failures.push(Failure {
                    resource: "service-tomcat-tomcat".into(),
                    task: Task::Start,
                    node: "node1".into(),
                    message: "port 8080 is taken".into(),
                    passed: None,
                    missing_at: None,
                })
            });
        },
        &["service-tomcat-tomcat", "node1", "port 8080 is taken"],
        &["`pcs resource cleanup service-tomcat-tomcat`"],
        Case::as_advised,
    )]
}

pub fn not_running() -> Vec<Case> {
    let service = Case::at_rest(
        |_, hosts| stop_in_cluster(hosts, "service-tomcat-tomcat"),
        &["service-tomcat-tomcat", "on any node"],
        &["quorum, fencing and data come first"],
        Case::is_well,
    );
    let device = Case::at_rest(
        |_, hosts| stop_in_cluster(hosts, "fence-node1-1"),
        &["fence-node1-1", "fences node1"],
        &["quorum, fencing and data come first"],
        Case::is_well,
    );
    vec![service, device]
}

pub fn not_answering() -> Vec<Case> {
    let answers = |status: u16, named| {
        Case::at_rest(
            move |_, hosts| hosts.second.probes.extend([(PAGE.into(), status)]),
            named,
            &["pacemaker restarts or moves"],
            |case, _| case.hosts.second.probes.extend([(PAGE.into(), 200)]),
        )
    };
    vec![
        answers(0, &["node2", PAGE, "look at the network and the firewall"]),
        answers(503, &["503", "node1"]),
    ]
}

pub fn probe_refused() -> Vec<Case> {
    let refused = |mend: fn(&mut Case, &str)| {
        Case::at_rest(
            |_, hosts| hosts.second.probes.extend([(PAGE.into(), 404)]),
            &[PAGE, "404", "node1"],
            &["spec.probe.http.path", "spec.probe.http.codes"],
            mend,
        )
    };
    vec![
        refused(|case, _| case.hosts.second.probes.extend([(PAGE.into(), 200)])),
        refused(|case, _| case.desired.groups[0].probe.as_mut().unwrap().codes = vec![404]),
    ]
}

pub fn not_observed() -> Vec<Case> {
    let mut case = Case::at_rest(
        |_, hosts| (hosts.first.cluster, hosts.first.cib) = (None, None),
        &["no host"],
        &["HostsReachable"],
        |case, message| {
            case.is_well(message);
            let mounted = Mounted {
                read_only: false,
                used: Some(10),
            };
            case.hosts
                .first
                .filesystems
                .extend([("/dev/drbd0".into(), mounted)]);
        },
    );
    case.silence = Some(Silence::Unreachable("timed out".into()));
    vec![case]
}

/// systemd lets the unit take longer to stop than the cluster waits.
pub fn stops_too_soon() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            desired.groups[0].services[0].stop_timeout = Some(30);
            let unit = Unit {
                load: LoadState::Loaded,
                stop_limit: Limit::Seconds(90),
                ..Unit::default()
            };
            drop(hosts.second.units.insert("tomcat10".into(), unit));
        },
        &["node2", "stopTimeoutSeconds", "90 s"],
        &["correct that field"],
        |case, _| case.desired.groups[0].services[0].stop_timeout = Some(120),
    )]
}

/// Two services of one unit.
pub fn conflict() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, _| {
            let mut second = desired.groups[0].services[0].clone();
            second.name = "again".into();
            desired.groups[0].services.push(second);
        },
        &["node1", "again", "tomcat10"],
        &["change one of the two"],
        |case, _| drop(case.desired.groups[0].services.pop()),
    )]
}
