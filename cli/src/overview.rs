//! Everything that the API server has about a pair.

use std::sync::Arc;

use anyhow::Result;
use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{coordination::v1::Lease, events::v1::Event};
use kube::{Api, ResourceExt, api::ListParams};
use serde::Serialize;

use crate::{
    access::{Kind, Session, explained},
    age::age,
};

/// A pair with everything that belongs to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The pair.
    pub pair: HAPair,
    /// Its volumes, by name.
    pub volumes: Vec<ReplicatedVolume>,
    /// Its floating IPs, by name.
    #[serde(rename = "floatingIPs")]
    pub floating_ips: Vec<FloatingIP>,
    /// Its service groups, by name.
    pub groups: Vec<ServiceGroup>,
    /// Whether the operator is there.
    pub operator: Operator,
    /// What was told of the pair last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event: Option<LastEvent>,
}

/// What the Lease says of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    /// Who holds the Lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When it was renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed: Option<Timestamp>,
    /// For how many seconds it holds.
    pub seconds: i32,
    /// Why nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Whether it may be there although nothing is known of it.
    pub may_be_there: bool,
}

/// What two clocks may differ by.
const CLOCKS: SignedDuration = SignedDuration::from_secs(10);

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastEvent {
    /// When.
    pub time: Timestamp,
    /// What.
    pub note: String,
}

impl Overview {
    /// Asks for all of it.
    pub async fn of(session: &Session, name: Option<&str>) -> Result<Self> {
        let pair = session.pair(name).await?;
        let name = pair.name_any();
        let volumes = children(session, |volume: &ReplicatedVolume| {
            volume.spec.pair_ref.name == name
        })
        .await?;
        let floating_ips = children(session, |ip: &FloatingIP| ip.spec.pair_ref.name == name).await?;
        let groups = children(session, |group: &ServiceGroup| group.spec.pair_ref.name == name).await?;
        let last_event = events(session, &name).await.pop();
        Ok(Self {
            pair,
            volumes,
            floating_ips,
            groups,
            operator: operator(session).await,
            last_event,
        })
    }

    /// Takes out what says who wrote which field.
    pub fn drop_managed_fields(&mut self) {
        self.pair.metadata.managed_fields = None;
        self.volumes
            .iter_mut()
            .for_each(|volume| volume.metadata.managed_fields = None);
        self.floating_ips
            .iter_mut()
            .for_each(|ip| ip.metadata.managed_fields = None);
        self.groups
            .iter_mut()
            .for_each(|group| group.metadata.managed_fields = None);
    }
}

async fn children<K: Kind>(session: &Session, is_its: impl Fn(&K) -> bool) -> Result<Vec<K>> {
    let list = session.api::<K>().list(&ListParams::default()).await;
    let list = list.map_err(|error| explained(error, "list", &K::plural(&()), &session.namespace))?;
    let mut found: Vec<_> = list
        .items
        .into_iter()
        .map(|each| Arc::unwrap_or_clone(each.object))
        .filter(is_its)
        .collect();
    found.sort_by_key(ResourceExt::name_any);
    Ok(found)
}

/// Leases are read for one thing only, so a person who may not read them is told, and everything else is
/// shown.
pub async fn operator(session: &Session) -> Operator {
    let namespace = &session.operator_namespace;
    let leases: Api<Lease> = Api::namespaced(session.client.clone(), namespace);
    let nothing = |may_be_there: bool, why: String| Operator {
        holder: None,
        renewed: None,
        seconds: 0,
        unknown: Some(why),
        may_be_there,
    };
    match leases.get_opt("hapair-operator").await {
        Ok(Some(lease)) => {
            let spec = lease.spec.unwrap_or_default();
            Operator {
                holder: spec.holder_identity,
                renewed: spec.renew_time.map(|time| time.0),
                seconds: spec.lease_duration_seconds.unwrap_or_default(),
                unknown: None,
                may_be_there: true,
            }
        }
        Ok(None) => nothing(
            false,
            format!(
                "there is no Lease hapair-operator in namespace {namespace:?} (--operator-namespace names \
                 another)"
            ),
        ),
        Err(kube::Error::Api(status)) if status.code == 403 => nothing(
            true,
            format!(
                "you may not get leases of coordination.k8s.io in namespace {namespace:?}, so whether the \
                 operator is there is not known"
            ),
        ),
        Err(error) => nothing(
            true,
            format!("its Lease in namespace {namespace:?} cannot be read: {error}"),
        ),
    }
}

/// What the operator told of the pair. An event is an ornament: without permission there is none.
pub async fn events(session: &Session, pair: &str) -> Vec<LastEvent> {
    let about = format!("regarding.kind=HAPair,regarding.name={pair}");
    let events: Api<Event> = Api::namespaced(session.client.clone(), &session.namespace);
    let told = |event: Event| {
        // Anyone may write events; what counts is what the operator said.
        event
            .reporting_controller
            .as_deref()
            .filter(|controller| *controller == "hapair.dev/operator")?;
        let time = event
            .series
            .map(|series| series.last_observed_time)
            .or(event.event_time)?
            .0;
        Some(LastEvent {
            time,
            note: event.note?,
        })
    };
    let listed = events.list(&ListParams::default().fields(&about)).await;
    let mut told: Vec<_> = listed
        .map(|list| list.items.into_iter().filter_map(told).collect())
        .unwrap_or_default();
    told.sort_by_key(|told| told.time);
    told
}

impl Operator {
    /// For how long nothing has been heard of it, once that is longer than its Lease holds.
    pub fn silent_for(&self, now: Timestamp) -> Option<SignedDuration> {
        let silence = now.duration_since(self.renewed?);
        (silence > SignedDuration::from_secs(self.seconds.into()) + CLOCKS).then_some(silence)
    }

    /// That nothing has been heard of it for too long, in a sentence.
    pub fn silence(&self, now: Timestamp) -> Option<String> {
        let holder = self.holder.as_deref().unwrap_or("nobody");
        let silence = self.silent_for(now)?;
        Some(format!(
            "The operator has been silent for {} (its Lease is held by {holder}).",
            age(silence)
        ))
    }
}
