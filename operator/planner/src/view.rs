//! What every part of the report looks at, and what any object's conditions are made from.

use hapair_model::{
    Both, Reason, Side,
    desired::{Desired, FloatingIp, Group, Volume},
    observed::{Cluster, DiskState, Host, HostView, Role},
    plan::{Finding, Next, Subject},
    reason::{Class, Scope, with_remedy},
    report::Condition,
    xml::Element,
};

use crate::live;

/// What every part of the report looks at.
pub struct View<'a> {
    /// What is declared.
    pub desired: &'a Desired,
    /// What the hosts said.
    pub observed: &'a Both<HostView>,
    /// The hosts that answer.
    pub hosts: Both<Option<&'a Host>>,
    /// The cluster as the host with quorum sees it.
    pub cluster: Option<&'a Cluster>,
    /// The cluster's configuration, from the same host.
    pub cib: Option<&'a Element>,
    /// What comes next.
    next: &'a Next,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

impl<'a> View<'a> {
    /// What is declared and was seen, what comes next, and everything that was found.
    pub fn new(
        desired: &'a Desired,
        observed: &'a Both<HostView>,
        next: &'a Next,
        findings: Vec<Finding>,
    ) -> Self {
        let hosts = observed.as_ref().map(HostView::host);
        let member = live::member(observed);
        let (cluster, cib) = (
            member.and_then(|host| host.cluster.as_ref()),
            member.and_then(|host| host.cib.as_ref()),
        );
        Self {
            desired,
            observed,
            hosts,
            cluster,
            cib,
            next,
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

    /// Whether this node is in standby, whoever asked for it.
    pub fn is_in_standby(&self, node: &str) -> bool {
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

    /// The floating IPs of the pair, without those that are left out.
    pub fn floating_ips(&self) -> impl Iterator<Item = &'a FloatingIp> {
        let is_there = |ip: &&FloatingIp| !self.is_left_out(&Subject::FloatingIp(ip.name.clone()));
        self.desired.floating_ips.iter().filter(is_there)
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
            (Some(finding), _, _) => {
                Condition::new("Ready", Some(false), finding.reason, finding.message.clone())
            }
            (None, Some((reason, message)), _) => {
                Condition::new("Ready", Some(false), *reason, message.clone())
            }
            (None, None, Some(what)) if *about == Subject::Pair => {
                Condition::new("Ready", Some(false), Reason::Converging, what.clone())
            }
            (None, None, _) => Condition::new(
                "Ready",
                Some(true),
                Reason::AsDeclared,
                "everything is as declared".into(),
            ),
        };
        let reconciling = match underway {
            Some(what) if ready.holds != Some(true) => {
                Condition::new("Reconciling", Some(true), Reason::Converging, what)
            }
            _ => Condition::new(
                "Reconciling",
                Some(false),
                ready.reason,
                "nothing is being changed".into(),
            ),
        };
        let stalled = match stalled {
            Some((reason, message)) => Condition::new("Stalled", Some(true), reason, message),
            None => Condition::new(
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

    /// The ids of the configuration.
    pub fn configured(&self) -> Vec<&'a str> {
        self.cib
            .map(Element::all)
            .into_iter()
            .flatten()
            .filter_map(Element::id)
            .collect()
    }

    /// Something that was disabled by hand during a pause. Outside of one it is put back.
    pub fn disabled(&self, id: &str) -> Option<(Reason, String)> {
        let disabled = live::disabled(self.cib?, id).filter(|_| self.desired.paused)?;
        let what = format!("{disabled} is disabled (target-role=Stopped): the cluster runs it nowhere");
        let remedy = format!(
            "when that is no longer wanted, `pcs resource enable {disabled}` on one of the nodes, or end the pause: the operator enables it \
             then"
        );
        Some((Reason::ResourceDisabled, with_remedy(&what, &remedy)))
    }

    /// The cluster is told to run nothing at all.
    pub fn all_stopped(&self) -> Option<(Reason, String)> {
        let stops = live::property(self.cib?, "stop-all-resources")?;
        live::is_true(stops).then(|| {
            let what = "the cluster's configuration has stop-all-resources=true: nothing is started";
            let remedy = "`pcs property set stop-all-resources=false` on one of the nodes";
            (Reason::AllStopped, with_remedy(what, remedy))
        })
    }
}

/// The first finding that concerns this object: its own, or one of the whole pair, which holds everything up.
pub fn concerning<'a>(about: &Subject, findings: &'a [Finding]) -> Option<&'a Finding> {
    findings
        .iter()
        .find(|finding| finding.about == *about)
        .or_else(|| findings.iter().find(|finding| finding.about == Subject::Pair))
}

/// A message about a node that is in standby, with the way out of it.
pub fn told_standby(node: &str, message: &str) -> (Reason, String) {
    let remedy = format!(
        "nothing, if that is meant; otherwise `kubectl hapair unstandby {node}`. Where the spec has `standby: true` for {node}, set it to false"
    );
    (Reason::NodeStandby, with_remedy(message, &remedy))
}
