//! The services and the probe of a group, as resources.

use hapair_model::{
    desired::{Desired, Group, Service, ServiceKind},
    xml::Element,
};

use super::{limits, unit};
use crate::{
    elements::{attributes, ocf, operations, owned},
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
pub fn probe(desired: &Desired, group: &Group, url: &str) -> Element {
    let id = desired.id(names::probe(&group.name));
    let mut parameters = owned(&[("url", url)]);
    let codes = group.probe.iter().flat_map(|probe| &probe.codes);
    let codes: Vec<_> = codes.map(ToString::to_string).collect();
    if !codes.is_empty() {
        parameters.push(("codes".into(), codes.join(" ")));
    }
    ocf(&id, "hapair", "http")
        .child(attributes("instance_attributes", &id, &parameters))
        .child(operations(
            &id,
            &[
                ("start", "0s", "120s", None),
                ("stop", "0s", "20s", None),
                ("monitor", "10s", "30s", None),
            ],
        ))
}
