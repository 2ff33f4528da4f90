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
const TOLD: [&str; 6] = [
    "Ready",
    "Available",
    "Stalled",
    "RedundancyHealthy",
    "FencingReady",
    "SplitBrain",
];
/// Those among them that are True when something is wrong.
const ABNORMAL: [&str; 2] = ["Stalled", "SplitBrain"];

/// Tells of every condition that changed its status. An event that cannot be written is not worth a retry:
/// the condition itself stays.
pub async fn tell(
    client: &Client,
    metrics: &Metrics,
    about: &ObjectReference,
    before: &[Condition],
    after: &[Condition],
) {
    let before: BTreeMap<_, _> = before
        .iter()
        .map(|condition| (condition.type_.as_str(), condition))
        .collect();
    for condition in after
        .iter()
        .filter(|condition| TOLD.contains(&condition.type_.as_str()))
    {
        let was = before
            .get(condition.type_.as_str())
            .map(|condition| condition.status);
        if !is_news(was, condition) {
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

/// Whether a person wants to read of it. A trouble that is not there is none, whether it can be seen or not.
fn is_news(was: Option<ConditionStatus>, condition: &Condition) -> bool {
    let only_true = was.is_none() || ABNORMAL.contains(&condition.type_.as_str());
    let either_is_true = was == Some(ConditionStatus::True) || condition.status == ConditionStatus::True;
    was != Some(condition.status) && (!only_true || either_is_true)
}

fn is_good(condition: &Condition) -> bool {
    let abnormal = ABNORMAL.contains(&condition.type_.as_str());
    condition.status
        == if abnormal {
            ConditionStatus::False
        } else {
            ConditionStatus::True
        }
}

fn event(about: &ObjectReference, condition: &Condition) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", about.name.clone().unwrap_or_default())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        action: Some("Observe".into()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some(
            format!(
                "{} is {:?}: {}",
                condition.type_, condition.status, condition.message
            )
            .chars()
            .take(1000)
            .collect(),
        ),
        reason: Some(condition.reason.clone()),
        regarding: Some(about.clone()),
        reporting_controller: Some("hapair.dev/operator".into()),
        reporting_instance: Some(
            std::env::var("HOSTNAME")
                .ok()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "hapair-operator".into()),
        ),
        type_: Some(if is_good(condition) { "Normal" } else { "Warning" }.into()),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use ConditionStatus::{False, True, Unknown};

    use super::*;

    fn now(type_: &str, status: ConditionStatus) -> Condition {
        Condition {
            type_: type_.into(),
            status,
            reason: "Healthy".into(),
            message: String::new(),
            observed_generation: 1,
            last_transition_time: Default::default(),
        }
    }

    #[test]
    fn a_trouble_is_told_when_it_comes_and_when_it_goes() {
        let told = |was, status| is_news(was, &now("SplitBrain", status));
        assert!(
            told(Some(False), True)
                && told(Some(True), False)
                && told(Some(True), Unknown)
                && told(None, True)
        );
        assert!(
            !told(Some(False), Unknown)
                && !told(Some(Unknown), False)
                && !told(None, False)
                && !told(Some(True), True)
        );
        assert!(
            is_good(&now("SplitBrain", False))
                && !is_good(&now("SplitBrain", Unknown))
                && !is_good(&now("SplitBrain", True))
        );
    }

    #[test]
    fn what_should_be_true_is_told_of_at_every_change() {
        let told = |was, status| is_news(was, &now("Ready", status));
        assert!(
            told(Some(True), Unknown)
                && told(Some(Unknown), False)
                && told(Some(False), True)
                && told(None, True)
        );
        assert!(!told(None, False) && !told(Some(False), False));
        assert!(is_good(&now("Ready", True)) && !is_good(&now("Ready", Unknown)));
    }
}
