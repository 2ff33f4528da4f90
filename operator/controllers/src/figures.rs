//! A pair's report as figures. What is no longer known here is not shown: the pair may be gone, or another
//! replica may lead.

use std::hash::Hash;

use hapair_intake::PairName;
use hapair_model::{observed::DiskState, reason::Class, report::Report};
use jiff::Timestamp;
use prometheus_client::metrics::family::Family;

use crate::metrics::{ConditionLabels, LegLabels, Level, Metrics, NodeLabels, VolumeLabels};

/// The figures that are shown of one pair.
#[derive(Debug, Default)]
pub struct Figures {
    conditions: Shown<ConditionLabels>,
    active: Shown<NodeLabels>,
    reachable: Shown<NodeLabels>,
    fenced: Shown<NodeLabels>,
    up_to_date: Shown<LegLabels>,
    synced: Shown<VolumeLabels>,
    used: Shown<VolumeLabels>,
    read_only: Shown<VolumeLabels>,
}

impl Figures {
    /// Shows what a report says, and no longer what it does not say.
    pub fn show(&mut self, metrics: &Metrics, name: &PairName, report: &Report) {
        let (namespace, pair) = (&name.namespace, &name.name);
        let node = |node: &str| NodeLabels {
            namespace: namespace.clone(),
            pair: pair.clone(),
            node: node.to_owned(),
        };
        // What somebody chose is none: nobody is to be woken by it.
        let conditions = report
            .pair
            .conditions
            .iter()
            .filter(|condition| condition.reason.class() != Class::Chosen)
            .map(|condition| {
                let labels = ConditionLabels {
                    namespace: namespace.clone(),
                    pair: pair.clone(),
                    condition: condition.type_.into(),
                };
                (labels, condition.holds.map_or(-1.0, truth))
            });
        self.conditions.show(&metrics.conditions, conditions);
        let nodes = &report.pair.nodes;
        let active = nodes.iter().map(|each| {
            (
                node(&each.name),
                truth(report.pair.active.as_ref() == Some(&each.name)),
            )
        });
        self.active.show(&metrics.active, active);
        self.reachable.show(
            &metrics.reachable,
            nodes.iter().map(|each| (node(&each.name), truth(each.reachable))),
        );
        let fenced = report
            .pair
            .fenced
            .iter()
            .filter_map(|(name, time)| Some((node(name), seconds(time)?)));
        self.fenced.show(&metrics.fenced, fenced);
        let legs = report.volumes.iter().flat_map(|(volume, report)| {
            let disks = report.data.iter().flat_map(|data| data.split('/'));
            nodes.iter().zip(disks).map(|(node, disk)| {
                let (volume, node) = (volume.clone(), node.name.clone());
                (
                    LegLabels {
                        namespace: namespace.clone(),
                        pair: pair.clone(),
                        volume,
                        node,
                    },
                    truth(DiskState::from(disk) == DiskState::UpToDate),
                )
            })
        });
        self.up_to_date.show(&metrics.up_to_date, legs);
        let labels = |volume: &str| VolumeLabels {
            namespace: namespace.clone(),
            pair: pair.clone(),
            volume: volume.to_owned(),
        };
        let synced = report.volumes.iter().filter_map(|(volume, report)| {
            let percent: f64 = report.synced.as_ref()?.trim_end_matches('%').parse().ok()?;
            Some((labels(volume), percent / 100.0))
        });
        self.synced.show(&metrics.synced, synced);
        let used = report
            .volumes
            .iter()
            .filter_map(|(volume, report)| Some((labels(volume), f64::from(report.used?) / 100.0)));
        self.used.show(&metrics.used, used);
        let read_only = report
            .volumes
            .iter()
            .filter_map(|(volume, report)| Some((labels(volume), truth(report.read_only?))));
        self.read_only.show(&metrics.read_only, read_only);
    }

