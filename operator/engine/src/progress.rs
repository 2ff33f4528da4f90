//! Whether stages bring a pair on. How the last one failed is remembered until one succeeds or nothing is left to do,
//! so that trying again does not look like all is well; and what ended well and is needed again at once has had no
//! effect.

use std::time::Duration;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::{HostView, Job},
    plan::{Finding, Next, Plan, Stage, Subject},
};
use hapair_planner as planner;
use tokio::time::Instant;

/// How often a stage may end well and be needed again at once.
const MOST_REPEATS: u32 = 3;
/// What is needed again sooner than that is needed at once, even if the hosts were as declared for a moment.
const AT_ONCE: Duration = Duration::from_secs(60);
/// How often a step may fail in the same way before a person is asked to look.
const MOST_FAILURES: u32 = 3;

/// What became of the last stages.
#[derive(Default)]
pub struct Progress {
    /// What was declared when nothing was left to do last.
    rested: Option<Box<Desired>>,
    /// How the last one failed.
    pub failure: Option<Finding>,
    /// How often in a row it has failed in the same words.
    failures: u32,
    /// What was done last.
    repeated: Repeated,
    /// How the last installation of packages failed on each host.
    installations: Both<Installation>,
}

/// Stages in a row that were about just the same.
#[derive(Default)]
struct Repeated {
    purpose: String,
    /// How many ended well.
    times: u32,
    /// When the last one did.
    ended: Option<Instant>,
}

impl Repeated {
    /// What a rest of a minute has followed has had its effect.
    fn is_at_once(&self) -> bool {
        self.ended.is_some_and(|ended| ended.elapsed() < AT_ONCE)
    }
}

/// A failed installation: its words, how often in a row it has failed in them, and for how long it had been over when it was
/// seen last.
#[derive(Clone, Default)]
struct Installation {
    words: String,
    times: u32,
    age: u64,
}

impl Progress {
    /// Forgets what was, once no stage is planned any more.
    pub fn note_plan(&mut self, desired: &Desired, plan: &Plan) {
        if !matches!(plan.next, Next::Run(_)) {
            *self = Self {
                rested: self.rested.take(),
                repeated: std::mem::take(&mut self.repeated),
                installations: std::mem::take(&mut self.installations),
                ..Self::default()
            };
        }
        // What came to rest before something else was declared says nothing about now.
        if !self.has_rested_on(desired) {
            self.rested = plan.is_empty().then(|| Box::new(desired.clone()));
        }
    }

    /// Counts how often an installation has failed in the same words. It runs outside of stages, which only begin it.
    pub fn note_installations(&mut self, observed: &mut Both<HostView>) {
        for side in Side::BOTH {
            let installation = &mut self.installations[side];
            let HostView::Seen(host) = &mut observed[side] else {
                continue;
            };
            match &mut host.install {
                Some(Job::Running) => {}
                None => *installation = Installation::default(),
                Some(Job::Failed { message, age, times }) => {
                    let is_same = installation.words == words(message);
                    let is_another = *age < installation.age;
                    *times = if is_same {
                        installation.times + u32::from(is_another)
                    } else {
                        1
                    };
                    *installation = Installation {
                        words: words(message),
                        times: *times,
                        age: *age,
                    };
                }
            }
        }
    }

    /// Whether the hosts were as is declared now: if a stage is planned, somebody or something else has changed them.
    pub fn has_rested_on(&self, desired: &Desired) -> bool {
        self.rested.as_deref() == Some(desired)
    }

    /// Remembers that a stage ended well.
    pub fn note_done(&mut self, stage: &Stage) {
        let purpose = planner::purpose(stage);
        let is_again = self.repeated.purpose == purpose && self.repeated.is_at_once();
        self.repeated = Repeated {
            purpose,
            times: if is_again { self.repeated.times + 1 } else { 1 },
            ended: Some(Instant::now()),
        };
        (self.failure, self.failures) = (None, 0);
    }

    /// Remembers how a stage failed.
    pub fn note_failed(&mut self, stage: &Stage, mut failure: Finding) {
        self.repeated = Repeated {
            purpose: planner::purpose(stage),
            ..Repeated::default()
        };
        let is_same = self
            .failure
            .as_ref()
            .is_some_and(|before| words(&before.message) == words(&failure.message));
        self.failures = if is_same { self.failures + 1 } else { 1 };
        if failure.reason == Reason::StepFailed && self.failures >= MOST_FAILURES {
            failure.reason = Reason::StepKeepsFailing;
        }
        self.failure = Some(failure);
    }

    /// A stage that is planned again, and has ended well so often that once more would change nothing. It is tried
    /// again after the next rest.
    pub fn no_effect(&mut self, stage: &Stage, observed: &Both<HostView>) -> Option<Finding> {
        let repeated = &mut self.repeated;
        let is_same = repeated.purpose == planner::purpose(stage) && repeated.is_at_once();
        if repeated.times < MOST_REPEATS || !is_same {
            return None;
        }
        repeated.times = MOST_REPEATS - 1;
        Some(Finding::new(
            Subject::Pair,
            Reason::NoEffect,
            format!(
                "\"{}\" has had no effect {MOST_REPEATS} times: {}",
                stage.name,
                planner::wanted_and_got(stage, observed)
            ),
        ))
    }
}

/// A message without its numbers: of processes, times and amounts, which differ each time.
fn words(message: &str) -> String {
    message.chars().filter(|each| !each.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use hapair_model::{observed::Host, plan::Step};

    use super::*;

    #[test]
    fn a_step_that_fails_in_the_same_words_three_times_needs_a_person() {
        let stage = Stage {
            name: "prepare",
            steps: Both::new(vec![Step::ReloadUnits], Vec::new()),
        };
        let mut progress = Progress::default();
        let mut fails = |words: &str| {
            progress.note_failed(
                &stage,
                Finding::new(Subject::Pair, Reason::StepFailed, words.into()),
            );
            progress.failure.as_ref().map(|failure| failure.reason)
        };
        assert_eq!(fails("process 1071: no space left"), Some(Reason::StepFailed));
        assert_eq!(fails("process 998: no space left"), Some(Reason::StepFailed));
        assert_eq!(
            fails("process 1203: no space left"),
            Some(Reason::StepKeepsFailing)
        );
        assert_eq!(fails("process 7: no space left"), Some(Reason::StepKeepsFailing));
        assert_eq!(fails("connection lost"), Some(Reason::StepFailed));
        progress.note_done(&stage);
        assert_eq!(progress.failure, None);
    }

    #[test]
    fn failures_of_an_installation_are_counted_while_their_words_are_the_same() {
        let mut progress = Progress::default();
        let mut seen = |age: u64, words: &str| {
            let install = Job::Failed {
                message: words.into(),
                age,
                times: 1,
            };
            let host = Host {
                install: Some(install),
                ..Host::default()
            };
            let mut observed = Both::new(HostView::Seen(Box::new(host)), HostView::Seen(Box::default()));
            progress.note_installations(&mut observed);
            match observed.first.host().and_then(|host| host.install.as_ref()) {
                Some(Job::Failed { times, .. }) => *times,
                other => panic!("{other:?}"),
            }
        };
        // Each is looked at twice.
        let key = "EXPKEYSIG 0E98404D386FA1D9";
        assert_eq!(
            [3, 40, 3, 40, 3, 40].map(|age| seen(age, key)),
            [1, 1, 2, 2, 3, 3]
        );
        assert_eq!(seen(3, "no such host"), 1);
    }
}
