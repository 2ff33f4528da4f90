//! A host that has lost the keys of its cluster.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Both, Reason, Secret, Side,
    desired::Desired,
    digest,
    observed::{Host, KnownPeer},
    plan::{Content, Next, Step},
};
use hapair_planner::second_question;
use situations::*;

const AUTHKEY: &str = "/etc/corosync/authkey";
const LEG: &str = "f44642132f79ec16";

fn machine_id(side: Side) -> String {
    if side == Side::First { "1" } else { "2" }.repeat(32)
}

/// A pair at rest, whose hosts remember each other.
fn acquainted(desired: &Desired) -> Hosts {
    let mut hosts = at_rest(desired);
    for side in Side::BOTH {
        hosts[side].machine_id = machine_id(side);
    }
    for side in Side::BOTH {
        hosts[side].known_peer = Some(KnownPeer::of(&hosts[side.peer()], ["logs"].into_iter()));
    }
    hosts
}

/// What is left of node2 when its disk for the system was emptied: its packages, its disk for data, and its
/// machine-id.
fn without_memory(desired: &Desired, hosts: &mut Hosts) {
    let before = std::mem::replace(&mut hosts.second, with_packages(desired).second);
    (hosts.second.machine_id, hosts.second.devices) = (before.machine_id, before.devices);
    hosts.first.keys = hosts
        .first
        .shared_keys
        .keys()
        .map(|path| (path.clone(), Secret::new(path.clone())))
        .collect();
    // What the situation keeps of a key is its digest.
    hosts.first.shared_keys = hosts
        .first
        .keys
        .iter()
        .map(|(path, key)| (path.clone(), digest(key.expose())))
        .collect();
}

fn steps_on_node2(desired: &Desired, hosts: &Hosts) -> Vec<Step> {
    let plan = plan_of(desired, hosts);
    assert!(stage_of(&plan).steps.first.is_empty(), "{plan:?}");
    stage_of(&plan).steps.second.clone()
}

#[test]
fn each_host_remembers_the_other_once_all_is_well() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for side in Side::BOTH {
        hosts[side].machine_id = machine_id(side);
    }
    let plan = plan_of(&desired, &hosts);
    let Both { first, second } = &stage_of(&plan).steps;
    for (steps, peer) in [(first, Side::Second), (second, Side::First)] {
        let [Step::WriteFile(file)] = steps.as_slice() else {
            panic!("{steps:?}")
        };
        let line = format!("{} logs={LEG}\n", machine_id(peer));
        assert_eq!(
            (file.path.as_str(), &file.content),
            ("/var/lib/hapair/peer", &Content::Text(line))
        );
    }
    assert_eq!(plan_of(&desired, &acquainted(&desired)).next, Next::Rest);
    hosts.second.machine_id = hosts.first.machine_id.clone();
    assert_eq!(
        plan_of(&desired, &hosts).next,
        Next::Rest,
        "clones of one image are not told apart by their machine-id"
    );
}

#[test]
fn keys_that_a_known_host_has_lost_are_given_back_by_its_peer() {
    let desired = tomcat_pair();
    let mut hosts = acquainted(&desired);
    without_memory(&desired, &mut hosts);
    let question = second_question(&desired, &seen(&hosts)).unwrap();
    assert_eq!(question.first.keys.len(), 3, "{question:?}");
    let steps = steps_on_node2(&desired, &hosts);
    let written = |path: &str| {
        steps
            .iter()
            .find(|step| matches!(step, Step::WriteFile(file) if file.path == path))
    };
    let Some(Step::WriteFile(key)) = written(AUTHKEY) else {
        panic!("{steps:?}")
    };
    assert_eq!(
        (&key.content, &key.follow_up),
        (&Content::Secret(Secret::new(AUTHKEY)), &None),
        "what runs knows no other key"
    );
    assert!(
        written("/etc/pacemaker/authkey").is_some() && written("/var/lib/hapair/drbd.key").is_some(),
        "{steps:?}"
    );
    // The leg is what it was: nothing is made anew.
    let recorded = |step: &Step| matches!(step, Step::RecordMetadata { uuid, .. } if uuid == LEG);
    assert!(
        steps.iter().any(recorded)
            && !steps
                .iter()
                .any(|step| matches!(step, Step::CreateMetadata { .. })),
        "{steps:?}"
    );
}

