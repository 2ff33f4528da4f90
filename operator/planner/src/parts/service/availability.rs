//! Where a group runs, and whether its service can be had.

use hapair_model::{
    Reason, Side,
    desired::{Answer, Group, Volume},
    observed::{Failure, Task},
    report::Holds,
};

use super::{group::members, url};
use crate::{failures, names, parts::volume, view::View};

/// Whether a group's service can be had.
pub fn availability(view: &View<'_>, group: &Group) -> (Holds, Reason, String) {
    let node = match serving_node(view, group) {
        Ok(node) => node,
        // A group of files alone is no service.
        Err((reason @ (Reason::NotObserved | Reason::NothingDeclared), message)) => {
            return (None, reason, message);
        }
        Err((reason, message)) => {
            let left_alone = || {
                let mut volumes = volumes_of(view, group);
                volumes.find_map(|volume| volume::left_alone(view, volume))
            };
            let disabled = || {
                let mut ids = members(view.desired, group).into_iter();
                ids.find_map(|id| view.disabled(&id))
            };
            let known = view.all_stopped().or_else(disabled).or_else(left_alone);
            let (reason, message) = known.unwrap_or((reason, message));
            return (Some(false), reason, message);
        }
    };
    let frozen = volumes_of(view, group).find_map(|volume| volume::frozen(view, volume, &node));
    if let Some(message) = frozen {
        return (Some(false), Reason::WritesFrozen, message);
    }
    let url = url::current(view.desired, group, view.cib);
    let Some((url, probe)) = url.zip(group.probe.as_ref()) else {
        // Nobody asks it, so all of it has to run.
        return match group_node(view, group) {
            Ok(node) => (
                Some(true),
                Reason::Serving,
                format!("runs on {node}; it has no probe"),
            ),
            Err((reason, message)) => (Some(false), reason, message),
        };
    };
    let Some((status, asked)) = answer(view, &url, &node) else {
        return (None, Reason::NotObserved, format!("{url} could not be asked"));
    };
    let asking = view.desired.nodes[asked].name.as_str();
    match probe.judge(status) {
        Answer::Serves if asking == node => (
            Some(true),
            Reason::AnsweredLocally,
            format!(
                "{url} answers with HTTP status {status} on {node}, where the group runs; no other node could be asked"
            ),
        ),
        Answer::Serves => (
            Some(true),
            Reason::Serving,
            format!("{url} answers with HTTP status {status} from {node}"),
        ),
        Answer::Refuses => (
            Some(false),
            Reason::ProbeRefused,
            format!(
                "{url} is refused with HTTP status {status} by {node}: the service works, and is left where it is"
            ),
        ),
        Answer::Fails if status == 0 => {
            let itself = view
                .desired
                .side(&node)
                .and_then(|side| view.hosts[side]?.probes.get(&url));
            let hint = match itself {
                Some(status) if probe.judge(*status) != Answer::Fails => {
                    ", where it answers: look at the network and the firewall between the two"
                }
                _ => "",
            };
            (
                Some(false),
                Reason::NotAnswering,
                format!("{url} does not answer {asking}; the group runs on {node}{hint}"),
            )
        }
        Answer::Fails => (
            Some(false),
            Reason::NotAnswering,
            format!("{url} answers with HTTP status {status} from {node}"),
        ),
    }
}

/// Where all of a group's members run: the node, or why they do not.
pub fn group_node(view: &View<'_>, group: &Group) -> Result<String, (Reason, String)> {
    // One that an operator before this one did not know is configured with the next change.
    let configured = view.configured();
    let is_due = |id: &String| !id.starts_with(names::WRITABLE) || configured.contains(&id.as_str());
    let members: Vec<_> = members(view.desired, group).into_iter().filter(is_due).collect();
    node_of(view, group, &members)
}

/// Where those of a group's members run that the cluster knows: one that is declared, and cannot be
/// configured, interrupts nothing.
pub fn serving_node(view: &View<'_>, group: &Group) -> Result<String, (Reason, String)> {
    let configured = view.configured();
    let (known, unknown): (Vec<_>, Vec<_>) = members(view.desired, group)
        .into_iter()
        .partition(|id| configured.contains(&id.as_str()));
    node_of(view, group, if known.is_empty() { &unknown } else { &known })
}

fn node_of(view: &View<'_>, group: &Group, members: &[String]) -> Result<String, (Reason, String)> {
    let Some(cluster) = view.cluster else {
        return Err((
            Reason::NotObserved,
            "no host could be asked that is in the cluster".into(),
        ));
    };
    // What went wrong on a node that is in standby now is not why nothing runs on the other; but for a
    // stop, which the other waits for.
    let counts = |failure: &Failure| failure.task == Task::Stop || !view.is_in_standby(&failure.node);
    let is_volume = |failure: &Failure| {
        let mut volumes = group.volumes.iter();
        matches!(failure.task, Task::Start | Task::Promote)
            && volumes.any(|name| names::volume(name) == failure.resource)
    };
    let failure = cluster
        .failures
        .iter()
        .find(|failure| (members.contains(&failure.resource) || is_volume(failure)) && counts(failure));
    let mut node = None;
    for id in members {
        match cluster.node_of(id) {
            Some(name) => node = Some(name.to_owned()),
            None => {
                return Err(failure.map_or_else(
                    || (Reason::NotRunning, format!("{id} does not run on any node")),
                    |failure| (Reason::ResourceFailed, failures::told(failure)),
                ));
            }
        }
    }
    node.ok_or_else(|| {
        (
            Reason::NothingDeclared,
            format!("group {} has no members", group.name),
        )
    })
}

/// What a probe said, and to whom: to the node that does not serve, where it could be asked. A service that answers
/// nobody but its own node cannot be had.
fn answer(view: &View<'_>, url: &str, node: &str) -> Option<(u16, Side)> {
    let serving = view.desired.side(node)?;
    let said_to = |side: Side| Some((*view.hosts[side]?.probes.get(url)?, side));
    said_to(serving.peer()).or_else(|| said_to(serving))
}

/// The volumes of a group.
fn volumes_of<'a>(view: &View<'a>, group: &'a Group) -> impl Iterator<Item = &'a Volume> {
    group.volumes.iter().filter_map(|name| view.desired.volume(name))
}
