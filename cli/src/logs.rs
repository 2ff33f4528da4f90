//! `kubectl hapair logs`: what both hosts' journals say about the cluster, DRBD and the services, merged by
//! time.

use anstyle::{AnsiColor, Style};
use anyhow::{Result, bail};
use clap::Args;
use hapair_model::answers::{Entry, Logs};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::{
    access::Session,
    ask::{Asker, ask},
    screen::plain,
};

const ERROR: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FIRST: Style = AnsiColor::Cyan.on_default();
const SECOND: Style = AnsiColor::Magenta.on_default();

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the only one of the namespace.
    name: Option<String>,
    /// How far back: 15m, 2h, 1d.
    #[arg(long, default_value = "15m", value_parser = seconds)]
    since: u32,
    /// At most so many lines of each host, the newest.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    lines: u32,
    /// Only this node's.
    #[arg(long)]
    node: Option<String>,
    /// Only warnings and worse.
    #[arg(long)]
    warnings: bool,
    /// The form.
    #[arg(long, short, value_parser = ["text", "json"], default_value = "text")]
    output: String,
    #[command(flatten)]
    asker: Asker,
}

fn seconds(text: &str) -> Result<u32, String> {
    // Hours, minutes and seconds are what a clock counts; a day is 24 hours here.
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok())
        .and_then(|days| days.checked_mul(86_400));
    let parsed = days.or_else(|| u32::try_from(text.parse::<SignedDuration>().ok()?.as_secs()).ok());
    parsed
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "expected a time such as 90s, 15m, 2h or 1d".into())
}

/// Shows the logs.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let pair = session.pair(arguments.name.as_deref()).await?;
    let nodes: Vec<_> = pair
        .spec
        .nodes_by_name()
        .into_iter()
        .map(|(_, node)| node.name.as_str())
        .collect();
    if let Some(node) = arguments.node.as_deref().filter(|node| !nodes.contains(node)) {
        bail!(
            "{node:?} is no node of {}; it has {}",
            pair.name_any(),
            nodes.join(" and ")
        );
    }
    let what = format!("logs?seconds={}&lines={}", arguments.since, arguments.lines);
    let mut logs: Logs = ask(session, &arguments.asker, &pair.name_any(), &what, None).await?;
    logs.entries.retain(|entry| {
        arguments.node.as_ref().is_none_or(|node| entry.node == *node)
            && (!arguments.warnings || entry.priority <= 4)
    });
    if arguments.output == "json" {
        anstream::println!("{}", serde_json::to_string_pretty(&logs)?);
    } else {
        for entry in &logs.entries {
            anstream::println!("{}", line(entry, nodes.first() == Some(&entry.node.as_str())));
        }
    }
    for node in &logs.shortened {
        anstream::eprintln!("{node} has older lines than these (--lines)");
    }
    for gap in &logs.gaps {
        anstream::eprintln!("nothing is known from {}: {}", gap.node, plain(&gap.why));
    }
    if logs.gaps.len() == nodes.len() {
        bail!("neither host could be asked")
    } else {
        Ok(())
    }
}

fn line(entry: &Entry, is_first: bool) -> String {
    let time = Timestamp::from_microsecond(entry.time.try_into().unwrap_or_default()).unwrap_or_default();
    let node = if is_first { FIRST } else { SECOND };
    let style = match entry.priority {
        0..=3 => ERROR,
        4 => WARNING,
        _ => Style::new(),
    };
    let (source, message) = (plain(&entry.source), plain(entry.message.trim()));
    format!(
        "{time:.3} {node}{}{node:#} {source}: {style}{message}{style:#}",
        entry.node
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(
            ["90s", "15m", "2h", "1d", "1h30m"].map(seconds),
            [Ok(90), Ok(900), Ok(7200), Ok(86_400), Ok(5400)]
        );
        assert!(
            ["", "15", "-1h", "0s", "soon", "99999999999d"]
                .iter()
                .all(|text| seconds(text).is_err())
        );
    }

    #[test]
    fn what_a_host_wrote_cannot_move_the_cursor() {
        let entry = Entry {
            time: 1_763_930_000_123_456,
            node: "node1".into(),
            source: "x".into(),
            priority: 6,
            message: "\x1b[2Jgone".into(),
        };
        let text = anstream::adapter::strip_str(&line(&entry, true)).to_string();
        assert!(
            text.starts_with("2025-11-23T20:33:20.123Z node1 x: ") && !text.contains('\x1b'),
            "{text:?}"
        );
    }
}
