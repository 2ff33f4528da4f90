//! Where groups serve, to notice that one has moved; and what the hosts tell of that.

use std::{collections::BTreeMap, time::Duration};

use hapair_intake::Work;
use hapair_model::{
    Both, Side,
    desired::Desired,
    failover::{Failover, Moved},
    host::{Hosts, JournalQuery, Line},
    observed::HostView,
    report::Report,
};
use hapair_planner as planner;
use tokio::time::Instant;

/// How long the hosts may take to tell of a move: the status waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often they are asked for it.
const MOST_TRIES: u8 = 3;
/// What came before a group was away, such as the loss of its node, lies within this time before it was seen last.
const BEFORE: Duration = Duration::from_secs(60);
/// How far back to read where nobody has looked meanwhile.
const UNSEEN: Duration = Duration::from_secs(900);
/// Lines of a journal. At rest a node writes one a minute, a failover is about two hundred.
const LINES: u32 = 2000;

/// Where each group was seen to serve last.
#[derive(Default)]
pub struct Whereabouts(BTreeMap<String, Seen>);

struct Seen {
    /// The node; `None`: it has served before, nobody knows where.
    node: Option<String>,
    /// When; `None`: before this operator looked.
    at: Option<Instant>,
    tries: u8,
}

/// A group that has moved, and how far back the hosts' journals tell of it.
pub struct Move {
    /// What has moved.
    pub moved: Moved,
    since: Duration,
}

impl Whereabouts {
    /// Groups that serve on another node than when they were seen last.
    pub fn moved(&mut self, work: &Work, desired: &Desired, report: &Report) -> Vec<Move> {
        self.0.retain(|group, _| report.groups.contains_key(group));
        for (group, node) in work.served() {
            let before = Seen {
                node,
                at: None,
                tries: 0,
            };
            self.0.entry(group).or_insert(before);
        }
        let serving = report
            .groups
            .iter()
            .filter_map(|(group, told)| Some((group, told.node.as_deref()?)));
        serving
            .filter_map(|(group, node)| self.moved_to(desired, group, node))
            .collect()
    }

    fn moved_to(&mut self, desired: &Desired, group: &str, node: &str) -> Option<Move> {
        let Some(seen) = self.0.get_mut(group).filter(|seen| seen.is_new_at(node)) else {
            self.settle(group, node);
            return None;
        };
        seen.tries += 1;
        let from = match seen.node.clone() {
            Some(node) => node,
            None => desired.nodes[desired.side(node)?.peer()].name.clone(),
        };
        let moved = Moved {
            group: group.to_owned(),
            from,
            to: node.to_owned(),
        };
        let since = seen.at.map_or(UNSEEN, |at| at.elapsed() + BEFORE);
        Some(Move { moved, since })
    }

    /// It is known that a group serves there.
    pub fn settle(&mut self, group: &str, node: &str) {
        let seen = Seen {
            node: Some(node.to_owned()),
            at: Some(Instant::now()),
            tries: 0,
        };
        self.0.insert(group.to_owned(), seen);
    }
}

impl Seen {
    fn is_new_at(&self, node: &str) -> bool {
        self.node.as_deref() != Some(node) && self.tries < MOST_TRIES
    }
}

/// What the hosts tell of a move, if they do.
pub async fn story(
    hosts: &impl Hosts,
    desired: &Desired,
    observed: &Both<HostView>,
    Move { moved, since }: &Move,
) -> Result<Option<Failover>, String> {
    let query = JournalQuery {
        seconds: u32::try_from(since.as_secs()).unwrap_or(u32::MAX),
        lines: LINES,
        units: Vec::new(),
    };
    let journal = async |node: &str| -> Result<Vec<Line>, String> {
        let side = desired.side(node).filter(|side| answers(observed, *side));
        match side {
            Some(side) => hosts.journal(side, &query).await,
            None => Ok(Vec::new()),
        }
    };
    let both = async { tokio::join!(journal(&moved.to), journal(&moved.from)) };
    let (new, old) = tokio::time::timeout(PATIENCE, both)
        .await
        .map_err(|_| format!("the journals took longer than {} s", PATIENCE.as_secs()))?;
    // The node that is gone may go just now.
    Ok(planner::failover(desired, moved, &new?, &old.unwrap_or_default()))
}

fn answers(observed: &Both<HostView>, side: Side) -> bool {
    observed[side].host().is_some()
}
