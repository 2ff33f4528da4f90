//! What a person reads in five seconds: how it is, why, what to do; then the pair as a tree.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use hapair_crds::{
    Condition, ConditionStatus, Failover, FloatingIP, HAPair, PutBack, ReplicatedVolume, ServiceGroup,
    UNOBSERVED, condition_types,
};
use hapair_model::Reason;
use jiff::Timestamp;
use kube::ResourceExt;

use crate::{advice, age::age, left_over, overview::Overview};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ATTENTION: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// Blocks of a bar.
const BAR: usize = 20;
/// Below this nothing is wrapped any more: a terminal that says so does not know.
const NARROWEST: usize = 20;

/// Draws a pair for a terminal of this width, with colours as escape sequences.
pub fn draw(overview: &Overview, now: Timestamp, width: usize) -> String {
    let mut screen = Screen {
        text: String::new(),
        width: width.max(NARROWEST),
    };
    screen.operator(overview, now);
    screen.headline(overview, now);
    screen.causes(overview);
    screen.tree(overview);
    if let Some(failover) = last_failover(overview) {
        let ago = age(now.duration_since(failover.start_time));
        screen.paragraph(
            "",
            &faint(&format!(
                "last failover, {ago} ago: {}",
                plain(&failover.to_string())
            )),
        );
    }
    if let Some(put_back) = last_put_back(overview) {
        let ago = age(now.duration_since(put_back.time));
        screen.paragraph(
            "",
            &faint(&format!(
                "last put back as declared, {ago} ago: {}. Who changes that on purpose declares it, or pauses the pair first",
                plain(&put_back.what)
            )),
        );
    }
    if let Some(told) = &overview.last_event {
        screen.paragraph(
            "",
            &faint(&format!(
                "last event, {} ago: {}",
                age(now.duration_since(told.time)),
                plain(advice::happened(&told.note))
            )),
        );
    }
    screen.text
}

fn last_failover(overview: &Overview) -> Option<&Failover> {
    overview.pair.status.as_ref()?.last_failover.as_ref()
}

fn last_put_back(overview: &Overview) -> Option<&PutBack> {
    overview.pair.status.as_ref()?.last_put_back.as_ref()
}

/// A space at which no line is broken.
const NO_BREAK: &str = "\u{a0}";

struct Screen {
    text: String,
    width: usize,
}

impl Screen {
    /// A paragraph under a label; its further lines begin where the first does.
    fn paragraph(&mut self, label: &str, text: &str) {
        let indent = " ".repeat(textwrap::core::display_width(label));
        self.wrapped(text, label, &indent);
    }

    /// Lines that are broken at spaces, but for those of a command: what is copied from the screen is whole.
    fn wrapped(&mut self, text: &str, first: &str, further: &str) {
        let options = textwrap::Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(further)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        let parts = text.split('`').enumerate();
        let unbroken: Vec<_> = parts
            .map(|(number, part)| match number % 2 {
                0 => part.to_owned(),
                _ => part.replace(' ', NO_BREAK),
            })
            .collect();
        for line in textwrap::wrap(&unbroken.join("`"), options) {
            self.text += line.replace(NO_BREAK, " ").trim_end();
            self.text.push('\n');
        }
    }

    fn operator(&mut self, overview: &Overview, now: Timestamp) {
        let operator = &overview.operator;
        if let Some(silence) = operator.silence(now) {
            let warning =
                format!("{silence} This status is as old as that; the hosts keep serving by themselves.");
            self.paragraph("", &styled(BAD, &warning));
        } else if let Some(why) = &operator.unknown {
            self.paragraph("", &styled(ATTENTION, &format!("The operator: {why}.")));
        } else if operator.holder.as_deref().unwrap_or_default().is_empty() {
            self.paragraph(
                "",
                &styled(
                    ATTENTION,
                    "No operator holds the Lease; this status may be stale.",
                ),
            );
        }
    }

