//! What a stage that is to come would do, for those who ask: its steps in words, and what it interrupts. What the
//! cluster would do is pacemaker's own word: crm_simulate runs on a host with the configuration as it shall be.

use std::collections::BTreeSet;

use hapair_model::{
    Both, Side,
    answers::{Cause, ComingStage, Ending, Interruption, Took},
    desired::Desired,
    host::{Readable, Reading},
    observed::{Cluster, Host, HostView, Unit},
    plan::{Finding, Stage, Step},
    xml::Element,
};
use hapair_planner::{End, Holder, holder};

use crate::refusal::Refusal;

/// Words with which pacemaker begins a line about something that serves.
const INTERRUPTING: [&str; 7] = ["Stop", "Move", "Restart", "Recover", "Demote", "Fence", "Migrate"];

/// Asks what stages to come would interrupt. What one of them has interrupted is not told again of the next: both are
/// held against the cluster as it is now.
pub struct Asked<'a, H> {
    hosts: &'a H,
    desired: &'a Desired,
    observed: &'a Both<HostView>,
    told: BTreeSet<String>,
}

impl<'a, H: Readable> Asked<'a, H> {
    /// Nothing was told yet.
    pub fn new(hosts: &'a H, desired: &'a Desired, observed: &'a Both<HostView>) -> Self {
        Self {
            hosts,
            desired,
            observed,
            told: BTreeSet::new(),
        }
    }

    /// A stage, with what it interrupts; `None`: a cluster that does not run now cannot be asked.
    pub async fn about(&mut self, stage: &Stage) -> Result<Option<ComingStage>, Refusal> {
        let lines = |side: Side| stage.steps[side].iter().map(Step::summary).collect::<Vec<_>>();
        let nodes = self.desired.nodes.as_ref().map(|node| node.name.as_str());
        let mut coming = ComingStage {
            name: stage.name.into(),
            steps: Side::BOTH
                .map(|side| (nodes[side].to_owned(), lines(side)))
                .into(),
            interrupts: Vec::new(),
            transition: None,
        };
        for (side, steps) in stage.steps.iter() {
            let host = self.observed[side].host();
            coming
                .interrupts
                .extend(steps.iter().flat_map(|step| stopped_by(step, nodes[side], host)));
            let Some(planned) = steps.iter().find_map(pushed) else {
                continue;
            };
            let Some((asked, live)) = self.live() else {
                if self
                    .observed
                    .any(|view| view.host().is_some_and(Host::is_clustered))
                {
                    return Ok(None);
                }
                continue;
            };
            let lines = transition(self.hosts, asked, nodes[asked], live, planned).await?;
            let new = lines
                .into_iter()
                .filter(|line| self.told.insert(line.clone()))
                .collect();
            let (interrupts, other) = sorted(live, new);
            coming.interrupts.extend(interrupts);
            coming.transition = Some(other);
        }
        Ok(Some(coming))
    }

    /// The live configuration, and the host that has it: one whose view of the cluster counts.
    fn live(&self) -> Option<(Side, &'a Element)> {
        let views = || {
            self.observed
                .iter()
                .filter_map(|(side, view)| Some((side, view.host()?)))
        };
        let decides = |host: &Host| host.cluster.as_ref().is_some_and(Cluster::decides);
        let mut quorate = views().filter(|(_, host)| decides(host)).chain(views());
        quorate.find_map(|(side, host)| Some((side, host.cib.as_ref()?)))
    }
}

/// What comes after the stages.
pub fn ending(end: End) -> Ending {
    match end {
        End::Rest => Ending::Rest,
        End::Wait(what) => Ending::Wait(what),
        End::Stopped(findings) => Ending::Stopped(findings.iter().map(cause).collect()),
        End::Unknown => Ending::Unknown,
    }
}

/// A finding, as people are told of it.
pub fn cause(finding: &Finding) -> Cause {
    Cause {
        about: finding.about.to_string(),
        reason: finding.reason.to_string(),
        message: finding.message.clone(),
    }
}

