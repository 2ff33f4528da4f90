//! What the pair's task needs of the two hosts, whoever plays them: SSH, or a simulator.

use std::{collections::BTreeMap, future::Future};

use crate::{
    Both, Secret, Side,
    desired::Owner,
    observed::{HostView, Question},
    outcome::Outcome,
    plan::Step,
};

/// How a host is reached and known.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// Its address.
    pub address: String,
    /// The port of its sshd.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The private key.
    pub private_key: Secret,
    /// Its public keys, `type base64`.
    pub host_keys: Vec<String>,
}

/// Who changes a host, checked there before anything happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The owner.
    pub owner: Owner,
    /// The owner the host may be taken over from.
    pub take_over_from: Option<String>,
    /// Rises with each acquisition of the leadership; a host refuses an older one.
    pub epoch: u64,
}

/// Two hosts that can be asked, changed and listened to. Every method may be called again after any failure.
pub trait Hosts: Send + Sync {
    /// Asks both hosts at once. A host that does not answer is a fact, not an error.
    fn observe(&self, questions: &Both<Question>) -> impl Future<Output = Both<HostView>> + Send;

    /// Looks at what changes by itself: units, the cluster, DRBD, addresses, file systems, whether services answer. The rest is as it was seen
    /// last. Nothing where that was not all of it, or a host does not answer at once: then only a whole look tells.
    fn glance(&self) -> impl Future<Output = Option<Both<HostView>>> + Send;

    /// Waits until something may have happened on one of the hosts since the last look. Nothing is told of what it was,
    /// and not everything that happens is told.
    fn happened(&self) -> impl Future<Output = ()> + Send;

    /// What a host's journal holds about the cluster, DRBD and services, the oldest line first; or why it did not tell.
    fn journal(
        &self,
        side: Side,
        query: &JournalQuery,
    ) -> impl Future<Output = Result<Vec<Line>, String>> + Send;

    /// Runs a stage's steps on one host, in order, and stops at the first that fails. A lost connection means
    /// that nothing is known.
    fn run(&self, side: Side, steps: &[Step], authority: &Authority) -> impl Future<Output = Outcome> + Send;
}

/// What to have of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalQuery {
    /// How far back, in seconds.
    pub seconds: u32,
    /// At most so many lines, the newest; one more tells that there are more.
    pub lines: u32,
    /// The units of the services.
    pub units: Vec<String>,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, by that host's clock, in microseconds since 1970.
    pub time: u64,
    /// Who wrote it: corosync, pacemaker-controld, kernel…
    pub source: String,
    /// As syslog counts: 3 is an error, 4 a warning, 6 information.
    pub priority: u8,
    /// What it says.
    pub message: String,
}

/// Texts to have from a host, for people to read. Nothing is decided on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What the host and its cluster say about themselves.
    State,
    /// What pacemaker would do if this whole CIB, its status included, were the live one.
    Transition {
        /// The CIB.
        cib: String,
    },
}

/// Hosts that can be read from. Nothing on a host is changed.
pub trait Readable: Hosts {
    /// Texts by name, or why the host did not answer. A command that failed on the host has its exit status
    /// in its text.
    fn read(
        &self,
        side: Side,
        reading: &Reading,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, String>> + Send;
}

/// Makes hosts of what is known about reaching them. Nothing is sent before they are asked something.
pub trait Connect: Send + Sync + 'static {
    /// The hosts it makes.
    type Hosts: Hosts + 'static;

    /// The hosts with these credentials. Fails only over something on this side.
    fn connect(&self, credentials: Both<Credentials>) -> std::io::Result<Self::Hosts>;
}
