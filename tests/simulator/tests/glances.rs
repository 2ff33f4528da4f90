//! A host that wakes the operator is glanced at; a look at everything follows, and only that changes anything.

mod scenarios;

use std::time::Duration;

use hapair_model::{Side, xml::Element};
use hapair_simulator::experiment::{Experiment, run};
use scenarios::{at_rest, standby};
use tokio::time::Instant;

/// A figure of the operator's; 0 before there is any.
fn figure(experiment: &Experiment, name: &str) -> u64 {
    let figures = experiment.figures();
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}{{namespace=\"web\",pair=\"web\"}} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The floating address comes to the node that does not serve, or goes from it.
fn put_address(experiment: &Experiment, is_there: bool) {
    let mut world = experiment.shared.world();
    let addresses = &mut world.machines.second.memory.addresses;
    match is_there {
        true => drop(addresses.insert("ip-web".into())),
        false => drop(addresses.remove("ip-web")),
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what}: not within a minute"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The status before the first look is that of another operator.
async fn seen_at_rest(experiment: &mut Experiment) {
    until("a look", || figure(experiment, "hapair_probes_total") > 0).await;
    experiment.settle().await.expect("it is at rest");
}

#[test]
fn what_has_happened_is_told_by_a_glance_and_confirmed_by_a_look() {
    run(&at_rest(), None, 1, async |experiment| {
        seen_at_rest(experiment).await;
        let glances = figure(experiment, "hapair_glances_total");
        put_address(experiment, true);
        until("a glance", || {
            figure(experiment, "hapair_glances_total") > glances
        })
        .await;
        let probes = figure(experiment, "hapair_probes_total");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (ready, reason, _) = experiment
            .condition("hapairs", "web", "Ready")
            .expect("it is told");
        assert_eq!((ready.as_str(), reason.as_str()), ("False", "AssignedTwice"));
        assert_eq!(
            figure(experiment, "hapair_probes_total"),
            probes,
            "it was the glance that told"
        );
        until("a look", || figure(experiment, "hapair_probes_total") > probes).await;
    });
}

#[test]
fn a_host_that_never_stops_telling_is_looked_at_whole_all_the_same() {
    run(&at_rest(), None, 1, async |experiment| {
        seen_at_rest(experiment).await;
        let mut probes = figure(experiment, "hapair_probes_total");
        let mut last = Instant::now();
        let glances = figure(experiment, "hapair_glances_total");
        for round in 0..200_u32 {
            put_address(experiment, round % 2 == 0);
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = figure(experiment, "hapair_probes_total");
            if now > probes {
                (probes, last) = (now, Instant::now());
            }
            assert!(last.elapsed() < Duration::from_secs(16), "round {round}");
        }
        let taken = figure(experiment, "hapair_glances_total") - glances;
        assert!((2..200).contains(&taken), "{taken} glances in a minute");
    });
}

#[test]
fn a_glance_changes_nothing_and_a_changed_spec_is_not_kept_waiting() {
    run(&at_rest(), None, 1, async |experiment| {
        seen_at_rest(experiment).await;
        // Somebody stops the group by hand, which the operator puts back.
        let stages = |experiment: &Experiment| experiment.shared.effects.log().len();
        let before = stages(experiment);
        let glances = figure(experiment, "hapair_glances_total");
        let probes = figure(experiment, "hapair_probes_total");
        experiment.shared.world().change_cib(Side::First, |cib| {
            let meta = Element::new("meta_attributes").with("id", "by-hand").child(
                Element::new("nvpair")
                    .with("id", "by-hand-unmanaged")
                    .with("name", "is-managed")
                    .with("value", "false"),
            );
            let resources = cib.first_mut("configuration").first_mut("resources");
            let mut groups = resources.children.iter_mut();
            let group = groups.find(|each| each.id() == Some("group-tomcat"));
            group.expect("the group").children.push(meta);
        });
        put_address(experiment, true);
        until("a glance", || {
            figure(experiment, "hapair_glances_total") > glances
        })
        .await;
        if figure(experiment, "hapair_probes_total") == probes {
            let log = experiment.shared.effects.log();
            let on_hosts = log[before..].iter().filter(|effect| effect.starts_with("node"));
            assert_eq!(on_hosts.count(), 0, "{:?}", &log[before..]);
        }
        put_address(experiment, false);
        // While hosts go on telling, a person edits the spec.
        let start = Instant::now();
        experiment.apply([standby(true)]);
        until("node2 serves", || {
            let serves = |world: &hapair_simulator::world::World| {
                world
                    .machines
                    .second
                    .memory
                    .resources
                    .contains_key("service-tomcat-tomcat")
            };
            serves(&experiment.shared.world())
        })
        .await;
        assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    });
}
