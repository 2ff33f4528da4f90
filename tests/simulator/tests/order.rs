//! The list of nodes is a map by name: its order means nothing, at the first convergence or later.

mod scenarios;

use hapair_simulator::{
    experiment::{End, Start, run},
    objects::{changed, sample, secrets},
};
use scenarios::at_rest;
use serde_json::Value;

fn swapped() -> Value {
    changed("HAPair", |spec| {
        spec["nodes"].as_array_mut().expect("two nodes").reverse()
    })
}

fn corosync_conf(end: &End) -> [String; 2] {
    let text = |machine: &hapair_simulator::machine::Machine| {
        String::from_utf8_lossy(&machine.disk.files["/etc/corosync/corosync.conf"].content).into_owned()
    };
    [text(&end.world.machines.first), text(&end.world.machines.second)]
}

#[test]
fn two_nodes_that_are_swapped_in_the_list_change_nothing_on_a_host() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        let before = experiment.shared.effects.log().len();
        experiment.apply([swapped()]);
        let rest = experiment.settle().await;
        let on_hosts = |effect: &&String| effect.starts_with("node1: ") || effect.starts_with("node2: ");
        let effects = experiment.shared.effects.log();
        assert_eq!(
            effects[before..].iter().filter(on_hosts).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}

#[test]
fn a_pair_that_is_declared_in_the_other_order_becomes_the_same() {
    let converged = |pair: Option<Value>| {
        run(&Start::bare(), None, 1, async |experiment| {
            experiment.apply(secrets());
            experiment.apply(sample().into_iter().map(|object| match &pair {
                Some(pair) if object["kind"] == "HAPair" => pair.clone(),
                _ => object,
            }));
            let rest = experiment.settle().await;
            experiment.end(rest)
        })
    };
    let (straight, other) = (converged(None), converged(Some(swapped())));
    assert_eq!(other.troubles, Vec::<String>::new());
    assert_eq!(corosync_conf(&straight), corosync_conf(&other));
    assert_eq!(straight.fingerprint(), other.fingerprint());
}

/// What an operator has left that took the ids from the order of the list.
#[test]
fn a_cluster_with_other_ids_keeps_them() {
    let mut start = at_rest();
    for machine in [&mut start.world.machines.first, &mut start.world.machines.second] {
        let exchange = |text: &str, one: &str, other: &str| {
            text.replace(one, "<>").replace(other, one).replace("<>", other)
        };
        let file = machine
            .disk
            .files
            .get_mut("/etc/corosync/corosync.conf")
            .expect("a cluster");
        file.content =
            exchange(&String::from_utf8_lossy(&file.content), "nodeid: 1", "nodeid: 2").into_bytes();
        machine.memory.corosync = Some(file.content.clone());
        let cib = machine.disk.cib.take().expect("a configuration").to_string();
        let cib = exchange(&cib, "<node id=\"1\"", "<node id=\"2\"");
        machine.disk.cib = Some(hapair_model::xml::Element::parse(&cib).expect("XML"));
    }
    let before = start.world.machines.first.disk.files["/etc/corosync/corosync.conf"]
        .content
        .clone();
    let end = run(&start, None, 1, async |experiment| {
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
    assert_eq!(
        end.world.machines.first.disk.files["/etc/corosync/corosync.conf"].content,
        before
    );
}
