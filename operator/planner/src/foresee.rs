//! What a plan leads to: its stages one after the other, each planned on what the hosts will look like once the one
//! before it is done, if nothing fails and nobody else changes anything. Nothing is asked of the hosts for it, so
//! what only they can tell ends it.

mod cluster;
mod host;

use hapair_model::{
    Both,
    desired::Desired,
    observed::{Host, HostView, Record},
    plan::{Finding, Next, Plan, Stage},
};

pub use host::carry_out;

/// More stages than any pair needs: what goes on longer goes in circles.
const MOST: usize = 30;

/// What a plan leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What comes after them.
    pub end: End,
}

/// What comes after the stages that can be foreseen.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Nothing: the hosts are as declared.
    Rest,
    /// Something on the hosts that has to happen by itself first.
    Wait(String),
    /// A person, since something stands in the way then.
    Stopped(Vec<Finding>),
    /// It cannot be told from here on.
    Unknown,
}

/// What a pair's plans lead to. `plan` makes the next one of what was seen.
pub fn foresee(
    desired: &Desired,
    observed: &Both<HostView>,
    plan: impl Fn(&Both<HostView>) -> Plan,
) -> Foreseen {
    let mut foreseen = Foreseen {
        stages: Vec::new(),
        end: End::Unknown,
    };
    let mut now = plan(observed);
    let known = now.findings.clone();
    let hosts = observed.as_ref().map(|view| view.host().cloned()).complete();
    let Some(mut hosts) = hosts else {
        foreseen.end = ended(&now, &known).unwrap_or(End::Unknown);
        return foreseen;
    };
    while foreseen.stages.len() < MOST {
        if let Some(end) = ended(&now, &known) {
            foreseen.end = end;
            break;
        }
        let Next::Run(stage) = now.next else { break };
        if foreseen.stages.contains(&stage) {
            break;
        }
        after(&stage, desired, &mut hosts);
        foreseen.stages.push(stage);
        now = plan(&hosts.clone().map(|host| HostView::Seen(Box::new(host))));
    }
    foreseen
}

/// What a plan ends with, unless it has a stage. Findings that were there from the beginning are told beside the plan.
fn ended(plan: &Plan, known: &[Finding]) -> Option<End> {
    let new: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| !known.contains(finding))
        .cloned()
        .collect();
    match &plan.next {
        Next::Run(_) => None,
        _ if !new.is_empty() => Some(End::Stopped(new)),
        Next::Wait(what) => Some(End::Wait(what.clone())),
        Next::Rest => Some(End::Rest),
    }
}

/// What the hosts look like once a stage is done and the cluster has settled.
pub fn after(stage: &Stage, desired: &Desired, hosts: &mut Both<Host>) {
    for (side, steps) in stage.steps.iter() {
        for step in steps {
            carry_out(step, desired, side, hosts);
        }
        if !steps.is_empty() && !steps.iter().any(host::forgets) {
            hosts[side].owner = Some(Record {
                owner: desired.owner.to_string(),
                epoch: hosts[side].owner.as_ref().map_or(0, |record| record.epoch),
                name: Some(desired.owner.name.clone()),
            });
        }
    }
    cluster::settle(desired, hosts);
}
