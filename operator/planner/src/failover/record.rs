//! Lines of a journal that tell of a failover, as pacemaker 2.0 to 3.0, corosync 3 and DRBD's kernel module write them. What
//! is worded otherwise is no event.

use std::time::Duration;

use hapair_model::host::Line;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing was heard of the other node for so long (corosync, totemsrp.c).
    TokenLost(Duration),
    /// A membership without a node that was in it.
    MemberLeft,
    /// A membership with a node that was not in it.
    MemberJoined,
    /// The controller has a node fenced.
    FencingAsked(&'a str),
    /// A device waits before it fences a node.
    FencingDelayed(&'a str, Duration),
    /// A node was fenced.
    Fenced(&'a str),
    /// The controller has an operation begun on its own node.
    Begun(Operation<'a>),
    /// An operation on the controller's own node ended well.
    Done(Operation<'a>),
    /// DRBD has heard that the peer's leg of this resource is not Primary any more.
    PeerDemoted(&'a str),
}

/// An operation of a resource on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// What is done.
    pub task: &'a str,
    /// With which resource.
    pub resource: &'a str,
    /// On which node.
    pub node: &'a str,
}

/// The events of a journal, each with its time in microseconds since 1970.
pub fn events(lines: &[Line]) -> Vec<(u64, Event<'_>)> {
    let told = lines
        .iter()
        .flat_map(|line| of_line(line).map(|event| (line.time, event)));
    told.collect()
}

fn of_line(line: &Line) -> impl Iterator<Item = Event<'_>> {
    let message = line.message.trim_start();
    let (left, other) = match line.source.as_str() {
        "corosync" => (left(message), of_corosync(message)),
        "pacemaker-controld" => (None, of_controller(message)),
        "pacemaker-fenced" => (None, of_fencer(message)),
        "kernel" => (None, of_kernel(message)),
        _ => (None, None),
    };
    left.into_iter().chain(other)
}

/// A membership may lack a node and have another one at once.
fn left(message: &str) -> Option<Event<'_>> {
    let formed = after(message, "A new membership (")?;
    formed.contains(" left:").then_some(Event::MemberLeft)
}

fn of_corosync(message: &str) -> Option<Event<'_>> {
    if let Some(rest) = after(message, "token timed out (") {
        let milliseconds = rest.split_once("ms)")?.0.parse().ok()?;
        return Some(Event::TokenLost(Duration::from_millis(milliseconds)));
    }
    let formed = after(message, "A new membership (")?;
    formed.contains("joined:").then_some(Event::MemberJoined)
}

/// `drbd logs/0 drbd0: peer( Primary -> Secondary )`, of DRBD 8.4.
fn of_kernel(message: &str) -> Option<Event<'_>> {
    let (of, _) = message.split_once(": peer( Primary -> Secondary )")?;
    let resource = of.strip_prefix("drbd ")?;
    let end = resource.find(['/', ' ']).unwrap_or(resource.len());
    Some(Event::PeerDemoted(&resource[..end]))
}

fn of_controller(message: &str) -> Option<Event<'_>> {
    if let Some(rest) = after(message, "Requesting fencing (") {
        return Some(Event::FencingAsked(word(after(rest, " node ")?)));
    }
    if let Some(rest) = after(message, "Requesting local execution of ") {
        return Some(Event::Begun(operation(rest)?.0));
    }
    let (operation, result) = operation(after(message, "Result of ")?)?;
    let result = result.trim_start_matches(": ");
    let is_well = ["ok", "OK", "0 (ok)"].iter().any(|well| result.starts_with(well));
    is_well.then_some(Event::Done(operation))
}

/// `start operation for filesystem-logs on node2`, and what stands behind it.
fn operation(text: &str) -> Option<(Operation<'_>, &str)> {
    let (task, rest) = text.split_once(" operation for ")?;
    let (resource, rest) = rest.split_once(" on ")?;
    let node = word(rest);
    Some((
        Operation {
            task,
            // An instance of a clone has its number behind it.
            resource: resource.split(':').next().unwrap_or(resource),
            node,
        },
        &rest[node.len()..],
    ))
}

