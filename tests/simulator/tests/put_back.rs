//! What somebody has changed on the hosts is put back, and the status keeps it.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    effects::Life,
    experiment::{Experiment, run},
};
use scenarios::at_rest;

fn change_mode(experiment: &Experiment, path: &str) {
    let mut world = experiment.shared.world();
    let file = world.machines[Side::Second].disk.files.get_mut(path);
    file.expect("a file of the operator's").mode = "666".into();
}

#[test]
fn what_was_put_back_last_stays_in_the_status_of_the_pair() {
    let end = run(&at_rest(), None, 1, async |experiment| {
        let told = |experiment: &Experiment| {
            let pair = experiment.api.get("hapairs", "web")?;
            pair["status"].get("lastPutBack").cloned()
        };
        // What an operator finds when it starts may have been declared since.
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(told(experiment), None);
        let path = "/etc/drbd.d/logs.res";
        change_mode(experiment, path);
        let rest = experiment.settle().await;
        let kept = told(experiment).expect("it is kept");
        let what = kept["what"].as_str().unwrap_or_default();
        assert!(what.contains("node2") && what.contains(path), "{kept}");
        // Another operator keeps it.
        experiment.operator().set(Life::Dead);
        let after = experiment.settle().await;
        assert_eq!(told(experiment), Some(kept));
        experiment.end(rest.and(after))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
}
