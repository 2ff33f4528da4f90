//! One task a pair, woken by changes and by time.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use hapair_engine::NextTurn;
use hapair_intake::PairName;
use hapair_model::host::Connect;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{context::Context, metrics::PairLabels, turn::PairTask};

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
                    tasks.spawn(serve(context.clone(), name, waker.clone()));
                    waker
                });
                waker.notify_one();
            }
            Some(ended) = tasks.join_next() => {
                // A panic outside of a turn ends the operator: whoever runs it starts it anew.
                let name = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                wakers.remove(&name);
                // A change that came while the task was ending would be lost with its waker.
                if context.index.names().contains(&name) {
                    let waker = Arc::new(Notify::new());
                    waker.notify_one();
                    tasks.spawn(serve(context.clone(), name.clone(), waker.clone()));
                    wakers.insert(name, waker);
                }
            }
        }
    }
    wakers.values().for_each(|waker| waker.notify_one());
    while tasks.join_next().await.is_some() {}
}

/// Several objects applied together reach us one by one; a turn waits so long for the rest of them.
const GATHER: Duration = Duration::from_millis(250);

/// How long a pair is left alone whose turn has panicked. Long enough not to hammer its hosts, short enough
/// that its status is not old for long.
const AFTER_PANIC: Duration = Duration::from_secs(30);

/// Serves one pair until nothing of it is left. A turn that panics is a defect; it costs that pair a pause,
/// and no other pair anything.
async fn serve<C: Connect>(context: Arc<Context<C>>, name: PairName, waker: Arc<Notify>) -> PairName {
    let mut task = PairTask::new(name.clone(), context.clone());
    let mut pause = Duration::MAX;
    loop {
        // The first turn waits for the change that made the task.
        tokio::select! {
            () = waker.notified() => tokio::time::sleep(GATHER).await,
            () = task.asked_for() => {}
            () = tokio::time::sleep(pause) => {}
        }
        if *context.stopping.borrow() {
            return name;
        }
        match AssertUnwindSafe(task.turn()).catch_unwind().await {
            Ok(NextTurn::After(next)) => pause = next,
            Ok(NextTurn::Never) => return name,
            Err(_) => {
                let labels = PairLabels::of(&name);
                context.metrics.turn_panics.get_or_create(&labels).inc();
                tracing::error!(pair = %name, "a turn panicked, which is a defect; the pair is served again \
                    in {} s", AFTER_PANIC.as_secs());
                // What was half changed may panic once more.
                let _ = AssertUnwindSafe(task.panicked()).catch_unwind().await;
                task = PairTask::new(name.clone(), context.clone());
                rest(&context, AFTER_PANIC).await;
                pause = Duration::ZERO;
            }
        }
    }
}

/// Does nothing for a while, or until the operator is to stop.
async fn rest<C: Connect>(context: &Context<C>, pause: Duration) {
    let mut stopping = context.stopping.clone();
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}