    fn headline(&mut self, overview: &Overview, now: Timestamp) {
        let pair = &overview.pair;
        let name = styled(
            STRONG,
            &format!("{}/{}", pair.namespace().unwrap_or_default(), pair.name_any()),
        );
        let Some(ready) = pair_condition(pair, condition_types::READY).filter(|_| is_observed(pair)) else {
            self.paragraph("", &format!("{name}  {}", styled(ATTENTION, "not observed yet")));
            return self.paragraph(
                "  do: ",
                "wait a moment; if this stays, check that the operator runs and watches this namespace",
            );
        };
        let since = age(now.duration_since(ready.last_transition_time));
        let readiness = match ready.status {
            ConditionStatus::True => styled(GOOD, "Ready"),
            _ => format!("{} for {since}", styled(BAD, "Not ready")),
        };
        let serving = match pair_condition(pair, condition_types::AVAILABLE) {
            Some(Condition {
                status: ConditionStatus::True,
                ..
            }) => match active(pair) {
                Some(node) => styled(GOOD, &format!("serving on {node}")),
                None => styled(GOOD, "serving"),
            },
            Some(Condition {
                status: ConditionStatus::False,
                ..
            }) => not_serving(overview),
            Some(Condition { reason, .. }) if reason == "NothingDeclared" => faint("no service"),
            _ => styled(ATTENTION, "service state unknown"),
        };
        self.paragraph("", &format!("{name}  {readiness}, {serving}"));
        if pair.status.as_ref().and_then(|status| status.observed_generation) < pair.metadata.generation {
            self.paragraph(
                "  ",
                &styled(ATTENTION, "The spec has changed since the operator last looked."),
            );
        }
        if pair.metadata.deletion_timestamp.is_some() {
            self.paragraph("  ", &styled(ATTENTION, "It is being deleted."));
        }
    }

    /// Everything that is not as it should be, each once, with what to do.
    fn causes(&mut self, overview: &Overview) {
        let causes = causes(&overview.pair);
        for cause in &causes {
            let (message, remedy) = advice::of(&cause.reason, &cause.message);
            self.paragraph(
                "  why: ",
                &format!("{}: {}", styled(ATTENTION, &cause.reason), plain(message)),
            );
            self.paragraph("  do:  ", &plain(&remedy));
        }
        if causes.is_empty() && is_observed(&overview.pair) {
            self.paragraph("  do:  ", "nothing");
        }
    }

    fn tree(&mut self, overview: &Overview) {
        let mut branches = Vec::new();
        for (_, node) in overview.pair.spec.nodes_by_name() {
            branches.push(self::node(&overview.pair, &node.name));
        }
        branches.push(("fencing".to_owned(), fencing(&overview.pair)));
        branches.extend(overview.volumes.iter().map(|each| {
            (
                format!("volume {}", each.name_any()),
                volume(&overview.pair, each),
            )
        }));
        branches.extend(overview.floating_ips.iter().map(|each| {
            (
                format!("address {}", each.name_any()),
                floating_ip(&overview.pair, each),
            )
        }));
        branches.extend(
            overview
                .groups
                .iter()
                .map(|each| (format!("group {}", each.name_any()), group(&overview.pair, each))),
        );
        branches.extend(released(&overview.pair).map(|names| ("released".to_owned(), names)));
        let longest = branches
            .iter()
            .map(|(label, _)| textwrap::core::display_width(label))
            .max()
            .unwrap_or_default();
        let last = branches.len().saturating_sub(1);
        for (number, (label, text)) in branches.iter().enumerate() {
            let (branch, trunk) = if number == last {
                ("└─", "  ")
            } else {
                ("├─", "│ ")
            };
            let padding = " ".repeat(longest - textwrap::core::display_width(label));
            // On a narrow terminal what is said of a thing goes under its name.
            let is_narrow = self.width < longest + 30;
            let first = if is_narrow {
                format!("{trunk}   ")
            } else {
                format!("{branch} {label}{padding}  ")
            };
            let further = if is_narrow {
                format!("{trunk}   ")
            } else {
                format!("{trunk} {}", " ".repeat(longest + 2))
            };
            if is_narrow {
                let _ = writeln!(self.text, "{branch} {label}");
            }
            for (line, text) in text.lines().enumerate() {
                self.wrapped(text, if line == 0 { &first } else { &further }, &further);
            }
        }
    }
}

