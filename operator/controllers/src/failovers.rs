//! What the hosts tell of a move, in a status and in figures.

use std::time::Duration;

use hapair_crds::{FailoverCause, FailoverPhase};
use hapair_intake::PairName;
use hapair_model::failover::{Cause, Failover, Phase};
use jiff::Timestamp;

use crate::metrics::{FailoverLabels, Metrics, PhaseLabels};

/// As the status has it.
pub fn told(failover: &Failover) -> hapair_crds::Failover {
    let phase = |(phase, took): &(Phase, Duration)| FailoverPhase {
        name: phase.name().into(),
        duration: seconds(*took),
    };
    let began = i64::try_from(failover.began).ok();
    let began = began.and_then(|began| Timestamp::from_microsecond(began).ok());
    // The API server keeps whole seconds.
    let began = began.and_then(|began| Timestamp::from_second(began.as_second()).ok());
    hapair_crds::Failover {
        group: failover.moved.group.clone(),
        from: failover.moved.from.clone(),
        to: failover.moved.to.clone(),
        cause: match failover.cause {
            Cause::Fenced => FailoverCause::Fenced,
            Cause::Stopped => FailoverCause::Stopped,
        },
        start_time: began.unwrap_or_default(),
        duration: seconds(failover.took()),
        phases: failover.phases.iter().map(phase).collect(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

/// As figures.
pub fn count(metrics: &Metrics, pair: &PairName, failover: &Failover) {
    let labels = FailoverLabels {
        namespace: pair.namespace.clone(),
        pair: pair.name.clone(),
        cause: failover.cause.name().into(),
    };
    metrics
        .failovers
        .get_or_create(&labels)
        .observe(failover.took().as_secs_f64());
    for (phase, took) in &failover.phases {
        let labels = PhaseLabels {
            namespace: pair.namespace.clone(),
            pair: pair.name.clone(),
            phase: phase.name().into(),
        };
        metrics
            .failover_phases
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }
}
