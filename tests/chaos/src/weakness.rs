//! What the node that does not serve is robbed of, before the power of the one that serves is cut.

use anyhow::Result;
use hapair_lab::Link;
use rand::{rngs::StdRng, seq::SliceRandom};

use crate::{
    disk::{self, Disk},
    ground::Ground,
};

/// Why the other node cannot take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is in standby.
    Standby,
    /// Its data is behind, since the replication link is cut.
    StaleLeg,
    /// Its disk has failed.
    DiskFailed,
    /// The service's unit is masked there.
    UnitMasked,
    /// The service has failed so often there that the cluster does not try it there any more.
    GivenUp,
    /// The BMC of the node that serves is gone: it cannot be fenced.
    ServingBmcGone,
    /// It is cut off from the clients, from SSH and from the BMCs.
    PublicCut,
}

impl Weakness {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Standby,
        Self::StaleLeg,
        Self::DiskFailed,
        Self::UnitMasked,
        Self::GivenUp,
        Self::ServingBmcGone,
        Self::PublicCut,
    ];

    /// All of them, and as many times none, in the order of the lot.
    pub fn deck(random: &mut StdRng) -> Vec<Option<Self>> {
        let mut deck = vec![None; Self::ALL.len()];
        deck.extend(Self::ALL.map(Some));
        deck.shuffle(random);
        deck
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standby => "other-standby",
            Self::StaleLeg => "other-stale",
            Self::DiskFailed => "other-disk-failed",
            Self::UnitMasked => "other-unit-masked",
            Self::GivenUp => "other-given-up",
            Self::ServingBmcGone => "serving-bmc-gone",
            Self::PublicCut => "other-public-cut",
        }
    }

    /// Within how many seconds the status has to tell. pacemaker looks at a fencing device once a minute, and waits as long for its answer.
    pub fn within(self) -> u64 {
        match self {
            Self::ServingBmcGone => 180,
            _ => 60,
        }
    }

    /// Brings it about. `active` is the node that serves.
    pub fn begin(self, ground: &Ground, active: usize) -> Result<()> {
        let (lab, other) = (&ground.world.lab, 1 - active);
        match self {
            // Typed on a host it would be undone: the sample says that no node is in standby.
            Self::Standby => ground
                .world
                .plugin(&["standby", &lab.config().nodes[other]])
                .map(drop),
            Self::StaleLeg => lab.cut(active, Link::One),
            Self::DiskFailed => disk::set(lab, other, Disk::Fails),
            Self::UnitMasked => lab.run(other, "systemctl mask tomcat10").map(drop),
            Self::GivenUp => lab.run(other, &fail_count(&lab.config().nodes[other])).map(drop),
            Self::ServingBmcGone => lab.stop_bmc(active),
            Self::PublicCut => lab.cut(other, Link::Zero),
        }
    }

    /// Ends it, as the person would who reads what the status says.
    pub fn end(self, ground: &Ground, active: usize) -> Result<()> {
        let (lab, other) = (&ground.world.lab, 1 - active);
        match self {
            Self::Standby => ground
                .world
                .plugin(&["unstandby", &lab.config().nodes[other]])
                .map(drop),
            Self::StaleLeg => lab.heal(active, Link::One),
            Self::DiskFailed => disk::set(lab, other, Disk::Works)
                .and_then(|()| lab.run(other, "drbdadm attach logs").map(drop)),
            Self::UnitMasked => lab
                .run(other, "systemctl unmask tomcat10 && pcs resource cleanup")
                .map(drop),
            Self::GivenUp => lab
                .run(other, "pcs resource cleanup service-tomcat-tomcat")
                .map(drop),
            Self::ServingBmcGone => lab.start_bmc(active),
            Self::PublicCut => lab.heal(other, Link::Zero),
        }
    }
}

/// What the cluster notes of a start that has failed for good (pacemaker's "Failure Handling").
fn fail_count(node: &str) -> String {
    format!(
        "crm_attribute --type status --node {node} --name 'fail-count-service-tomcat-tomcat#start_0' --update INFINITY"
    )
}
