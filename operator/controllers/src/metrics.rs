//! Figures for Prometheus. Labels are bounded: what is declared, condition types, stage names.

use std::sync::{Mutex, atomic::AtomicU64};

use hapair_intake::PairName;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// A pair, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct PairLabels {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub pair: String,
}

impl PairLabels {
    /// Those of this pair.
    pub fn of(name: &PairName) -> Self {
        Self {
            namespace: name.namespace.clone(),
            pair: name.name.clone(),
        }
    }
}

/// A condition of a pair, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct ConditionLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// The condition's type.
    pub condition: String,
}

/// A node of a pair, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct NodeLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// The node's name.
    pub node: String,
}

/// A volume, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct VolumeLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// The volume's name.
    pub volume: String,
}

/// A volume's leg on a node, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct LegLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// The volume's name.
    pub volume: String,
    /// The node's name.
    pub node: String,
}

/// A stage and how it went, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct StageLabels {
    /// The stage's name.
    pub stage: String,
    /// done or failed.
    pub outcome: String,
}

/// A failover of a pair, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct FailoverLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// Fenced or Stopped.
    pub cause: String,
}

/// A part of a failover, as labels.
#[derive(Clone, Debug, Default, EncodeLabelSet, Eq, Hash, PartialEq)]
pub struct PhaseLabels {
    /// The namespace.
    pub namespace: String,
    /// The pair's name.
    pub pair: String,
    /// Membership, Fencing, …
    pub phase: String,
}

/// Durations by labels.
pub type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// A failover takes seconds to minutes.
fn of_failovers() -> Histogram {
    Histogram::new([
        0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0,
    ])
}

/// A figure that goes up and down.
pub type Level = Gauge<f64, AtomicU64>;

