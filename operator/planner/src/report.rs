//! What to tell people: conditions, each an observation, none a memory.

mod pair;

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, Group, Volume},
    observed::{Cluster, DiskState, Failure, Host, HostView, Role, Task},
    plan::{Finding, Next, Plan, Subject},
    reason::{Class, Scope, with_remedy},
    report::{ChildReport, Condition, Holds, PairReport, Report, VolumeReport},
    xml::Element,
};

use crate::{
    live, names,
    parts::{address, service, volume},
    promises,
};

/// Statuses of the pair and its children. `failure` is how the last stage went wrong, if it did.
pub fn report(
    desired: &Desired,
    observed: &Both<HostView>,
    plan: &Plan,
    failure: Option<&Finding>,
) -> Report {
    let view = View::new(desired, observed, plan, failure);
    let volumes = desired
        .volumes
        .iter()
        .map(|volume| (volume.name.clone(), volume::report(&view, volume)))
        .collect();
    let floating_ips = desired
        .floating_ips
        .iter()
        .map(|ip| (ip.name.clone(), address::report(&view, ip)))
        .collect();
    let groups = desired
        .groups
        .iter()
        .map(|group| (group.name.clone(), service::report(&view, group)))
        .collect();
    promises::of_report(Report {
        pair: pair::pair(&view),
        volumes,
        floating_ips,
        groups,
    })
}

/// The report of a pair about which nothing can be said but one finding.
pub fn held_pair(finding: &Finding) -> Report {
    Report {
        pair: PairReport {
            conditions: held_up(Some(finding)),
            ..PairReport::default()
        },
        ..Report::default()
    }
}

/// The report of a volume whose spec was not understood, or that is leaving.
pub fn unreported_volume(about: &Subject, findings: &[Finding]) -> VolumeReport {
    VolumeReport {
        conditions: held_up(concerning(about, findings)),
        ..VolumeReport::default()
    }
}

/// The report of a floating IP or group whose spec was not understood, or that is leaving.
pub fn unreported_child(about: &Subject, findings: &[Finding]) -> ChildReport {
    ChildReport {
        conditions: held_up(concerning(about, findings)),
        ..ChildReport::default()
    }
}

fn concerning<'a>(about: &Subject, findings: &'a [Finding]) -> Option<&'a Finding> {
    findings
        .iter()
        .find(|finding| finding.about == *about)
        .or_else(|| findings.iter().find(|finding| finding.about == Subject::Pair))
}

fn held_up(finding: Option<&Finding>) -> Vec<Condition> {
    let (reason, message) = finding.map_or((Reason::TearingDown, "it is being taken off the hosts"), |f| {
        (f.reason, f.message.as_str())
    });
    let stalled = finding.is_some_and(|finding| finding.reason.class() == Class::NeedsPerson);
    let underway = finding.is_none();
    vec![
        condition("Ready", Some(false), reason, message.into()),
        condition("Reconciling", Some(underway), reason, message.into()),
        condition("Stalled", Some(stalled), reason, message.into()),
    ]
}

/// What every part of the report looks at.
pub struct View<'a> {
    /// What is declared.
    pub desired: &'a Desired,
    observed: &'a Both<HostView>,
    /// The hosts that answer.
    pub hosts: Both<Option<&'a Host>>,
    /// The cluster as the host with quorum sees it.
    pub cluster: Option<&'a Cluster>,
    /// The cluster's configuration, from the same host.
    pub cib: Option<&'a Element>,
    next: &'a Next,
    findings: Vec<Finding>,
}

impl<'a> View<'a> {
    fn new(
        desired: &'a Desired,
        observed: &'a Both<HostView>,
        plan: &'a Plan,
        failure: Option<&Finding>,
    ) -> Self {
        let hosts = observed.as_ref().map(HostView::host);
        let member = live::member(observed);
        let (cluster, cib) = (
            member.and_then(|host| host.cluster.as_ref()),
            member.and_then(|host| host.cib.as_ref()),
        );
        let installing = hosts
            .iter()
            .filter_map(|(side, host)| crate::refuse::failed_installation(desired, side, (*host)?));
        let findings = plan
            .findings
            .iter()
            .cloned()
            .chain(failure.cloned())
            .chain(installing)
            .collect();
        Self {
            desired,
            observed,
            hosts,
            cluster,
            cib,
            next: &plan.next,
            findings,
        }
    }

    /// Whether the cluster runs nothing on this node, as someone has asked it to, and the spec does not say
    /// otherwise.
    pub fn is_standby(&self, node: &str) -> bool {
        let declared = self
            .desired
            .side(node)
            .and_then(|side| self.desired.nodes[side].standby);
        declared != Some(false) && self.is_in_standby(node)
    }

    fn is_in_standby(&self, node: &str) -> bool {
        self.cluster
            .and_then(|cluster| cluster.nodes.get(node))
            .is_some_and(|node| node.standby)
    }