#[test]
fn a_single_key_is_given_back_while_the_cluster_runs_and_nothing_is_restarted() {
    let desired = tomcat_pair();
    let mut hosts = acquainted(&desired);
    for side in Side::BOTH {
        hosts[side].shared_keys.insert(AUTHKEY.into(), digest(b"the key"));
    }
    hosts.first.keys.insert(AUTHKEY.into(), Secret::new("the key"));
    hosts.second.shared_keys.remove(AUTHKEY);
    let steps = steps_on_node2(&desired, &hosts);
    assert!(
        matches!(steps.as_slice(), [Step::WriteFile(file)] if file.path == AUTHKEY && file.follow_up.is_none()),
        "{steps:?}"
    );
}

#[test]
fn a_host_that_is_not_remembered_waits_for_a_person() {
    let mut desired = tomcat_pair();
    let mut hosts = acquainted(&desired);
    without_memory(&desired, &mut hosts);
    hosts.second.machine_id = "3".repeat(32);
    // A new host has a new disk.
    hosts.second.devices.get_mut("logs").unwrap().signatures.clear();
    let plan = plan_of(&desired, &hosts);
    assert!(
        plan.next == Next::Rest
            && plan
                .findings
                .iter()
                .all(|finding| finding.reason == Reason::KeysLost),
        "{plan:?}"
    );
    let request = format!("hapair.dev/accept-host=node2={}", "3".repeat(32));
    assert!(
        plan.findings[0].message.contains(&request),
        "{}",
        plan.findings[0].message
    );
    desired.accepted.insert("node2".into(), "3".repeat(32));
    let steps = steps_on_node2(&desired, &hosts);
    assert!(
        steps
            .iter()
            .any(|step| matches!(step, Step::WriteFile(file) if file.path == AUTHKEY)),
        "{steps:?}"
    );
    desired.accepted.insert("node2".into(), "4".repeat(32));
    assert_eq!(
        plan_of(&desired, &hosts).next,
        Next::Rest,
        "another host was accepted"
    );
}

#[test]
fn keys_that_differ_or_that_both_have_lost_are_only_told() {
    let desired = tomcat_pair();
    let change: [fn(&mut Host); 2] = [
        |host| drop(host.shared_keys.insert(AUTHKEY.into(), digest(b"another"))),
        |host| drop(host.shared_keys.remove(AUTHKEY)),
    ];
    for (change, words) in change.iter().zip(["different keys", "both hosts have lost"]) {
        let mut hosts = acquainted(&desired);
        change(&mut hosts.second);
        if words.starts_with("both") {
            change(&mut hosts.first);
        }
        let plan = plan_of(&desired, &hosts);
        assert!(
            plan.next == Next::Rest && plan.findings[0].reason == Reason::KeysLost,
            "{plan:?}"
        );
        assert!(
            plan.findings[0].message.contains(words) && !plan.findings[0].message.contains("destroy"),
            "{plan:?}"
        );
    }
}

/// The host's own record is gone, and its peer remembers another leg than is there.
#[test]
fn a_leg_that_the_peer_does_not_remember_so_is_not_made_anew() {
    let desired = tomcat_pair();
    let mut hosts = acquainted(&desired);
    without_memory(&desired, &mut hosts);
    hosts.second.devices.get_mut("logs").unwrap().signatures.clear();
    let plan = plan_of(&desired, &hosts);
    assert_eq!(
        (&plan.next, plan.findings[0].reason),
        (&Next::Rest, Reason::LegMissing),
        "{plan:?}"
    );
}