fn of_fencer(message: &str) -> Option<Event<'_>> {
    if let Some(rest) = after(message, "Delaying ") {
        let target = word(after(rest, " targeting ")?);
        let seconds = rest.rsplit_once(" for ")?.1.split_once('s')?.0.parse().ok()?;
        return Some(Event::FencingDelayed(target, Duration::from_secs(seconds)));
    }
    // With a process id behind it, it is what one device did.
    let (_, rest) = after(message, "Operation '")?.split_once("' targeting ")?;
    rest.contains(": OK").then(|| Event::Fenced(word(rest)))
}

fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.split_once(words).map(|(_, rest)| rest)
}

/// Up to the first character that is in no name of a node.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | ';'));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str, message: &str) -> Option<Event<'static>> {
        let line = Box::leak(Box::new(Line {
            time: 0,
            source: source.into(),
            priority: 5,
            message: message.into(),
        }));
        of_line(line).next()
    }

    #[test]
    fn each_version_is_understood() {
        let operation = |task, resource, node| Operation { task, resource, node };
        let (controller, fencer) = ("pacemaker-controld", "pacemaker-fenced");
        let started = operation("start", "filesystem-logs", "node2");
        for (source, message, event) in [
            // corosync 3.1.7 and 3.1.9.
            (
                "corosync",
                "  [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms), waiting 3600ms for consensus.",
                Event::TokenLost(Duration::from_secs(3)),
            ),
            (
                "corosync",
                "  [TOTEM ] A new membership (1.27) was formed. Members left: 2",
                Event::MemberLeft,
            ),
            (
                "corosync",
                "  [TOTEM ] A new membership (1.30) was formed. Members joined: 2",
                Event::MemberJoined,
            ),
            // pacemaker 2.0.5, 2.1.5 and 3.0.0.
            (
                controller,
                " notice: Result of start operation for filesystem-logs on node2: 0 (ok)",
                Event::Done(started),
            ),
            (
                controller,
                " notice: Result of start operation for filesystem-logs on node2: ok",
                Event::Done(started),
            ),
            (
                controller,
                " notice: Result of promote operation for volume-logs on node2: OK",
                Event::Done(operation("promote", "volume-logs", "node2")),
            ),
            (
                controller,
                " notice: Requesting local execution of stop operation for probe-tomcat on node1",
                Event::Begun(operation("stop", "probe-tomcat", "node1")),
            ),
            (
                controller,
                " notice: Requesting fencing (reboot) of node node2",
                Event::FencingAsked("node2"),
            ),
            (
                controller,
                " notice: Requesting fencing (reboot) targeting node node2",
                Event::FencingAsked("node2"),
            ),
            (
                fencer,
                " notice: Delaying 'reboot' action targeting node2 using fence-node2-1 for 5s",
                Event::FencingDelayed("node2", Duration::from_secs(5)),
            ),
            (
                fencer,
                " notice: Operation 'reboot' targeting node2 by node1 for pacemaker-controld.1649@node1: OK (complete)",
                Event::Fenced("node2"),
            ),
            (
                fencer,
                " notice: Operation 'reboot' targeting node2 on node1 for pacemaker-controld.1649@node1.ab12: OK",
                Event::Fenced("node2"),
            ),
            (
                "kernel",
                "drbd logs/0 drbd0: peer( Primary -> Secondary ) ",
                Event::PeerDemoted("logs"),
            ),
        ] {
            assert_eq!(read(source, message), Some(event), "{message}");
        }
    }

    #[test]
    fn what_went_wrong_or_is_not_over_is_no_end() {
        for (source, message) in [
            (
                "pacemaker-controld",
                " notice: Result of start operation for filesystem-logs on node2: error",
            ),
            (
                "pacemaker-controld",
                " notice: Result of start operation for filesystem-logs on node2: 5 (not installed)",
            ),
            (
                "pacemaker-fenced",
                " notice: Operation 'reboot' [4914] targeting node2 using fence-node2-1 returned 0",
            ),
            (
                "pacemaker-fenced",
                " error: Operation 'reboot' targeting node2 by node1 for pacemaker-controld.1649@node1: No such device",
            ),
            // What another program says; the script that reads the journal takes root's and hacluster's lines only.
            (
                "tomcat",
                " notice: Result of start operation for filesystem-logs on node2: ok",
            ),
        ] {
            assert_eq!(read(source, message), None, "{message}");
        }
    }
}
