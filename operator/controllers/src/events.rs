//! Events (events.k8s.io/v1), on transitions only: a condition that stays as it is says nothing new.

use std::collections::BTreeMap;

use hapair_crds::{Condition, ConditionStatus};
use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

use crate::Metrics;

/// Conditions whose transitions a person wants to read of.
const TOLD: [&str; 6] = ["Ready", "Available", "Stalled", "RedundancyHealthy", "FencingReady", "SplitBrain"];

/// Tells of every condition that changed its status. An event that cannot be written is not worth a retry: the condition itself stays.
pub async fn tell(client: &Client, metrics: &Metrics, about: &ObjectReference, before: &[Condition], after: &[Condition]) {
    let before: BTreeMap<_, _> = before.iter().map(|condition| (condition.type_.as_str(), condition)).collect();
    for condition in after.iter().filter(|condition| TOLD.contains(&condition.type_.as_str())) {
        let was = before.get(condition.type_.as_str()).map(|condition| condition.status);
        if was == Some(condition.status) || (was.is_none() && condition.status != ConditionStatus::True) {
            continue;
        }
        let namespace = about.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        metrics.api_writes.inc();
        if let Err(error) = api.create(&PostParams::default(), &event(about, condition)).await {
            tracing::debug!(%error, "an event was not written");
        }
    }
}

fn event(about: &ObjectReference, condition: &Condition) -> Event {
    let abnormal = matches!(condition.type_.as_str(), "Stalled" | "SplitBrain");
    let good = (condition.status == ConditionStatus::True) != abnormal;
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", about.name.clone().unwrap_or_default())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        action: Some("Observe".into()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some(format!("{} is {:?}: {}", condition.type_, condition.status, condition.message).chars().take(1000).collect()),
        reason: Some(condition.reason.clone()),
        regarding: Some(about.clone()),
        reporting_controller: Some("hapair.dev/operator".into()),
        reporting_instance: Some(
            std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "hapair-operator".into()),
        ),
        type_: Some(if good { "Normal" } else { "Warning" }.into()),
        ..Event::default()
    }
}
