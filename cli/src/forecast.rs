//! A forecast in words: for a terminal, for a pull request, and as an exit status.

use std::collections::BTreeSet;

use hapair_model::answers::{Cause, ComingStage, Ending, Forecast, Interruption, Took};

use crate::screen::plain;

/// The exit status of `kubectl hapair plan --exit-code`.
pub fn status(forecast: &Forecast) -> u8 {
    let needs_person = !forecast.findings.is_empty() || matches!(forecast.end, Ending::Stopped(_));
    let interrupts = forecast.stages.iter().any(|stage| !stage.interrupts.is_empty());
    match (needs_person || interrupts, &forecast.end) {
        (true, _) | (false, Ending::Unknown) => 3,
        (false, Ending::Rest) if forecast.stages.is_empty() => 0,
        (false, _) => 2,
    }
}

/// What a person reads of it on a terminal.
pub fn text(forecast: &Forecast) -> String {
    let mut lines: Vec<_> = forecast.findings.iter().map(told).collect();
    if forecast.paused {
        lines.push("The pair is paused: what follows is what happens once it is resumed.".into());
    }
    for (at, stage) in forecast.stages.iter().enumerate() {
        lines.push(format!("{}. {}", at + 1, stage.name));
        lines.extend(steps(stage, "   "));
        lines.extend(consequences(stage).into_iter().map(|line| format!("   {line}")));
    }
    lines.extend(ending(forecast));
    lines.extend(verdict(forecast));
    lines.join("\n") + "\n"
}

/// The same as a comment of a pull request.
pub fn markdown(pair: &str, forecast: &Forecast) -> String {
    let mut lines = vec![format!("### HAPair {}", plain(pair)), String::new()];
    let headline = verdict(forecast).unwrap_or_else(|| "Nothing would be done.".into());
    lines.extend([format!("**{headline}**"), String::new()]);
    lines.extend(
        forecast
            .findings
            .iter()
            .map(|finding| format!("- {}", told(finding))),
    );
    for (at, stage) in forecast.stages.iter().enumerate() {
        lines.push(format!("{}. {}", at + 1, stage.name));
        for interruption in &stage.interrupts {
            lines.push(format!(
                "   - **interrupts {}**: `{}`",
                plain(&interruption.what),
                plain(&interruption.how)
            ));
        }
        lines.extend(duration(stage).map(|sentence| format!("   - {sentence}")));
        lines.extend(["".into(), "   ```text".into()]);
        lines.extend(steps(stage, "   "));
        lines.push("   ```".into());
    }
    lines.push(String::new());
    lines.extend(ending(forecast));
    lines.join("\n") + "\n"
}

fn told(cause: &Cause) -> String {
    format!("{} ({}): {}", cause.about, cause.reason, plain(&cause.message))
}

fn steps(stage: &ComingStage, margin: &str) -> Vec<String> {
    let nodes = stage.steps.iter().filter(|(_, steps)| !steps.is_empty());
    nodes
        .flat_map(|(node, steps)| {
            let steps = steps.iter().map(|step| format!("{margin}  {}", plain(step)));
            [format!("{margin}on {node}:")].into_iter().chain(steps)
        })
        .collect()
}

fn consequences(stage: &ComingStage) -> Vec<String> {
    let mut lines = Vec::new();
    if !stage.interrupts.is_empty() {
        lines.push("It interrupts:".into());
        let told = |each: &Interruption| format!("  {}: {}", plain(&each.what), plain(&each.how));
        lines.extend(stage.interrupts.iter().map(told));
        lines.extend(duration(stage).map(|sentence| format!("  {sentence}")));
    }
    if let Some(other) = stage.transition.as_ref().filter(|lines| !lines.is_empty()) {
        lines.push("Beside that, pacemaker would:".into());
        lines.extend(other.iter().map(|line| format!("  {}", plain(line))));
    }
    lines
}

/// How long what is interrupted took the last time. A group's resources stop and start one after the other.
fn duration(stage: &ComingStage) -> Option<String> {
    // Where one is not known, neither is the whole.
    let sum = |part: fn(&Took) -> Option<u64>| {
        let each: Option<Vec<_>> = stage.interrupts.iter().map(|each| part(&each.took)).collect();
        let each = each.filter(|each| !each.is_empty())?;
        Some(each.iter().sum::<u64>().div_ceil(1000))
    };
    // What is not started again starts in no time.
    let start = sum(|took| took.start).filter(|seconds| *seconds > 0);
    match (sum(|took| took.stop), start) {
        (Some(stop), Some(start)) => Some(format!(
            "The last time that took {} s: {stop} s to stop, {start} s to start.",
            stop + start
        )),
        (Some(stop), None) => Some(format!("The last time that took {stop} s to stop.")),
        (None, Some(start)) => Some(format!("The last time that took {start} s to start.")),
        (None, None) => None,
    }
}

fn ending(forecast: &Forecast) -> Vec<String> {
    match &forecast.end {
        Ending::Rest if forecast.stages.is_empty() && forecast.findings.is_empty() => {
            vec!["Nothing would be done: the hosts are as declared.".into()]
        }
        Ending::Rest if forecast.stages.is_empty() => vec!["Nothing is done until then.".into()],
        Ending::Rest => vec!["Then the hosts are as declared.".into()],
        Ending::LetGo => {
            vec!["Only the object is removed (deletionPolicy: Retain); the hosts keep serving.".into()]
        }
        Ending::Wait(what) if forecast.stages.is_empty() => {
            vec![format!("Nothing would be started: {}.", plain(what))]
        }
        Ending::Wait(what) => vec![format!("Then it waits: {}.", plain(what))],
        Ending::Stopped(causes) => {
            let causes = causes.iter().map(|cause| format!("  {}", told(cause)));
            ["Then a person has to act:".to_owned()]
                .into_iter()
                .chain(causes)
                .collect()
        }
        Ending::Unknown => {
            vec!["What comes then cannot be told: the operator probes the hosts and plans anew.".into()]
        }
    }
}

