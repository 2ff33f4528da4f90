//! Pairs in which something is wrong, each with what is said of it and what following the advice makes of the pair.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

pub mod cluster;
pub mod disks;
pub mod hosts;
pub mod services;
mod typed;

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Cluster, Host, HostView, Resource, Silence},
};

use super::situations::{Hosts, at_rest, tomcat_pair};

/// Something that is wrong.
pub struct Case {
    /// What is declared.
    pub desired: Desired,
    /// The hosts.
    pub hosts: Hosts,
    /// Why node2 says nothing, if it does not answer.
    pub silence: Option<Silence>,
    /// What the message names: the host, and the cause.
    pub named: &'static [&'static str],
    /// What the advice says to do.
    pub advice: &'static [&'static str],
    /// What doing that makes of the pair. It is handed the whole message, which may have the value to use.
    pub cure: fn(&mut Self, &str),
}

impl Case {
    /// A pair at rest, in which this goes wrong.
    pub fn at_rest(
        goes_wrong: impl FnOnce(&mut Desired, &mut Hosts),
        named: &'static [&'static str],
        advice: &'static [&'static str],
        cure: fn(&mut Self, &str),
    ) -> Self {
        Self::of(at_rest, goes_wrong, named, advice, cure)
    }

    /// A pair in another situation, in which this goes wrong.
    pub fn of(
        situation: fn(&Desired) -> Hosts,
        goes_wrong: impl FnOnce(&mut Desired, &mut Hosts),
        named: &'static [&'static str],
        advice: &'static [&'static str],
        cure: fn(&mut Self, &str),
    ) -> Self {
        let mut desired = tomcat_pair();
        let mut hosts = situation(&desired);
        goes_wrong(&mut desired, &mut hosts);
        Self {
            desired,
            hosts,
            silence: None,
            named,
            advice,
            cure,
        }
    }

    /// What the hosts say.
    pub fn observed(&self) -> Both<HostView> {
        let second = match &self.silence {
            Some(silence) => HostView::Silent(silence.clone()),
            None => HostView::Seen(Box::new(self.hosts.second.clone())),
        };
        Both::new(HostView::Seen(Box::new(self.hosts.first.clone())), second)
    }

    /// The pair is at rest again.
    pub fn is_well(&mut self, _: &str) {
        self.desired = tomcat_pair();
        self.hosts = at_rest(&self.desired);
        self.silence = None;
    }
}

/// Changes both hosts alike.
fn on_both(hosts: &mut Hosts, change: impl Fn(&mut Host)) {
    change(&mut hosts.first);
    change(&mut hosts.second);
}

/// Changes the cluster as both hosts see it.
fn in_cluster(hosts: &mut Hosts, change: impl Fn(&mut Cluster)) {
    on_both(hosts, |host| change(host.cluster.as_mut().unwrap()));
}

fn leg(hosts: &mut Hosts, side: Side) -> &mut Resource {
    hosts[side].resources.get_mut("logs").unwrap()
}

/// What stands between two words of a message.
fn between<'a>(message: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = message
        .split_once(before)
        .unwrap_or_else(|| panic!("{message:?} has no {before:?}"));
    rest.split_once(after).map_or(rest, |(found, _)| found)
}
