//! The operator, with hosts that are at rest.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use hapair_controllers::{Context, Leader, LeaseName, Metrics};
use hapair_index::Index;
use tokio::sync::{Semaphore, watch};

use crate::{
    hosts::{CLUSTER, Fleet},
    objects::client,
    process::Figures,
};

/// As the operator's own options have them (operator/src/arguments.rs).
const RESYNC: Duration = Duration::from_secs(15);
const CONCURRENCY: usize = 20;

/// Serves the pairs with these UIDs until it is killed, and prints its figures ten times a second.
pub fn run(kubeconfig: &Path, uids: &Path, dead: usize) -> Result<()> {
    let uids = fs::read_to_string(uids)?.lines().map(str::to_owned).collect();
    // Before there is a runtime: the simulator has one of its own.
    let fleet = Fleet::new(uids, dead);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        tokio::spawn(tell(fleet.clone()));
        serve(fleet, client(kubeconfig).await?).await;
        Ok(())
    })
}

async fn serve(fleet: Fleet, client: kube::Client) {
    let (index, changes) = Index::start(&client, &BTreeSet::new());
    let lease = LeaseName {
        namespace: "hapair-system".into(),
        name: "hapair-operator".into(),
        duration: Duration::from_secs(15),
    };
    let leader = Leader::campaign(client.clone(), lease, format!("fleet-{}", std::process::id()));
    let (_stop, stopping) = watch::channel(false);
    let context = Context {
        hosts: fleet,
        client,
        index,
        leader,
        metrics: Metrics::default(),
        cluster: CLUSTER.into(),
        resync: RESYNC,
        slots: Semaphore::new(CONCURRENCY),
        stopping,
    };
    hapair_controllers::run(Arc::new(context), changes).await;
}

async fn tell(fleet: Fleet) {
    loop {
        println!("{}", Figures::of(&fleet));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
