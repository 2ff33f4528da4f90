//! Reports become statuses, by server-side apply, and only when something changed.

use std::{collections::HashMap, fmt::Debug};

use hapair_crds::{
    Condition, ConditionStatus, FIELD_MANAGER, Failover, FloatingIP, FloatingIPStatus, HAPair, HAPairStatus,
    NodeStatus, PutBack, ReplicatedVolume, ReplicatedVolumeStatus, ServiceGroup, ServiceGroupStatus,
    condition_types,
};
use hapair_intake::{Child as _, Declared, Snapshot, for_each_child};
use hapair_model::{
    Reason,
    plan::Finding,
    report::{self, ChildReport, PairReport, Report, VolumeReport},
};
use hapair_planner as planner;
use jiff::Timestamp;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{events, metrics::Metrics, retained};

/// A kind, its status, and the report it is made from.
pub trait Reported:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
    /// Its status.
    type Status: Clone + PartialEq + Serialize;
    /// What the planner says about it.
    type Report;
    /// The status it has.
    fn status(&self) -> Option<&Self::Status>;
    /// The generation that a status is about.
    fn observed_generation(status: &Self::Status) -> Option<i64>;
    /// A status' conditions.
    fn conditions(status: &Self::Status) -> &[Condition];
    /// A report's conditions.
    fn reported(report: &Self::Report) -> &[report::Condition];
    /// This object's part of the pair's report; the one of an object about which nothing can be said but what was found.
    fn own(&self, report: &Report, findings: &[Finding]) -> Self::Report;
    /// The status for a report, after the one before.
    fn make(
        report: &Self::Report,
        before: Option<&Self::Status>,
        generation: Option<i64>,
        conditions: Vec<Condition>,
    ) -> Self::Status;
}

macro_rules! reported {
    ($kind:ty, $status:ty, $report:ty, $own:expr, $make:expr) => {
        impl Reported for $kind {
            type Status = $status;
            type Report = $report;

            fn status(&self) -> Option<&Self::Status> {
                self.status.as_ref()
            }

            fn observed_generation(status: &Self::Status) -> Option<i64> {
                status.observed_generation
            }

            fn conditions(status: &Self::Status) -> &[Condition] {
                &status.conditions
            }

            fn reported(report: &Self::Report) -> &[report::Condition] {
                &report.conditions
            }

            fn own(&self, report: &Report, findings: &[Finding]) -> Self::Report {
                #[allow(
                    clippy::redundant_closure_call,
                    reason = "the closure is the macro's argument"
                )]
                ($own)(self, report, findings)
            }

            fn make(
                report: &Self::Report,
                before: Option<&Self::Status>,
                observed_generation: Option<i64>,
                conditions: Vec<Condition>,
            ) -> Self::Status {
                #[allow(
                    clippy::redundant_closure_call,
                    reason = "the closure is the macro's argument"
                )]
                ($make)(report, before, observed_generation, conditions)
            }
        }
    };
}

reported!(
    HAPair,
    HAPairStatus,
    PairReport,
    |_: &HAPair, report: &Report, _: &[Finding]| report.pair.clone(),
    |report: &PairReport, before: Option<&HAPairStatus>, observed_generation, conditions| HAPairStatus {
        observed_generation,
        conditions,
        active: report.active.clone(),
        nodes_online: report.nodes_online.clone(),
        data: report.data.clone(),
        fencing: report.fencing.clone(),
        released: retained::ids(report.released.as_deref()),
        retained: retained::still_left(
            before.map_or(&[], |before| before.retained.as_slice()),
            report.released.as_deref()
        ),
        last_failover: before.and_then(|before| before.last_failover.clone()),
        last_put_back: before.and_then(|before| before.last_put_back.clone()),
        nodes: report
            .nodes
            .iter()
            .map(|node| NodeStatus {
                name: node.name.clone(),
                reachable: node.reachable,
                state: node.state.clone()
            })
            .collect(),
    }
);
reported!(
    ReplicatedVolume,
    ReplicatedVolumeStatus,
    VolumeReport,
    |object: &ReplicatedVolume, report: &Report, findings: &[Finding]| {
        let own = report.volumes.get(&object.name_any()).cloned();
        own.unwrap_or_else(|| planner::unreported_volume(&object.subject(), findings))
    },
    |report: &VolumeReport, _, observed_generation, conditions| {
        ReplicatedVolumeStatus {
            observed_generation,
            conditions,
            primary: report.primary.clone(),
            data: report.data.clone(),
            synced: report.synced.clone(),
            used: report.used.map(|percent| format!("{}%", percent / 5 * 5)),
            minor: report.minor.and_then(|minor| i32::try_from(minor).ok()),
            port: report.port.map(i32::from),
        }
    }
);
reported!(
    FloatingIP,
    FloatingIPStatus,
    ChildReport,
    |object: &FloatingIP, report: &Report, findings: &[Finding]| {
        let own = report.floating_ips.get(&object.name_any()).cloned();
        own.unwrap_or_else(|| planner::unreported_child(&object.subject(), findings))
    },
    |report: &ChildReport, _, observed_generation, conditions| FloatingIPStatus {
        observed_generation,
        conditions,
        node: report.node.clone(),
    }
);
reported!(
    ServiceGroup,
    ServiceGroupStatus,
    ChildReport,
    |object: &ServiceGroup, report: &Report, findings: &[Finding]| {
        let own = report.groups.get(&object.name_any()).cloned();
        own.unwrap_or_else(|| planner::unreported_child(&object.subject(), findings))
    },
    |report: &ChildReport, _, observed_generation, conditions| ServiceGroupStatus {
        observed_generation,
        conditions,
        node: report.node.clone(),
    }
);

