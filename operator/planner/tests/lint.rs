//! Plans that are broken on purpose, at least one for each rule: every one of them is refused, and says which
//! rule it would break.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{CorosyncConf, Signature},
    plan::{Content, File, FollowUp, Keep, Next, Stage, Step},
    xml::Element,
};
use hapair_planner::checked;
use situations::*;

fn refused(desired: &Desired, hosts: &Hosts, steps: Both<Vec<Step>>) -> String {
    let stage = Stage {
        name: "broken on purpose",
        steps,
    };
    match checked(desired, &hosts.as_ref(), Next::Run(stage)) {
        Ok(_) => "it was let through".into(),
        Err(finding) => finding.message,
    }
}

fn on_first(step: Step) -> Both<Vec<Step>> {
    Both::new(vec![step], Vec::new())
}

fn create_metadata(overwrite: Option<&str>) -> Step {
    Step::CreateMetadata {
        resource: "logs".into(),
        device: "/dev/sdb".into(),
        overwrite: overwrite.map(str::to_owned),
        minor: 0,
        port: 7789,
    }
}

fn mint() -> Step {
    Step::Mint {
        resource: "logs".into(),
        minor: 0,
        skip_sync: true,
    }
}

fn text_file(content: &str) -> File {
    let (path, mode, owner) = ("/etc/motd".into(), "644".into(), "root:root".into());
    File {
        path,
        mode,
        owner,
        content: Content::Text(content.into()),
        keep: Keep::Nothing,
        follow_up: None::<FollowUp>,
    }
}

fn push(hosts: &Hosts, change: impl FnOnce(&mut Element)) -> Step {
    let mut cib = hosts.first.cib.clone().unwrap();
    change(&mut cib);
    Step::PushCib {
        cib: cib.to_string(),
        planned_on: "1.1".into(),
    }
}

#[test]
fn a_resource_taken_down_while_the_cluster_runs_it_or_it_is_primary() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let down = || {
        on_first(Step::TakeDown {
            resource: "logs".into(),
        })
    };
    assert!(refused(&desired, &hosts, down()).contains("that the cluster runs"));
    for host in [&mut hosts.first, &mut hosts.second] {
        host.cib = None;
        host.resources.get_mut("logs").unwrap().role = "Secondary".into();
    }
    assert_eq!(refused(&desired, &hosts, down()), "it was let through");
    hosts.second.resources.get_mut("logs").unwrap().role = "Primary".into();
    assert!(refused(&desired, &hosts, down()).contains("that is Primary"));
}

#[test]
fn standby_of_the_serving_node_while_its_peer_has_older_data() {
    let mut desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    desired.nodes.first.standby = Some(true);
    let standby = |hosts: &Hosts| {
        push(hosts, |cib| {
            let node = &mut cib.first_mut("configuration").first_mut("nodes").children[0];
            let pair = Element::new("nvpair")
                .with("id", "standby")
                .with("name", "standby")
                .with("value", "on");
            node.children.push(
                Element::new("instance_attributes")
                    .with("id", "nodes-1")
                    .child(pair),
            );
        })
    };
    assert_eq!(
        refused(&desired, &hosts, on_first(standby(&hosts))),
        "it was let through"
    );
    hosts.second.resources.get_mut("logs").unwrap().disk = "Inconsistent".into();
    let refusal = refused(&desired, &hosts, on_first(standby(&hosts)));
    assert!(refusal.contains("its peer can take over"), "{refusal}");
}

#[test]
fn metadata_over_data_without_consent() {
    let desired = tomcat_pair();
    let mut hosts = with_packages(&desired);
    let device = hosts.first.devices.get_mut("logs").unwrap();
    device.signatures = vec![
        Signature {
            kind: "ext4".into(),
            uuid: "1".into(),
        },
        Signature {
            kind: "gpt".into(),
            uuid: "2".into(),
        },
    ];
    for consent in [None, Some("ext4:1"), Some("ext4:2+gpt:1"), Some("")] {
        let refusal = refused(&desired, &hosts, on_first(create_metadata(consent)));
        assert!(
            refusal.contains("nothing that holds data is overwritten without consent"),
            "{consent:?}: {refusal}"
        );
    }
    let refusal = refused(&desired, &hosts, on_first(create_metadata(Some("ext4:1+gpt:2"))));
    assert_eq!(refusal, "it was let through");
}

#[test]
fn metadata_below_a_resource_that_is_up() {
    let desired = tomcat_pair();
    let refusal = refused(&desired, &born(&desired), on_first(create_metadata(None)));
    assert!(
        refusal.contains("nothing that holds data is overwritten"),
        "{refusal}"
    );
}

