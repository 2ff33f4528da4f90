//! Leadership by a Lease (coordination.k8s.io/v1): one operator acts at a time, and each acquisition has a higher epoch than any before.
//!
//! The hosts refuse an older epoch, so a leader that was paused past its lease does no harm when it wakes up. Renewals carry the
//! resourceVersion: a Lease that someone else has taken is never renewed.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use tokio::{sync::watch, time::Instant};

/// Where the epoch is kept: the Lease has no field for it.
const EPOCH: &str = "hapair.dev/epoch";

/// Where the Lease is.
#[derive(Clone, Debug)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How long it holds without being renewed.
    pub duration: Duration,
}

/// Whether this operator leads.
#[derive(Clone, Copy, Debug)]
pub struct Leadership {
    /// The epoch of this leadership.
    pub epoch: u64,
    /// Until when it holds, unless it is renewed.
    until: Instant,
}

/// A look at the leadership, for everyone who acts.
#[derive(Clone, Debug)]
pub struct Leader(watch::Receiver<Option<Leadership>>);

impl Leader {
    /// Starts campaigning. The identity is the pod's name and this process: a restarted container is someone else.
    pub fn campaign(client: Client, lease: LeaseName, identity: String) -> Self {
        let (sender, receiver) = watch::channel(None);
        hapair_index::essential("the campaign for the Lease", async move {
            let campaign = Campaign { api: Api::namespaced(client, &lease.namespace), lease, identity };
            campaign.run(&sender).await;
        });
        Self(receiver)
    }

    /// The epoch, while this operator leads.
    pub fn epoch(&self) -> Option<u64> {
        self.0.borrow().filter(|leadership| leadership.until > Instant::now()).map(|leadership| leadership.epoch)
    }

    /// Waits until this operator leads.
    pub async fn acquired(&mut self) {
        while self.epoch().is_none() {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

struct Campaign {
    api: Api<Lease>,
    lease: LeaseName,
    identity: String,
}

impl Campaign {
    async fn run(&self, sender: &watch::Sender<Option<Leadership>>) {
        let mut held: Option<(Lease, Leadership)> = None;
        let mut rival: Option<(String, Instant)> = None;
        loop {
            let asked = Instant::now();
            let result = match held.take() {
                Some((lease, leadership)) => self.renew(lease, leadership, asked).await,
                None => self.acquire(&mut rival, asked).await,
            };
            match result {
                Ok(now_held) => held = now_held,
                Err(error) => tracing::warn!(%error, "the Lease could not be read or written"),
            }
            let leadership = held.as_ref().map(|(_, leadership)| *leadership);
            sender.send_if_modified(|current| {
                let changed = current.map(|l| l.epoch) != leadership.map(|l| l.epoch);
                // An error says nothing about who leads: what was held is held until it runs out.
                if leadership.is_some() || current.is_some_and(|l| l.until <= Instant::now()) {
                    *current = leadership;
                }
                changed
            });
            tokio::time::sleep(self.lease.duration / if held.is_some() { 5 } else { 8 }).await;
        }
    }

    /// Extends what is held. A conflict means that it was taken.
    async fn renew(&self, mut lease: Lease, leadership: Leadership, asked: Instant) -> kube::Result<Option<(Lease, Leadership)>> {
        lease.spec.get_or_insert_default().renew_time = Some(MicroTime(Timestamp::now()));
        match self.api.replace(&lease.name_any(), &PostParams::default(), &lease).await {
            Ok(lease) => Ok(Some((lease, Leadership { until: asked + self.lease.duration, ..leadership }))),
            Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(None),
            // Not known: try again as a newcomer, who sees the Lease as it is.
            Err(error) => Err(error),
        }
    }

    /// Takes the Lease if it is free, expired or our own. Someone else's counts as expired only after it was seen unchanged for its whole
    /// duration by our own clock.
    async fn acquire(&self, rival: &mut Option<(String, Instant)>, asked: Instant) -> kube::Result<Option<(Lease, Leadership)>> {
        let Some(lease) = self.api.get_opt(&self.lease.name).await? else {
            return self
                .take(Lease { metadata: ObjectMeta { name: Some(self.lease.name.clone()), ..ObjectMeta::default() }, spec: None }, asked)
                .await;
        };
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        let version = lease.resource_version().unwrap_or_default();
        if !holder.is_empty() && holder != self.identity {
            let since = match rival {
                Some((seen, since)) if *seen == version => *since,
                _ => rival.insert((version, asked)).1,
            };
            if since.elapsed() < self.lease.duration {
                return Ok(None);
            }
        }
        self.take(lease, asked).await
    }

    async fn take(&self, mut lease: Lease, asked: Instant) -> kube::Result<Option<(Lease, Leadership)>> {
        let recorded: u64 = lease.annotations().get(EPOCH).and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
        let now = Timestamp::now();
        let epoch = (recorded + 1).max(u64::try_from(now.as_second()).unwrap_or_default());
        lease.annotations_mut().insert(EPOCH.into(), epoch.to_string());
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or_default();
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.lease.duration.as_secs()).ok(),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(transitions + 1),
            ..LeaseSpec::default()
        });
        let written = match lease.metadata.resource_version {
            Some(_) => self.api.replace(&self.lease.name, &PostParams::default(), &lease).await,
            None => self.api.create(&PostParams::default(), &lease).await,
        };
        match written {
            Ok(lease) => {
                tracing::info!(epoch, identity = self.identity, "leading");
                Ok(Some((lease, Leadership { epoch, until: asked + self.lease.duration })))
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(error),
        }
    }
}
