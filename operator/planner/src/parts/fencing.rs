//! Devices that cut a node's power, as resources of the cluster.

mod agents;

use std::collections::BTreeSet;

use hapair_model::{
    Reason, Side,
    desired::{Desired, FenceDevice, Fencing, Node, Tls},
    observed::{Cluster, FencingStatus},
    plan::{Content, File, FollowUp, Keep},
    reason::with_remedy,
    report::Condition,
    xml::Element,
};

use crate::{
    elements::{Object, attributes, operations, owned},
    facts::Facts,
    files::{MANAGED, text},
    live,
    names::{self, FENCE_DIRECTORY},
    part::{Ground, Part},
    platform::Platform,
    view::View,
};

/// What this part has to say.
pub const PART: Part = Part {
    packages,
    files,
    objects,
    waits,
    ..Part::NONE
};

/// How long the fencing of one node is held back, so that two nodes that have lost sight of each other do not
/// shoot each other: longer than a BMC takes to switch a server off, and the two differ in when they see the loss.
const TIE_BREAK: &str = "5s";

/// How long the fencing of the node that serves is held back besides, three times the tie-break: even where that holds the other
/// node's fencing back, the other one is shot ten seconds earlier.
pub const PRIORITY_DELAY: &str = "15s";

fn packages(desired: &Desired, platform: &Platform) -> Vec<&'static str> {
    devices(desired)
        .flat_map(|device| agents::packages(&device.agent, platform))
        .copied()
        .collect()
}

fn devices(desired: &Desired) -> impl Iterator<Item = &FenceDevice> {
    desired.nodes.iter().flat_map(|(_, node)| &node.devices)
}

fn files(desired: &Desired, _: Side, _: &Ground) -> Vec<File> {
    let mut files = authorities(desired);
    for (_, node) in desired.nodes.iter() {
        for (level, device) in node.devices.iter().enumerate() {
            files.extend(password_files(node, level, device));
        }
    }
    files
}

/// fence_redfish has no parameter for an authority; python3-requests, which it uses, takes one from the
/// environment.
fn authorities(desired: &Desired) -> Vec<File> {
    let all: BTreeSet<_> = devices(desired)
        .filter_map(|device| match &device.tls {
            Tls::Authority(pem) => Some(String::from_utf8_lossy(pem.expose()).trim().to_owned()),
            Tls::System | Tls::Unverified => None,
        })
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    let pem: String = all.into_iter().map(|pem| pem + "\n").collect();
    let agent = format!(
        "#!/bin/sh\n{MANAGED}# fence_redfish, which trusts \
         the pair's own authorities.\n\
         export REQUESTS_CA_BUNDLE={}\nexec /usr/sbin/fence_redfish \"$@\"\n",
        names::FENCE_AUTHORITIES
    );
    vec![
        text(names::FENCE_AUTHORITIES, "644", pem),
        text(&format!("/usr/sbin/{}", names::REDFISH_AGENT), "755", agent),
    ]
}

/// A device's password never enters the CIB or a command line: it is in a file, and so is a script that
/// brings it to where it is needed.
fn password_files(node: &Node, level: usize, device: &FenceDevice) -> Vec<File> {
    let Some(password) = &device.password else {
        return Vec::new();
    };
    let path = script(node, level);
    let password_file = File {
        path: format!("{path}.password"),
        mode: "600".into(),
        owner: "root:root".into(),
        content: Content::Secret(password.clone()),
        keep: Keep::Nothing,
        // A device that has failed to start stays stopped, whatever its password is now.
        follow_up: Some(FollowUp::CleanUp(names::fence(node, level))),
    };
    let script = match device.agent.as_str() {
        "fence_ipmilan" => include_str!("../../files/ipmitool-with-password-file")
            .replace("@PASSWORD_FILE@", &format!("{path}.password")),
        _ => format!(
            "#!/bin/sh\n# Managed by hapair-operator. Prints the device's password for its fence \
             agent.\nexec cat {path}.password\n"
        ),
    };
    vec![password_file, text(&path, "700", script)]
}

/// The script through which a fence agent gets at its device's password.
fn script(node: &Node, level: usize) -> String {
    format!("{FENCE_DIRECTORY}/{}-{}", node.name, level + 1)
}

fn objects(desired: &Desired, _: &Platform) -> Vec<Object> {
    vec![pair(desired)]
}

