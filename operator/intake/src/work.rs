//! What a turn works on.

use std::sync::Arc;

use hapair_crds::{ConditionStatus, DeletionPolicy, HAPair, condition_types};
use hapair_model::{
    Both, Reason,
    desired::Desired,
    host::{Credentials, Hosts},
    observed::{HostView, Question},
    plan::{Finding, Plan},
};
use hapair_planner::{self as planner, Foreseen, FreshKeys};
use kube::ResourceExt;

use crate::{
    credentials,
    desired::desired,
    snapshot::{PairName, Snapshot},
    sources::Sources,
};

/// What a turn works on.
#[derive(Clone)]
pub struct Work {
    /// The pair.
    pub pair: Arc<HAPair>,
    /// The pair and its children, as they were when this was made.
    pub snapshot: Snapshot,
    /// What they declare.
    pub desired: Desired,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// How the hosts are reached.
    pub credentials: Both<Credentials>,
}

/// Why there is nothing to work on.
pub struct Held {
    /// In a word.
    pub reason: Reason,
    /// In a sentence.
    pub message: String,
}

/// What a person can do when a pair that is being torn down lacks its key. Nothing can be created in a
/// namespace that is being deleted.
pub const LET_GO: &str = "; it is needed to take the pair off its hosts. Create it again, or set \
    spec.deletionPolicy to Retain: the hosts then stay as they are, and the object goes";

impl Work {
    /// What there is to work on, as far as the objects and what they name are understood.
    pub fn of(pair: Arc<HAPair>, snapshot: Snapshot, sources: &Sources, cluster: &str) -> Result<Self, Held> {
        let held = |reason, message| Err(Held { reason, message });
        match (
            credentials::of(&pair, sources),
            desired(&pair, &snapshot, sources, cluster),
        ) {
            (Ok(credentials), (Some(desired), findings)) => Ok(Self {
                pair,
                snapshot,
                desired,
                findings,
                credentials,
            }),
            (Err(missing), _) if tears_down_now(&pair) => held(Reason::SourceMissing, missing + LET_GO),
            (Err(missing), _) => held(Reason::SourceMissing, missing),
            (Ok(_), (None, findings)) => held(
                Reason::InvalidSpec,
                findings
                    .iter()
                    .map(|finding| finding.message.as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
        }
    }

    /// The pair's name.
    pub fn name(&self) -> PairName {
        PairName {
            namespace: self.pair.namespace().unwrap_or_default(),
            name: self.pair.name_any(),
        }
    }

    /// Whether the pair is being taken off its hosts.
    pub fn is_leaving(&self) -> bool {
        self.pair.metadata.deletion_timestamp.is_some()
    }

    /// Where each group that has served before served by its own status; `None`: it names no node, since the group was away then.
    pub fn served(&self) -> impl Iterator<Item = (String, Option<String>)> {
        self.snapshot.groups.iter().filter_map(|group| {
            let status = group.status.as_ref()?;
            let has_served = status.conditions.iter().any(|each| {
                each.type_ == condition_types::ESTABLISHED && each.status == ConditionStatus::True
            });
            has_served.then(|| (group.name_any(), status.node.clone()))
        })
    }

    /// Looks at both hosts, a second time where the first look tells that there is more to ask. Also the
    /// number of looks.
    pub async fn observe(&self, hosts: &impl Hosts) -> (Both<HostView>, u64) {
        self.observe_within(hosts, |questions| questions).await
    }

    /// The same, where not everything may be asked.
    pub async fn observe_within(
        &self,
        hosts: &impl Hosts,
        limit: impl Fn(Both<Question>) -> Both<Question>,
    ) -> (Both<HostView>, u64) {
        let observed = hosts.observe(&limit(planner::question(&self.desired))).await;
        match planner::second_question(&self.desired, &observed) {
            Some(second) => (hosts.observe(&limit(second)).await, 2),
            None => (observed, 1),
        }
    }

    /// What to do next, and what is desired in the light of what was seen.
    pub fn plan(&self, observed: &Both<HostView>, fresh: &FreshKeys) -> (Desired, Plan) {
        let desired = planner::resolve(self.desired.clone(), observed);
        let plan = match (self.is_leaving(), self.findings.as_slice()) {
            // What is not understood may be about just this.
            (true, findings) if !self.snapshot.unknown.is_empty() => {
                planner::held(&desired, observed, findings)
            }
            (true, _) => planner::teardown(&desired, observed),
            // The standby that is read may not be the one that is meant.
            (false, findings) if !self.snapshot.unknown.is_empty() => {
                planner::held(&desired, observed, findings)
            }
            (false, findings) => planner::plan_in_part(&desired, observed, findings.to_vec(), fresh),
        };
        (desired, plan)
    }

    /// What the plans to come will be, if nothing fails.
    pub fn foresee(&self, observed: &Both<HostView>, fresh: &FreshKeys) -> Foreseen {
        let desired = planner::resolve(self.desired.clone(), observed);
        planner::foresee(&desired, observed, |hosts| self.plan(hosts, fresh).1)
    }
}

/// Whether the pair is to be taken off its hosts when it is deleted.
pub fn tears_down(pair: &HAPair) -> bool {
    pair.spec.deletion_policy == Some(DeletionPolicy::Teardown)
}

/// Whether that is happening.
pub fn tears_down_now(pair: &HAPair) -> bool {
    tears_down(pair) && pair.metadata.deletion_timestamp.is_some()
}
