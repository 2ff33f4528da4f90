//! The interface of the clients loses its link, and the cluster stays whole.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::experiment::{Experiment, run};
use scenarios::at_rest;

/// Longer than a service takes to move.
const LONG: Duration = Duration::from_secs(90);

fn serves(experiment: &Experiment, side: Side) -> bool {
    let world = experiment.shared.world();
    world.machines[side]
        .memory
        .resources
        .contains_key("service-tomcat-tomcat")
}

fn told(experiment: &Experiment, plural: &str, name: &str, type_: &str) -> (String, String) {
    let condition = experiment.condition(plural, name, type_);
    condition.map_or_else(Default::default, |(status, reason, _)| (status, reason))
}

fn pair(is: (&str, &str)) -> (String, String) {
    (is.0.to_owned(), is.1.to_owned())
}

#[test]
fn the_service_goes_where_clients_reach_it_and_the_status_tells_where_they_would_not() {
    run(&at_rest(), None, 1, async |experiment| {
        assert!(serves(experiment, Side::First));
        experiment.shared.world().client_links.first = false;
        tokio::time::sleep(LONG).await;
        assert!(serves(experiment, Side::Second) && !serves(experiment, Side::First));
        assert_eq!(
            told(experiment, "hapairs", "web", "RedundancyHealthy"),
            pair(("False", "LinkDown"))
        );
        assert_eq!(
            told(experiment, "hapairs", "web", "Available"),
            pair(("True", "Serving"))
        );
        experiment.shared.world().client_links.first = true;
        tokio::time::sleep(LONG).await;
        assert!(
            serves(experiment, Side::Second),
            "it does not come back by itself"
        );
        assert_eq!(
            told(experiment, "hapairs", "web", "RedundancyHealthy"),
            pair(("True", "Healthy"))
        );
    });
}

#[test]
fn where_neither_node_has_a_link_nothing_moves_and_the_status_says_so() {
    run(&at_rest(), None, 1, async |experiment| {
        {
            let mut world = experiment.shared.world();
            (world.client_links.first, world.client_links.second) = (false, false);
        }
        tokio::time::sleep(LONG).await;
        assert!(serves(experiment, Side::First));
        for (plural, name) in [("floatingips", "web"), ("hapairs", "web")] {
            assert_eq!(
                told(experiment, plural, name, "Ready"),
                pair(("False", "LinkDown")),
                "{plural}"
            );
        }
    });
}
