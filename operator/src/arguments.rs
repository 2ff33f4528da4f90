//! The command line.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum};
use hapair_controllers::LeaseName;

/// Keeps a service and its data alive on pairs of servers, declared as Kubernetes resources.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Serve only the pairs of this namespace (may be given several times); without it, those of all.
    #[arg(long = "namespace", env = "WATCH_NAMESPACES", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Where the Lease is that decides which operator leads.
    #[arg(long, env = "POD_NAMESPACE", default_value = "hapair-system")]
    lease_namespace: String,
    /// Its name. Two operators with different names would both act; the hosts refuse all but the newest.
    #[arg(long, default_value = "hapair-operator")]
    lease_name: String,
    /// Seconds for which the Lease holds without being renewed.
    #[arg(long, default_value_t = 15)]
    lease_seconds: u64,
    /// Where /metrics, /healthz and /readyz are served.
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Where those are answered who ask through the API server's service proxy (kubectl hapair plan, logs,
    /// diagnose); without it, nobody is.
    #[arg(long)]
    pub ask_listen: Option<SocketAddr>,
    /// Seconds after which a pair at rest is looked at again.
    #[arg(long, default_value_t = 15)]
    resync_seconds: u64,
    /// Pairs that may be changed at the same time.
    #[arg(long, default_value_t = 20)]
    pub concurrency: usize,
    /// The form of the log.
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// The forms of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
}

impl Arguments {
    /// The namespaces whose pairs are served; none means all.
    pub fn namespaces(&self) -> BTreeSet<String> {
        self.namespaces
            .iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect()
    }

    /// The Lease to campaign for.
    pub fn lease(&self) -> LeaseName {
        let duration = Duration::from_secs(self.lease_seconds.max(2));
        LeaseName {
            namespace: self.lease_namespace.clone(),
            name: self.lease_name.clone(),
            duration,
        }
    }

    /// How often a pair at rest is looked at.
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds.max(1))
    }
}