fn pair(desired: &Desired) -> Object {
    let mut object = Object {
        key: names::PAIR.into(),
        ..Object::default()
    };
    let several = desired.nodes.any(|node| node.devices.len() > 1);
    for (side, node) in desired.nodes.iter() {
        for (level, device) in node.devices.iter().enumerate() {
            let id = names::fence(node, level);
            object
                .resources
                .push(fence_device(desired, side, node, level, device));
            // A node cannot be trusted to shoot itself.
            object.constraints.push(
                Element::new("rsc_location")
                    .with("id", format!("{id}-avoids-{}", node.name))
                    .with("rsc", &id)
                    .with("node", &node.name)
                    .with("score", "-INFINITY"),
            );
            if several {
                object.levels.push(
                    Element::new("fencing-level")
                        .with("id", format!("{id}-level"))
                        .with("target", &node.name)
                        .with("index", level + 1)
                        .with("devices", id),
                );
            }
        }
    }
    object
}

fn fence_device(desired: &Desired, side: Side, node: &Node, level: usize, device: &FenceDevice) -> Element {
    let id = names::fence(node, level);
    let mut parameters = device.parameters.clone();
    parameters.push(match &device.plug {
        Some(plug) => ("pcmk_host_map".into(), format!("{}:{plug}", node.name)),
        None => ("pcmk_host_list".into(), node.name.clone()),
    });
    if device.tls == Tls::Unverified {
        parameters.push(("ssl_insecure".into(), "1".into()));
    }
    // pacemaker adds both delays up. The preferred node serves most of the time: its failover is not to wait for both.
    if side == desired.preferred.unwrap_or(Side::First).peer() {
        parameters.push(("pcmk_delay_base".into(), TIE_BREAK.into()));
    }
    if device.password.is_some() {
        let parameter = if device.agent == "fence_ipmilan" {
            "ipmitool_path"
        } else {
            "password_script"
        };
        parameters.push((parameter.into(), script(node, level)));
    }
    Element::new("primitive")
        .with("id", &id)
        .with("class", "stonith")
        .with(
            "type",
            if matches!(device.tls, Tls::Authority(_)) {
                names::REDFISH_AGENT
            } else {
                &device.agent
            },
        )
        // A device that could not be started is tried again every minute: a BMC that was away comes back.
        .child(attributes(
            "meta_attributes",
            &id,
            &owned(&[("failure-timeout", "60s")]),
        ))
        .child(attributes("instance_attributes", &id, &parameters))
        .child(operations(
            &id,
            &[("monitor", "60s", "60s", None), ("start", "0s", "60s", None)],
        ))
}

/// The ids of the devices that fence this node.
fn devices_of(desired: &Desired, side: Side) -> impl Iterator<Item = String> {
    let node = &desired.nodes[side];
    (0..node.devices.len()).map(|level| names::fence(node, level))
}

/// Whether the device that fences this node has somewhere to run: on its peer, unless that is away or in
/// standby. Fencing itself does not need the resource to run; what is lost meanwhile is its monitoring.
fn can_run(desired: &Desired, cluster: &Cluster, target: Side) -> bool {
    let peer = &desired.nodes[target.peer()].name;
    cluster
        .nodes
        .get(peer)
        .is_some_and(|node| node.online && !node.standby && !node.pending)
}

fn waits(facts: &Facts<'_>) -> Option<String> {
    let (desired, cluster) = (facts.desired, facts.cluster()?);
    let fenced = Side::BOTH
        .into_iter()
        .filter(|side| can_run(desired, cluster, *side));
    let mut devices = fenced.flat_map(|side| devices_of(desired, side));
    devices
        .find(|id| cluster.is_idle(id))
        .map(|id| format!("{id} is starting"))
}

/// FencingReady of the pair.
pub fn ready(view: &View<'_>) -> Condition {
    if view.desired.fencing == Fencing::Disabled {
        let message = "fencing is disabled: a cut network can leave both nodes serving";
        return Condition::new(
            "FencingReady",
            Some(false),
            Reason::FencingDisabled,
            message.into(),
        );
    }
    let Some(cluster) = view.cluster else {
        return Condition::new(
            "FencingReady",
            None,
            Reason::NotObserved,
            "no host could be asked that is in the cluster".into(),
        );
    };
    if let Some(message) = switched_off(view).or_else(|| failed_to_fence(cluster)) {
        return Condition::new("FencingReady", Some(false), Reason::FencingFailed, message);
    }
    let problem = Side::BOTH.into_iter().find_map(|side| {
        let mut devices = devices_of(view.desired, side);
        devices.find_map(|id| device_problem(view, cluster, side, &id))
    });
    if let Some((reason, message)) = problem {
        return Condition::new("FencingReady", Some(false), reason, message);
    }
    Condition::new(
        "FencingReady",
        Some(true),
        Reason::Healthy,
        format!("each node's fencing device answers{}", unverified(view)),
    )
}

