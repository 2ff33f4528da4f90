//! What the hosts' journals tell of a group that has moved: since when it was away, and where the seconds went. For people
//! and for figures; nothing is decided on it. Times of two clocks are never compared.

mod record;

use std::time::Duration;

use hapair_model::{
    desired::{Desired, Group},
    failover::{Cause, Failover, Moved, Phase},
    host::Line,
};
use record::{Event, Operation, events};

use crate::names;

/// What there is to tell of a move; `None`: the journal does not tell how the group came there, or it came from nowhere.
/// `new` is the journal of the node that serves; `old` that of the other, if it could be asked.
pub fn failover(desired: &Desired, moved: &Moved, new: &[Line], old: &[Line]) -> Option<Failover> {
    let group = desired.groups.iter().find(|group| group.name == moved.group)?;
    let members = Members::of(desired, group);
    let (new, old) = (events(new), events(old));
    let arrival = arrival(&members, &moved.to, &new)?;
    let (cause, began, mut phases) = fencing(&moved.from, &new, arrival.began)
        .or_else(|| stop(&members, moved, &new, &old, arrival.began))?;
    let mut last = phases.iter().map(|(_, took)| micros(*took)).sum::<u64>() + began;
    for (phase, end) in arrival.ends {
        phases.push((phase, Duration::from_micros(end.saturating_sub(last))));
        last = last.max(end);
    }
    phases.sort_by_key(|(phase, _)| Phase::ALL.iter().position(|each| each == phase));
    Some(Failover {
        moved: moved.clone(),
        cause,
        began,
        phases,
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The resources of a group, as the cluster has them.
struct Members {
    volumes: Vec<String>,
    /// Their names in DRBD.
    drbd: Vec<String>,
    /// Those that are started, in their order, but for what only watches.
    started: Vec<(Phase, Vec<String>)>,
}

impl Members {
    fn of(desired: &Desired, group: &Group) -> Self {
        let ids = |names: Vec<String>| names.into_iter().map(|name| desired.id(name)).collect::<Vec<_>>();
        let of_volumes =
            |name: fn(&str) -> String| ids(group.volumes.iter().map(|each| name(each)).collect());
        let services = group.services.iter().map(|each| names::service(group, each));
        let started = vec![
            (Phase::Filesystem, of_volumes(names::filesystem)),
            (
                Phase::Address,
                ids(group.floating_ips.iter().map(|ip| names::ip(ip)).collect()),
            ),
            (Phase::Service, ids(services.collect())),
            (Phase::Probe, ids(vec![names::probe(&group.name)])),
        ];
        Self {
            volumes: of_volumes(names::volume),
            drbd: group.volumes.clone(),
            started,
        }
    }

    fn has(&self, resource: &str) -> bool {
        let mut all = self.started.iter().flat_map(|(_, ids)| ids);
        all.any(|id| id == resource)
    }
}

/// How a group came up on a node.
struct Arrival {
    /// The first thing that was done.
    began: u64,
    /// When each phase was over.
    ends: Vec<(Phase, u64)>,
}

/// A group's members are started in their order: the last time that the first of them was is when it came.
fn arrival(members: &Members, node: &str, new: &[(u64, Event<'_>)]) -> Option<Arrival> {
    let is = |event: &Event<'_>, task: &str, id: &str| matches!(event, Event::Done(done) if *done == Operation { task, resource: id, node });
    let first = members.started.iter().flat_map(|(_, ids)| ids).find_map(|id| {
        let done = |(_, event): &&(u64, Event<'_>)| is(event, "start", id);
        Some(new.iter().rfind(done)?.0)
    })?;
    let promoted = members.volumes.iter().filter_map(|id| {
        let done = |(time, event): &&(u64, Event<'_>)| *time <= first && is(event, "promote", id);
        Some(new.iter().rfind(done)?.0)
    });
    let promoted = promoted.max();
    let ends = members.started.iter().filter_map(|(phase, ids)| {
        let ends = ids.iter().filter_map(|id| {
            let done = |(time, event): &&(u64, Event<'_>)| *time >= first && is(event, "start", id);
            Some(new.iter().find(done)?.0)
        });
        Some((*phase, ends.max()?))
    });
    Some(Arrival {
        began: promoted.unwrap_or(first),
        ends: promoted
            .map(|end| (Phase::Promotion, end))
            .into_iter()
            .chain(ends)
            .collect(),
    })
}

type Departure = (Cause, u64, Vec<(Phase, Duration)>);

type Events<'a> = [(u64, Event<'a>)];

/// The last time until then that something was told.
fn last(events: &Events<'_>, until: u64, is: impl Fn(&Event<'_>) -> bool) -> Option<u64> {
    let told = events.iter().rfind(|(time, event)| *time <= until && is(event));
    told.map(|(time, _)| *time)
}

/// Whether a node came into the cluster in between.
fn joined(events: &Events<'_>, since: u64, until: u64) -> bool {
    last(events, until, |event| *event == Event::MemberJoined).is_some_and(|time| time >= since)
}

/// The other node was fenced, and was not there again before the group came up.
fn fencing(from: &str, new: &Events<'_>, before: u64) -> Option<Departure> {
    let fenced = last(new, before, |event| *event == Event::Fenced(from))?;
    if joined(new, fenced, before) {
        return None;
    }
    let this_time = |time: &u64| !joined(new, *time, fenced);
    let is_delayed = |event: &Event<'_>| matches!(event, Event::FencingDelayed(target, _) if *target == from);
    // Where the lost node was the one that decides, it may have written that.
    let asked = last(new, fenced, |event| *event == Event::FencingAsked(from))
        .filter(this_time)
        .or_else(|| last(new, fenced, is_delayed).filter(this_time))
        .unwrap_or(fenced);
    // One that is fenced while it is a member is lost only then.
    let lost = loss(new, fenced).filter(|(_, left)| *left <= asked);
    let (began, left) = lost.unwrap_or((asked, asked));
    let delays = new.iter().filter(|(time, _)| (asked..=fenced).contains(time));
    let mut delays = delays.filter_map(|(_, event)| match event {
        Event::FencingDelayed(target, delay) if *target == from => Some(*delay),
        _ => None,
    });
    let fencing = Duration::from_micros(fenced - left);
    let delay = delays.next_back().filter(|delay| *delay <= fencing);
    let membership = lost.map(|_| (Phase::Membership, Duration::from_micros(left - began)));
    let delayed = delay.map(|delay| (Phase::FencingDelay, delay));
    let fencing = (Phase::Fencing, fencing.saturating_sub(delay.unwrap_or_default()));
    let phases = membership.into_iter().chain([fencing]).chain(delayed);
    Some((Cause::Fenced, began, phases.collect()))
}

/// The last word of a node that was lost before it was fenced, and when it was out of the membership.
fn loss(events: &Events<'_>, fenced: u64) -> Option<(u64, u64)> {
    let noticed = events.iter().rev().find_map(|(time, event)| match event {
        Event::TokenLost(silence) if *time <= fenced => Some((*time, *silence)),
        _ => None,
    });
    let (noticed, silence) = noticed.filter(|(time, _)| !joined(events, *time, fenced))?;
    let is_left = |(time, event): &&(u64, Event<'_>)| *time >= noticed && *event == Event::MemberLeft;
    let (left, _) = events.iter().find(is_left)?;
    Some((noticed.saturating_sub(micros(silence)), *left))
}

/// The group was stopped on the other node. How long that took, only its own journal tells; when it was over, DRBD on the node
/// that serves now.
fn stop(
    members: &Members,
    moved: &Moved,
    new: &[(u64, Event<'_>)],
    old: &[(u64, Event<'_>)],
    before: u64,
) -> Option<Departure> {
    let took = stopping(members, &moved.from, old);
    let demoted = new.iter().rfind(|(time, event)| {
        *time <= before
            && matches!(event, Event::PeerDemoted(of) if members.drbd.iter().any(|name| name == of))
    });
    let first = || {
        let is_first = |event: &Event<'_>| matches!(event, Event::Begun(begun) if begun.task == "start" && begun.node == moved.to && members.has(begun.resource));
        new.iter()
            .rfind(|(time, event)| *time <= before && is_first(event))
    };
    let over = match members.volumes.is_empty() {
        false => demoted?.0,
        // Nothing else says that it was there.
        true => took.and_then(|_| Some(first()?.0))?,
    };
    let began = over.saturating_sub(micros(took.unwrap_or_default()));
    let phases = took.map(|took| (Phase::Stop, took)).into_iter().collect();
    Some((Cause::Stopped, began, phases))
}

/// From the first member that was stopped until the last, or the volumes, were.
fn stopping(members: &Members, node: &str, old: &[(u64, Event<'_>)]) -> Option<Duration> {
    let of_member = |operation: &Operation<'_>, task: &str| {
        operation.node == node && operation.task == task && members.has(operation.resource)
    };
    let is_end = |event: &Event<'_>| match event {
        Event::Done(done) if done.task == "demote" => {
            done.node == node && members.volumes.iter().any(|id| id == done.resource)
        }
        Event::Done(done) => members.volumes.is_empty() && of_member(done, "stop"),
        _ => false,
    };
    let end = old.iter().rposition(|(_, event)| is_end(event))?;
    let started = old[..end]
        .iter()
        .rposition(|(_, event)| matches!(event, Event::Done(done) if of_member(done, "start")));
    let began = old[started.unwrap_or(0)..end]
        .iter()
        .find(|(_, event)| matches!(event, Event::Begun(begun) if of_member(begun, "stop")))?;
    Some(Duration::from_micros(old[end].0 - began.0))
}
