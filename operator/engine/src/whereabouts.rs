//! Where groups serve, to notice that one has moved; and what the hosts tell of that.

use std::{collections::BTreeMap, time::Duration};

use hapair_intake::Work;
use hapair_model::{
    Both, Side,
    desired::Desired,
    failover::{Failover, Moved},
    host::{Hosts, JournalQuery},
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

/// What the hosts tell of moves: of each, if they do.
pub async fn stories(
    hosts: &impl Hosts,
    desired: &Desired,
    observed: &Both<HostView>,
    moves: &[Move],
) -> Result<Vec<Option<Failover>>, String> {
    let since = moves.iter().map(|each| each.since).max().unwrap_or_default();
    let query = JournalQuery {
        seconds: u32::try_from(since.as_secs()).unwrap_or(u32::MAX),
        lines: LINES,
        units: Vec::new(),
    };
    let journal = async |side: Side| match answers(observed, side) {
        true => hosts.journal(side, &query).await,
        false => Err("it did not answer just now".into()),
    };
    let both = async { tokio::join!(journal(Side::First), journal(Side::Second)) };
    let (first, second) = tokio::time::timeout(PATIENCE, both)
        .await
        .map_err(|_| format!("the journals took longer than {} s", PATIENCE.as_secs()))?;
    let journals = Both::new(first, second);
    let mut told = Vec::new();
    for Move { moved, .. } in moves {
        let of = |node: &str| desired.side(node).map(|side| &journals[side]);
        let new = of(&moved.to).ok_or("the node is none of the pair's")?;
        let new = new.as_ref().map_err(Clone::clone)?;
        // The node that is gone may go just now.
        let old = of(&moved.from).and_then(|old| old.as_ref().ok());
        told.push(planner::failover(
            desired,
            moved,
            new,
            old.map_or(&[], Vec::as_slice),
        ));
    }
    Ok(told)
}

fn answers(observed: &Both<HostView>, side: Side) -> bool {
    observed[side].host().is_some()
}