/// What a step stops by itself, without the cluster. What the cluster does not run yet is stopped until it does.
fn stopped_by(step: &Step, node: &str, host: Option<&Host>) -> Vec<Interruption> {
    let interruption = |what: String, how: &str| Interruption {
        what,
        how: how.into(),
        took: Took::default(),
    };
    let runs = |unit: &str| {
        let unit = host.and_then(|host| host.units.get(unit));
        unit.is_some_and(Unit::is_active)
    };
    match step {
        Step::LeaveCluster => vec![interruption(
            format!("everything on {node}"),
            "the cluster stops there",
        )],
        Step::DisableUnits { units } if !runs("pacemaker") => units
            .iter()
            .filter(|unit| *unit != "drbd" && runs(unit))
            .map(|unit| {
                interruption(
                    format!("{unit} on {node}"),
                    "it is stopped until the cluster starts it",
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn pushed(step: &Step) -> Option<&str> {
    match step {
        Step::PushCib { cib, .. } => Some(cib),
        _ => None,
    }
}

async fn transition(
    hosts: &impl Readable,
    side: Side,
    node: &str,
    live: &Element,
    planned: &str,
) -> Result<Vec<String>, Refusal> {
    let cib = with_configuration(live, planned)
        .ok_or_else(|| Refusal::Unavailable("the planned CIB cannot be read".into()))?;
    let texts = hosts
        .read(side, &Reading::Transition { cib })
        .await
        .map_err(|why| {
            Refusal::Unavailable(format!(
                "{node} could not be asked what the cluster would do: {why}"
            ))
        })?;
    summary_of(texts.get("transition").map_or("", String::as_str)).map_err(|said| {
        Refusal::Unavailable(format!(
            "crm_simulate on {node} did not tell what the cluster would do; it said: {said}"
        ))
    })
}

/// The live CIB with its status, and the configuration of another.
fn with_configuration(live: &Element, planned: &str) -> Option<String> {
    let mut cib = live.clone();
    *cib.first_mut("configuration") = Element::parse(planned).ok()?.first("configuration")?.clone();
    Some(cib.to_string())
}

/// The lines of crm_simulate's transition summary, as in "Move ip-web ( node1 -> node2 )".
fn summary_of(text: &str) -> Result<Vec<String>, String> {
    let (_, rest) = text
        .split_once("Transition Summary:")
        .ok_or_else(|| text.chars().take(300).collect::<String>())?;
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(rest
        .lines()
        .skip(1)
        .map_while(|line| line.trim_start().strip_prefix("* "))
        .map(words)
        .collect())
}

/// The lines that are about something that serves, and the others.
fn sorted(live: &Element, lines: Vec<String>) -> (Vec<Interruption>, Vec<String>) {
    let mut interrupts = Vec::new();
    let mut other = Vec::new();
    for line in lines {
        match interrupted(live, &line) {
            Some((what, id)) => interrupts.push(Interruption {
                what,
                took: took(live, id, &line),
                how: line,
            }),
            None => other.push(line),
        }
    }
    (interrupts, other)
}

/// What serves, and is interrupted by what this line says, with the resource's id.
fn interrupted<'a>(live: &Element, line: &'a str) -> Option<(String, &'a str)> {
    let mut words = line.split(' ');
    let action = words.next().filter(|word| INTERRUPTING.contains(word))?;
    if action == "Fence" {
        return Some(("a node".into(), ""));
    }
    // An instance of a clone has its number behind it.
    let id = words.next()?.split(':').next()?;
    let what = match holder(live, id)? {
        Holder::Group(name) => Some(format!("group {name}")),
        // The instance that does not serve interrupts nothing.
        Holder::Volume(name) => words
            .any(|word| matches!(word, "Promoted" | "Master"))
            .then(|| format!("volume {name}")),
        Holder::Address(name) => Some(format!("address {name}")),
    };
    Some((what?, id))
}

/// How long a resource took the last time, wherever that was. Of each resource a node remembers the last operation that is
/// not repeated (lrm_rsc_op): where it runs that is how it was started, where it ran before how it was stopped.
fn took(live: &Element, id: &str, line: &str) -> Took {
    let history = live.first("status").map(Element::all).unwrap_or_default();
    let histories = history.into_iter().filter(|each| {
        each.name == "lrm_resource" && each.id().is_some_and(|own| own.split(':').next() == Some(id))
    });
    let operations: Vec<_> = histories
        .flat_map(|each| &each.children)
        .filter(|operation| operation.get("rc-code") == Some("0"))
        .collect();
    let number = |operation: &Element, name: &str| operation.get(name)?.parse::<u64>().ok();
    let last = |name: &str| {
        let done = operations
            .iter()
            .filter(|each| each.get("operation") == Some(name));
        let latest = done.max_by_key(|each| number(each, "last-rc-change"))?;
        number(latest, "exec-time")
    };
    // A leg of a volume goes on running: its role is what serves.
    let (stop, start) = match line.split(' ').next() {
        Some("Demote") => ("demote", "promote"),
        _ => ("stop", "start"),
    };
    let is_started_again = !line.starts_with("Stop ");
    Took {
        stop: last(stop),
        start: if is_started_again { last(start) } else { Some(0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_summary_ends_where_its_lines_end() {
        let text = "Current cluster status:\n  * Online: [ node1 node2 ]\n\nTransition Summary:\n  * \
            Stop       ip-web      (          node1 )  \
                    due to node availability\n  * Move       x     ( node1 -> node2 )\n\nExecuting Cluster \
                    Transition:\n  * Resource action: x\n";
        assert_eq!(
            summary_of(text).unwrap(),
            [
                "Stop ip-web ( node1 ) due to node availability",
                "Move x ( node1 -> node2 )"
            ]
        );
        assert_eq!(
            summary_of("Transition Summary:\n\n").unwrap(),
            Vec::<String>::new()
        );
        assert!(
            summary_of("crm_simulate: not found")
                .unwrap_err()
                .contains("not found")
        );
    }

    #[test]
    fn only_what_serves_is_interrupted() {
        let live = Element::parse(
            "<cib><configuration><resources><primitive id=\"fence-node1-1\" class=\"stonith\"/>\
             <clone id=\"volume-logs-clone\"><primitive id=\"volume-logs\"/></clone>\
             <group id=\"group-tomcat\"><primitive id=\"ip-web\"/></group></resources></configuration></cib>",
        )
        .unwrap();
        let told = |line| Some(interrupted(&live, line)?.0);
        assert_eq!(
            told("Move ip-web ( node1 -> node2 )").as_deref(),
            Some("group tomcat")
        );
        assert_eq!(told("Restart fence-node1-1 ( node2 )"), None);
        assert_eq!(told("Start ip-web ( node2 )"), None);
        assert_eq!(told("Stop volume-logs:1 ( Unpromoted node2 )"), None);
        assert_eq!(
            told("Demote volume-logs:0 ( Promoted -> Unpromoted node1 )").as_deref(),
            Some("volume logs")
        );
        assert_eq!(
            told("Fence (reboot) node1 'peer is no longer part'").as_deref(),
            Some("a node")
        );
    }

    #[test]
    fn how_long_a_resource_took_is_read_from_the_history_of_both_nodes() {
        let live = Element::parse(
            "<cib><status><node_state uname=\"node1\"><lrm><lrm_resources><lrm_resource id=\"ip-web\">\
             <lrm_rsc_op operation=\"start\" rc-code=\"0\" last-rc-change=\"300\" exec-time=\"700\"/>\
             <lrm_rsc_op operation=\"monitor\" rc-code=\"0\" last-rc-change=\"301\" exec-time=\"40\"/>\
             </lrm_resource></lrm_resources></lrm></node_state><node_state uname=\"node2\"><lrm><lrm_resources>\
             <lrm_resource id=\"ip-web\"><lrm_rsc_op operation=\"stop\" rc-code=\"0\" last-rc-change=\"290\" \
             exec-time=\"200\"/></lrm_resource><lrm_resource id=\"volume-logs:0\"><lrm_rsc_op \
             operation=\"promote\" rc-code=\"1\" last-rc-change=\"290\" exec-time=\"9000\"/></lrm_resource>\
             </lrm_resources></lrm></node_state></status></cib>",
        )
        .unwrap();
        let known = Took {
            stop: Some(200),
            start: Some(700),
        };
        assert_eq!(took(&live, "ip-web", "Move ip-web ( node1 -> node2 )"), known);
        let stopped = Took {
            start: Some(0),
            ..known
        };
        assert_eq!(
            took(&live, "ip-web", "Stop ip-web ( node1 ) due to node availability"),
            stopped
        );
        let demoted = "Demote volume-logs:0 ( Promoted -> Unpromoted node1 )";
        assert_eq!(took(&live, "volume-logs", demoted), Took::default(), "it failed");
    }

    #[test]
    fn the_end_of_the_cluster_and_a_service_that_the_cluster_does_not_run_yet_are_interrupted() {
        let unit = |name: &str| {
            (
                name.to_owned(),
                Unit {
                    active: "active".into(),
                    ..Unit::default()
                },
            )
        };
        let alone = Host {
            units: [unit("tomcat10"), unit("drbd")].into(),
            ..Host::default()
        };
        let clustered = Host {
            units: [unit("tomcat10"), unit("pacemaker")].into(),
            ..Host::default()
        };
        let told = |step: &Step, host: &Host| {
            let all = stopped_by(step, "node1", Some(host)).into_iter();
            all.map(|each| each.what).collect::<Vec<_>>()
        };
        let disable = Step::DisableUnits {
            units: vec!["tomcat10".into(), "drbd".into()],
        };
        assert_eq!(told(&disable, &alone), ["tomcat10 on node1"]);
        assert_eq!(told(&disable, &clustered), Vec::<String>::new());
        assert_eq!(told(&Step::LeaveCluster, &clustered), ["everything on node1"]);
    }
}
