//! Bad days of the hosts, drawn by lot, one after the other and two at once, while people change the spec: no
//! rule is broken meanwhile, nothing is lost, and once they are over the pair is Ready again by itself.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    experiment::{Experiment, Start, run},
    world::World,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use scenarios::{SCENARIOS, at_rest, declare_everything, on_all_cores};

/// Runs, each with a seed of its own. FAULT_SEEDS=2000 for a longer look.
const SEEDS: u64 = 60;
const ROUNDS: usize = 4;

/// What goes wrong with a host, or between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    PowerCut(Side),
    LinkCut(usize),
    SshdStopped(Side),
    BmcGone(Side),
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::PowerCut(Side::First),
        Self::PowerCut(Side::Second),
        Self::LinkCut(0),
        Self::LinkCut(1),
        Self::SshdStopped(Side::First),
        Self::SshdStopped(Side::Second),
        Self::BmcGone(Side::First),
        Self::BmcGone(Side::Second),
    ];

    fn begin(self, world: &mut World) {
        match self {
            Self::PowerCut(side) => world.machines[side].cut_power(),
            Self::LinkCut(link) => world.links[link] = false,
            Self::SshdStopped(side) => world.machines[side].sshd = false,
            Self::BmcGone(side) => world.bmc_works[side] = false,
        }
    }

    fn end(self, world: &mut World) {
        match self {
            Self::PowerCut(side) => world.machines[side].start(),
            Self::LinkCut(link) => world.links[link] = true,
            Self::SshdStopped(side) => world.machines[side].sshd = true,
            Self::BmcGone(side) => world.bmc_works[side] = true,
        }
    }
}

/// Changes of the spec after which the pair is Ready.
const CHANGES: [&str; 4] = [
    "another page",
    "another floating address",
    "another BMC password",
    "the preference for a node moved",
];

async fn some_seconds(random: &mut StdRng, most: u64) {
    tokio::time::sleep(Duration::from_millis(random.random_range(0..most * 1000))).await;
}

async fn bad_day(
    experiment: &mut Experiment,
    random: &mut StdRng,
    days: &mut Vec<String>,
) -> Result<(), String> {
    let number = random.random_range(1..=2);
    let faults: Vec<_> = Fault::ALL.sample(random, number).copied().collect();
    for fault in &faults {
        days.push(format!("{fault:?}"));
        fault.begin(&mut experiment.shared.world());
        some_seconds(random, 40).await;
    }
    let loses_unfencing = random.random_bool(0.3);
    if loses_unfencing {
        days.push("the handler at the end of the resync does nothing".to_owned());
    }
    experiment.shared.world().loses_unfencing = loses_unfencing;
    if random.random_bool(0.3) {
        let change = CHANGES[random.random_range(0..CHANGES.len())];
        days.push(change.to_owned());
        SCENARIOS
            .iter()
            .filter(|scenario| scenario.name == change)
            .for_each(|scenario| (scenario.act)(experiment));
        some_seconds(random, 40).await;
    }
    faults
        .iter()
        .for_each(|fault| fault.end(&mut experiment.shared.world()));
    experiment.settle().await?;
    match experiment.condition("hapairs", "web", "Ready") {
        Some((status, ..)) if status == "True" => Ok(()),
        other => Err(format!("the pair did not come back: {other:?}")),
    }
}

#[test]
fn whatever_happens_to_the_hosts_the_pair_comes_back() {
    let seeds = std::env::var("FAULT_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SEEDS);
    let results = on_all_cores(&(0..seeds).collect::<Vec<_>>(), |seed| {
        let mut days = Vec::new();
        let end = run(&at_rest(), None, *seed, async |experiment| {
            let mut random = StdRng::seed_from_u64(*seed);
            let mut went = Ok(());
            for _ in 0..ROUNDS {
                if went.is_ok() {
                    went = bad_day(experiment, &mut random, &mut days).await;
                }
            }
            experiment.end(went)
        });
        let wrong =
            (!end.troubles.is_empty()).then(|| format!("seed {seed}, after {days:?}: {:?}", end.troubles));
        (end.world.fenced.len(), wrong)
    });
    let fenced: usize = results.iter().map(|(fenced, _)| fenced).sum();
    let wrong: Vec<_> = results.into_iter().filter_map(|(_, wrong)| wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} of {seeds} runs went wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(fenced > 0, "nobody was ever fenced: the power cuts prove nothing");
}

/// The look hangs on the host that went, and what the other one said in it is from before its cluster
/// noticed.
#[test]
fn a_host_that_goes_silent_is_followed_by_a_second_look_at_once() {
    let between = on_all_cores(&(0..300).collect::<Vec<u64>>(), |moment| {
        run(&at_rest(), None, 1, async |experiment| {
            tokio::time::sleep(Duration::from_millis(60_000 + *moment * 50)).await;
            // A node that cannot be fenced stays away.
            experiment.shared.world().bmc_works[Side::Second] = false;
            experiment.shared.world().machines[Side::Second].cut_power();
            experiment
                .wait_for("HostsReachable", "False")
                .await
                .expect("a host without power does not answer");
            let silent = tokio::time::Instant::now();
            experiment
                .wait_for("RedundancyHealthy", "False")
                .await
                .expect("a pair of one is not redundant");
            silent.elapsed()
        })
    });
    // A second, and the look itself, which waits for the silent host again; the next resync would be another
    // fifteen away.
    let longest = between.iter().max().copied().unwrap_or_default();
    assert!(
        longest > Duration::from_secs(5),
        "none of the cuts met a look: the test tests nothing"
    );
    assert!(
        longest <= Duration::from_secs(13),
        "the status was half true for {longest:?}"
    );
}

#[test]
fn packages_that_cannot_be_had_are_told_of_and_waited_for() {
    let end = run(&Start::bare(), None, 1, async |experiment| {
        experiment.shared.world().unavailable.insert("pacemaker".into());
        declare_everything(experiment);
        // Tried again every minute; the third time in the same words a person is asked to look.
        for (seconds, told) in [(60, "PackagesFailed"), (240, "PackagesKeepFailing")] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            let (status, reason, message) = experiment
                .condition("hapairs", "web", "Ready")
                .expect("the pair has a status");
            assert_eq!((status.as_str(), reason.as_str()), ("False", told), "{message}");
        }
        experiment.shared.world().unavailable.clear();
        experiment.wait_for("Ready", "True").await.expect("a pair");
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}

#[test]
fn a_service_that_does_not_start_is_told_of_with_its_words_and_a_cleanup_is_enough() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        let id = "service-tomcat-tomcat".to_owned();
        experiment
            .shared
            .world()
            .agent_trouble
            .insert(id, "port 8080 is taken".into());
        experiment.shared.world().reboot(Side::First);
        experiment
            .wait_for("Available", "False")
            .await
            .expect("the service is away");
        experiment
            .settle()
            .await
            .expect("a failure that stays is no reason to go on for ever");
        let (_, reason, message) = experiment
            .condition("hapairs", "web", "Available")
            .expect("the pair has a status");
        assert!(
            reason == "ResourceFailed" && message.contains("port 8080 is taken"),
            "{reason}: {message}"
        );
        experiment.shared.world().agent_trouble.clear();
        experiment.shared.world().failures.clear();
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(
        (end.pair_is("Ready").as_deref(), end.troubles.as_slice()),
        (Some("True"), [].as_slice())
    );
}
