//! Every reason, in the situations that give it: the message names the host and the cause, the advice says what to
//! do, and doing that ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod cases;
mod situations;

use std::{fs, path::Path};

use cases::{Case, cluster, disks, hosts, services};
use hapair_model::{
    Reason,
    reason::{Class, remedy_of},
    report::Condition,
};
use hapair_planner::{plan, report};
use situations::fresh;

/// Where a reason's situations are.
enum Row {
    /// There is nothing to end.
    Fine,
    /// The planner gives it in these.
    Planned(Vec<Case>),
    /// Another crate gives it, and this file's tests have its situations.
    Elsewhere(&'static str),
}

/// The situations of a reason. There is no wildcard: a new reason does not compile without one.
fn row(reason: Reason) -> Row {
    use Row::{Elsewhere, Fine, Planned};
    const REFUSALS: &str = "tests/e2e/src/checks/refusals.rs";
    const PUBLISH: &str = "operator/controllers/src/publish.rs";
    const PROGRESS: &str = "operator/engine/src/progress.rs";
    const PERMISSIONS: &str = "tests/e2e/src/checks/permissions.rs";
    match reason {
        Reason::AsDeclared
        | Reason::Serving
        | Reason::Healthy
        | Reason::HasBeenReady
        | Reason::AnsweredLocally => Fine,
        Reason::NeverReady => Elsewhere(PUBLISH),
        Reason::NothingDeclared => Planned(services::nothing_declared()),
        Reason::Converging => Planned(hosts::converging()),
        Reason::PausedByUser => Planned(cluster::paused()),
        Reason::NotSynced => Elsewhere(PERMISSIONS),
        Reason::PairNotFound => Elsewhere(REFUSALS),
        Reason::DanglingReference => Elsewhere(REFUSALS),
        Reason::NotDelegated => Elsewhere("tests/simulator/tests/owners.rs"),
        Reason::SourceMissing => Elsewhere("tests/simulator/tests/requests.rs"),
        Reason::SourceForbidden => Elsewhere(PERMISSIONS),
        Reason::InvalidSpec => Planned(services::stops_too_soon()),
        Reason::Conflict => Planned(services::conflict()),
        Reason::HostUnreachable => Planned(hosts::unreachable()),
        Reason::HostKeyMismatch => Planned(hosts::another_key()),
        Reason::SshDenied => Planned(hosts::denied()),
        Reason::NotRoot => Planned(hosts::not_root()),
        Reason::HostGarbled => Planned(hosts::garbled()),
        Reason::HostNameMismatch => Planned(hosts::another_name()),
        Reason::UnsupportedDistribution => Planned(hosts::another_distribution()),
        Reason::ManagedElsewhere => Planned(hosts::managed_elsewhere()),
        Reason::Superseded => Elsewhere("tests/simulator/tests/epochs.rs"),
        Reason::PackagesMissing => Planned(hosts::without_packages()),
        Reason::PackagesFailed => Planned(hosts::packages_failed(1)),
        Reason::PackagesKeepFailing => Planned(hosts::packages_failed(3)),
        Reason::FirewallNotManaged => Planned(hosts::plain_rules()),
        Reason::DrbdModuleMissing => Planned(hosts::without_drbd()),
        Reason::DeviceNotFound => Planned(disks::not_found()),
        Reason::DeviceInUse => Planned(disks::in_use()),
        Reason::DeviceTooSmall => Planned(disks::too_small()),
        Reason::DeviceNotBlank => Planned(disks::not_blank()),
        Reason::PathUnusable => Planned(disks::unusable_path()),
        Reason::MountPointNotEmpty => Planned(disks::hidden_files()),
        Reason::MountPointInUse => Planned(disks::open_files()),
        Reason::IdsDiffer => Planned(disks::different_ids()),
        Reason::LegMissing => Planned(disks::leg_missing()),
        Reason::DiskChanged => Planned(disks::another_disk()),
        Reason::SourceInUse => Planned(disks::source_in_use()),
        Reason::NetworkNotFound => Planned(services::network_not_found()),
        Reason::AddressTaken => Planned(services::address_taken()),
        Reason::AssignedTwice => Planned(services::assigned_twice()),
        Reason::LinkDown => Planned(services::link_down()),
        Reason::SetAtBoot => Planned(disks::set_at_boot()),
        Reason::MountedOutside => Planned(disks::mounted_outside()),
        Reason::RunsTwice => Planned(services::runs_twice()),
        Reason::UnitNotFound => Planned(services::without_unit()),
        Reason::ForeignCluster => Planned(hosts::foreign_cluster()),
        Reason::KeysLost => Planned(hosts::without_keys()),
        Reason::StepFailed | Reason::StepKeepsFailing => Elsewhere(PROGRESS),
        Reason::NoEffect => Elsewhere("tests/simulator/tests/effect.rs"),
        Reason::PlanRefused => Elsewhere("operator/planner/tests/lint.rs"),
        Reason::NoQuorum => Planned(cluster::without_quorum()),
        Reason::NodeOffline => Planned(cluster::offline()),
        Reason::NodeStandby => Planned(cluster::in_standby()),
        Reason::Maintenance => Planned(cluster::in_maintenance()),
        Reason::AllStopped => Planned(cluster::all_stopped()),
        Reason::Banned => Planned(cluster::banned()),
        Reason::NodeUnclean => Planned(cluster::unclean()),
        Reason::FencingFailed => Planned(cluster::fencing_failed()),
        Reason::FencingDisabled => Planned(cluster::fencing_disabled()),
        Reason::Disconnected => Planned(disks::disconnected()),
        Reason::Resyncing => Planned(disks::resyncing()),
        Reason::BlocksDiffer => Planned(disks::different_blocks()),
        Reason::StaleData => Planned(disks::stale()),
        Reason::DiskFailed => Planned(disks::lost_disk()),
        Reason::FilesystemReadOnly => Planned(disks::read_only()),
        Reason::FilesystemFull => Planned(disks::full()),
        Reason::SplitBrain => Planned(disks::split_brain()),
        Reason::ResourceDisabled => Planned(cluster::disabled()),
        Reason::ResourceFailed => Planned(services::resource_failed()),
        Reason::NotRunning => Planned(services::not_running()),
        Reason::NotAnswering => Planned(services::not_answering()),
        Reason::ProbeRefused => Planned(services::probe_refused()),
        Reason::WritesFrozen => Planned(disks::frozen()),
        Reason::TwoPrimaries => Planned(disks::two_primaries()),
        Reason::NotObserved => Planned(services::not_observed()),
        Reason::TearingDown => Elsewhere("operator/planner/tests/reasons.rs"),
    }
}

/// All conditions of the pair and its objects.
fn conditions(case: &Case) -> Vec<Condition> {
    let observed = case.observed();
    let told = report(
        &case.desired,
        &observed,
        &plan(&case.desired, &observed, &fresh()),
        None,
    );
    let children = told.floating_ips.into_values().chain(told.groups.into_values());
    let volumes = told.volumes.into_values().map(|volume| volume.conditions);
    let mut all = told.pair.conditions;
    all.extend(volumes.chain(children.map(|child| child.conditions)).flatten());
    all
}

fn has_all(text: &str, words: &[&str]) -> bool {
    words.iter().all(|word| text.contains(word))
}

/// What the status says of a reason, and the advice that goes with it: the message's own, or the reason's.
fn advised(reason: Reason, message: &str) -> String {
    let runbook = reason.runbook().replace('\n', " ");
    let (_, general) = runbook.split_once("What to do: ").unwrap();
    remedy_of(message)
        .1
        .map_or_else(|| general.to_owned(), str::to_owned)
}

#[test]
fn a_message_names_host_and_cause_and_its_advice_ends_it() {
    let mut troubles = Vec::new();
    for reason in Reason::ALL {
        let Row::Planned(cases) = row(*reason) else {
            continue;
        };
        for (at, mut case) in cases.into_iter().enumerate() {
            let mut say = |what: String| troubles.push(format!("{reason:?} {at}: {what}"));
            let all = conditions(&case);
            let told: Vec<_> = all.iter().filter(|each| each.reason == *reason).collect();
            let Some(found) = told.iter().find(|each| has_all(&each.message, case.named)) else {
                let messages: Vec<_> = all
                    .iter()
                    .map(|each| (each.type_, each.holds, each.reason, &each.message))
                    .collect();
                say(format!("no message names {:?}: {messages:#?}", case.named));
                continue;
            };
            let advice = advised(*reason, &found.message);
            if !has_all(&advice, case.advice) {
                say(format!("the advice {advice:?} does not say {:?}", case.advice));
            }
            if advice.contains("The message has the command") {
                say("the message has no command".into());
            }
            let message = found.message.clone();
            (case.cure)(&mut case, &message);
            let left: Vec<_> = conditions(&case)
                .into_iter()
                .filter(|each| each.reason == *reason || each.type_ == "Stalled" && each.holds == Some(true))
                .map(|each| (each.type_, each.reason, each.message))
                .collect();
            if !left.is_empty() {
                say(format!("what the advice makes of it is still {left:?}"));
            }
        }
    }
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn what_is_fine_is_of_that_class_and_what_is_elsewhere_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for reason in Reason::ALL {
        match row(*reason) {
            Row::Fine => assert_eq!(reason.class(), Class::Fine, "{reason:?}"),
            Row::Planned(cases) => assert!(!cases.is_empty(), "{reason:?} has no situation"),
            Row::Elsewhere(place) => {
                let text = fs::read_to_string(root.join(place)).unwrap();
                let tests = text
                    .split_once("#[cfg(test)]")
                    .map_or(text.as_str(), |(_, tests)| tests);
                assert!(
                    tests.contains(reason.name()),
                    "no test of {reason:?} is in {place}"
                );
            }
        }
    }
}