/// Publishes a pair's reports. It remembers what it wrote last, since a watch brings our own writes back only
/// later.
#[derive(Debug, Default)]
pub struct Publisher {
    written: HashMap<String, (u64, serde_json::Value)>,
}

impl Publisher {
    /// Gives the pair and its children their statuses.
    pub async fn publish_all(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        snapshot: &Snapshot,
        report: &Report,
        findings: &[Finding],
    ) -> kube::Result<()> {
        let underway = underway(&report.pair.conditions);
        for_each_child!(snapshot, child => {
            let own = child.own(report, findings);
            self.publish(client, metrics, child.as_ref(), &own, underway).await?;
        });
        // The pair last: who waits for its Ready finds its children's statuses as current.
        if let Some(pair) = &snapshot.pair {
            self.publish(client, metrics, pair.as_ref(), &report.pair, None)
                .await?;
        }
        Ok(())
    }

    /// Keeps the manifests of what is about to be let go and stays on the hosts.
    pub async fn retain(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        snapshot: &Snapshot,
    ) -> kube::Result<()> {
        let Some(pair) = &snapshot.pair else {
            return Ok(());
        };
        let before = self.latest(pair.as_ref(), &pair.uid().unwrap_or_default());
        let Some(before) = before.filter(|before| before.observed_generation.is_some()) else {
            return Ok(());
        };
        let retained = retained::with_leaving(&before.retained, snapshot);
        if retained == before.retained {
            return Ok(());
        }
        let status = HAPairStatus {
            retained,
            ..before.clone()
        };
        self.write(client, metrics, pair.as_ref(), &before.conditions, status)
            .await
    }

    /// Keeps what the hosts have told of a move until they tell of another. Whether they had not told it before.
    pub async fn note_failover(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        pair: &HAPair,
        failover: Failover,
    ) -> kube::Result<bool> {
        // Not whether it is later: the time is by the clock of whichever node serves then.
        let of = |failover: &Failover| {
            let Failover { group, from, to, .. } = failover.clone();
            (group, from, to, failover.start_time)
        };
        let is_news = |before: &HAPairStatus| {
            let known = before.last_failover.as_ref();
            known.is_none_or(|known| of(known) != of(&failover))
        };
        let with = |before: &HAPairStatus| HAPairStatus {
            last_failover: Some(failover.clone()),
            ..before.clone()
        };
        let note = |before: &HAPairStatus| is_news(before).then(|| with(before));
        self.note(client, metrics, pair, note).await
    }

    /// Keeps what was put back until something else is.
    pub async fn note_put_back(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        pair: &HAPair,
        put_back: PutBack,
    ) -> kube::Result<bool> {
        let note = |before: &HAPairStatus| {
            Some(HAPairStatus {
                last_put_back: Some(put_back),
                ..before.clone()
            })
        };
        self.note(client, metrics, pair, note).await
    }

    /// Notes something in the status of a pair that has one. Whether it did.
    async fn note(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        pair: &HAPair,
        note: impl FnOnce(&HAPairStatus) -> Option<HAPairStatus>,
    ) -> kube::Result<bool> {
        let Some(before) = self.latest(pair, &pair.uid().unwrap_or_default()) else {
            return Ok(false);
        };
        let Some(status) = note(&before) else {
            return Ok(false);
        };
        self.write(client, metrics, pair, &before.conditions, status)
            .await?;
        Ok(true)
    }

