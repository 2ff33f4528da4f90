//! Every reason appears in a test: the situation that gives it, and what is said then. The last test here looks for
//! reasons that no test names.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use std::{collections::BTreeSet, fs, path::Path};

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Fencing},
    observed::{HostView, Mounted, Record, Silence},
    report::{Condition, Report},
};
use hapair_planner::{plan, report, teardown};
use situations::*;

fn reported(desired: &Desired, observed: &Both<HostView>) -> Report {
    report(desired, observed, &plan(desired, observed, &fresh()), None)
}

fn condition<'a>(conditions: &'a [Condition], type_: &str) -> &'a Condition {
    let mut conditions = conditions.iter();
    conditions.find(|condition| condition.type_ == type_).unwrap()
}

#[test]
fn a_pair_at_rest_is_as_declared_and_serving() {
    let desired = tomcat_pair();
    let report = reported(&desired, &seen(&at_rest(&desired)));
    let reason = |type_| condition(&report.pair.conditions, type_).reason;
    assert_eq!(reason("Ready"), Reason::AsDeclared);
    assert_eq!(reason("Available"), Reason::Serving);
    assert_eq!(reason("HostsReachable"), Reason::Healthy);
}

#[test]
fn a_host_whose_answer_is_not_understood_is_named_with_what_it_said() {
    let desired = tomcat_pair();
    let garbled = HostView::Silent(Silence::Garbled("it said: Welcome!".into()));
    let observed = Both::new(seen(&at_rest(&desired)).first, garbled);
    let report = reported(&desired, &observed);
    let ready = condition(&report.pair.conditions, "Ready");
    assert_eq!((ready.holds, ready.reason), (Some(false), Reason::HostGarbled));
    assert!(
        ready.message.contains("node2") && ready.message.contains("Welcome!"),
        "{}",
        ready.message
    );
}

#[test]
fn packages_that_are_left_to_a_person_are_named_with_the_host() {
    let mut desired = tomcat_pair();
    desired.install_packages = false;
    let mut hosts = with_packages(&desired);
    hosts.second.packages.remove("resource-agents");
    let plan = plan_of(&desired, &hosts);
    let [finding] = &plan.findings[..] else {
        panic!("{:?}", plan.findings)
    };
    assert_eq!(finding.reason, Reason::PackagesMissing);
    assert_eq!(
        finding.message,
        "node2 lacks resource-agents, and spec.packages is Unmanaged"
    );
}

#[test]
fn a_cluster_without_quorum_is_told() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for side in Side::BOTH {
        hosts[side].cluster.as_mut().unwrap().quorate = false;
    }
    let report = reported(&desired, &seen(&hosts));
    let quorate = condition(&report.pair.conditions, "Quorate");
    assert_eq!((quorate.holds, quorate.reason), (Some(false), Reason::NoQuorum));
}

/// A person has chosen it, so the pair is Ready; the risk is shown.
#[test]
fn disabled_fencing_is_shown_and_makes_nothing_less_ready() {
    let mut desired = tomcat_pair();
    desired.fencing = Fencing::Disabled;
    for side in Side::BOTH {
        desired.nodes[side].devices.clear();
    }
    let report = reported(&desired, &seen(&at_rest(&desired)));
    let fencing = condition(&report.pair.conditions, "FencingReady");
    assert_eq!(
        (fencing.holds, fencing.reason),
        (Some(false), Reason::FencingDisabled)
    );
    assert_eq!(condition(&report.pair.conditions, "Ready").holds, Some(true));
}

#[test]
fn a_pair_without_a_group_has_nothing_to_serve() {
    let mut desired = tomcat_pair();
    desired.groups.clear();
    let report = reported(&desired, &seen(&at_rest(&desired)));
    let available = condition(&report.pair.conditions, "Available");
    assert_eq!(available.reason, Reason::NothingDeclared);
}

#[test]
fn a_file_system_that_has_gone_read_only_is_told() {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let device = format!("/dev/drbd{}", desired.volumes[0].minor());
    let read_only = Mounted {
        read_only: true,
        used: Some(10),
    };
    hosts.first.filesystems.insert(device, read_only);
    let report = reported(&desired, &seen(&hosts));
    let volume = &report.volumes["logs"];
    let writable = condition(&volume.conditions, "Writable");
    assert_eq!(
        (writable.holds, writable.reason),
        (Some(false), Reason::FilesystemReadOnly)
    );
}

/// It passes by itself, so nobody is called: Stalled is False.
#[test]
fn a_pair_that_leaves_its_hosts_says_so_and_is_not_stalled() {
    let desired = tomcat_pair();
    let hosts = at_rest(&desired).map(|mut host| {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
        });
        host
    });
    let observed = seen(&hosts);
    let report = report(&desired, &observed, &teardown(&desired, &observed), None);
    let ready = condition(&report.pair.conditions, "Ready");
    assert_eq!((ready.holds, ready.reason), (Some(false), Reason::TearingDown));
    assert_eq!(condition(&report.pair.conditions, "Stalled").holds, Some(false));
}

/// Reasons of the condition Established, which the controllers give, and of refused plans are named in tests of
/// those; all others in tests of their own folders.
#[test]
fn every_reason_is_named_in_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut words = BTreeSet::new();
    for folder in [
        "operator/planner/tests",
        "operator/controllers/src",
        "operator/hosts/tests",
        "tests/simulator/tests",
        "tests/e2e/src",
        "tests/chaos/src",
    ] {
        read(&root.join(folder), &mut words);
    }
    let unnamed: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !words.contains(reason.name()))
        .collect();
    assert!(unnamed.is_empty(), "no test names {unnamed:?}");
}

/// The words of all sources below a folder; of a source with code and tests, those of its tests.
fn read(folder: &Path, words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let is_code = path.components().any(|part| part.as_os_str() == "controllers");
            let tests = match text.split_once("#[cfg(test)]") {
                Some((_, tests)) if is_code => tests,
                None if is_code => "",
                _ => &text,
            };
            let split = tests.split(|letter: char| !letter.is_ascii_alphanumeric());
            words.extend(split.filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
}
