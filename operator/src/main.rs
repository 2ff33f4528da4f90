//! The operator: flags, leadership, health and metrics, and the tasks that serve the pairs.

mod arguments;
mod asks;
mod authorization;
mod endpoints;
mod schema;
mod telemetry;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use hapair_controllers::{Context, Leader, Metrics};
use hapair_hosts::Ssh;
use hapair_index::Index;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
};

use arguments::Arguments;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let traces = telemetry::start(arguments.log_format)?;
    let client = Client::try_default()
        .await
        .context("no access to the Kubernetes API: neither a kubeconfig nor a service account")?;
    schema::check(&client).await?;
    let cluster = cluster_uid(&client)
        .await
        .context("the cluster's identity (the UID of the namespace kube-system) could not be read")?;
    let metrics = Metrics::default();
    let (index, changes) = Index::start(&client, &arguments.namespaces());
    let leader = Leader::campaign(client.clone(), arguments.lease(), identity());
    let (stop, stopping) = watch::channel(false);
    let slots = Semaphore::new(arguments.concurrency);
    let context = Arc::new(Context {
        hosts: Ssh,
        client,
        index,
        leader,
        metrics,
        cluster,
        resync: arguments.resync(),
        slots,
        stopping,
    });
    tokio::spawn(endpoints::serve(arguments.listen, context.clone()));
    if let Some(address) = arguments.ask_listen {
        tokio::spawn(asks::serve(address, context.clone()));
    }
    tokio::spawn(stop_on_signal(stop));
    hapair_controllers::run(context, changes).await;
    tracing::info!("stopped");
    traces.end().await;
    Ok(())
}

async fn cluster_uid(client: &Client) -> Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.get("kube-system").await?.uid().context("it has none")
}

/// The pod's name and this process: a restarted container is not the one before it.
fn identity() -> String {
    let pod = std::env::var("POD_NAME").unwrap_or_else(|_| "hapair-operator".into());
    let start = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!("{pod}_{}_{start}", std::process::id())
}

async fn stop_on_signal(stop: watch::Sender<bool>) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping: running stages end, no new one is begun");
    // The receivers live as long as the program.
    let _ = stop.send(true);
}
