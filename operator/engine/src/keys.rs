//! Keys for hosts that have none.

use hapair_model::Secret;
use hapair_planner::FreshKeys;
use rand::RngExt;

/// Keys for hosts that have none yet.
pub fn fresh_keys() -> FreshKeys {
    let mut rng = rand::rng();
    let mut text = || -> String {
        (0..48)
            .map(|_| char::from(b"0123456789abcdef"[rng.random_range(0..16)]))
            .collect()
    };
    // DRBD 8.4 has room for 63 characters and a NUL (SHARED_SECRET_MAX); with 64 it overruns its buffer when
    // asked for its state.
    let drbd = Secret::new(text() + "\n");
    let mut bytes = || -> Secret { Secret::new((0..256).map(|_| rng.random::<u8>()).collect::<Vec<_>>()) };
    FreshKeys {
        corosync: bytes(),
        pacemaker: bytes(),
        drbd,
    }
}
