//! When a pair is looked at again.

use std::time::Duration;

use hapair_model::{
    Both, Side,
    observed::{HostView, Silence},
};

/// While something is under way on the hosts, at the least.
pub const SOON: Duration = Duration::from_secs(1);
/// A probe takes the hosts' time from whatever is under way there: a fifth of it at the most, as long as no host asks
/// for more. So do glances.
const SHARE: u32 = 4;
/// Something that has happened on a host is not left unseen for longer.
const MOST_UNSEEN: Duration = Duration::from_secs(3);
/// What happens seldom comes alone: so many looks follow each other as soon as a host asks for them.
const AT_ONCE: u32 = 3;
/// A change goes through several states, as a connection of DRBD's does, and a glance is cheap.
const GLANCES_AT_ONCE: u32 = 6;
/// Between them: one thing that happens is told by both hosts.
pub const GATHER: Duration = Duration::from_millis(250);
/// After so long without a look, what happens comes alone again.
const QUIET: Duration = Duration::from_secs(10);
/// Probes in a row that found something under way before they become rarer.
const PATIENCE: u32 = 300;
/// sshd penalises repeated authentication failures (OpenSSH 9.8); a changed spec or Secret wakes the task anyway.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(60);
/// The longest pause after failures is two to the power of this, in seconds.
const MOST_DOUBLINGS: u32 = 6;

/// From the end of a look to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When nobody asks for it.
    pub at_most: Duration,
    /// When a host asks for it.
    pub at_least: Duration,
}

impl Pause {
    /// One that no host can cut short.
    fn whole(pause: Duration) -> Self {
        Self {
            at_most: pause,
            at_least: pause,
        }
    }
}

/// How a pair's turns follow each other.
pub struct Pace {
    /// How often a pair at rest is looked at.
    resync: Duration,
    failures: u32,
    waits: u32,
    looks: Row,
    glances: Row,
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
            looks: Row::default(),
            glances: Row::default(),
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

    /// After a failure: later each time. What fails may be what a host tells of.
    pub fn after_a_failure(&mut self) -> Pause {
        self.failures = (self.failures + 1).min(MOST_DOUBLINGS);
        Pause::whole(Duration::from_secs(1 << self.failures))
    }

    /// After a stage that has no effect, and makes noise on its host.
    pub fn without_effect(&mut self) -> Pause {
        Pause::whole(self.resync)
    }

    /// While something is under way, after a probe that took so long.
    pub fn while_under_way(&mut self, took: Duration) -> Pause {
        self.failures = 0;
        self.waits += 1;
        Pause {
            at_most: if self.waits < PATIENCE {
                SOON.max(took * SHARE)
            } else {
                self.resync
            },
            at_least: share(took),
        }
    }

    /// With nothing left to do, after a look that took so long and began so long after the end of the one before it.
    pub fn at_rest(&mut self, observed: &Both<HostView>, took: Duration, since_last: Duration) -> Pause {
        (self.failures, self.waits) = (0, 0);
        let at_least = self.looks.pause(AT_ONCE, took, since_last, self.quiet());
        if self.just_lost {
            // The probe hung on the lost host, and what the other one said in it is from before its cluster
            // noticed.
            return Pause {
                at_most: SOON,
                at_least,
            };
        }
        let is_refusal = |view: &HostView| {
            matches!(
                view,
                HostView::Silent(Silence::Denied(_) | Silence::UnknownHostKey { .. })
            )
        };
        match observed.any(is_refusal) {
            true => Pause::whole(AFTER_A_REFUSAL.max(self.resync)),
            false => Pause {
                at_most: self.resync,
                at_least,
            },
        }
    }

    /// From the end of a glance that took so long, and began so long after the end of the one before it, to the next one.
    pub fn between_glances(&mut self, took: Duration, since_last: Duration) -> Duration {
        self.glances
            .pause(GLANCES_AT_ONCE, took, since_last, self.quiet())
    }

    fn quiet(&self) -> Duration {
        QUIET.min(self.resync / 2)
    }
}

/// How many have followed each other.
#[derive(Default)]
struct Row(u32);

impl Row {
    /// Until a host may ask for the next one.
    fn pause(&mut self, at_once: u32, took: Duration, since_last: Duration, quiet: Duration) -> Duration {
        self.0 = if since_last > quiet { 0 } else { self.0 + 1 };
        if self.0 < at_once && took < SOON * 2 {
            GATHER
        } else {
            share(took)
        }
    }
}

fn share(took: Duration) -> Duration {
    (took * SHARE).clamp(SOON, MOST_UNSEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_alone_is_seen_at_once_and_what_never_ends_takes_a_share_of_the_hosts_time() {
        let mut pace = Pace::new(Duration::from_secs(15));
        let took = Duration::from_millis(600);
        let mut between = |since_last: u64| pace.between_glances(took, Duration::from_secs(since_last));
        assert_eq!(between(15), GATHER);
        for _ in 1..GLANCES_AT_ONCE {
            assert_eq!(between(1), GATHER);
        }
        assert_eq!(between(1), took * SHARE);
        assert_eq!(between(3), took * SHARE);
        assert_eq!(between(15), GATHER, "it was quiet in between");
        let slow = Duration::from_secs(9);
        assert_eq!(pace.between_glances(slow, QUIET * 2), MOST_UNSEEN);
    }
}