/// What is wrong with a pair, the worst first: that nobody is served, then what holds it up, then what would
/// not survive the next fault.
fn causes(pair: &HAPair) -> Vec<&Condition> {
    use condition_types::{AVAILABLE, FENCING_READY, PAUSED, READY, REDUNDANCY_HEALTHY};
    let mut found: Vec<&Condition> = Vec::new();
    for (type_, good) in [
        (READY, ConditionStatus::True),
        (AVAILABLE, ConditionStatus::True),
        (REDUNDANCY_HEALTHY, ConditionStatus::True),
        (FENCING_READY, ConditionStatus::True),
        (PAUSED, ConditionStatus::False),
    ] {
        let condition = pair_condition(pair, type_)
            .filter(|condition| condition.status != good && condition.reason != "NothingDeclared");
        if let Some(condition) =
            condition.filter(|one| found.iter().all(|other| other.message != one.message))
        {
            found.push(condition);
        }
    }
    found
}

fn node(pair: &HAPair, name: &str) -> (String, String) {
    let status = pair
        .status
        .as_ref()
        .and_then(|status| status.nodes.iter().find(|node| node.name == name));
    let text = match status {
        None => styled(ATTENTION, "not observed yet"),
        Some(node) => {
            let style = if node.state == "Online" { GOOD } else { ATTENTION };
            let style = if matches!(node.state.as_str(), "Offline" | "Unclean") {
                BAD
            } else {
                style
            };
            let silent = if node.reachable {
                String::new()
            } else {
                format!(", {}", styled(BAD, "no answer over SSH"))
            };
            let active = if active(pair) == Some(name) {
                ", active"
            } else {
                ""
            };
            format!("{}{active}{silent}", styled(style, &node.state))
        }
    };
    (format!("node {name}"), text)
}

/// What the cluster still runs of objects that are gone.
fn released(pair: &HAPair) -> Option<String> {
    let (names, what) = left_over::told(pair)?;
    Some(format!("{}\n{what}", styled(ATTENTION, &plain(&names))))
}

fn fencing(pair: &HAPair) -> String {
    let word = pair
        .status
        .as_ref()
        .and_then(|status| status.fencing.as_deref())
        .unwrap_or("Unknown");
    let style = match word {
        "Ready" => GOOD,
        "Disabled" | "NotReady" => BAD,
        _ => ATTENTION,
    };
    styled(style, word)
}

fn volume(pair: &HAPair, volume: &ReplicatedVolume) -> String {
    let mount = &volume.spec.filesystem.mount_point;
    let Some(status) = &volume.status else {
        return format!("{mount}, {}", styled(ATTENTION, "not observed yet"));
    };
    let data = status.data.as_deref().unwrap_or("Unknown/Unknown");
    let legs: Vec<_> = pair
        .spec
        .nodes_by_name()
        .into_iter()
        .zip(data.split('/'))
        .map(|((_, node), disk)| leg(&node.name, disk, status.primary.as_deref()))
        .collect();
    let link = match holds(&status.conditions, condition_types::CONNECTED) {
        Some(ConditionStatus::True) => styled(GOOD, "══"),
        Some(ConditionStatus::False) => styled(BAD, "╳"),
        _ => styled(ATTENTION, "··"),
    };
    let split = holds(&status.conditions, condition_types::SPLIT_BRAIN) == Some(ConditionStatus::True);
    let split = if split {
        format!("\n{}", styled(BAD, "SPLIT BRAIN: the two hold diverged data"))
    } else {
        String::new()
    };
    let sync = status
        .synced
        .as_deref()
        .map(|done| format!("\n{}", bar(done)))
        .unwrap_or_default();
    let trouble = trouble(pair, &status.conditions)
        .map(|text| format!("\n{text}"))
        .unwrap_or_default();
    format!(
        "{}\n{mount}{sync}{split}{trouble}",
        legs.join(&format!(" {link} "))
    )
}

fn leg(node: &str, disk: &str, primary: Option<&str>) -> String {
    let style = match disk {
        "UpToDate" => GOOD,
        "Diskless" | "Failed" => BAD,
        _ => ATTENTION,
    };
    let primary = if primary == Some(node) { " Primary" } else { "" };
    format!("{node} {}{primary}", styled(style, disk))
}

