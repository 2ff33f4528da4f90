//! When a pair is looked at again.

use std::time::Duration;

use hapair_model::{
    Both, Side,
    observed::{HostView, Silence},
};

/// While something is under way on the hosts, at the least.
pub const SOON: Duration = Duration::from_secs(1);
/// A probe takes the hosts' time from whatever is under way there: a fifth of it at the most.
const SHARE: u32 = 4;
/// Something that has happened on a host is not left unseen for longer.
const MOST_UNSEEN: Duration = Duration::from_secs(3);
/// Probes in a row that found something under way before they become rarer.
const PATIENCE: u32 = 300;
/// sshd penalises repeated authentication failures (OpenSSH 9.8); a changed spec or Secret wakes the task anyway.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(60);
/// The longest pause after failures is two to the power of this, in seconds.
const MOST_DOUBLINGS: u32 = 6;

/// How a pair's turns follow each other.
pub struct Pace {
    /// How often a pair at rest is looked at.
    resync: Duration,
    failures: u32,
    waits: u32,
    /// Which hosts answered the last probe.
    answering: Both<bool>,
    /// Whether one of them had answered the probe before.
    just_lost: bool,
}

impl Pace {
    /// That of a pair nobody has looked at.
    pub fn new(resync: Duration) -> Self {
        Self {
            resync,
            failures: 0,
            waits: 0,
            answering: Both::from_fn(|_| false),
            just_lost: false,
        }
    }

    /// Remembers which hosts answered.
    pub fn note(&mut self, observed: &Both<HostView>) {
        let answering = observed.as_ref().map(|view| view.host().is_some());
        let was_lost = |side: Side| self.answering[side] && !answering[side];
        self.just_lost = Side::BOTH.into_iter().any(was_lost);
        self.answering = answering;
    }

    /// After a failure: later each time.
    pub fn after_a_failure(&mut self) -> Duration {
        self.failures = (self.failures + 1).min(MOST_DOUBLINGS);
        Duration::from_secs(1 << self.failures)
    }

    /// While something is under way, after a probe that took so long.
    pub fn while_under_way(&mut self, took: Duration) -> Duration {
        self.failures = 0;
        self.waits += 1;
        if self.waits < PATIENCE {
            SOON.max(took * SHARE)
        } else {
            self.resync
        }
    }

    /// Between the end of a look that took so long and one that a host asks for.
    pub fn between_looks(took: Duration) -> Duration {
        (took * SHARE).clamp(SOON, MOST_UNSEEN)
    }

    /// With nothing left to do.
    pub fn at_rest(&mut self, observed: &Both<HostView>) -> Duration {
        (self.failures, self.waits) = (0, 0);
        if self.just_lost {
            // The probe hung on the lost host, and what the other one said in it is from before its cluster
            // noticed.
            return SOON;
        }
        let is_refusal = |view: &HostView| {
            matches!(
                view,
                HostView::Silent(Silence::Denied(_) | Silence::UnknownHostKey { .. })
            )
        };
        match observed.any(is_refusal) {
            true => AFTER_A_REFUSAL.max(self.resync),
            false => self.resync,
        }
    }
}
