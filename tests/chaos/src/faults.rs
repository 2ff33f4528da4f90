//! Faults: what is done, how it ends, and what the status has to show meanwhile.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use hapair_lab::{Lab, Link};
use rand::{rngs::StdRng, seq::SliceRandom};

use crate::{
    disk::{self, Disk},
    ground::Ground,
};

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The power of the node that serves is cut.
    ServingPowerCut,
    /// The power of the other node is cut.
    StandbyPowerCut,
    /// The power of both nodes is cut.
    BothPowerCut,
    /// The link that carries replication is cut.
    ReplicationCut,
    /// The link of the clients and of SSH is cut, at the node that does not serve.
    PublicCut,
    /// Both links of the node that serves are cut.
    ServingIsolated,
    /// The two hear nothing of each other.
    NodesApart,
    /// The replication link loses everything in one direction.
    OneWayLoss,
    /// The operator is killed.
    OperatorKilled,
    /// The API server is killed.
    ApiServerKilled,
    /// sshd is stopped on the node that serves.
    SshdStopped,
    /// Connections of SSH are dropped in the middle of a change.
    SshDropped,
    /// The root file system of the node that serves is full.
    RootFull,
    /// The clock of the node that serves jumps by an hour.
    ClockJump,
    /// corosync is killed on the node that serves.
    CorosyncKilled,
    /// pacemaker's daemons are killed on the node that serves.
    PacemakerKilled,
    /// The service is killed.
    ServiceKilled,
    /// The BMC of the node that does not serve is gone.
    BmcGone,
    /// The disk below the volume fails on the node that serves.
    DiskFails,
    /// That disk takes half a second for each write.
    DiskCrawls,
}

/// What the status has to show: a condition of the pair, its status, and the reasons that are right.
pub struct Truth {
    /// The condition's type.
    pub condition: &'static str,
    /// Its status.
    pub status: &'static str,
    /// Reasons, any of them.
    pub reasons: &'static [&'static str],
    /// Within how many seconds.
    pub within: u64,
}