/// How far a resync is, from what the status has: "45%".
fn bar(done: &str) -> String {
    let percent: usize = done.trim_end_matches('%').parse().unwrap_or(0).min(100);
    let full = percent * BAR / 100;
    format!("resync {}{} {done}", "█".repeat(full), "░".repeat(BAR - full))
}

fn floating_ip(pair: &HAPair, ip: &FloatingIP) -> String {
    let address = &ip.spec.address;
    let conditions = ip
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    let node = ip.status.as_ref().and_then(|status| status.node.as_deref());
    match (holds(conditions, condition_types::ASSIGNED), node) {
        (Some(ConditionStatus::True), Some(node)) => format!("{address} on {}", styled(GOOD, node)),
        (None, _) => format!("{address}, {}", styled(ATTENTION, "not observed yet")),
        (Some(ConditionStatus::Unknown), _) => format!("{address}, {}", styled(ATTENTION, "not known where")),
        _ => format!(
            "{address} {}{}",
            styled(BAD, where_it_is(conditions)),
            trouble(pair, conditions)
                .map(|text| format!("\n{text}"))
                .unwrap_or_default()
        ),
    }
}

/// Where an address is that is not on the node where it has to be alone.
fn where_it_is(conditions: &[Condition]) -> &'static str {
    let assigned = find(conditions, condition_types::ASSIGNED);
    match assigned.is_some_and(|condition| condition.reason == Reason::AssignedTwice.name()) {
        true => "on both nodes",
        false => "on no node",
    }
}

fn group(pair: &HAPair, group: &ServiceGroup) -> String {
    let conditions = group
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    match find(conditions, condition_types::AVAILABLE) {
        None => trouble(pair, conditions).unwrap_or_else(|| styled(ATTENTION, "not observed yet")),
        Some(available) => {
            let style = match available.status {
                ConditionStatus::True => GOOD,
                ConditionStatus::False => BAD,
                ConditionStatus::Unknown => ATTENTION,
            };
            styled(style, &plain(advice::happened(&available.message)))
        }
    }
}

/// Why a child is not ready, unless the pair says so itself.
fn trouble(pair: &HAPair, conditions: &[Condition]) -> Option<String> {
    let is_told_above = |ready: &&Condition| causes(pair).iter().any(|cause| cause.message == ready.message);
    let ready = find(conditions, condition_types::READY)
        .filter(|ready| ready.status != ConditionStatus::True && !is_told_above(ready))?;
    Some(format!(
        "{}: {}",
        styled(ATTENTION, &ready.reason),
        plain(advice::happened(&ready.message))
    ))
}

fn is_observed(pair: &HAPair) -> bool {
    pair.status
        .as_ref()
        .and_then(|status| status.observed_generation)
        .is_some_and(|generation| generation != UNOBSERVED)
}

fn active(pair: &HAPair) -> Option<&str> {
    pair.status.as_ref()?.active.as_deref()
}

/// A condition of the pair.
pub fn pair_condition<'a>(pair: &'a HAPair, type_: &str) -> Option<&'a Condition> {
    find(&pair.status.as_ref()?.conditions, type_)
}

fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

fn holds(conditions: &[Condition], type_: &str) -> Option<ConditionStatus> {
    find(conditions, type_).map(|condition| condition.status)
}

/// Without what a terminal would take for a command: messages carry what hosts said.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() && character != '\n' {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// What is served of a pair that is not Available: nothing, or not all.
fn not_serving(overview: &Overview) -> String {
    let available =
        |group: &ServiceGroup| holds(&group.status.as_ref()?.conditions, condition_types::AVAILABLE);
    let with = |status| {
        overview
            .groups
            .iter()
            .filter(move |group| available(group) == Some(status))
    };
    if with(ConditionStatus::True).next().is_none() {
        return styled(BAD, "NOT SERVING");
    }
    let away: Vec<_> = with(ConditionStatus::False)
        .map(|group| group.name_any())
        .collect();
    styled(BAD, &format!("NOT SERVING {}", away.join(", ")))
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn faint(text: &str) -> String {
    styled(FAINT, text)
}
