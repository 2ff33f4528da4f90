//! One task a pair, woken by changes and by time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hapair_index::{Index, PairName};
use hapair_model::host::Connect;
use kube::Client;
use tokio::{
    sync::{Notify, Semaphore, mpsc, watch},
    task::JoinSet,
};

use crate::{Leader, Metrics, turn::PairTask};

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

/// Serves pairs until the operator is to stop, and then until the running stages have ended.
pub async fn run<C: Connect>(context: Arc<Context<C>>, mut changes: mpsc::UnboundedReceiver<PairName>) {
    let mut wakers: HashMap<PairName, Arc<Notify>> = HashMap::new();
    let mut tasks: JoinSet<PairName> = JoinSet::new();
    let mut stopping = context.stopping.clone();
    let mut leader = context.leader.clone();
    tokio::select! {
        () = leader.acquired() => {}
        _ = stopping.wait_for(|stop| *stop) => return,
    }
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(name) = changes.recv() => {
                let waker = wakers.entry(name.clone()).or_insert_with(|| {
                    let waker = Arc::new(Notify::new());
                    tasks.spawn(serve(PairTask::new(name.clone(), context.clone()), name, waker.clone()));
                    waker
                });
                waker.notify_one();
            }
            Some(ended) = tasks.join_next() => {
                if let Ok(name) = ended {
                    wakers.remove(&name);
                    // A change that came while the task was ending would be lost with its waker.
                    if context.index.names().contains(&name) {
                        let waker = Arc::new(Notify::new());
                        waker.notify_one();
                        tasks.spawn(serve(PairTask::new(name.clone(), context.clone()), name.clone(), waker.clone()));
                        wakers.insert(name, waker);
                    }
                }
            }
        }
    }
    wakers.values().for_each(|waker| waker.notify_one());
    while tasks.join_next().await.is_some() {}
}

/// Several objects applied together reach us one by one; a turn waits so long for the rest of them.
const GATHER: Duration = Duration::from_millis(250);

/// Serves one pair until nothing of it is left.
async fn serve<C: Connect>(mut task: PairTask<C>, name: PairName, waker: Arc<Notify>) -> PairName {
    let context = task.context().clone();
    let mut pause = Duration::MAX;
    loop {
        // The first turn waits for the change that made the task.
        tokio::select! {
            () = waker.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(pause) => {}
        }
        if *context.stopping.borrow() {
            return name;
        }
        match task.turn().await {
            Some(next) => pause = next,
            None => return name,
        }
    }
}