/// What the whole interrupts, unless nothing is done.
fn verdict(forecast: &Forecast) -> Option<String> {
    if forecast.stages.is_empty() {
        return None;
    }
    let mut interrupted: Vec<_> = forecast
        .stages
        .iter()
        .flat_map(|stage| &stage.interrupts)
        .map(|each| plain(&each.what))
        .collect();
    let mut seen = BTreeSet::new();
    interrupted.retain(|each| seen.insert(each.clone()));
    let is_known = matches!(forecast.end, Ending::Rest | Ending::LetGo);
    Some(match interrupted.is_empty() {
        true if is_known => "It interrupts nothing.".into(),
        true => "As far as it can be foreseen, it interrupts nothing.".into(),
        false => format!("It interrupts {}.", interrupted.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(stages: Vec<ComingStage>, end: Ending) -> Forecast {
        Forecast {
            stages,
            end,
            findings: Vec::new(),
            paused: false,
        }
    }

    fn stage(interrupts: &[(&str, &str)]) -> ComingStage {
        let interruption = |(what, how): &(&str, &str)| Interruption {
            what: (*what).into(),
            how: (*how).into(),
            took: Took::default(),
        };
        ComingStage {
            name: "configure the cluster".into(),
            steps: vec![
                ("node1".into(), vec!["push-cib: as one patch".into()]),
                ("node2".into(), Vec::new()),
            ],
            interrupts: interrupts.iter().map(interruption).collect(),
            transition: Some(vec!["Start fence-node1-2 ( node2 )".into()]),
        }
    }

    const MOVES: [(&str, &str); 2] = [
        ("group tomcat", "Move ip-web ( node1 -> node2 )"),
        ("group tomcat", "Restart service-tomcat-tomcat ( node1 )"),
    ];

    #[test]
    fn what_is_interrupted_comes_before_what_is_not() {
        assert_eq!(
            text(&forecast(vec![stage(&MOVES)], Ending::Rest)),
            "1. configure the cluster\n   on node1:\n     push-cib: as one patch\n   It interrupts:\n     \
             group tomcat: Move ip-web ( node1 -> node2 )\n     group tomcat: Restart service-tomcat-tomcat ( \
             node1 )\n   Beside that, pacemaker would:\n     Start fence-node1-2 ( node2 )\nThen the hosts \
             are as declared.\nIt interrupts group tomcat.\n"
        );
        assert!(text(&forecast(vec![stage(&[])], Ending::Rest)).ends_with("It interrupts nothing.\n"));
        let unknown = text(&forecast(vec![stage(&[])], Ending::Unknown));
        assert!(unknown.ends_with("As far as it can be foreseen, it interrupts nothing.\n"));
    }

    #[test]
    fn how_long_it_takes_is_told_where_all_of_it_is_known() {
        let mut moved = stage(&MOVES);
        let sentence = |stage: &ComingStage| duration(stage).unwrap_or_default();
        assert_eq!(sentence(&moved), "");
        moved.interrupts[0].took = Took {
            stop: Some(400),
            start: Some(700),
        };
        moved.interrupts[1].took = Took {
            stop: None,
            start: Some(9_600),
        };
        assert_eq!(sentence(&moved), "The last time that took 11 s to start.");
        moved.interrupts[1].took.stop = Some(5_000);
        assert_eq!(
            sentence(&moved),
            "The last time that took 17 s: 6 s to stop, 11 s to start."
        );
        let said = [
            text(&forecast(vec![moved.clone()], Ending::Rest)),
            markdown("web", &forecast(vec![moved], Ending::Rest)),
        ];
        assert!(
            said.iter()
                .all(|said| said.contains("The last time that took 17 s")),
            "{said:?}"
        );
    }

    #[test]
    fn a_pull_request_reads_first_what_is_interrupted() {
        let said = markdown("web", &forecast(vec![stage(&MOVES)], Ending::Rest));
        let head = "### HAPair web\n\n**It interrupts group tomcat.**\n\n1. configure the cluster\n   - **interrupts \
                    group tomcat**: `Move ip-web ( node1 -> node2 )`\n";
        assert!(said.starts_with(head), "{said}");
    }

    #[test]
    fn the_exit_status_tells_nothing_changes_and_interruptions_apart() {
        let finding = Cause {
            about: "the HAPair".into(),
            reason: "HostUnreachable".into(),
            message: "node1: no answer".into(),
        };
        let stopped = Ending::Stopped(vec![finding.clone()]);
        let held = Forecast {
            findings: vec![finding],
            ..forecast(Vec::new(), Ending::Rest)
        };
        let told = [
            forecast(Vec::new(), Ending::Rest),
            forecast(Vec::new(), Ending::Wait("packages are being installed".into())),
            forecast(vec![stage(&[])], Ending::Rest),
            forecast(vec![stage(&MOVES)], Ending::Rest),
            forecast(vec![stage(&[])], stopped),
            forecast(vec![stage(&[])], Ending::Unknown),
            held,
        ];
        assert_eq!(told.map(|each| status(&each)), [0, 2, 2, 3, 3, 3, 3]);
    }
}
