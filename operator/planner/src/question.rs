//! What to ask the hosts: exactly what the plan and the report look at.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{HostView, Question, Silence},
};

use crate::{
    live,
    parts::{keys, service},
    platform::Platform,
    resolve::resolve,
    whole,
};

/// What to ask each host.
pub fn question(desired: &Desired) -> Both<Question> {
    // Paths are asked for, and no content: the same whatever the hosts have a say in.
    let desired = resolve(desired.clone(), &Both::from_fn(|_| unseen()));
    Both::from_fn(|side| one(&desired, side))
}

fn unseen() -> HostView {
    HostView::Silent(Silence::Unreachable("not asked yet".into()))
}

/// What to ask once more, when the first answers tell that there is more to ask: every service where the
/// cluster has it, when that is not where it is declared, and keys that one host has lost.
pub fn second_question(desired: &Desired, observed: &Both<HostView>) -> Option<Both<Question>> {
    let first = question(desired);
    let cib = live::member(observed).and_then(|host| host.cib.as_ref());
    let probes = cib.map_or_else(
        || first.first.probes.clone(),
        |cib| service::probes(desired, Some(cib)),
    );
    let (keys, agents) = (keys::to_be_read(observed), service::new_agents(desired, cib));
    let second = first.clone().map(|question| Question {
        probes: probes.clone(),
        keys: keys.clone(),
        agents: agents.clone(),
        ..question
    });
    (second != first).then_some(second)
}

fn one(desired: &Desired, side: Side) -> Question {
    let mut question = Question {
        packages: packages(desired),
        files: whole::paths(desired, side).into_iter().collect(),
        ..Question::default()
    };
    for part in whole::parts() {
        (part.ask)(desired, side, &mut question);
    }
    question
}

/// The host is asked before its distribution is known, so for the packages of all of them.
fn packages(desired: &Desired) -> Vec<String> {
    let names: BTreeSet<_> = Platform::all()
        .flat_map(|platform| whole::packages(desired, &platform))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}