/// Every figure the operator has.
#[derive(Debug)]
pub struct Metrics {
    /// Turns of a pair: one observation of both hosts and what followed.
    pub turns: Family<PairLabels, Counter>,
    /// How long observing both hosts takes.
    pub observe_seconds: Histogram,
    /// Probes sent to hosts.
    pub probes: Family<PairLabels, Counter>,
    /// Glances at hosts.
    pub glances: Family<PairLabels, Counter>,
    /// Stages that were run.
    pub stages: Family<StageLabels, Counter>,
    /// Writes to the API server.
    pub api_writes: Counter,
    /// Turns that the API server did not let end.
    pub turn_failures: Family<PairLabels, Counter>,
    /// Turns that a host asked for, since something had happened on it.
    pub turns_asked_for: Family<PairLabels, Counter>,
    /// How long failovers took.
    pub failovers: Durations<FailoverLabels>,
    /// How long each phase of them took.
    pub failover_phases: Durations<PhaseLabels>,
    /// Turns that panicked.
    pub turn_panics: Family<PairLabels, Counter>,
    /// Each condition: 1 True, 0 False, -1 Unknown; none while somebody wants it to be False, or another
    /// replica leads.
    pub conditions: Family<ConditionLabels, Level>,
    /// Whether the pair's service runs on this node.
    pub active: Family<NodeLabels, Level>,
    /// Whether a host answers over SSH.
    pub reachable: Family<NodeLabels, Level>,
    /// When a node was fenced last.
    pub fenced: Family<NodeLabels, Level>,
    /// Whether a leg has the newest data.
    pub up_to_date: Family<LegLabels, Level>,
    /// How far a resync is; none when there is none.
    pub synced: Family<VolumeLabels, Level>,
    /// How full a volume's file system is.
    pub used: Family<VolumeLabels, Level>,
    /// Whether a volume's file system takes no writes.
    pub read_only: Family<VolumeLabels, Level>,
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
            glances: Family::default(),
            stages: Family::default(),
            api_writes: Counter::default(),
            turn_failures: Family::default(),
            turns_asked_for: Family::default(),
            turn_panics: Family::default(),
            failovers: Family::new_with_constructor(of_failovers),
            failover_phases: Family::new_with_constructor(of_failovers),
            conditions: Family::default(),
            active: Family::default(),
            reachable: Family::default(),
            fenced: Family::default(),
            up_to_date: Family::default(),
            synced: Family::default(),
            used: Family::default(),
            read_only: Family::default(),
            registry: Mutex::default(),
        };
        let Self {
            turns,
            turn_failures,
            turns_asked_for,
            turn_panics,
            failovers,
            failover_phases,
            observe_seconds,
            probes,
            glances,
            stages,
            api_writes,
            conditions,
            active,
            reachable,
            fenced,
            up_to_date,
            synced,
            used,
            read_only,
            ..
        } = &metrics;
        registry.register(
            "turns",
            "Turns of a pair: one observation of both hosts and what followed",
            turns.clone(),
        );
        registry.register(
            "turn_failures",
            "Turns of a pair that the API server did not let end",
            turn_failures.clone(),
        );
        registry.register(
            "turns_asked_for",
            "Turns of a pair that one of its hosts asked for, since something had happened on it",
            turns_asked_for.clone(),
        );
        registry.register(
            "turn_panics",
            "Turns of a pair that panicked: a defect; the pair is served again after half a minute",
            turn_panics.clone(),
        );
        registry.register_with_unit(
            "failover",
            "How long groups were on their way to the other node, by the hosts' journals: from the last word of a node that was lost, \
             or the first stop, until the service answered",
            Unit::Seconds,
            failovers.clone(),
        );
        registry.register_with_unit(
            "failover_phase",
            "How long each phase of that took",
            Unit::Seconds,
            failover_phases.clone(),
        );
        registry.register_with_unit(
            "observe",
            "How long observing both hosts takes",
            Unit::Seconds,
            observe_seconds.clone(),
        );
        registry.register("probes", "Probes sent to hosts", probes.clone());
        registry.register(
            "glances",
            "Glances at hosts: of what changes by itself alone, when a host tells that something has happened",
            glances.clone(),
        );
        registry.register("stages", "Stages run on hosts, by how they went", stages.clone());
        registry.register("api_writes", "Writes to the API server", api_writes.clone());
        registry.register(
            "condition",
            "Conditions of pairs: 1 True, 0 False, -1 Unknown; none while somebody wants it False",
            conditions.clone(),
        );
        registry.register(
            "node_active",
            "1 for the node on which the pair's service runs, otherwise 0",
            active.clone(),
        );
        registry.register(
            "host_reachable",
            "1 for a host that answers over SSH, otherwise 0",
            reachable.clone(),
        );
        registry.register_with_unit(
            "node_fenced_timestamp",
            "When the cluster fenced this node last, in Unix time",
            Unit::Seconds,
            fenced.clone(),
        );
        registry.register(
            "volume_up_to_date",
            "1 for a leg of a volume that has the newest data, otherwise 0",
            up_to_date.clone(),
        );
        registry.register_with_unit(
            "volume_synced",
            "How far a resync of the volume is; none when there is none",
            Unit::Other("ratio".into()),
            synced.clone(),
        );
        registry.register_with_unit(
            "volume_filesystem_used",
            "How full the volume's file system is, space or inodes; none while it is mounted on no host that \
             answers",
            Unit::Other("ratio".into()),
            used.clone(),
        );
        registry.register(
            "volume_filesystem_read_only",
            "1 for a volume whose file system has gone read-only, otherwise 0; none while it is mounted on \
             no host that answers",
            read_only.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// One figure of each, for the documentation: a family without any is not shown at all.
    pub fn one_of_each() -> Self {
        let metrics = Self::default();
        for family in [
            &metrics.turns,
            &metrics.turn_failures,
            &metrics.turns_asked_for,
            &metrics.turn_panics,
            &metrics.probes,
            &metrics.glances,
        ] {
            drop(family.get_or_create(&PairLabels::default()));
        }
        for family in [&metrics.active, &metrics.reachable, &metrics.fenced] {
            drop(family.get_or_create(&NodeLabels::default()));
        }
        drop(metrics.stages.get_or_create(&StageLabels::default()));
        drop(metrics.failovers.get_or_create(&FailoverLabels::default()));
        drop(metrics.failover_phases.get_or_create(&PhaseLabels::default()));
        drop(metrics.conditions.get_or_create(&ConditionLabels::default()));
        drop(metrics.up_to_date.get_or_create(&LegLabels::default()));
        for family in [&metrics.synced, &metrics.used, &metrics.read_only] {
            drop(family.get_or_create(&VolumeLabels::default()));
        }
        metrics
    }

    /// The media type of what [`Self::render`] makes.
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// All figures in the text format of OpenMetrics.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self
            .registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing to a String does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
