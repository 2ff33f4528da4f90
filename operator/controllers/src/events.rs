//! Events (events.k8s.io/v1): of conditions on their transitions only, since one that stays as it is says nothing new;
//! and of what was put back.

use std::collections::BTreeMap;

use hapair_crds::{Condition, ConditionStatus, Failover, condition_types};
use hapair_model::{Reason, reason::Class};
use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

use crate::metrics::Metrics;

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
        let note = format!(
            "{} is {:?}: {}",
            condition.type_, condition.status, condition.message
        );
        let is_normal = is_good(condition) || is_expected(was, condition, after);
        let told = event(about, "Observe", &condition.reason, &note, is_normal);
        write(client, metrics, about, &told).await;
    }
}

/// As much of a text as a note has room for beside what helps, which stands behind it: a note has 1024 bytes at the most
/// (events.k8s.io/v1).
pub fn beginning(text: &str) -> &str {
    let end = (0..=600).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Tells that something on the hosts was put back as it is declared, and how to make it last.
pub async fn put_back(client: &Client, metrics: &Metrics, about: &ObjectReference, what: &str) {
    let note = format!(
        "The hosts were not as declared any more, and were put back: {what}. If somebody changed that on purpose: \
         declare it in the spec, or pause the pair first (kubectl hapair pause)"
    );
    write(
        client,
        metrics,
        about,
        &event(about, "Converge", "PutBack", &note, true),
    )
    .await;
}

/// Tells how a group came to where it serves.
pub async fn failed_over(client: &Client, metrics: &Metrics, about: &ObjectReference, failover: &Failover) {
    let note = failover.to_string();
    // That a node was lost, or a service failed, its conditions have told.
    let told = event(about, "Observe", "FailedOver", &note, true);
    write(client, metrics, about, &told).await;
}

async fn write(client: &Client, metrics: &Metrics, about: &ObjectReference, event: &Event) {
    let namespace = about.namespace.clone().unwrap_or_default();
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    metrics.api_writes.inc();
    if let Err(error) = api.create(&PostParams::default(), event).await {
        tracing::debug!(%error, "an event was not written");
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

/// What the operator itself, or the cluster at its word, is on its way with.
const PROGRESS: [Reason; 6] = [
    Reason::Converging,
    Reason::Resyncing,
    Reason::NotRunning,
    Reason::NotObserved,
    Reason::NeverReady,
    Reason::TearingDown,
];

/// Whether it is what somebody has chosen, or a step on the way that the operator is on. A service that was there and is
/// away is never only that; nor is something that needs a person, but for a node that has not joined yet.
fn is_expected(was: Option<ConditionStatus>, condition: &Condition, all: &[Condition]) -> bool {
    let has = |type_: &str, status: ConditionStatus| {
        all.iter()
            .any(|each| each.type_ == type_ && each.status == status)
    };
    let is = |reason: &Reason| reason.name() == condition.reason;
    let is_at_work = has(condition_types::RECONCILING, ConditionStatus::True);
    let was_never_there = has(condition_types::ESTABLISHED, ConditionStatus::False);
    let is_away = condition.type_ == condition_types::AVAILABLE && was == Some(ConditionStatus::True);
    let is_trouble = ABNORMAL.contains(&condition.type_.as_str());
    let is_chosen = || {
        Reason::ALL
            .iter()
            .any(|reason| is(reason) && reason.class() == Class::Chosen)
    };
    let is_progress = || PROGRESS.iter().any(is) || was_never_there && is(&Reason::NodeOffline);
    !is_away && !is_trouble && (is_chosen() || is_at_work && is_progress())
}

fn event(about: &ObjectReference, action: &str, reason: &str, note: &str, is_normal: bool) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", about.name.clone().unwrap_or_default())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        action: Some(action.into()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some(note.chars().take(1000).collect()),
        reason: Some(reason.into()),
        regarding: Some(about.clone()),
        reporting_controller: Some("hapair.dev/operator".into()),
        reporting_instance: Some(
            std::env::var("HOSTNAME")
                .ok()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "hapair-operator".into()),
        ),
        type_: Some(if is_normal { "Normal" } else { "Warning" }.into()),
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

    #[test]
    fn what_passes_while_the_operator_is_at_work_and_what_was_chosen_are_no_warnings() {
        let told = |type_: &str, reason: Reason, at_work: bool| {
            let condition = Condition {
                reason: reason.name().into(),
                ..now(type_, False)
            };
            is_expected(
                Some(True),
                &condition,
                &[now("Reconciling", if at_work { True } else { False })],
            )
        };
        assert!(told("RedundancyHealthy", Reason::Resyncing, true));
        assert!(told("RedundancyHealthy", Reason::NodeStandby, false));
        assert!(!told("RedundancyHealthy", Reason::Disconnected, true));
        assert!(!told("RedundancyHealthy", Reason::NodeUnclean, true));
        assert!(!told("FencingReady", Reason::FencingFailed, true));
        assert!(!told("Stalled", Reason::Converging, true));
        assert!(
            !told("Available", Reason::NotRunning, true),
            "a service that is away is news"
        );
    }
}
