//! What a host's own configuration brings up at boot, although the cluster alone is to. After a boot both hosts would
//! have it.

use hapair_model::{
    Reason,
    observed::Host,
    plan::{Finding, Subject},
    reason::with_remedy,
};

use crate::{facts::OneHost, view::View};

/// That it keeps something new from being made.
pub fn finding(one: &OneHost<'_>, about: Subject, what: &str) -> Option<Finding> {
    Some(Finding::new(
        about,
        Reason::SetAtBoot,
        message(one.name(), one.host, what)?,
    ))
}

/// That it is so on one of the hosts, whatever the cluster runs.
pub fn problem(view: &View<'_>, what: &str) -> Option<(Reason, String)> {
    let message = view
        .desired
        .nodes
        .iter()
        .find_map(|(side, node)| message(&node.name, view.hosts[side]?, what));
    Some((Reason::SetAtBoot, message?))
}

fn message(node: &str, host: &Host, what: &str) -> Option<String> {
    let found = host.at_boot.iter().find(|each| each.what == what)?;
    Some(with_remedy(
        &format!(
            "{node}: {} brings up {what} at boot, expected that only the cluster does",
            found.file
        ),
        &format!("on {node} remove {what} from {}", found.file),
    ))
}
