//! Figures for Prometheus. Labels are bounded: pairs, condition types, stage names.

use std::sync::Mutex;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// A pair, as labels.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct PairLabels {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub pair: String,
}

/// A condition of a pair, as labels.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct ConditionLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// The condition's type.
    pub condition: String,
}

/// A stage and how it went, as labels.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct StageLabels {
    /// The stage's name.
    pub stage: String,
    /// done or failed.
    pub outcome: String,
}

/// Every figure the operator has.
#[derive(Debug)]
pub struct Metrics {
    /// Times a pair was looked at.
    pub turns: Family<PairLabels, Counter>,
    /// How long looking at both hosts takes.
    pub observe_seconds: Histogram,
    /// Probes sent to hosts.
    pub probes: Family<PairLabels, Counter>,
    /// Stages that were run.
    pub stages: Family<StageLabels, Counter>,
    /// Writes to the API server.
    pub api_writes: Counter,
    /// Each condition: 1 True, 0 False, -1 Unknown; none while somebody wants it to be False, or another replica leads.
    pub conditions: Family<ConditionLabels, Gauge>,
    registry: Mutex<Registry>,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
        let mut registry = Registry::with_prefix("hapair");
        let metrics = Self {
            turns: Family::default(),
            observe_seconds: Histogram::new(buckets),
            probes: Family::default(),
            stages: Family::default(),
            api_writes: Counter::default(),
            conditions: Family::default(),
            registry: Mutex::default(),
        };
        registry.register("turns", "Times a pair was looked at", metrics.turns.clone());
        registry.register_with_unit("observe", "How long looking at both hosts takes", Unit::Seconds, metrics.observe_seconds.clone());
        registry.register("probes", "Probes sent to hosts", metrics.probes.clone());
        registry.register("stages", "Stages run on hosts, by how they went", metrics.stages.clone());
        registry.register("api_writes", "Writes to the API server", metrics.api_writes.clone());
        registry.register("condition", "Conditions of pairs: 1 True, 0 False, -1 Unknown", metrics.conditions.clone());
        Self { registry: Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    /// All figures in the text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing to a String does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
