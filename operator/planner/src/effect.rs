//! Whether what was done has had an effect.

use hapair_model::{
    Both,
    observed::HostView,
    plan::{Stage, Step},
    xml::Element,
};

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
    let steps = || {
        stage
            .steps
            .iter()
            .flat_map(|(side, steps)| steps.iter().map(move |step| (side, step)))
    };
    let configuration = steps().find_map(|(side, step)| match step {
        Step::PushCib { cib, .. } => {
            difference(&Element::parse(cib).ok()?, observed[side].host()?.cib.as_ref()?)
        }
        _ => None,
    });
    configuration.unwrap_or_else(|| {
        steps()
            .map(|(_, step)| step.summary())
            .collect::<Vec<_>>()
            .join("; ")
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
        let text = element.to_string();
        match same(&live, element) {
            Some(found) if found == **element => None,
            Some(found) => Some(format!(
                "wanted {}, the cluster has {}",
                text.trim(),
                found.to_string().trim()
            )),
            None => Some(format!("wanted {}, the cluster has none", text.trim())),
        }
    });
    let beside = || {
        let more = live
            .iter()
            .filter(is_value)
            .find(|each| same(&wanted, each).is_none())?;
        Some(format!(
            "the cluster has {}, which is not declared",
            more.to_string().trim()
        ))
    };
    other.or_else(beside)
}