    /// Shows nothing of the pair.
    pub fn hide(&mut self, metrics: &Metrics) {
        self.conditions.show(&metrics.conditions, []);
        self.active.show(&metrics.active, []);
        self.reachable.show(&metrics.reachable, []);
        self.fenced.show(&metrics.fenced, []);
        self.up_to_date.show(&metrics.up_to_date, []);
        self.synced.show(&metrics.synced, []);
        self.used.show(&metrics.used, []);
        self.read_only.show(&metrics.read_only, []);
    }
}

fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// pacemaker writes "2026-11-23 17:00:55Z".
#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 have room")]
fn seconds(time: &str) -> Option<f64> {
    let time: Timestamp = time.replacen(' ', "T", 1).parse().ok()?;
    Some(time.as_second() as f64)
}

/// What is shown of one kind of figure.
#[derive(Debug)]
struct Shown<L>(Vec<L>);

impl<L> Default for Shown<L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<L: Clone + Eq + Hash> Shown<L> {
    /// The old ones go last, and only those that are gone: a figure that is away for one scrape begins an
    /// alert's patience anew.
    fn show(&mut self, family: &Family<L, Level>, now: impl IntoIterator<Item = (L, f64)>) {
        let mut shown = Vec::new();
        for (labels, value) in now {
            family.get_or_create(&labels).set(value);
            shown.push(labels);
        }
        for gone in self.0.iter().filter(|labels| !shown.contains(labels)) {
            family.remove(gone);
        }
        self.0 = shown;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hapair_model::{
        Reason,
        report::{Condition, NodeReport, PairReport, VolumeReport},
    };

    use super::*;

    fn report() -> Report {
        let condition = |type_, reason| Condition {
            type_,
            holds: Some(false),
            reason,
            message: String::new(),
        };
        let node = |name: &str, reachable| NodeReport {
            name: name.into(),
            reachable,
            state: "Online".into(),
        };
        let volume = VolumeReport {
            data: Some("UpToDate/Inconsistent".into()),
            synced: Some("45%".into()),
            ..VolumeReport::default()
        };
        let pair = PairReport {
            conditions: vec![
                condition("Ready", Reason::Resyncing),
                condition("FencingReady", Reason::FencingDisabled),
            ],
            active: Some("node1".into()),
            nodes: vec![node("node1", true), node("node2", false)],
            fenced: BTreeMap::from([("node2".into(), "2026-11-23 17:00:55Z".into())]),
            ..PairReport::default()
        };
        Report {
            pair,
            volumes: BTreeMap::from([("logs".into(), volume)]),
            ..Report::default()
        }
    }

    #[test]
    fn a_report_becomes_figures_that_go_with_what_they_are_of() {
        let (metrics, mut figures) = (Metrics::default(), Figures::default());
        let name = PairName {
            namespace: "team".into(),
            name: "web".into(),
        };
        figures.show(&metrics, &name, &report());
        let text = metrics.render();
        for line in [
            "hapair_condition{namespace=\"team\",pair=\"web\",condition=\"Ready\"} 0.0",
            "hapair_node_active{namespace=\"team\",pair=\"web\",node=\"node1\"} 1.0",
            "hapair_host_reachable{namespace=\"team\",pair=\"web\",node=\"node2\"} 0.0",
            "hapair_node_fenced_timestamp_seconds{namespace=\"team\",pair=\"web\",node=\"node2\"} \
             1795453255.0",
            "hapair_volume_up_to_date{namespace=\"team\",pair=\"web\",volume=\"logs\",node=\"node2\"} 0.0",
            "hapair_volume_synced_ratio{namespace=\"team\",pair=\"web\",volume=\"logs\"} 0.45",
        ] {
            assert!(text.contains(line), "{line} is not among\n{text}");
        }
        assert!(
            !text.contains("FencingReady"),
            "what somebody chose is a figure:\n{text}"
        );
        let mut synced = report();
        synced.volumes.get_mut("logs").expect("the volume").synced = None;
        figures.show(&metrics, &name, &synced);
        assert!(
            !metrics.render().contains("hapair_volume_synced_ratio{"),
            "a resync that is over is still shown"
        );
        figures.hide(&metrics);
        assert!(
            !metrics.render().contains("team"),
            "a pair that is gone is still shown:\n{}",
            metrics.render()
        );
    }
}