    /// Whether an object is new to the pair, and left out: the pair is as it was without it.
    fn is_left_out(&self, object: &Subject) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.stops == Scope::Object && finding.about == *object)
    }

    /// The groups of the pair, without those that are left out.
    pub fn groups(&self) -> impl Iterator<Item = &'a Group> {
        let is_there = |group: &&Group| !self.is_left_out(&Subject::Group(group.name.clone()));
        self.desired.groups.iter().filter(is_there)
    }

    /// The volumes of the pair, without those that are left out.
    pub fn volumes(&self) -> impl Iterator<Item = &'a Volume> {
        let is_there = |volume: &&Volume| !self.is_left_out(&Subject::Volume(volume.name.clone()));
        self.desired.volumes.iter().filter(is_there)
    }

    /// The first finding that concerns this object: its own, or one of the whole pair, which holds everything
    /// up.
    pub fn finding(&self, about: &Subject) -> Option<&Finding> {
        concerning(about, &self.findings)
    }

    /// Ready, Reconciling and Stalled of an object, from what holds it up and what is wrong with it, of which
    /// the first thing that nobody chose counts.
    pub fn verdict(
        &self,
        about: &Subject,
        finding: Option<&Finding>,
        problems: impl IntoIterator<Item = (Reason, String)>,
    ) -> Vec<Condition> {
        let problem = problems
            .into_iter()
            .find(|(reason, _)| reason.class() != Class::Chosen);
        let underway = match self.next {
            Next::Rest => None,
            Next::Wait(what) => Some(what.clone()),
            Next::Run(stage) => Some(stage.name.to_owned()),
        };
        let own = finding
            .filter(|finding| finding.reason.class() == Class::NeedsPerson)
            .map(|finding| (finding.reason, finding.message.clone()));
        let stalled = own.or_else(|| problem.as_ref().and_then(|_| self.held_up_by_another()));
        let ready = match (finding, &problem, &underway) {
            (Some(finding), _, _) => condition("Ready", Some(false), finding.reason, finding.message.clone()),
            (None, Some((reason, message)), _) => condition("Ready", Some(false), *reason, message.clone()),
            (None, None, Some(what)) if *about == Subject::Pair => {
                condition("Ready", Some(false), Reason::Converging, what.clone())
            }
            (None, None, _) => condition(
                "Ready",
                Some(true),
                Reason::AsDeclared,
                "everything is as declared".into(),
            ),
        };
        let reconciling = match underway {
            Some(what) if ready.holds != Some(true) => {
                condition("Reconciling", Some(true), Reason::Converging, what)
            }
            _ => condition(
                "Reconciling",
                Some(false),
                ready.reason,
                "nothing is being changed".into(),
            ),
        };
        let stalled = match stalled {
            Some((reason, message)) => condition("Stalled", Some(true), reason, message),
            None => condition(
                "Stalled",
                Some(false),
                ready.reason,
                "no manual action needed".into(),
            ),
        };
        vec![ready, reconciling, stalled]
    }

    /// What needs a person on another object: the whole pair waits for it, so what is wrong here stays as it
    /// is, too.
    fn held_up_by_another(&self) -> Option<(Reason, String)> {
        let finding = self
            .findings
            .iter()
            .find(|finding| finding.stops > Scope::Object && finding.reason.class() == Class::NeedsPerson)?;
        Some((
            finding.reason,
            format!("{} holds everything up: {}", finding.about, finding.message),
        ))
    }

    /// The disk states of a volume on the first and the second node, from whichever host can tell.
    ///
    /// A Secondary that has lost its Primary goes on calling its data UpToDate, since no one told it
    /// otherwise: what the Primary says of it counts.
    pub fn disks(&self, volume: &str) -> Both<Option<&'a DiskState>> {
        let leg = |side| self.hosts[side].and_then(|host: &'a Host| host.resources.get(volume));
        Both::from_fn(|side: Side| match (leg(side), leg(side.peer())) {
            (_, Some(peer)) if peer.role == Role::Primary && !peer.is_connected() => Some(&peer.peer_disk),
            (Some(own), _) => Some(&own.disk),
            (None, Some(peer)) => Some(&peer.peer_disk),
            (None, None) => None,
        })
    }

    /// Where all of a group's members run: the node, or why they do not.
    pub fn group_node(&self, group: &Group) -> Result<String, (Reason, String)> {
        // One that an operator before this one did not know is configured with the next change.
        let configured = self.configured();
        let is_due = |id: &String| !id.starts_with(names::WRITABLE) || configured.contains(&id.as_str());
        let members: Vec<_> = service::members(self.desired, group)
            .into_iter()
            .filter(is_due)
            .collect();
        self.node_of(group, &members)
    }

    /// The ids of the configuration.
    fn configured(&self) -> Vec<&'a str> {
        self.cib
            .map(Element::all)
            .into_iter()
            .flatten()
            .filter_map(Element::id)
            .collect()
    }

    /// Where those of a group's members run that the cluster knows: one that is declared, and cannot be
    /// configured, interrupts nothing.
    fn serving_node(&self, group: &Group) -> Result<String, (Reason, String)> {
        let configured = self.configured();
        let (known, unknown): (Vec<_>, Vec<_>) = service::members(self.desired, group)
            .into_iter()
            .partition(|id| configured.contains(&id.as_str()));
        self.node_of(group, if known.is_empty() { &unknown } else { &known })
    }

    fn node_of(&self, group: &Group, members: &[String]) -> Result<String, (Reason, String)> {
        let Some(cluster) = self.cluster else {
            return Err((
                Reason::NotObserved,
                "no host could be asked that is in the cluster".into(),
            ));
        };
        // What went wrong on a node that is in standby now is not why nothing runs on the other; but for a
        // stop, which the other waits for.
        let counts = |failure: &Failure| failure.task == Task::Stop || !self.is_in_standby(&failure.node);
        let failure = cluster
            .failures
            .iter()
            .find(|failure| members.contains(&failure.resource) && counts(failure));
        let mut node = None;
        for id in members {
            match cluster.node_of(id) {
                Some(name) => node = Some(name.to_owned()),
                None => {
                    return Err(failure.map_or_else(
                        || (Reason::NotRunning, format!("{id} does not run on any node")),
                        |f| {
                            (
                                Reason::ResourceFailed,
                                format!("{} failed to {} on {}: {}", f.resource, f.task, f.node, f.message),
                            )
                        },
                    ));
                }
            }
        }
        node.ok_or_else(|| {
            (
                Reason::NothingDeclared,
                format!("group {} has no members", group.name),
            )
        })
    }

    /// The cluster is told to run nothing at all.
    fn all_stopped(&self) -> Option<(Reason, String)> {
        let stops = live::property(self.cib?, "stop-all-resources")?;
        live::is_true(stops).then(|| {
            let what = "the cluster's configuration has stop-all-resources=true: nothing is started";
            let remedy = "`pcs property set stop-all-resources=false` on one of the nodes";
            (Reason::AllStopped, with_remedy(what, remedy))
        })
    }

    /// What a probe said, and to whom: to the node that does not serve, where it could be asked. A service that answers
    /// nobody but its own node cannot be had.
    fn answer(&self, url: &str, node: &str) -> Option<(u16, Side)> {
        let serving = self.desired.side(node)?;
        let said_to = |side: Side| Some((*self.hosts[side]?.probes.get(url)?, side));
        said_to(serving.peer()).or_else(|| said_to(serving))
    }

    /// The volumes of a group.
    fn volumes_of(&self, group: &'a Group) -> impl Iterator<Item = &'a Volume> {
        group.volumes.iter().filter_map(|name| self.desired.volume(name))
    }

    /// Whether a group's service can be had.
    pub fn availability(&self, group: &Group) -> (Holds, Reason, String) {
        let node = match self.serving_node(group) {
            Ok(node) => node,
            // A group of files alone is no service.
            Err((reason @ (Reason::NotObserved | Reason::NothingDeclared), message)) => {
                return (None, reason, message);
            }
            Err((reason, message)) => {
                let left_alone = || {
                    let mut volumes = self.volumes_of(group);
                    volumes.find_map(|volume| volume::left_alone(self, volume))
                };
                let known = self.all_stopped().or_else(left_alone);
                let (reason, message) = known.unwrap_or((reason, message));
                return (Some(false), reason, message);
            }
        };
        let frozen = self
            .volumes_of(group)
            .find_map(|volume| volume::frozen(self, volume));
        if let Some(what) = frozen {
            let message = format!("{what}; the group runs on {node}");
            return (Some(false), Reason::WritesFrozen, message);
        }
        let Some(url) = live::url(self.desired, group, self.cib) else {
            // Nobody asks it, so all of it has to run.
            return match self.group_node(group) {
                Ok(node) => (
                    Some(true),
                    Reason::Serving,
                    format!("runs on {node}; it has no probe"),
                ),
                Err((reason, message)) => (Some(false), reason, message),
            };
        };
        let Some((status, asked)) = self.answer(&url, &node) else {
            return (None, Reason::NotObserved, format!("{url} could not be asked"));
        };
        let asking = self.desired.nodes[asked].name.as_str();
        match status {
            200..=399 if asking == node => (
                Some(true),
                Reason::AnsweredLocally,
                format!(
                    "{url} answers with HTTP status {status} on {node}, where the group runs; no other node could be asked"
                ),
            ),
            200..=399 => (
                Some(true),
                Reason::Serving,
                format!("{url} answers with HTTP status {status} from {node}"),
            ),
            0 => {
                let itself = self
                    .desired
                    .side(&node)
                    .and_then(|side| self.hosts[side]?.probes.get(&url));
                let hint = match itself {
                    Some(200..=399) => {
                        ", where it answers: look at the network and the firewall between the two"
                    }
                    _ => "",
                };
                (
                    Some(false),
                    Reason::NotAnswering,
                    format!("{url} does not answer {asking}; the group runs on {node}{hint}"),
                )
            }
            _ => (
                Some(false),
                Reason::NotAnswering,
                format!("{url} answers with HTTP status {status} from {node}"),
            ),
        }
    }
}

/// A condition.
pub fn condition(type_: &'static str, holds: Holds, reason: Reason, message: String) -> Condition {
    Condition {
        type_,
        holds,
        reason,
        message,
    }
}
