//! Whether what was done has had an effect.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::HostView,
    plan::{Stage, Step},
    xml::Element,
};

use crate::{names, parts::keys};

/// What a stage is about, without what differs each time it is planned: two that print the same want the
/// same.
pub fn purpose(stage: &Stage) -> String {
    let of = |step: &Step| match step {
        Step::PushCib { cib, .. } => Element::parse(cib)
            .ok()
            .and_then(|cib| cib.first("configuration").map(ToString::to_string))
            .unwrap_or_default(),
        step => format!("{step:?}"),
    };
    let host = |steps: &Vec<Step>| steps.iter().map(of).collect::<Vec<_>>().join("\n");
    format!(
        "{}\n{}\n{}",
        stage.name,
        host(&stage.steps.first),
        host(&stage.steps.second)
    )
}

/// What a stage that is planned again wants, and what the hosts have instead, for a person.
pub fn wanted_and_got(stage: &Stage, observed: &Both<HostView>) -> String {
    let summaries = || steps(stage).map(|(_, step)| step.summary()).collect::<Vec<_>>();
    configuration(stage, observed).unwrap_or_else(|| summaries().join("; "))
}

/// What a stage puts back that somebody has changed; `None`: nothing that a person would have had a hand in. A host
/// that has restarted has its units started, and one that was emptied its keys and its memory given back.
pub fn put_back(stage: &Stage, desired: &Desired, observed: &Both<HostView>) -> Option<String> {
    let by_hand = |step: &Step| match step {
        Step::WriteFile(file) => file.path != names::PEER && !keys::is_key(&file.path),
        Step::WriteHostsBlock { .. } | Step::HoldPackages { .. } | Step::DisableUnits { .. } => true,
        _ => false,
    };
    let told = |(side, step): (Side, &Step)| format!("{}: {}", desired.nodes[side].name, step.summary());
    let files = steps(stage).filter(|(_, step)| by_hand(step)).map(told);
    let all: Vec<_> = configuration(stage, observed).into_iter().chain(files).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn steps(stage: &Stage) -> impl Iterator<Item = (Side, &Step)> {
    let both = stage.steps.iter();
    both.flat_map(|(side, steps)| steps.iter().map(move |step| (side, step)))
}

/// What a stage changes in the cluster's configuration, if it does.
fn configuration(stage: &Stage, observed: &Both<HostView>) -> Option<String> {
    steps(stage).find_map(|(side, step)| match step {
        Step::PushCib { cib, .. } => {
            difference(&Element::parse(cib).ok()?, observed[side].host()?.cib.as_ref()?)
        }
        _ => None,
    })
}

/// The first element of a configuration that the cluster has in another way, not at all, or beside it.
fn difference(wanted: &Element, live: &Element) -> Option<String> {
    let (wanted, live) = (
        wanted.first("configuration")?.all(),
        live.first("configuration")?.all(),
    );
    let is_value = |each: &&&Element| each.id().is_some() && each.children.is_empty();
    let same = |all: &[&Element], one: &Element| {
        let mut all = all.iter();
        all.find(|each| each.id() == one.id() && each.name == one.name)
            .copied()
            .cloned()
    };
    let other = wanted.iter().filter(is_value).find_map(|element| {
        let wanted = shown(element);
        match same(&live, element) {
            Some(found) if found == **element => None,
            Some(found) => Some(format!("wanted {wanted}, the cluster has {}", shown(&found))),
            None => Some(format!("wanted {wanted}, the cluster has none")),
        }
    });
    let beside = || {
        let more = live
            .iter()
            .filter(is_value)
            .find(|each| same(&wanted, each).is_none())?;
        Some(format!("the cluster has {}, which is not declared", shown(more)))
    };
    other.or_else(beside)
}

/// An element as people may see it: somebody may have typed a device's password into the configuration.
fn shown(element: &Element) -> String {
    let name = element.get("name").unwrap_or_default();
    let mut element = element.clone();
    if ["passw", "secret", "token", "key"]
        .iter()
        .any(|word| name.contains(word))
    {
        element.attributes.insert("value".into(), "[removed]".into());
    }
    element.to_string().trim().to_owned()
}