/// What is wrong with a device that fences this node.
fn device_problem(view: &View<'_>, cluster: &Cluster, side: Side, id: &str) -> Option<(Reason, String)> {
    // Without a failure it may be about to start, as after a refresh, or when its node has come back.
    let is_idle = || can_run(view.desired, cluster, side) && cluster.node_of(id).is_none();
    let target = &view.desired.nodes[side].name;
    unused_device(view, id)
        .or_else(|| failed_device(cluster, id))
        .map(|message| (Reason::FencingFailed, message))
        .or_else(|| {
            is_idle().then(|| {
                (
                    Reason::NotRunning,
                    format!("{id}, which fences {target}, does not run"),
                )
            })
        })
}

fn failed_device(cluster: &Cluster, id: &str) -> Option<String> {
    let mut failures = cluster.failures.iter();
    failures
        .find(|failure| failure.resource == id)
        .map(ToString::to_string)
}

/// Why nothing would be taken over from this node: the cluster waits until a node that is lost was fenced, and each of its
/// devices has failed, or was disabled. A device fences without running, so that one that does not run is no reason.
pub fn keeps_from_taking_over(view: &View<'_>, cluster: &Cluster, side: Side) -> Option<String> {
    if view.desired.fencing == Fencing::Disabled || switched_off(view).is_some() {
        return None;
    }
    let failed: Option<Vec<_>> = devices_of(view.desired, side)
        .map(|id| unused_device(view, &id).or_else(|| failed_device(cluster, &id)))
        .collect();
    let message = failed?.into_iter().next()?;
    let node = &view.desired.nodes[side].name;
    Some(format!(
        "{node} could not be fenced, and until it is nothing is taken over from it: {message}"
    ))
}

/// The cluster's own configuration says that nothing is fenced, whatever is declared. pacemaker 3.0.2 has another name for it,
/// and knows the older one.
fn switched_off(view: &View<'_>) -> Option<String> {
    let cib = view.cib?;
    let is_off = |name: &&&str| live::property(cib, name).map(live::is_true) == Some(false);
    let option = ["stonith-enabled", "fencing-enabled"].iter().find(is_off)?;
    Some(with_remedy(
        &format!(
            "the cluster's configuration has {option}=false: nothing is fenced, though spec.fencing.mode is Required"
        ),
        &format!("`pcs property set {option}=true`, or end the pause: the operator sets it then"),
    ))
}

/// Why the fencer does not use a device: it is not configured, or was disabled by hand.
fn unused_device(view: &View<'_>, id: &str) -> Option<String> {
    let cib = view.cib?;
    if !cib.has(id) {
        // Outside of a pause it is on its way.
        let message = || format!("the cluster has no device {id}: end the pause, and the operator adds it");
        return view.desired.paused.then(message);
    }
    live::disabled(cib, id).map(|_| {
        with_remedy(
            &format!("the device {id} is disabled (target-role=Stopped)"),
            &format!("`pcs stonith enable {id}`, or end the pause: the operator enables it then"),
        )
    })
}

/// A node that the cluster waits for, and has failed to fence. One that is well again, or has left in order, needs no fence
/// any more.
fn failed_to_fence(cluster: &Cluster) -> Option<String> {
    let unclean = cluster.nodes.iter().filter(|(_, node)| node.unclean);
    unclean.filter_map(|(name, _)| {
        // Times of this form are ordered as text is.
        let of_node = cluster.fencing.iter().filter(|event| event.target == *name);
        let last = of_node.max_by_key(|event| event.completed.clone())?;
        (last.status == FencingStatus::Failed).then(|| {
            let time = last.completed.as_deref().unwrap_or("an unknown time");
            let what =
                format!("{name} could not be fenced (last tried at {time}): nothing is taken over from it until it is");
            let remedy = format!(
                "look at the fencing device of {name}. Where it stays away, and you have seen yourself that {name} is off, type on the other \
                 node: `pcs stonith confirm {name}`. Never while it may be running: both nodes would serve"
            );
            with_remedy(&what, &remedy)
        })
    })
    .next()
}

/// Devices whose certificates nobody verifies: a person has chosen that, and reads it here.
fn unverified(view: &View<'_>) -> String {
    let takes_any = |node: &Node| node.devices.iter().any(|device| device.tls == Tls::Unverified);
    let nodes: Vec<_> = view
        .desired
        .nodes
        .iter()
        .filter(|(_, node)| takes_any(node))
        .map(|(_, node)| node.name.as_str())
        .collect();
    if nodes.is_empty() {
        String::new()
    } else {
        format!("; the certificate of {} is not verified", nodes.join(" and "))
    }
}