#[test]
fn a_partition_on_a_disk_that_holds_something() {
    let mut desired = tomcat_pair();
    let partition = hapair_model::desired::Partition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
    };
    desired.volumes[0].disks.first.partition = Some(partition);
    let mut hosts = with_packages(&desired);
    let mut disk = hosts.first.devices["logs"].clone();
    disk.signatures = vec![Signature {
        kind: "LVM2_member".into(),
        uuid: "1".into(),
    }];
    hosts.first.disks.insert("logs".into(), disk);
    let step = Step::MakePartition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
        overwrite: None,
    };
    let refusal = refused(&desired, &hosts, on_first(step));
    assert!(
        refusal.contains("no disk that holds anything is partitioned"),
        "{refusal}"
    );
}

#[test]
fn a_first_generation_over_data() {
    let desired = tomcat_pair();
    for holder in Side::BOTH {
        let mut hosts = prepared(&desired);
        hosts[holder].resources.get_mut("logs").unwrap().generation = 0x1234_5678;
        let refusal = refused(&desired, &hosts, on_first(mint()));
        assert!(refusal.contains("only when both legs are blank"), "{refusal}");
    }
}

#[test]
fn a_first_generation_on_both_nodes() {
    let desired = tomcat_pair();
    let refusal = refused(
        &desired,
        &prepared(&desired),
        Both::new(vec![mint()], vec![mint()]),
    );
    assert!(refusal.contains("minted on both nodes"), "{refusal}");
}

#[test]
fn a_file_system_on_a_volume_that_the_cluster_runs() {
    let desired = tomcat_pair();
    let step = Step::MakeFilesystem {
        resource: "logs".into(),
        minor: 0,
        filesystem: "ext4",
        mount_point: "/var/log/tomcat10".into(),
        owner: "tomcat:adm".into(),
        mode: "2770".into(),
        copy: false,
    };
    let refusal = refused(&desired, &at_rest(&desired), on_first(step));
    assert!(
        refusal.contains("no file system is made on a volume that the cluster runs"),
        "{refusal}"
    );
}

#[test]
fn a_new_name_for_a_host_in_a_cluster() {
    let desired = tomcat_pair();
    let refusal = refused(
        &desired,
        &at_rest(&desired),
        on_first(Step::SetHostname { name: "other".into() }),
    );
    assert!(refusal.contains("is not renamed"), "{refusal}");
}

#[test]
fn a_seed_over_a_configuration() {
    let desired = tomcat_pair();
    let refusal = refused(
        &desired,
        &at_rest(&desired),
        on_first(Step::SeedCib { cib: "<cib/>".into() }),
    );
    assert!(refusal.contains("is not given another"), "{refusal}");
}

#[test]
fn new_keys_for_a_cluster_that_was_formed() {
    let desired = tomcat_pair();
    let file = File {
        path: "/etc/corosync/authkey".into(),
        ..text_file("key")
    };
    let refusal = refused(&desired, &at_rest(&desired), on_first(Step::WriteFile(file)));
    assert!(refusal.contains("keys of a cluster that was formed"), "{refusal}");
}

#[test]
fn a_secret_in_the_configuration() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let step = push(&hosts, |cib| {
        let fence = Element::new("nvpair")
            .with("id", "x")
            .with("name", "password")
            .with("value", "bmc-password");
        cib.first_mut("configuration")
            .first_mut("crm_config")
            .children
            .push(fence);
    });
    let refusal = refused(&desired, &hosts, on_first(step));
    assert!(
        refusal.contains("no secret enters the configuration"),
        "{refusal}"
    );
}

#[test]
fn a_password_that_is_an_ordinary_word_holds_nothing_up() {
    for word in ["admin", "root", "password", "secret", "hacluster", "admin\n"] {
        let mut desired = tomcat_pair();
        for node in [&mut desired.nodes.first, &mut desired.nodes.second] {
            node.devices[0].password = Some(hapair_model::Secret::new(word));
        }
        let hosts = at_rest(&desired);
        let step = push(&hosts, |cib| {
            cib.attributes.insert("update-user".into(), "root".into());
        });
        assert_eq!(
            refused(&desired, &hosts, on_first(step)),
            "it was let through",
            "{word:?}"
        );
    }
}