    /// Takes Ready from a pair of which a child has changed: whoever waits for the pair after an edit is not to read of the
    /// time before.
    pub async fn announce(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        snapshot: &Snapshot,
    ) -> kube::Result<()> {
        let (Some(pair), Some(changed)) = (&snapshot.pair, self.changed_child(snapshot)) else {
            return Ok(());
        };
        let uid = pair.uid().unwrap_or_default();
        let Some(before) = self.latest(pair.as_ref(), &uid) else {
            return Ok(());
        };
        let is_ready = |condition: &&Condition| {
            condition.type_ == condition_types::READY && condition.status == ConditionStatus::True
        };
        let Some(ready) = before.conditions.iter().find(is_ready) else {
            return Ok(());
        };
        let message = format!("{changed} has changed, and the hosts are being asked");
        let changed = [
            (condition_types::READY, false),
            (condition_types::RECONCILING, true),
        ]
        .map(|(type_, holds)| report::Condition {
            type_,
            holds: Some(holds),
            reason: Reason::Converging,
            message: message.clone(),
        });
        let changed = conditions(&changed, &before.conditions, ready.observed_generation);
        let now = |old: &Condition| {
            changed
                .iter()
                .find(|new| new.type_ == old.type_)
                .unwrap_or(old)
                .clone()
        };
        let status = HAPairStatus {
            conditions: before.conditions.iter().map(now).collect(),
            ..before.clone()
        };
        self.write(client, metrics, pair.as_ref(), &before.conditions, status)
            .await
    }

    /// The first child whose spec is newer than what its status is about.
    fn changed_child(&self, snapshot: &Snapshot) -> Option<String> {
        for_each_child!(snapshot, child => {
            let status = self.latest(child.as_ref(), &child.uid().unwrap_or_default());
            if status.and_then(|status| status.observed_generation) < child.metadata.generation {
                return Some(child.subject().to_string());
            }
        });
        None
    }

    /// Gives an object the status for a report, if it has another one. `underway` is what is being done on the hosts for what
    /// was declared last.
    async fn publish<K: Reported>(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        object: &K,
        report: &K::Report,
        underway: Option<&str>,
    ) -> kube::Result<()>
    where
        K::Status: DeserializeOwned,
    {
        let uid = object.uid().unwrap_or_default();
        let before = self.latest(object, &uid);
        let old = before.as_ref().map(K::conditions).unwrap_or_default().to_vec();
        let generation = object.meta().generation;
        let mut reported = [K::reported(report), &[established(K::reported(report), &old)]].concat();
        let is_new = before.as_ref().and_then(K::observed_generation) < generation;
        if let Some(what) = underway.filter(|_| is_new || waits(&old)) {
            not_yet(&mut reported, what);
        }
        let status = K::make(
            report,
            before.as_ref(),
            generation,
            conditions(&reported, &old, generation.unwrap_or_default()),
        );
        if before.as_ref() == Some(&status) {
            return Ok(());
        }
        self.write(client, metrics, object, &old, status).await
    }

    async fn write<K: Reported>(
        &mut self,
        client: &Client,
        metrics: &Metrics,
        object: &K,
        old: &[Condition],
        status: K::Status,
    ) -> kube::Result<()> {
        let uid = object.uid().unwrap_or_default();
        let api: Api<Declared<K>> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
        let patch = serde_json::json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            // The uid: an object of the same name that was made anew never gets this one's status.
            "metadata": { "name": object.name_any(), "uid": uid },
            "status": &status,
        });
        metrics.api_writes.inc();
        match api
            .patch_status(
                &object.name_any(),
                &PatchParams::apply(FIELD_MANAGER).force(),
                &Patch::Apply(&patch),
            )
            .await
        {
            Ok(written) => {
                self.written.insert(
                    uid,
                    (
                        version(&written),
                        serde_json::to_value(&status).unwrap_or_default(),
                    ),
                );
                events::tell(
                    client,
                    metrics,
                    &object.object_ref(&()),
                    old,
                    K::conditions(&status),
                )
                .await;
                Ok(())
            }
            // Deleted, or deleted and made anew, since the snapshot.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The newer of what the watch shows and what was written here.
    fn latest<K: Reported>(&self, object: &K, uid: &str) -> Option<K::Status>
    where
        K::Status: DeserializeOwned,
    {
        match self.written.get(uid) {
            Some((written, status)) if *written > version(object) => {
                serde_json::from_value(status.clone()).ok()
            }
            _ => object.status().cloned(),
        }
    }
}

