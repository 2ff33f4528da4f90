//! What a turn decides from, gathered once: what is declared, what both hosts said, and what follows from the two
//! for every stage.

use hapair_model::{
    Both, Side,
    desired::{Desired, Node, Volume},
    observed::{Cluster, Host, HostView},
    xml::Element,
};

use crate::{cib, names};

/// What a turn decides from, when both hosts answer.
pub struct Facts<'a> {
    /// What is declared.
    pub desired: &'a Desired,
    /// What the hosts said.
    pub hosts: Both<&'a Host>,
    /// The host through which the running cluster's configuration is changed.
    pub quorate_member: Option<Member<'a>>,
    /// Whether pacemaker has ever run with a configuration on one of the hosts.
    pub formed: bool,
}

/// A host that is in the cluster, with its view of it.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Which of the two.
    pub side: Side,
    /// pacemaker's view.
    pub cluster: &'a Cluster,
    /// The live configuration.
    pub cib: &'a Element,
}

impl<'a> Facts<'a> {
    /// The facts of two hosts that answer.
    pub fn of(desired: &'a Desired, hosts: &Both<&'a Host>) -> Self {
        Self {
            desired,
            hosts: hosts.clone(),
            quorate_member: quorate_member(hosts),
            formed: hosts.any(|host| host.is_clustered()),
        }
    }

    /// The facts, unless a host is silent.
    pub fn seen(desired: &'a Desired, observed: &'a Both<HostView>) -> Option<Self> {
        let hosts = observed.as_ref().map(HostView::host).complete()?;
        Some(Self::of(desired, &hosts))
    }

    /// Whether it is known which volumes the cluster runs: there is no cluster, or its live configuration was
    /// read. Otherwise a volume that it runs would look like a new one.
    pub fn tells_what_runs(&self) -> bool {
        !self.formed || self.hosts.any(|host| host.cib.is_some())
    }

    /// Whether a live configuration has an element with this id.
    pub fn cib_has(&self, id: &str) -> bool {
        self.hosts.any(|host| host.has_in_cib(id))
    }

    /// Whether a live configuration names something as this object's, by the object's key.
    pub fn owns(&self, key: &str) -> bool {
        self.hosts
            .any(|host| host.cib.as_ref().is_some_and(|cib| cib::owns(cib, key)))
    }

    /// Whether the cluster has the volume: its resource agent brings the legs up and down then.
    pub fn is_in_cluster(&self, volume: &Volume) -> bool {
        self.cib_has(&names::volume(&volume.name))
    }

    /// pacemaker's view, from whichever host has one.
    pub fn cluster(&self) -> Option<&'a Cluster> {
        let mut views = self.hosts.iter().filter_map(|(_, host)| host.cluster.as_ref());
        views.next()
    }

    /// One of the two hosts.
    pub fn host(&self, side: Side) -> OneHost<'a> {
        OneHost {
            desired: self.desired,
            side,
            host: self.hosts[side],
            peer: Some(self.hosts[side.peer()]),
        }
    }
}

/// The member whose view of the cluster counts.
fn quorate_member<'a>(hosts: &Both<&'a Host>) -> Option<Member<'a>> {
    let member = |(side, host): (Side, &&'a Host)| {
        let (cluster, cib) = (host.cluster.as_ref()?, host.cib.as_ref()?);
        cluster.decides().then_some(Member { side, cluster, cib })
    };
    hosts.iter().find_map(member)
}

/// One host that answers. Nothing may be known of its peer.
#[derive(Clone, Copy)]
pub struct OneHost<'a> {
    /// What is declared.
    pub desired: &'a Desired,
    /// Which of the two.
    pub side: Side,
    /// What it said.
    pub host: &'a Host,
    /// What its peer said, if it answers.
    pub peer: Option<&'a Host>,
}

impl<'a> OneHost<'a> {
    /// The host on this side, if it answers.
    pub fn seen(desired: &'a Desired, observed: &'a Both<HostView>, side: Side) -> Option<Self> {
        Some(Self {
            desired,
            side,
            host: observed[side].host()?,
            peer: observed[side.peer()].host(),
        })
    }

    /// The node that it is.
    pub fn node(&self) -> &'a Node {
        &self.desired.nodes[self.side]
    }

    /// The node's name.
    pub fn name(&self) -> &'a str {
        &self.node().name
    }

    /// Whether the cluster runs this volume, or may run it. A record alone says little: that of a volume which has
    /// left stays on the host.
    pub fn may_run(&self, volume: &Volume) -> bool {
        self.may_have(&names::volume(&volume.name))
    }

    /// Whether the cluster's configuration has an element with this id, or may have it: it is not seen.
    pub fn may_have(&self, id: &str) -> bool {
        let hosts = || std::iter::once(self.host).chain(self.peer);
        if hosts().any(|host| host.cib.is_some()) {
            hosts().any(|host| host.has_in_cib(id))
        } else {
            hosts().any(Host::is_clustered)
        }
    }

    /// The metadata that the leg of a volume has here by what the peer remembers: the host's own record is
    /// lost.
    pub fn remembered_leg(&self, volume: &str) -> Option<&'a str> {
        let known = self
            .peer
            .filter(|peer| peer.remembers(self.host) && !self.host.volume_records.contains_key(volume))?
            .known_peer
            .as_ref()?;
        known.legs.get(volume).map(String::as_str)
    }
}
