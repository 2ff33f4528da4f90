//! Bad days of the API server, and of the operators in front of it: the end is the same.

mod scenarios;

use std::time::Duration;

use hapair_simulator::{
    api::Weather,
    effects::Life,
    experiment::{End, Experiment, run},
    objects::{sample, secrets},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use scenarios::{SCENARIOS, Scenario, at_rest, on_all_cores, play, standby};

const SEEDS: u64 = 6;

/// Every scenario, once for each seed, with something going on beside it; the end must be that of an
/// undisturbed run.
fn disturbed(disturb: impl AsyncFn(&mut Experiment, &mut StdRng) + Copy + Sync) {
    let wrong = on_all_cores(SCENARIOS, |scenario| one(scenario, disturb)).concat();
    assert!(
        wrong.is_empty(),
        "{} runs went wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn one(scenario: &Scenario, disturb: impl AsyncFn(&mut Experiment, &mut StdRng) + Copy) -> Vec<String> {
    let start = (scenario.start)();
    let wanted = play(scenario, &start, None).fingerprint();
    let mut wrong = Vec::new();
    for seed in 0..SEEDS {
        let end = run(&start, None, seed, async |experiment| {
            let mut random = StdRng::seed_from_u64(seed);
            (scenario.act)(experiment);
            disturb(experiment, &mut random).await;
            let rest = experiment.settle().await;
            experiment.end(rest)
        });
        if !end.troubles.is_empty() || end.fingerprint() != wanted {
            wrong.push(format!(
                "{} / seed {seed}: {:?}\n{}",
                scenario.name,
                end.troubles,
                difference(&wanted, &end)
            ));
        }
    }
    wrong
}

fn difference(wanted: &str, end: &End) -> String {
    let found = end.fingerprint();
    let missing = wanted
        .lines()
        .filter(|line| !found.lines().any(|one| one == *line))
        .map(|line| format!("- {line}\n"));
    let more = found
        .lines()
        .filter(|line| !wanted.lines().any(|one| one == *line))
        .map(|line| format!("+ {line}\n"));
    missing.chain(more).take(12).collect()
}

async fn some_seconds(random: &mut StdRng, most: u64) {
    tokio::time::sleep(Duration::from_millis(random.random_range(0..most * 1000))).await;
}

#[test]
fn watches_that_break_repeat_and_go_back_lead_to_the_same_end() {
    disturbed(async |experiment, random| {
        let weather = Weather {
            cut_watches: 30,
            repeats: 30,
            stale_lists: 50,
            expired: 20,
            ..Weather::default()
        };
        experiment.api.set_weather(weather);
        some_seconds(random, 120).await;
        experiment.clear_up();
    });
}

#[test]
fn writes_that_conflict_and_answers_that_are_lost_lead_to_the_same_end() {
    disturbed(async |experiment, random| {
        experiment.api.set_weather(Weather {
            conflicts: 20,
            lost_answers: 20,
            ..Weather::default()
        });
        some_seconds(random, 120).await;
        experiment.clear_up();
    });
}

#[test]
fn an_api_server_that_is_gone_for_a_minute_leads_to_the_same_end() {
    disturbed(async |experiment, random| {
        some_seconds(random, 30).await;
        experiment.api.set_weather(Weather {
            gone: true,
            ..Weather::default()
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        experiment.clear_up();
    });
}

#[test]
fn an_operator_paused_past_its_lease_and_woken_in_mid_stage_is_refused_by_the_hosts() {
    disturbed(async |experiment, random| {
        let first = experiment.operator();
        some_seconds(random, 30).await;
        first.set(Life::Paused);
        experiment.start_operator();
        some_seconds(random, 60).await;
        first.set(Life::Running);
        some_seconds(random, 30).await;
    });
}

#[test]
fn the_host_refuses_what_an_operator_sends_that_has_been_followed_by_another() {
    let refused = (0..40).any(|seed| {
        run(&at_rest(), None, seed, async |experiment| {
            let first = experiment.operator();
            // It has planned, and stands still before it sends.
            tokio::time::sleep(Duration::from_secs(30)).await;
            experiment.apply([standby(true)]);
            tokio::time::sleep(Duration::from_millis(100 + seed * 15)).await;
            first.set(Life::Paused);
            experiment.start_operator();
            tokio::time::sleep(Duration::from_secs(60)).await;
            let before = experiment.shared.superseded();
            first.set(Life::Running);
            tokio::time::sleep(Duration::from_secs(5)).await;
            experiment.shared.superseded() > before
        })
    });
    assert!(
        refused,
        "in none of the runs a paused operator's stage reached a host: the test tests nothing"
    );
}

#[test]
fn a_secret_that_vanishes_and_comes_back_leads_to_the_same_end() {
    disturbed(async |experiment, random| {
        for name in ["web-hacluster", "node1-bmc", "web-ssh"] {
            some_seconds(random, 10).await;
            let secret = experiment.api.get("secrets", name);
            experiment.api.forget("secrets", name);
            some_seconds(random, 10).await;
            experiment.apply(secret);
        }
    });
}

/// A watch that breaks can bring the group long after its pair: pacemaker runs by then, and the operator no
/// longer stops a unit.
#[test]
fn a_unit_that_runs_by_itself_is_the_clusters_once_its_group_comes() {
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == "first convergence where one host has its packages")
        .unwrap();
    let start = (scenario.start)();
    let end = run(&start, None, 1, async |experiment| {
        let (group, others): (Vec<_>, Vec<_>) = sample()
            .into_iter()
            .partition(|object| object["kind"] == "ServiceGroup");
        experiment.apply(secrets().into_iter().chain(others));
        experiment.wait_for("Ready", "True").await.unwrap();
        assert!(
            experiment.shared.world().machines.second.runs("tomcat10"),
            "nothing is left to be taken over"
        );
        experiment.apply(group);
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(
        (
            end.troubles.clone(),
            difference(&play(scenario, &start, None).fingerprint(), &end)
        ),
        (Vec::new(), String::new())
    );
    assert!(
        end.world
            .machines
            .all(|machine| !machine.memory.active.contains("tomcat10")),
        "it runs where the cluster did not start it"
    );
}
