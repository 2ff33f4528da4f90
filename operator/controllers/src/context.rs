//! What every pair's task works with.

use std::{sync::Arc, time::Duration};

use hapair_index::Index;
use kube::Client;
use tokio::sync::{Semaphore, watch};

use crate::{leader::Leader, metrics::Metrics};

/// What every pair's task works with.
pub struct Context<C> {
    /// How hosts are reached.
    pub hosts: C,
    /// The API server.
    pub client: Client,
    /// What it holds.
    pub index: Arc<Index>,
    /// Whether this operator leads.
    pub leader: Leader,
    /// Figures.
    pub metrics: Metrics,
    /// UID of the Kubernetes cluster.
    pub cluster: String,
    /// How often a pair at rest is looked at.
    pub resync: Duration,
    /// Pairs that may be changed at once.
    pub slots: Semaphore,
    /// True once the operator is to stop: no new stage is begun.
    pub stopping: watch::Receiver<bool>,
}
