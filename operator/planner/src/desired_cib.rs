//! The cluster's configuration as it shall be: every element the operator owns, with every option explicit.
//!
//! The words for a promotable clone's roles are those of the distribution's pacemaker: 2.0 does not know the
//! newer ones, 3.0 warns of the older.

use hapair_model::desired::{Desired, Fencing};

use crate::{elements::Object, parts::fencing, platform::Platform, whole};

/// Everything the operator owns in a CIB.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The schema of a configuration that is new.
    pub schema: &'static str,
    /// Cluster options.
    pub properties: Vec<(&'static str, &'static str)>,
    /// Defaults of resources.
    pub defaults: Vec<(&'static str, &'static str)>,
    /// Per object that the operator owns something for: its key, and its elements.
    pub objects: Vec<Object>,
}

/// The configuration as it shall be.
pub fn wanted(desired: &Desired, platform: &Platform) -> Wanted {
    Wanted {
        schema: platform.dialect.schema,
        properties: properties(desired.fencing),
        defaults: DEFAULTS.to_vec(),
        objects: one_of_each_key(whole::parts().flat_map(|part| (part.objects)(desired, platform))),
    }
}

/// What several parts have for one object is one.
fn one_of_each_key(objects: impl Iterator<Item = Object>) -> Vec<Object> {
    let mut all: Vec<Object> = Vec::new();
    for object in objects {
        match all.iter_mut().find(|each| each.key == object.key) {
            Some(same) => {
                same.resources.extend(object.resources);
                same.constraints.extend(object.constraints);
                same.levels.extend(object.levels);
            }
            None => all.push(object),
        }
    }
    all
}

/// A recovered node does not pull the service back (stickiness above any preference); a failing service is
/// tried three times, then moves.
const DEFAULTS: [(&str, &str); 3] = [
    ("resource-stickiness", "200"),
    ("migration-threshold", "3"),
    ("failure-timeout", "600s"),
];

/// From 2.4 times this for each processor on, pacemaker carries out one action at a time (controld_throttle.c; its own default is
/// 80 %, which a host that boots or starts a service always reaches). A service whose peer comes back during a takeover
/// then waits for everything that is done for the peer.
const NO_THROTTLE: &str = "1000%";

fn properties(fencing: Fencing) -> Vec<(&'static str, &'static str)> {
    let (enabled, delay) = match fencing {
        Fencing::Required => ("true", fencing::PRIORITY_DELAY),
        Fencing::Disabled => ("false", "0s"),
    };
    vec![
        ("dc-deadtime", "20s"),
        ("load-threshold", NO_THROTTLE),
        ("no-quorum-policy", "stop"),
        ("priority-fencing-delay", delay),
        ("start-failure-is-fatal", "true"),
        ("startup-fencing", "true"),
        ("stonith-enabled", enabled),
        ("stonith-timeout", "120s"),
    ]
}
