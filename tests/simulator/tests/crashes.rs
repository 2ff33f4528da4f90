//! For every effect of every scenario, on the hosts and on the API server: something goes wrong right there,
//! and the end is the same. Each effect gets one kind of fault or two, in turn; with TRIALS set (`make
//! trials`) it gets all.

mod scenarios;

use std::collections::BTreeMap;

use hapair_simulator::{
    effects::Fault,
    experiment::{End, Start},
};
use scenarios::{SCENARIOS, Scenario, on_all_cores, play};

struct Case {
    scenario: &'static Scenario,
    start: Start,
    uninterrupted: End,
}

#[test]
fn whatever_effect_it_dies_at_the_end_is_the_same() {
    // For whoever looks into one of them: ONLY="node1 into standby" cargo test --workspace --test crashes
    let only = std::env::var("ONLY").unwrap_or_default();
    let cases: Vec<_> = SCENARIOS
        .iter()
        .filter(|scenario| scenario.name.contains(&only))
        .map(case)
        .collect();
    let all = std::env::var_os("TRIALS").is_some() || !only.is_empty();
    let in_turn = |at: usize| {
        Fault::ALL
            .into_iter()
            .enumerate()
            .filter(move |(kind, _)| all || (at + kind).is_multiple_of(3))
    };
    let faults = |case| {
        let effects = |case: &Case| case.uninterrupted.effects.len();
        (0..effects(case)).flat_map(move |at| in_turn(at).map(move |(_, fault)| (case, at, fault)))
    };
    let runs: Vec<(&Case, usize, Fault)> = cases.iter().flat_map(faults).collect();
    let results = on_all_cores(&runs, |(case, at, fault)| {
        let end = play(case.scenario, &case.start, Some((*at, *fault)));
        let what = format!(
            "{} / {fault:?} at {at} ({})",
            case.scenario.name, case.uninterrupted.effects[*at]
        );
        (
            end.world.fenced.len(),
            trouble(case, &end, *fault).map(|trouble| (what, trouble)),
        )
    });
    let fenced: usize = results.iter().map(|(fenced, _)| fenced).sum();
    let wrong: BTreeMap<_, _> = results.into_iter().filter_map(|(_, wrong)| wrong).collect();
    for case in &cases {
        println!(
            "{:4} effects: {}",
            case.uninterrupted.effects.len(),
            case.scenario.name
        );
    }
    println!("{} runs with a fault, {} nodes fenced", runs.len(), fenced);
    assert!(
        !only.is_empty() || fenced > 0,
        "a lost node was never fenced: the power cuts prove nothing"
    );
    let first: String = wrong
        .iter()
        .take(400)
        .map(|(what, trouble)| format!("{what}\n{trouble}\n"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} runs went wrong; the first:\n{first}",
        wrong.len(),
        runs.len()
    );
}

fn case(scenario: &'static Scenario) -> Case {
    let start = (scenario.start)();
    let uninterrupted = play(scenario, &start, None);
    assert_eq!(uninterrupted.troubles, Vec::<String>::new(), "{}", scenario.name);
    assert!(
        !uninterrupted.effects.is_empty(),
        "{}: nothing happened",
        scenario.name
    );
    if scenario.ready {
        assert_eq!(
            uninterrupted.pair_is("Ready").as_deref(),
            Some("True"),
            "{}:\n{}",
            scenario.name,
            uninterrupted.fingerprint()
        );
    }
    Case {
        scenario,
        start,
        uninterrupted,
    }
}

/// Whether a node lost its power while it was to take over from one that goes into standby: that one has the
/// newest data then, and whether its standby may end is a person's decision. The status has to say so.
fn waits_for_a_person(end: &End) -> bool {
    let pair = end.store.of_kind("hapairs").next();
    let conditions = pair
        .and_then(|pair| pair["status"]["conditions"].as_array())
        .cloned()
        .unwrap_or_default();
    let redundancy = conditions.iter().find(|each| each["type"] == "RedundancyHealthy");
    let says = |text: &str| {
        redundancy
            .and_then(|each| each["message"].as_str())
            .is_some_and(|message| message.contains(text))
    };
    end.pair_is("Available").as_deref() == Some("False") && says("has newer data, and is in standby")
}

fn trouble(case: &Case, end: &End, fault: Fault) -> Option<String> {
    if !end.troubles.is_empty() {
        return Some(end.troubles.join("\n"));
    }
    let [wanted, found] = [&case.uninterrupted, end].map(End::fingerprint);
    // A host that loses its power may leave the service on the other node; everything else comes out the
    // same.
    if fault == Fault::HostLosesPower {
        if waits_for_a_person(end) {
            return None;
        }
        return difference(&wherever_it_serves(&wanted), &wherever_it_serves(&found));
    }
    difference(&wanted, &found)
}

fn difference(wanted: &str, found: &str) -> Option<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (wanted, found) = (lines(wanted), lines(found));
    if wanted == found {
        return None;
    }
    let missing = wanted
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}\n"));
    let more = found
        .iter()
        .filter(|line| !wanted.contains(line))
        .map(|line| format!("+ {line}\n"));
    Some(missing.chain(more).collect::<String>() + "(or the same lines in another order)")
}

fn wherever_it_serves(fingerprint: &str) -> String {
    // A volume may leave while one of its legs is still catching up.
    let roles = |line: &&str| {
        ["  runs", "  leg", "  enabled", "  /dev"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    // DRBD forbids a node in standby its promotion when the other one is promoted after its leg went down;
    // before, it knows the leg to be outdated. Where it is in the way, a condition says so.
    let bans = |line: &&str| line.contains("\"drbd-fence-by-handler-");
    fingerprint
        .lines()
        .filter(|line| !roles(line) && !bans(line))
        .map(|line| format!("{line}\n"))
        .collect()
}
