//! What happens on a host is told before the pair would be looked at anyway.

mod scenarios;

use std::time::Duration;

use hapair_simulator::experiment::run;
use scenarios::at_rest;
use tokio::time::Instant;

/// Where the wake-up is neither late nor lost.
const SOON: Duration = Duration::from_secs(4);
/// The next look is not further away.
const RESYNC: Duration = Duration::from_secs(15);

#[test]
fn most_of_what_happens_is_told_at_once_and_the_rest_at_the_next_look() {
    let mut times = Vec::new();
    let end = run(&at_rest(), None, 1, async |experiment| {
        experiment.wait_for("Ready", "True").await.expect("it is at rest");
        for round in 0..12_u64 {
            // Not always as long after a look.
            tokio::time::sleep(Duration::from_secs(20 + round)).await;
            let id = "ip-web".to_owned();
            for (is_there, ready) in [(true, "False"), (false, "True")] {
                let start = Instant::now();
                {
                    let mut world = experiment.shared.world();
                    let addresses = &mut world.machines.second.memory.addresses;
                    if is_there {
                        addresses.insert(id.clone());
                    } else {
                        addresses.remove(&id);
                    }
                }
                experiment.wait_for("Ready", ready).await.expect("it is told");
                times.push(start.elapsed());
                tokio::time::sleep(RESYNC).await;
            }
        }
        let rest = experiment.settle().await;
        experiment.end(rest)
    });
    assert_eq!(end.troubles, ["ip-web is on both nodes"], "as it was put there");
    let soon = times.iter().filter(|time| **time < SOON).count();
    assert!(soon * 2 >= times.len(), "{times:?}");
    let limit = RESYNC + SOON;
    assert!(times.iter().all(|time| *time < limit), "{times:?}");
}
