//! The cluster, its nodes and their fencing.

use hapair_model::{
    desired::Fencing,
    observed::{Ban, Failure, FenceEvent, FencingStatus, Task},
    xml::Element,
};

use super::{Case, in_cluster, on_both};
use crate::situations::Hosts;

pub fn without_quorum() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| in_cluster(hosts, |cluster| cluster.quorate = false),
        &["no quorum"],
        &["bring the other node back", "pcs quorum unblock"],
        |case, _| in_cluster(&mut case.hosts, |cluster| cluster.quorate = true),
    )]
}

fn node2(
    goes_wrong: fn(&mut hapair_model::observed::ClusterNode),
    named: &'static [&'static str],
    advice: &'static [&'static str],
    cure: fn(&mut Case, &str),
) -> Vec<Case> {
    vec![Case::at_rest(
        move |_, hosts| {
            in_cluster(hosts, |cluster| {
                goes_wrong(cluster.nodes.get_mut("node2").unwrap())
            })
        },
        named,
        advice,
        cure,
    )]
}

pub fn offline() -> Vec<Case> {
    node2(
        |node| node.online = false,
        &["node2", "not in the cluster"],
        &["bring it back"],
        Case::is_well,
    )
}

pub fn in_standby() -> Vec<Case> {
    node2(
        |node| node.standby = true,
        &["node2", "standby"],
        &["`kubectl hapair unstandby node2`", "`standby: true` for node2"],
        Case::as_advised,
    )
}

pub fn unclean() -> Vec<Case> {
    node2(
        |node| (node.online, node.unclean) = (false, true),
        &["node2", "unclean"],
        &["look at the fencing device"],
        Case::is_well,
    )
}

pub fn in_maintenance() -> Vec<Case> {
    let mut cases = node2(
        |node| node.maintenance = true,
        &["node2", "maintenance"],
        &["`pcs node unmaintenance node2`"],
        Case::as_advised,
    );
    cases.push(Case::at_rest(
        |_, hosts| in_cluster(hosts, |cluster| cluster.maintenance = true),
        &["the cluster", "maintenance"],
        &["`pcs property set maintenance-mode=false`"],
        Case::as_advised,
    ));
    cases.push(Case::at_rest(
        |_, hosts| {
            in_cluster(hosts, |cluster| {
                let mut resources = cluster.resources.iter_mut();
                let found = resources.find(|each| each.id == "ip-web");
                found.unwrap().unmanaged = true;
            })
        },
        &["ip-web", "not managed"],
        &["`pcs resource manage ip-web`"],
        Case::as_advised,
    ));
    cases
}

/// Disabled by hand while the pair is paused.
pub fn disabled() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            desired.paused = true;
            on_both(hosts, |host| {
                let text = host.cib.as_ref().unwrap().to_string();
                let begin = "<group id=\"group-tomcat\">";
                let meta = "<meta_attributes id=\"by-hand\"><nvpair id=\"by-hand-role\" name=\"target-role\" \
                            value=\"Stopped\"/></meta_attributes>";
                host.cib = Some(Element::parse(&text.replacen(begin, &format!("{begin}{meta}"), 1)).unwrap());
            });
        },
        &["group-tomcat", "disabled"],
        &["`pcs resource enable group-tomcat`"],
        |case, message| {
            case.as_advised(message);
            case.desired.paused = false;
        },
    )]
}

/// An option of the cluster, set by hand while the pair is paused: otherwise the operator sets what is its own.
fn option(hosts: &mut Hosts, name: &str, value: &str) {
    on_both(hosts, |host| {
        let text = host.cib.as_ref().unwrap().to_string();
        let option =
            format!("<nvpair id=\"by-hand\" name=\"{name}\" value=\"{value}\"/></cluster_property_set>");
        host.cib = Some(Element::parse(&text.replacen("</cluster_property_set>", &option, 1)).unwrap());
    });
}

pub fn all_stopped() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            option(hosts, "stop-all-resources", "true");
            in_cluster(hosts, |cluster| {
                cluster.resources.iter_mut().for_each(|each| each.nodes.clear())
            });
        },
        &["stop-all-resources"],
        &["`pcs property set stop-all-resources=false`"],
        Case::as_advised,
    )]
}

pub fn banned() -> Vec<Case> {
    vec![
        ban(
            "cli-ban-group-tomcat-on-node2",
            &["group-tomcat", "node2", "cli-ban-group-tomcat-on-node2"],
            &["`pcs resource clear group-tomcat node2`"],
        ),
        ban(
            "not-at-night",
            &["group-tomcat", "node2", "not-at-night"],
            &["ask who made it", "`pcs constraint delete not-at-night`"],
        ),
    ]
}

/// A constraint that keeps the group off node2.
pub fn ban(id: &'static str, named: &'static [&'static str], advice: &'static [&'static str]) -> Case {
    Case::at_rest(
        move |_, hosts| {
            in_cluster(hosts, |cluster| {
                cluster.bans.push(Ban {
                    id: id.into(),
                    resource: "group-tomcat".into(),
                    node: "node2".into(),
                })
            })
        },
        named,
        advice,
        Case::as_advised,
    )
}

pub fn fencing_failed() -> Vec<Case> {
    let device = Case::at_rest(
        |_, hosts| {
            in_cluster(hosts, |cluster| {
                cluster.failures.push(Failure {
                    resource: "fence-node2-1".into(),
                    task: Task::Monitor,
                    node: "node1".into(),
                    message: "wrong password".into(),
                    passed: None,
                    missing_at: None,
                })
            })
        },
        &["fence-node2-1", "node1", "wrong password"],
        &["check its address, user and password"],
        |case, _| in_cluster(&mut case.hosts, |cluster| cluster.failures.clear()),
    );
    let node = Case::at_rest(
        |_, hosts| {
            in_cluster(hosts, |cluster| {
                let node = cluster.nodes.get_mut("node2").unwrap();
                (node.online, node.unclean) = (false, true);
                cluster.fencing.push(FenceEvent {
                    target: "node2".into(),
                    status: FencingStatus::Failed,
                    completed: Some("2026-01-01 00:00:00Z".into()),
                });
            })
        },
        &["node2 could not be fenced"],
        &["`pcs stonith confirm node2`", "Never while it may be running"],
        Case::as_advised,
    );
    let off = Case::at_rest(
        |desired, hosts| {
            desired.paused = true;
            on_both(hosts, |host| {
                let text = host.cib.as_ref().unwrap().to_string();
                let text = text.replace(
                    "name=\"stonith-enabled\" value=\"true\"",
                    "name=\"stonith-enabled\" value=\"false\"",
                );
                host.cib = Some(Element::parse(&text).unwrap());
            });
        },
        &["stonith-enabled=false"],
        &["`pcs property set stonith-enabled=true`"],
        |case, message| {
            case.as_advised(message);
            case.desired.paused = false;
        },
    );
    vec![device, node, off]
}

/// A person has chosen it.
pub fn fencing_disabled() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, _| {
            desired.fencing = Fencing::Disabled;
            for devices in [
                &mut desired.nodes.first.devices,
                &mut desired.nodes.second.devices,
            ] {
                devices.clear();
            }
        },
        &["fencing is disabled"],
        &["spec.fencing.mode"],
        Case::is_well,
    )]
}

pub fn paused() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, _| desired.paused = true,
        &["not changed"],
        &["spec.paused", "kubectl hapair resume"],
        |case, _| case.desired.paused = false,
    )]
}
