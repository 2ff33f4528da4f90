//! Leadership by a Lease (coordination.k8s.io/v1): one operator acts at a time, and each acquisition has a
//! higher epoch than any before.
//!
//! The hosts refuse an older epoch, so a leader that was paused past its lease does no harm when it wakes up.
//! Renewals carry the resourceVersion: a Lease that someone else has taken is never renewed.
//!
//! A host may hold an epoch from the future: a clock ran ahead, and the Lease that knew of it was deleted.
//! Who leads then raises its epoch above that, in the Lease first, by a renewal that succeeds after the
//! refusal, and once for each acquisition. An epoch that is not from the future is that of an operator which
//! acquired leadership later, and is never outbid: two leaders on two API servers (one restored from a
//! backup) do not take turns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

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

/// The end of the year 2199: no clock runs that far ahead.
const LAST: u64 = 7_258_118_400;

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
    /// Whether the epoch was raised since the acquisition.
    raised: bool,
}

/// A look at the leadership, for everyone who acts.
#[derive(Clone, Debug)]
pub struct Leader {
    leadership: watch::Receiver<Option<Leadership>>,
    /// The highest epoch for which a host has refused ours; 0: none has.
    refusal: Arc<AtomicU64>,
}

impl Leader {
    /// Starts campaigning. The identity is the pod's name and this process: a restarted container is someone
    /// else.
    pub fn campaign(client: Client, lease: LeaseName, identity: String) -> Self {
        let (sender, leadership) = watch::channel(None);
        let refusal = Arc::new(AtomicU64::new(0));
        let campaign = Campaign {
            api: Api::namespaced(client, &lease.namespace),
            lease,
            identity,
            refusal: refusal.clone(),
        };
        hapair_index::essential("the campaign for the Lease", async move {
            campaign.run(&sender).await
        });
        Self { leadership, refusal }
    }

    /// A host has refused the epoch of this leadership, since it holds this one. One that no clock can have
    /// shown is not believed: it would become that of all pairs.
    pub fn refused(&self, epoch: u64) {
        if epoch < LAST {
            self.refusal.fetch_max(epoch, Ordering::Relaxed);
        }
    }

    /// The epoch, while this operator leads.
    pub fn epoch(&self) -> Option<u64> {
        self.leadership
            .borrow()
            .filter(|leadership| leadership.until > Instant::now())
            .map(|leadership| leadership.epoch)
    }

    /// Waits until this operator leads.
    pub async fn acquired(&mut self) {
        while self.epoch().is_none() {
            if self.leadership.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

struct Campaign {
    api: Api<Lease>,
    lease: LeaseName,
    identity: String,
    refusal: Arc<AtomicU64>,
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
    async fn renew(
        &self,
        mut lease: Lease,
        leadership: Leadership,
        asked: Instant,
    ) -> kube::Result<Option<(Lease, Leadership)>> {
        lease.spec.get_or_insert_default().renew_time = Some(MicroTime(Timestamp::now()));
        let mut renewed = Leadership {
            until: asked + self.lease.duration,
            ..leadership
        };
        if let Some(epoch) = self.raised(leadership) {
            lease.annotations_mut().insert(EPOCH.into(), epoch.to_string());
            (renewed.epoch, renewed.raised) = (epoch, true);
        }
        match self
            .api
            .replace(&lease.name_any(), &PostParams::default(), &lease)
            .await
        {
            Ok(lease) => {
                if renewed.epoch != leadership.epoch {
                    tracing::warn!(
                        epoch = renewed.epoch,
                        "a host holds an epoch from the future, of a clock that ran ahead; the epoch is \
                         raised above it"
                    );
                }
                Ok(Some((lease, renewed)))
            }
            Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(None),
            // Not known: try again as a newcomer, who sees the Lease as it is.
            Err(error) => Err(error),
        }
    }

    /// The epoch above one from the future for which a host has refused ours.
    fn raised(&self, leadership: Leadership) -> Option<u64> {
        let refusal = self.refusal.load(Ordering::Relaxed);
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        (!leadership.raised && refusal > leadership.epoch && refusal > now)
            .then(|| refusal.checked_add(1))
            .flatten()
    }

    /// Takes the Lease if it is free, expired or our own. Someone else's counts as expired only after it was
    /// seen unchanged for its whole duration by our own clock.
    async fn acquire(
        &self,
        rival: &mut Option<(String, Instant)>,
        asked: Instant,
    ) -> kube::Result<Option<(Lease, Leadership)>> {
        let Some(lease) = self.api.get_opt(&self.lease.name).await? else {
            return self
                .take(
                    Lease {
                        metadata: ObjectMeta {
                            name: Some(self.lease.name.clone()),
                            ..ObjectMeta::default()
                        },
                        spec: None,
                    },
                    asked,
                )
                .await;
        };
        let holder = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.clone())
            .unwrap_or_default();
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
        let recorded: u64 = lease
            .annotations()
            .get(EPOCH)
            .and_then(|epoch| epoch.parse().ok())
            .unwrap_or_default();
        let now = Timestamp::now();
        let epoch = recorded
            .saturating_add(1)
            .max(u64::try_from(now.as_second()).unwrap_or_default());
        lease.annotations_mut().insert(EPOCH.into(), epoch.to_string());
        let transitions = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_transitions)
            .unwrap_or_default();
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.lease.duration.as_secs()).ok(),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(transitions + 1),
            ..LeaseSpec::default()
        });
        let written = match lease.metadata.resource_version {
            Some(_) => {
                self.api
                    .replace(&self.lease.name, &PostParams::default(), &lease)
                    .await
            }
            None => self.api.create(&PostParams::default(), &lease).await,
        };
        match written {
            Ok(lease) => {
                tracing::info!(epoch, identity = self.identity, "leading");
                Ok(Some((
                    lease,
                    Leadership {
                        epoch,
                        until: asked + self.lease.duration,
                        raised: false,
                    },
                )))
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(error),
        }
    }
}