const fn truth(
    condition: &'static str,
    status: &'static str,
    reasons: &'static [&'static str],
    within: u64,
) -> Option<Truth> {
    Some(Truth {
        condition,
        status,
        reasons,
        within,
    })
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ServingPowerCut,
        Self::StandbyPowerCut,
        Self::BothPowerCut,
        Self::ReplicationCut,
        Self::PublicCut,
        Self::ServingIsolated,
        Self::NodesApart,
        Self::OneWayLoss,
        Self::OperatorKilled,
        Self::ApiServerKilled,
        Self::SshdStopped,
        Self::SshDropped,
        Self::RootFull,
        Self::ClockJump,
        Self::CorosyncKilled,
        Self::PacemakerKilled,
        Self::ServiceKilled,
        Self::BmcGone,
        Self::DiskFails,
        Self::DiskCrawls,
    ];

    /// Its name, and what it is, for people.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ServingPowerCut => ("serving-power-cut", "the power of the node that serves is cut"),
            Self::StandbyPowerCut => ("standby-power-cut", "the power of the other node is cut"),
            Self::BothPowerCut => ("both-power-cut", "the power of both nodes is cut"),
            Self::ReplicationCut => ("replication-cut", "the replication link is cut"),
            Self::PublicCut => (
                "public-cut",
                "the link of clients and SSH is cut at the node that does not serve",
            ),
            Self::ServingIsolated => ("serving-isolated", "both links of the node that serves are cut"),
            Self::NodesApart => (
                "nodes-apart",
                "the nodes hear nothing of each other, and everyone else hears both",
            ),
            Self::OneWayLoss => (
                "one-way-loss",
                "the replication link loses everything in one direction",
            ),
            Self::OperatorKilled => ("operator-killed", "the operator is killed"),
            Self::ApiServerKilled => ("api-server-killed", "the API server is killed"),
            Self::SshdStopped => ("sshd-stopped", "sshd is stopped on the node that serves"),
            Self::SshDropped => (
                "ssh-dropped",
                "SSH connections are dropped in the middle of a change",
            ),
            Self::RootFull => (
                "root-full",
                "the root file system of the node that serves is full",
            ),
            Self::ClockJump => ("clock-jump", "the clock of the node that serves jumps by an hour"),
            Self::CorosyncKilled => ("corosync-killed", "corosync is killed on the node that serves"),
            Self::PacemakerKilled => (
                "pacemaker-killed",
                "pacemaker's daemons are killed on the node that serves",
            ),
            Self::ServiceKilled => ("service-killed", "the service is killed"),
            Self::BmcGone => ("bmc-gone", "the BMC of the node that does not serve is gone"),
            Self::DiskFails => (
                "disk-fails",
                "the disk below the volume fails on the node that serves, until a person attaches it again",
            ),
            Self::DiskCrawls => ("disk-crawls", "that disk takes half a second for each write"),
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.words().0 == name)
            .with_context(|| format!("there is no fault {name:?}"))
    }

    /// All of them, in the order of the lot; drawn from until it is empty, so that none is forgotten.
    pub fn deck(random: &mut StdRng) -> Vec<Self> {
        let mut deck = Self::ALL.to_vec();
        deck.shuffle(random);
        deck
    }

    /// What the status has to show. `None`: the pair goes on, or there is no one to tell.
    pub fn truth(self) -> Option<Truth> {
        let away = &[
            "NodeOffline",
            "NodeUnclean",
            "NotObserved",
            "Disconnected",
            "StaleData",
            "Resyncing",
        ];
        match self {
            // A look that hangs on the lost host ends first, then comes one that sees it.
            Self::ServingPowerCut | Self::StandbyPowerCut | Self::ServingIsolated | Self::NodesApart => {
                truth("RedundancyHealthy", "False", away, 60)
            }
            Self::BothPowerCut => truth("HostsReachable", "False", &["HostUnreachable"], 30),
            Self::ReplicationCut | Self::OneWayLoss => {
                truth("RedundancyHealthy", "False", &["Disconnected"], 40)
            }
            Self::PublicCut | Self::SshdStopped => truth("HostsReachable", "False", &["HostUnreachable"], 30),
            Self::CorosyncKilled => truth("RedundancyHealthy", "False", away, 40),
            Self::BmcGone => truth("FencingReady", "False", &["FencingFailed"], 180),
            Self::ServiceKilled => None,
            Self::OperatorKilled | Self::ApiServerKilled | Self::SshDropped => None,
            Self::DiskFails => truth("RedundancyHealthy", "False", &["DiskFailed"], 40),
            Self::RootFull | Self::ClockJump | Self::PacemakerKilled | Self::DiskCrawls => None,
        }
    }

    /// Whether it takes the node that serves away, for longer than it takes the other one to serve.
    pub fn takes_the_serving_node(self) -> bool {
        matches!(self, Self::ServingPowerCut | Self::ServingIsolated)
    }

    /// Whether the node that does not serve is to be fenced, and nothing is to happen to the other.
    pub fn leaves_both_alive(self) -> bool {
        self == Self::NodesApart
    }

    /// Whether it may be over before anybody looked: systemd starts pacemaker, and corosync with it, at once.
    /// A node that is a member again before the scheduler has decided to fence it is taken back as it is,
    /// with all that runs on it.
    pub fn may_pass_unfenced(self) -> bool {
        self == Self::CorosyncKilled
    }

    /// How long the service may be away, in seconds: what a person would still accept of an unattended pair
    /// on slow machines.
    pub fn gap(self) -> u64 {
        match self {
            Self::ServingPowerCut
            | Self::BothPowerCut
            | Self::ServingIsolated
            | Self::CorosyncKilled
            | Self::PacemakerKilled => 180,
            // The service moves to the node that has its disk.
            Self::ServiceKilled | Self::DiskFails => 90,
            // DRBD waits until the peer's fate is known.
            Self::StandbyPowerCut | Self::ReplicationCut | Self::NodesApart | Self::OneWayLoss => 60,
            Self::DiskCrawls => 30,
            Self::PublicCut | Self::SshdStopped | Self::SshDropped | Self::BmcGone => 15,
            Self::OperatorKilled | Self::ApiServerKilled | Self::RootFull | Self::ClockJump => 15,
        }
    }

    /// Does it. `active` is the node that serves.
    pub fn begin(self, ground: &mut Ground, active: usize) -> Result<()> {
        let lab = &ground.world.lab;
        let other = 1 - active;
        match self {
            Self::ServingPowerCut => lab.power_off(active),
            Self::StandbyPowerCut => lab.power_off(other),
            Self::BothPowerCut => lab.power_off(other).and_then(|()| lab.power_off(active)),
            Self::ReplicationCut => lab.cut(active, Link::One),
            Self::PublicCut => lab.cut(other, Link::Zero),
            Self::ServingIsolated => lab
                .cut(active, Link::One)
                .and_then(|()| lab.cut(active, Link::Zero)),
            Self::NodesApart => lab.separate(),
            Self::OneWayLoss => lab.deafen(active, Link::One),
            Self::OperatorKilled => ground.world.kill_operator(),
            Self::ApiServerKilled => ground.world.cluster.stop_api_server(),
            // Nobody can log in to start it again: it does so by itself.
            Self::SshdStopped => quietly(
                lab,
                active,
                "systemd-run --quiet --on-active=40 systemctl start ssh; systemctl stop ssh; pkill sshd",
            ),
            Self::SshDropped => {
                ground.change_spec()?;
                for _ in 0..5 {
                    for node in 0..2 {
                        // The connection that says so is among them.
                        quietly(
                            &ground.world.lab,
                            node,
                            "pkill -f '^sshd: root' || pkill -f sshd-session",
                        )?;
                    }
                }
                Ok(())
            }
            Self::RootFull => quietly(
                lab,
                active,
                "fallocate -l $(($(stat -f -c '%a*%S' /))) /var/full || dd if=/dev/zero of=/var/full bs=1M",
            ),
            Self::ClockJump => quietly(lab, active, "date -s '+1 hour'"),
            Self::CorosyncKilled => quietly(lab, active, "pkill -KILL -x corosync"),
            Self::PacemakerKilled => quietly(lab, active, "pkill -KILL pacemaker"),
            Self::ServiceKilled => quietly(lab, active, "pkill -KILL java"),
            Self::BmcGone => lab.stop_bmc(other),
            Self::DiskFails => disk::set(lab, active, Disk::Fails),
            Self::DiskCrawls => disk::set(lab, active, Disk::Crawls),
        }
    }

    /// Ends it, so that the pair can come back.
    pub fn end(self, ground: &mut Ground, active: usize) -> Result<()> {
        let lab = &ground.world.lab;
        let other = 1 - active;
        match self {
            Self::ServingPowerCut => lab.power_on(active),
            Self::StandbyPowerCut => lab.power_on(other),
            Self::BothPowerCut => lab.power_on(other).and_then(|()| lab.power_on(active)),
            Self::ReplicationCut => lab.heal(active, Link::One),
            Self::PublicCut => lab.heal(other, Link::Zero),
            Self::ServingIsolated => lab
                .heal(active, Link::One)
                .and_then(|()| lab.heal(active, Link::Zero)),
            Self::NodesApart => lab.reunite(),
            Self::OneWayLoss => lab.hear(),
            Self::OperatorKilled => ground.start_operator(),
            Self::ApiServerKilled => ground.world.cluster.start_api_server(),
            Self::RootFull => quietly(lab, active, "rm -f /var/full"),
            Self::ClockJump => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
                quietly(lab, active, &format!("date -s @{now}"))
            }
            Self::BmcGone => lab.start_bmc(other),
            // As the runbook has it: DRBD does not take a disk back by itself.
            Self::DiskFails => disk::set(lab, active, Disk::Works)
                .and_then(|()| lab.run(active, "drbdadm attach logs").map(drop)),
            Self::DiskCrawls => disk::set(lab, active, Disk::Works),
            Self::SshdStopped
            | Self::SshDropped
            | Self::CorosyncKilled
            | Self::PacemakerKilled
            | Self::ServiceKilled => Ok(()),
        }
    }
}

/// Runs a line on a host, whatever becomes of it: the connection itself may be what it ends.
fn quietly(lab: &Lab, node: usize, line: &str) -> Result<()> {
    lab.output(node, line).map(drop)
}

/// The table of docs/operations.md.
pub fn table() -> String {
    let mut text = "| Fault | What happens | The status shows | Within | Without service, at most \
        |\n|---|---|---|---|---|\n"
        .to_owned();
    for fault in Fault::ALL {
        let (name, words) = fault.words();
        let (shows, within) = match fault.truth() {
            Some(truth) => {
                let unless = if fault.may_pass_unfenced() {
                    "; nothing, where pacemaker was back before the node was fenced"
                } else {
                    ""
                };
                let shows = format!(
                    "{}={}: {}{unless}",
                    truth.condition,
                    truth.status,
                    truth.reasons.join(", ")
                );
                (shows, format!("{} s", truth.within))
            }
            None => ("no condition changes".to_owned(), String::new()),
        };
        let _ = writeln!(
            text,
            "| {name} | {words} | {shows} | {within} | {} s |",
            fault.gap()
        );
    }
    text
}
