//! How a group came from one node to the other, and where the seconds went.

use std::time::Duration;

/// A group that was seen to serve on another node than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The group.
    pub group: String,
    /// Where it served.
    pub from: String,
    /// Where it serves.
    pub to: String,
}

/// What the hosts' journals tell of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Of what.
    pub moved: Moved,
    /// Why.
    pub cause: Cause,
    /// When it began, by the clock of the node that serves now, in microseconds since 1970.
    pub began: u64,
    /// The phases that it had, in order, each until the next one began.
    pub phases: Vec<(Phase, Duration)>,
}

impl Failover {
    /// From the loss, or the first stop, until the service answered.
    pub fn took(&self) -> Duration {
        self.phases.iter().map(|(_, duration)| duration).sum()
    }
}

/// Why a group has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its node was fenced.
    Fenced,
    /// It was stopped on its node: for a standby, a shutdown, a failure or a lost link.
    Stopped,
}

impl Cause {
    /// The word for it in a status and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fenced => "Fenced",
            Self::Stopped => "Stopped",
        }
    }
}

/// A part of a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From the last word of the lost node until corosync has a membership without it: token and consensus.
    Membership,
    /// Until the lost node was off, but for the delay.
    Fencing,
    /// The delay that keeps two nodes from switching each other off.
    FencingDelay,
    /// The group's members stop, and its volumes are demoted.
    Stop,
    /// The volumes are promoted.
    Promotion,
    /// Their file systems are mounted.
    Filesystem,
    /// The floating addresses are taken over.
    Address,
    /// The services start.
    Service,
    /// The service answers.
    Probe,
}

impl Phase {
    /// Every one, in order.
    pub const ALL: [Self; 9] = [
        Self::Membership,
        Self::Fencing,
        Self::FencingDelay,
        Self::Stop,
        Self::Promotion,
        Self::Filesystem,
        Self::Address,
        Self::Service,
        Self::Probe,
    ];

    /// The word for it in a status and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Membership => "Membership",
            Self::Fencing => "Fencing",
            Self::FencingDelay => "FencingDelay",
            Self::Stop => "Stop",
            Self::Promotion => "Promotion",
            Self::Filesystem => "Filesystem",
            Self::Address => "Address",
            Self::Service => "Service",
            Self::Probe => "Probe",
        }
    }
}