#[test]
fn fencing_switched_off_while_it_is_required() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let step = push(&hosts, |cib| {
        cib.first_mut("configuration")
            .first_mut("crm_config")
            .children
            .clear()
    });
    let refusal = refused(&desired, &hosts, on_first(step));
    assert!(refusal.contains("fencing is not switched off"), "{refusal}");
}

#[test]
fn a_change_to_what_is_not_the_operators() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let foreign = Element::new("primitive")
        .with("id", "theirs")
        .with("class", "systemd")
        .with("type", "postgresql");
    hosts
        .first
        .cib
        .as_mut()
        .unwrap()
        .first_mut("configuration")
        .first_mut("resources")
        .children
        .push(foreign);
    let gone = push(&hosts, |cib| {
        cib.first_mut("configuration")
            .first_mut("resources")
            .children
            .retain(|each| each.id() != Some("theirs"));
    });
    let changed = push(&hosts, |cib| {
        let resources = &mut cib.first_mut("configuration").first_mut("resources").children;
        let theirs = resources
            .iter_mut()
            .find(|each| each.id() == Some("theirs"))
            .unwrap();
        theirs.attributes.insert("type".into(), "mysql".into());
    });
    for step in [gone, changed] {
        let refusal = refused(&desired, &hosts, on_first(step));
        assert!(
            refusal.contains("what is not the operator's stays as it is"),
            "{refusal}"
        );
    }
}

#[test]
fn a_running_resource_taken_out_of_the_configuration() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired);
    let step = push(&hosts, |cib| {
        cib.first_mut("configuration")
            .first_mut("resources")
            .children
            .retain(|each| each.id() != Some("volume-logs-clone"));
    });
    let refusal = refused(&desired, &hosts, on_first(step));
    assert!(refusal.contains("before it was stopped"), "{refusal}");
}

#[test]
fn a_stop_that_nobody_asked_for() {
    let desired = tomcat_pair();
    for step in [Step::LeaveCluster, Step::Forget { files: Vec::new() }] {
        let refusal = refused(&desired, &at_rest(&desired), on_first(step));
        assert!(refusal.contains("nothing is stopped or forgotten"), "{refusal}");
    }
}

#[test]
fn another_node_id_node_name_or_cluster_name_once_a_cluster_was_formed() {
    let desired = tomcat_pair();
    let conf = |change: &dyn Fn(&str) -> String| {
        let Next::Run(stage) = plan_of(&desired, &with_packages(&desired)).next else {
            panic!("nothing to prepare")
        };
        let mut files = stage.steps.first.into_iter().filter_map(|step| {
            if let Step::WriteFile(file) = step {
                Some(file)
            } else {
                None
            }
        });
        let file = files
            .find(|file| file.path == "/etc/corosync/corosync.conf")
            .unwrap();
        let Content::Text(text) = &file.content else {
            panic!("corosync.conf is no secret")
        };
        on_first(Step::WriteFile(File {
            content: Content::Text(change(text)),
            ..file
        }))
    };
    let swapped = |text: &str| {
        text.replace("nodeid: 1", "nodeid: 3")
            .replace("nodeid: 2", "nodeid: 1")
            .replace("nodeid: 3", "nodeid: 2")
    };
    let renamed = |text: &str| text.replace("name: node2", "name: node3");
    let other_cluster = |text: &str| text.replace("cluster_name: web", "cluster_name: shop");
    let token = |text: &str| text.replace("token: 3000", "token: 10000");

    let live = at_rest(&desired);
    let mut stopped = live.clone();
    for host in [&mut stopped.first, &mut stopped.second] {
        (host.cib, host.cluster, host.corosync_cluster) = (None, None, None);
        host.corosync_conf = Some(CorosyncConf {
            cluster_name: "web".into(),
            nodes: [("node1".into(), 1), ("node2".into(), 2)].into(),
        });
    }
    for hosts in [&live, &stopped] {
        for change in [&swapped as &dyn Fn(&str) -> String, &renamed, &other_cluster] {
            let refusal = refused(&desired, hosts, conf(change));
            assert!(
                refusal.contains("a cluster that was formed keeps its name"),
                "{refusal}"
            );
        }
        assert_eq!(refused(&desired, hosts, conf(&token)), "it was let through");
    }
    assert_eq!(
        refused(&desired, &with_packages(&desired), conf(&swapped)),
        "it was let through"
    );

    let other_id = push(&live, |cib| {
        drop(
            cib.first_mut("configuration").first_mut("nodes").children[0]
                .attributes
                .insert("id".into(), "3".into()),
        )
    });
    assert!(
        refused(&desired, &live, on_first(other_id)).contains("a cluster that was formed keeps its name")
    );
}
