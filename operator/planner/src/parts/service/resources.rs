//! The services and the probe of a group, as resources.

use hapair_model::{
    desired::{Desired, Group, HttpProbe, Service, ServiceKind},
    xml::Element,
};

use super::{limits, unit};
use crate::{
    elements::{AGENT_LIMIT, attributes, ocf, operations, owned},
    names,
    platform::Platform,
};

/// A service.
pub fn service(desired: &Desired, group: &Group, service: &Service, platform: &Platform) -> Element {
    let id = desired.id(names::service(group, service));
    let seconds = |limit: Option<u32>| format!("{}s", limit.unwrap_or(limits::USUAL));
    let (start, stop) = (seconds(service.start_timeout), seconds(service.stop_timeout));
    let limits = [
        ("start", "0s", start.as_str(), None),
        ("stop", "0s", stop.as_str(), None),
        ("monitor", "10s", "60s", None),
    ];
    match &service.kind {
        ServiceKind::Ocf { agent, parameters } => {
            let (provider, agent) = names::agent(agent);
            ocf(&id, provider, agent)
                .child(attributes("instance_attributes", &id, parameters))
                .child(operations(&id, &limits))
        }
        kind @ (ServiceKind::Preset(_) | ServiceKind::Systemd(_)) => {
            let unit = unit(kind, platform).unwrap_or_default();
            Element::new("primitive")
                .with("id", &id)
                .with("class", "systemd")
                .with("type", unit)
                .child(operations(&id, &limits))
        }
    }
}

/// Asks the service on the node itself, so that a hung one is restarted or moved.
pub fn probe(desired: &Desired, group: &Group, probe: &HttpProbe, url: &str) -> Element {
    let id = desired.id(names::probe(&group.name));
    let (timeout, threshold) = (probe.timeout.to_string(), probe.failure_threshold.to_string());
    let mut parameters = owned(&[
        ("url", url),
        ("timeout", &timeout),
        ("failure_threshold", &threshold),
    ]);
    if !probe.codes.is_empty() {
        let codes: Vec<_> = probe.codes.iter().map(ToString::to_string).collect();
        parameters.push(("codes".into(), codes.join(" ")));
    }
    // A unit has started before its service answers: its time counts here, too. No limit is no time.
    let starts = group.services.iter().filter_map(|service| service.start_timeout);
    let starts = starts.filter(|seconds| *seconds < limits::HOUR);
    let start = starts.max().unwrap_or_default().max(limits::USUAL);
    let monitor = patience(probe);
    ocf(&id, "hapair", "http")
        .child(attributes("instance_attributes", &id, &parameters))
        .child(operations(
            &id,
            &[
                ("start", "0s", &format!("{start}s"), None),
                ("stop", "0s", AGENT_LIMIT, None),
                ("monitor", "10s", &format!("{monitor}s"), None),
            ],
        ))
}

/// Longer than the agent's monitor can take, in seconds: it asks once a second while the service fails, for 15 s, and then until it
/// is hung.
fn patience(probe: &HttpProbe) -> u16 {
    let until_hung = probe.failure_threshold.saturating_mul(probe.timeout + 1);
    15 + until_hung + 10
}
