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
/// What happens seldom comes alone: so many looks follow each other as soon as a host asks for them.
const AT_ONCE: u32 = 3;
/// Between them: one thing that happens is told by both hosts.
const GATHER: Duration = Duration::from_millis(250);
/// After so long without a look that a host asked for, what happens comes alone again.
const QUIET: Duration = Duration::from_secs(10);
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
    /// Looks that have followed each other.
    looks: u32,
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
            looks: 0,
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

    /// From the end of a look at a pair at rest to one that a host asks for. The look took so long, and began so long
    /// after the end of the one before it.
    pub fn until_asked_for(&mut self, took: Duration, since_last: Duration) -> Duration {
        self.looks = if since_last > QUIET { 0 } else { self.looks + 1 };
        if self.looks < AT_ONCE && took < SOON * 2 {
            GATHER
        } else {
            Self::share(took)
        }
    }

    /// The same while something is under way, which the hosts need their time for.
    pub fn share(took: Duration) -> Duration {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_alone_is_seen_at_once_and_what_never_ends_takes_a_share_of_the_hosts_time() {
        let mut pace = Pace::new(Duration::from_secs(15));
        let took = Duration::from_millis(600);
        let mut between = |since_last: u64| pace.until_asked_for(took, Duration::from_secs(since_last));
        assert_eq!(between(15), GATHER);
        assert_eq!(between(1), GATHER);
        assert_eq!(between(1), GATHER);
        assert_eq!(between(1), took * SHARE);
        assert_eq!(between(3), took * SHARE);
        assert_eq!(between(15), GATHER, "it was quiet in between");
        let slow = Duration::from_secs(9);
        assert_eq!(pace.until_asked_for(slow, QUIET * 2), MOST_UNSEEN);
    }
}
