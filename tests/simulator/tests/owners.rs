//! Every disk, place, address and unit of a host has one owner: what is somebody else's is refused on a
//! living pair, and the pair goes on as it was.

mod scenarios;

use hapair_simulator::{
    experiment::run,
    objects::{changed, of_kind},
};
use scenarios::at_rest;
use serde_json::{Value, json};

/// Applies objects to a pair at rest. The object is not Ready for this reason, with these words; nothing is
/// changed on a host, and the service goes on.
fn refused(
    objects: impl IntoIterator<Item = Value>,
    (plural, name): (&str, &str),
    reason: &str,
    words: &str,
) {
    let end = run(&at_rest(), None, 1, async |experiment| {
        let before = experiment.shared.effects.log().len();
        experiment.apply(objects);
        let rest = experiment.settle().await;
        let (status, now, message) = experiment
            .condition(plural, name, "Ready")
            .expect("the object has a status");
        assert_eq!((status.as_str(), now.as_str()), ("False", reason), "{message}");
        assert!(message.contains(words), "{message}");
        let on_hosts = |effect: &&String| effect.starts_with("node1: ") || effect.starts_with("node2: ");
        assert_eq!(
            experiment.shared.effects.log()[before..]
                .iter()
                .filter(on_hosts)
                .collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        let serves = experiment
            .condition("servicegroups", "tomcat", "Available")
            .map(|(status, ..)| status);
        assert_eq!(serves.as_deref(), Some("True"));
        experiment.end(rest)
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}

const VOLUME: (&str, &str) = ("replicatedvolumes", "logs");
const ADDRESS: (&str, &str) = ("floatingips", "web");
const GROUP: (&str, &str) = ("servicegroups", "tomcat");

#[test]
fn a_mount_point_that_covers_what_belongs_to_others() {
    for (place, words) in [
        ("/etc", "/etc holds what belongs to others"),
        ("/var/log", "/var/log holds what belongs to others"),
        ("/a/../etc", "not written out"),
        ("/usr/lib/ocf", "the host's own"),
        ("/var/lib/pacemaker/cib", "the tools it drives"),
    ] {
        let volume = changed("ReplicatedVolume", |spec| {
            spec["filesystem"]["mountPoint"] = json!(place)
        });
        refused([volume], VOLUME, "InvalidSpec", words);
    }
}

#[test]
fn a_file_that_makes_a_user_root() {
    for path in [
        "/etc/sudoers.d/x",
        "/root/.bashrc",
        "/srv/.ssh/authorized_keys",
        "/srv/../etc/drbd.d/logs.res",
        "/usr/bin/sudo",
    ] {
        let group = changed("ServiceGroup", |spec| spec["files"][0]["path"] = json!(path));
        refused([group], GROUP, "Conflict", path);
    }
}

#[test]
fn the_address_of_a_bmc_of_a_network_or_of_all() {
    let address = |address: &str| changed("FloatingIP", |spec| spec["address"] = json!(address));
    refused(
        [address("192.0.2.21/24")],
        ADDRESS,
        "Conflict",
        "the fencing device of node1",
    );
    refused(
        [address("198.51.100.12/24")],
        ADDRESS,
        "Conflict",
        "a node, node2",
    );
    refused(
        [address("192.0.2.255/24")],
        ADDRESS,
        "InvalidSpec",
        "the network's broadcast address",
    );
    refused(
        [address("192.0.2.0/24")],
        ADDRESS,
        "InvalidSpec",
        "the network's own address",
    );
    refused([address("224.0.0.5/24")], ADDRESS, "InvalidSpec", "multicast");
}

#[test]
fn a_unit_of_the_cluster_or_of_the_host() {
    for unit in [
        "pacemaker",
        "ssh",
        "ssh.service",
        "systemd-networkd",
        "hapair-packages",
    ] {
        let group = changed("ServiceGroup", |spec| {
            spec["services"] = json!([{"name": "x", "systemd": {"unit": unit}}])
        });
        refused(
            [group],
            GROUP,
            "Conflict",
            "belongs to the cluster or to the host",
        );
    }
}

#[test]
fn what_the_pair_does_not_delegate_to_its_groups() {
    let with = |service: Value| changed("ServiceGroup", |spec| spec["services"] = json!([service]));
    let unit = json!({"name": "x", "systemd": {"unit": "backup"}});
    refused(
        [with(unit.clone())],
        GROUP,
        "NotDelegated",
        "spec.services[name=x].systemd.unit: backup",
    );
    let agent = json!({"name": "x", "ocf": {"agent": "heartbeat:anything", "parameters": [{"name": "binfile", "value": "/bin/sh"}]}});
    refused([with(agent)], GROUP, "NotDelegated", "spec.delegation.agents");
    let file = changed("ServiceGroup", |spec| {
        spec["files"][0]["path"] = json!("/etc/shop/shop.conf")
    });
    refused(
        [file],
        GROUP,
        "NotDelegated",
        "spec.files[0].path: /etc/shop/shop.conf",
    );
    // The key to the hosts, made a file that the service's user may read.
    let key = changed("ServiceGroup", |spec| {
        let file = spec["files"][0].as_object_mut().expect("a file");
        file.remove("content");
        file.insert(
            "secretKeyRef".into(),
            json!({"name": "web-ssh", "key": "ssh-privatekey"}),
        );
    });
    refused([key], GROUP, "NotDelegated", "a key to its hosts");
}

#[test]
fn one_unit_in_two_groups() {
    for service in [
        json!({"name": "x", "systemd": {"unit": "tomcat10"}}),
        json!({"name": "x", "tomcat": {}}),
    ] {
        let mut second = of_kind("ServiceGroup");
        second["metadata"]["name"] = json!("second");
        second["spec"] = json!({"pairRef": {"name": "web"}, "services": [service]});
        let pair = changed("HAPair", |spec| {
            spec["delegation"] = json!({"units": ["tomcat10"]})
        });
        refused(
            [pair, second],
            ("servicegroups", "second"),
            "Conflict",
            "which is the service tomcat of group \"tomcat\" already",
        );
    }
}

#[test]
fn what_two_objects_claim_is_told_at_the_newer_one() {
    let newer = |kind: &str, change: &dyn Fn(&mut Value)| {
        let mut object = of_kind(kind);
        // Before the older one in the alphabet.
        object["metadata"]["name"] = json!("a");
        change(&mut object["spec"]);
        object
    };
    let volume = newer("ReplicatedVolume", &|_| {});
    refused(
        [volume],
        ("replicatedvolumes", "a"),
        "Conflict",
        "of volume \"logs\"",
    );
    let address = newer("FloatingIP", &|_| {});
    refused([address], ("floatingips", "a"), "Conflict", "floating IP \"web\"");
    let group = newer("ServiceGroup", &|spec| spec["services"] = json!([]));
    refused(
        [group],
        ("servicegroups", "a"),
        "Conflict",
        "is already in group \"tomcat\"",
    );
}
