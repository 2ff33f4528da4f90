//! Whether stages bring a pair on. How the last one failed is remembered until one succeeds or nothing is left to do,
//! so that trying again does not look like all is well; and what ended well and is needed again at once has had no
//! effect.

use hapair_model::{
    Both, Reason,
    observed::HostView,
    plan::{Finding, Next, Plan, Stage, Subject},
};
use hapair_planner as planner;

/// How often a stage may end well and be needed again at once.
const MOST_REPEATS: u32 = 3;

/// What became of the last stages.
#[derive(Default)]
pub struct Progress {
    /// How the last one failed.
    pub failure: Option<Finding>,
    /// What the last ones were about that ended well, and how many in a row were about just that.
    repeated: (String, u32),
}

impl Progress {
    /// Forgets what was, once no stage is planned any more.
    pub fn note_plan(&mut self, plan: &Plan) {
        if !matches!(plan.next, Next::Run(_)) {
            *self = Self::default();
        }
    }

    /// Remembers that a stage ended well.
    pub fn note_done(&mut self, stage: &Stage) {
        let purpose = planner::purpose(stage);
        let times = if self.repeated.0 == purpose {
            self.repeated.1
        } else {
            0
        };
        self.repeated = (purpose, times + 1);
        self.failure = None;
    }

    /// Remembers how a stage failed.
    pub fn note_failed(&mut self, stage: &Stage, failure: Finding) {
        self.repeated = (planner::purpose(stage), 0);
        self.failure = Some(failure);
    }

    /// A stage that is planned again, and has ended well so often that once more would change nothing. It is tried
    /// again after the next rest.
    pub fn no_effect(&mut self, stage: &Stage, observed: &Both<HostView>) -> Option<Finding> {
        let (purpose, times) = &mut self.repeated;
        if *times < MOST_REPEATS || *purpose != planner::purpose(stage) {
            return None;
        }
        *times = MOST_REPEATS - 1;
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
