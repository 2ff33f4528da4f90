//! A pair's state becomes the statuses of its objects, finalizers that go, and figures.

use std::{sync::Arc, time::Duration};

use hapair_crds::PutBack;
use hapair_engine::{Reporter, StageEnd};
use hapair_intake::{PairName, Snapshot, Work};
use hapair_model::{desired::Leaving, failover::Failover, plan::Finding, report::Report};
use jiff::Timestamp;
use kube::Resource as _;
use tracing::instrument;

use crate::{
    context::Context,
    events, failovers,
    figures::Figures,
    finalizers,
    metrics::{PairLabels, StageLabels},
    publish::Publisher,
};

/// Tells of one pair.
pub struct Reporting<C> {
    name: PairName,
    context: Arc<Context<C>>,
    publisher: Publisher,
    figures: Figures,
}

impl<C> Reporting<C> {
    /// Nothing was told yet.
    pub fn new(name: PairName, context: Arc<Context<C>>) -> Self {
        Self {
            name,
            context,
            publisher: Publisher::default(),
            figures: Figures::default(),
        }
    }

    /// Shows no figures any more.
    pub fn hide(&mut self) {
        self.figures.hide(&self.context.metrics);
    }

    /// Takes Ready from a pair of which a child has changed, before its hosts are asked about it.
    pub async fn announce(&mut self, snapshot: &Snapshot) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        self.publisher.announce(client, metrics, snapshot).await
    }

    /// Keeps the manifests of what is about to be let go and stays on the hosts.
    pub async fn retain(&mut self, snapshot: &Snapshot) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        self.publisher.retain(client, metrics, snapshot).await
    }

    /// Gives the objects of a snapshot their statuses.
    #[instrument(name = "publish status", skip_all)]
    pub async fn publish(
        &mut self,
        snapshot: &Snapshot,
        report: &Report,
        findings: &[Finding],
    ) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        self.publisher
            .publish_all(client, metrics, snapshot, report, findings)
            .await?;
        match snapshot.pair {
            Some(_) => self.figures.show(metrics, &self.name, report),
            None => self.figures.hide(metrics),
        }
        Ok(())
    }
}

impl<C: Send + Sync> Reporter for Reporting<C> {
    type Error = kube::Error;

    async fn report(&mut self, work: &Work, report: &Report, findings: &[Finding]) -> kube::Result<()> {
        self.publish(&work.snapshot, report, findings).await
    }

    async fn gone(&mut self, work: &Work, gone: &Leaving) -> kube::Result<()> {
        finalizers::release_gone(&self.context.client, &self.context.metrics, &work.snapshot, gone).await
    }

    async fn left(&mut self, work: &Work) -> kube::Result<()> {
        finalizers::release(&self.context.client, &self.context.metrics, work.pair.as_ref()).await
    }

    async fn put_back(&mut self, work: &Work, what: String) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        let told = events::beginning(&what).to_owned();
        events::put_back(client, metrics, &work.pair.object_ref(&()), &told).await;
        // The API server keeps whole seconds.
        let time = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
        let put_back = PutBack { time, what: told };
        self.publisher
            .note_put_back(client, metrics, work.pair.as_ref(), put_back)
            .await
            .map(drop)
    }

    async fn failed_over(&mut self, work: &Work, failover: &Failover) -> kube::Result<()> {
        let (client, metrics) = (&self.context.client, &self.context.metrics);
        let told = failovers::told(failover);
        let is_news = self
            .publisher
            .note_failover(client, metrics, work.pair.as_ref(), told.clone())
            .await?;
        if is_news {
            events::failed_over(client, metrics, &work.pair.object_ref(&()), &told).await;
            failovers::count(metrics, &self.name, failover);
        }
        Ok(())
    }

    fn observed(&mut self, probes: u64, took: Duration) {
        let labels = PairLabels::of(&self.name);
        let metrics = &self.context.metrics;
        metrics.probes.get_or_create(&labels).inc_by(2 * probes);
        metrics.observe_seconds.observe(took.as_secs_f64());
    }

    fn glanced(&mut self) {
        let labels = PairLabels::of(&self.name);
        self.context.metrics.glances.get_or_create(&labels).inc_by(2);
    }

    fn stage_ended(&mut self, stage: &'static str, end: StageEnd) {
        let labels = StageLabels {
            stage: stage.into(),
            outcome: end.word().into(),
        };
        self.context.metrics.stages.get_or_create(&labels).inc();
    }
}