/// resourceVersions of one kind are ordered (Kubernetes 1.35 and later say so; etcd's always were).
fn version<K: Resource>(object: &K) -> u64 {
    object
        .resource_version()
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

/// What is being done on the hosts, by the pair's conditions.
fn underway(pair: &[report::Condition]) -> Option<&str> {
    let mut conditions = pair.iter();
    let reconciling = conditions.find(|each| each.type_ == condition_types::RECONCILING)?;
    (reconciling.holds == Some(true)).then_some(reconciling.message.as_str())
}

/// Whether an object was not Ready only since something was being done.
fn waits(conditions: &[Condition]) -> bool {
    let is_it = |each: &&Condition| each.type_ == condition_types::READY;
    conditions.iter().find(is_it).is_some_and(|ready| {
        ready.status == ConditionStatus::False && ready.reason == Reason::Converging.name()
    })
}

/// Takes Ready from an object whose spec is not carried out yet: whoever waits for it after an edit is not to read of the time
/// before.
fn not_yet(reported: &mut [report::Condition], what: &str) {
    let is_ready =
        |each: &report::Condition| each.type_ == condition_types::READY && each.holds == Some(true);
    if !reported.iter().any(is_ready) {
        return;
    }
    for condition in reported {
        let holds = match condition.type_ {
            condition_types::READY => false,
            condition_types::RECONCILING => true,
            _ => continue,
        };
        (condition.holds, condition.reason, condition.message) =
            (Some(holds), Reason::Converging, what.to_owned());
    }
}

/// Whether an object has ever been what its users wait for, after this report.
fn established(reported: &[report::Condition], before: &[Condition]) -> report::Condition {
    let of = |type_: &str| reported.iter().find(|condition| condition.type_ == type_);
    let available =
        of(condition_types::AVAILABLE).filter(|condition| condition.reason != Reason::NothingDeclared);
    let arrived = available
        .or_else(|| of(condition_types::READY))
        .is_some_and(|condition| condition.holds == Some(true));
    let was = before.iter().any(|condition| {
        condition.type_ == condition_types::ESTABLISHED && condition.status == ConditionStatus::True
    });
    let (reason, message) = match arrived || was {
        true => (Reason::HasBeenReady, "it has been ready before"),
        false => (Reason::NeverReady, "it has never been ready"),
    };
    report::Condition {
        type_: condition_types::ESTABLISHED,
        holds: Some(arrived || was),
        reason,
        message: message.into(),
    }
}

/// Conditions in the form of the API. A transition time moves only when the status does.
fn conditions(reported: &[report::Condition], before: &[Condition], generation: i64) -> Vec<Condition> {
    // The API server keeps whole seconds.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let one = |condition: &report::Condition| {
        let status = condition
            .holds
            .map_or(ConditionStatus::Unknown, ConditionStatus::from);
        let same = before
            .iter()
            .find(|each| each.type_ == condition.type_ && each.status == status);
        Condition {
            type_: condition.type_.into(),
            status,
            observed_generation: generation,
            last_transition_time: same.map_or(now, |same| same.last_transition_time),
            reason: condition.reason.name().into(),
            message: condition.message.chars().take(4096).collect(),
        }
    };
    reported.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(type_: &'static str, holds: Option<bool>, reason: Reason) -> report::Condition {
        report::Condition {
            type_,
            holds,
            reason,
            message: String::new(),
        }
    }

    /// The status after one report and then another, as far as Established goes.
    fn established_after(reports: [&[report::Condition]; 2]) -> ConditionStatus {
        let mut before = Vec::new();
        for report in reports {
            before = conditions(&[report, &[established(report, &before)]].concat(), &before, 1);
        }
        before.last().unwrap().status
    }

    #[test]
    fn what_was_available_once_stays_established() {
        let starting = [
            condition("Ready", Some(false), Reason::Converging),
            condition("Available", None, Reason::NotObserved),
        ];
        let serving = [
            condition("Ready", Some(false), Reason::Disconnected),
            condition("Available", Some(true), Reason::Serving),
        ];
        let down = [
            condition("Ready", Some(false), Reason::NotRunning),
            condition("Available", Some(false), Reason::NotRunning),
        ];
        assert_eq!(established(&starting, &[]).reason, Reason::NeverReady);
        assert_eq!(established(&serving, &[]).reason, Reason::HasBeenReady);
        assert_eq!(established_after([&starting, &down]), ConditionStatus::False);
        assert_eq!(established_after([&starting, &serving]), ConditionStatus::True);
        assert_eq!(established_after([&serving, &down]), ConditionStatus::True);
    }

    #[test]
    fn what_has_nothing_to_serve_is_established_when_it_is_ready() {
        let ready = [condition("Ready", Some(true), Reason::AsDeclared)];
        let childless = [
            condition("Ready", Some(true), Reason::AsDeclared),
            condition("Available", None, Reason::NothingDeclared),
        ];
        let held_up = [condition("Ready", Some(false), Reason::HostUnreachable)];
        assert_eq!(established_after([&held_up, &held_up]), ConditionStatus::False);
        assert_eq!(established_after([&ready, &held_up]), ConditionStatus::True);
        assert_eq!(established_after([&held_up, &childless]), ConditionStatus::True);
    }
}
