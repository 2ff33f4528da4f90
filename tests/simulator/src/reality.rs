//! What a pair's status tells of a scenario, state by state: once written down, the simulator and the real
//! hosts must both tell it so.

use std::collections::BTreeMap;

use serde_json::Value;

/// Conditions of the pair, in the order in which a script names them.
const CONDITIONS: [&str; 6] = [
    "Ready",
    "Available",
    "RedundancyHealthy",
    "HostsReachable",
    "Quorate",
    "FencingReady",
];

/// Scenarios that are played on both, each with its script: a line for each condition, its states as
/// `Status/Reason`. Of those in parentheses there may be any, in any order: they may begin and end between
/// two looks.
pub const SCRIPTS: [(&str, &str); 4] = [
    ("standby", include_str!("../reality/standby")),
    ("out of standby", include_str!("../reality/out-of-standby")),
    ("reboot", include_str!("../reality/reboot")),
    ("stale leg", include_str!("../reality/stale-leg")),
];

/// The states of each condition, one after the other, from an object's versions.
pub fn story<'a>(versions: impl IntoIterator<Item = &'a Value>) -> BTreeMap<&'static str, Vec<String>> {
    let mut story: BTreeMap<_, Vec<String>> = CONDITIONS.iter().map(|type_| (*type_, Vec::new())).collect();
    for version in versions {
        for condition in version["status"]["conditions"].as_array().into_iter().flatten() {
            let text = |field: &str| condition[field].as_str().unwrap_or_default();
            let state = format!("{}/{}", text("status"), text("reason"));
            let states = CONDITIONS
                .iter()
                .find(|type_| **type_ == text("type"))
                .and_then(|type_| story.get_mut(type_));
            if let Some(states) = states.filter(|states| states.last() != Some(&state)) {
                states.push(state);
            }
        }
    }
    story
}

/// What a story tells otherwise than its script.
pub fn differences(scenario: &str, story: &BTreeMap<&'static str, Vec<String>>) -> Vec<String> {
    let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| *name == scenario) else {
        return vec![format!("there is no script {scenario:?}")];
    };
    let mut found = Vec::new();
    for type_ in CONDITIONS {
        let line = script
            .lines()
            .find_map(|line| line.strip_prefix(type_)?.strip_prefix(": "))
            .unwrap_or_default();
        let wanted: Vec<_> = line.split(" > ").collect();
        let told = story.get(type_).map(Vec::as_slice).unwrap_or_default();
        if !fits(&wanted, told) {
            found.push(format!(
                "{scenario}: {type_} was to be {line}, and was {}",
                told.join(" > ")
            ));
        }
    }
    found
}

fn fits(script: &[&str], told: &[String]) -> bool {
    let Some((first, rest)) = script.split_first() else {
        return told.is_empty();
    };
    let next = told.first().map(String::as_str);
    match first
        .strip_prefix('(')
        .and_then(|states| states.strip_suffix(')'))
    {
        Some(states) => {
            fits(rest, told) || states.split(' ').any(|state| Some(state) == next) && fits(script, &told[1..])
        }
        None => Some(*first) == next && fits(rest, &told[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_in_parentheses_may_be_missed_and_no_others() {
        let told = |states: &[&str]| states.iter().map(|state| (*state).to_owned()).collect::<Vec<_>>();
        let script = ["True/A", "(False/B False/D)", "False/C", "True/A"];
        assert!(fits(
            &script,
            &told(&["True/A", "False/B", "False/D", "False/B", "False/C", "True/A"])
        ));
        assert!(fits(&script, &told(&["True/A", "False/C", "True/A"])));
        assert!(!fits(&script, &told(&["True/A", "False/B", "True/A"])));
        assert!(!fits(&script, &told(&["True/A", "False/C", "False/B", "True/A"])));
        assert!(!fits(&script, &told(&["True/A", "False/C"])));
        assert!(!fits(&script, &told(&["True/A", "False/C", "True/A", "False/C"])));
    }
}
