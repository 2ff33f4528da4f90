//! A look at what changes by itself: the cluster, DRBD, addresses, file systems, whether services answer (`scripts/fresh`). It takes
//! a fraction of a whole look's time, and is laid over the last one.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use hapair_model::observed::{Host, Question};

use crate::{
    answered,
    bundle::is_word,
    frames::{self, Sections},
    parse::{drbd, system},
};

const SCRIPT: &str = concat!(include_str!("../scripts/fresh"), "\nglance \"$1\"\n");
/// The sections that a glance brings.
const FRESH: [&str; 5] = ["crm-mon", "addresses", "drbd", "mounts", "usage"];
/// Those of which there may be several, by how their names begin.
const FRESH_KINDS: [&str; 2] = ["drbd-gi.", "answer."];

/// The last whole look at a host: what was asked, and the answer, packed: there are many pairs, and most of them are at rest.
#[derive(Debug)]
pub struct LastLook {
    question: Question,
    packed: Vec<u8>,
}

impl LastLook {
    /// Keeps an answer. One that has keys in it is not kept.
    pub fn keep(question: &Question, answer: &[u8]) -> Option<Self> {
        if !question.keys.is_empty() {
            return None;
        }
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(answer).ok()?;
        Some(Self {
            question: question.clone(),
            packed: packer.finish().ok()?,
        })
    }

    /// What is to be run on the host: its environment, and the script, which is always the same. The answer has the number: one that
    /// comes late is no answer to the next question.
    pub fn script(&self, number: u64) -> Option<String> {
        let probes = self.question.probes.iter();
        let probes =
            probes.flat_map(|probe| [probe.group.clone(), probe.timeout.to_string(), probe.url.clone()]);
        let (units, probes) = (words(self.question.units.iter().cloned())?, words(probes)?);
        Some(format!(
            "units={units}\nprobes={probes}\nnumber={number}\n\n{SCRIPT}"
        ))
    }

    /// The host as it is now; nothing where the glance did not find what a whole look would.
    pub fn refreshed(&self, glance: &[u8], number: u64) -> Option<Host> {
        let mut answer = Vec::new();
        DeflateDecoder::new(self.packed.as_slice())
            .read_to_end(&mut answer)
            .ok()?;
        let mut sections = frames::read(&answer).ok()?;
        let fresh = frames::read(glance).ok()?;
        if fresh.get("glance")?.text != number.to_string() {
            return None;
        }
        // Where a cluster or a leg has come or gone since, so has more than is asked for: below a leg that is up nobody looks.
        let has_changed = legs(&sections) != legs(&fresh);
        if has_changed || !is_well(&sections, "crm-mon") || !is_well(&fresh, "crm-mon") {
            return None;
        }
        let states = &fresh.get("unit-states")?.text;
        if let Some(units) = sections.get_mut("units") {
            units.text = system::with_states(&units.text, &self.question.units, states)?;
        }
        sections.retain(|name, _| !is_fresh(name));
        sections.extend(fresh.into_iter().filter(|(name, _)| is_fresh(name)));
        Some(answered(&sections, &self.question))
    }
}

/// Words for a script that splits at spaces. The API's patterns let nothing else in; where something else is, there is no glance.
fn words(all: impl Iterator<Item = String>) -> Option<String> {
    let known = |word: String| is_word(&word).then_some(word);
    Some(all.map(known).collect::<Option<Vec<_>>>()?.join(" "))
}

/// The names of the DRBD resources that are up.
fn legs(sections: &Sections) -> BTreeSet<String> {
    let text = sections.get("drbd").map_or("", |section| section.text.as_str());
    drbd::resources(text).into_keys().collect()
}

fn is_fresh(name: &str) -> bool {
    FRESH.contains(&name) || FRESH_KINDS.iter().any(|kind| name.starts_with(kind))
}

fn is_well(sections: &Sections, name: &str) -> bool {
    sections.get(name).is_some_and(|section| section.code == 0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use hapair_model::observed::Probe;

    use super::*;

    const CLUSTER: &str = include_str!("../fixtures/crm_mon/pacemaker-2.1.5-serving.xml");

    fn answer(sections: &[(&str, i32, &str)]) -> Vec<u8> {
        let section = |(name, code, text): &(&str, i32, &str)| {
            format!("section {name} {code} {}\n{text}\n", text.len())
        };
        let text: String = sections.iter().map(section).collect();
        (text + "end\n").into_bytes()
    }

    fn look(cluster: i32) -> LastLook {
        let whole = [
            ("name", 0, "node1"),
            ("crm-mon", cluster, CLUSTER),
            ("mounts", 0, "/dev/drbd0 /srv rw"),
            ("usage", 0, "usage"),
            ("drbd-module", 0, "8.4.11"),
            (
                "units",
                0,
                "Id=tomcat10.service\nLoadState=loaded\nActiveState=active\nUser=tomcat",
            ),
        ];
        let question = Question {
            units: vec!["tomcat10".into()],
            ..Question::default()
        };
        LastLook::keep(&question, &answer(&whole)).unwrap()
    }

    /// Whether tomcat runs, as systemd tells it.
    const fn tomcat(active: &str) -> (&str, i32, &str) {
        ("unit-states", 0, active)
    }

    const RUNS: &str = r#"{"type":"a(ssssssouso)","data":[[["tomcat10.service","Tomcat","loaded","active","running","","/org",0,"","/"]]]}"#;
    const FAILED: &str = r#"{"type":"a(ssssssouso)","data":[[["tomcat10.service","Tomcat","loaded","failed","failed","","/org",0,"","/"]]]}"#;

    #[test]
    fn what_is_fresh_replaces_what_was_and_the_rest_stays() {
        let fresh = answer(&[
            ("glance", 0, "7"),
            tomcat(FAILED),
            ("crm-mon", 0, CLUSTER),
            ("mounts", 0, ""),
        ]);
        assert!(
            look(0).refreshed(&fresh, 8).is_none(),
            "it answers another question"
        );
        let host = look(0).refreshed(&fresh, 7).unwrap();
        assert_eq!((host.name.as_str(), host.drbd_major), ("node1", Some(8)));
        assert!(host.cluster.is_some());
        let unit = &host.units["tomcat10"];
        assert!(
            !unit.is_active() && unit.user.as_deref() == Some("tomcat"),
            "{unit:?}"
        );
        assert!(
            host.filesystems.is_empty(),
            "it was unmounted: {:?}",
            host.filesystems
        );
    }

    #[test]
    fn a_cluster_that_came_or_went_and_an_answer_that_is_cut_off_need_a_whole_look() {
        let (well, gone) = (
            answer(&[("glance", 0, "7"), tomcat(RUNS), ("crm-mon", 0, CLUSTER)]),
            answer(&[
                ("glance", 0, "7"),
                tomcat(RUNS),
                ("crm-mon", 102, "not connected"),
            ]),
        );
        assert!(look(0).refreshed(&well, 7).is_some());
        let unknown = answer(&[("glance", 0, "7"), tomcat(""), ("crm-mon", 0, CLUSTER)]);
        assert!(
            look(0).refreshed(&unknown, 7).is_none(),
            "systemd has not answered"
        );
        assert!(look(0).refreshed(&gone, 7).is_none());
        assert!(look(102).refreshed(&well, 7).is_none());
        let with_leg = [
            ("glance", 0, "7"),
            tomcat(RUNS),
            ("crm-mon", 0, CLUSTER),
            (
                "drbd",
                0,
                "exists resource name:logs role:Primary suspended:no\nexists -\n",
            ),
        ];
        assert!(
            look(0).refreshed(&answer(&with_leg), 7).is_none(),
            "a leg has come up"
        );
        assert!(look(0).refreshed(&well[..well.len() - 4], 7).is_none());
        let with_keys = Question {
            keys: vec!["/etc/corosync/authkey".into()],
            ..Question::default()
        };
        assert!(LastLook::keep(&with_keys, &well).is_none());
    }

    fn asking(group: &str, url: &str) -> Option<String> {
        let probe = Probe {
            group: group.into(),
            timeout: 3,
            url: url.into(),
        };
        let question = Question {
            probes: vec![probe],
            ..Question::default()
        };
        LastLook::keep(&question, &answer(&[])).unwrap().script(7)
    }

    #[test]
    fn the_script_prints_sections_and_holds_words_only() {
        let script = asking("tomcat", "http://127.0.0.1:9/").unwrap();
        let (environment, script) = script.split_once("\n\n").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let printed = Command::new("sh")
            .args(["-c", script, "glance"])
            .envs(environment.lines().map(|line| line.split_once('=').unwrap()))
            .arg(folder.path())
            .output()
            .unwrap();
        let sections = frames::read(&printed.stdout).unwrap();
        assert_eq!(sections["answer.tomcat"].text, "000", "{sections:?}");
        assert_eq!(sections["addresses"].code, 0, "{sections:?}");
        assert!(sections.contains_key("crm-mon"), "{sections:?}");
        assert!(sections.contains_key("unit-states"), "{sections:?}");
        for url in ["http://x/\nnumber=1", "http://x/ y", "-o", ""] {
            assert_eq!(asking("tomcat", url), None, "{url}");
        }
    }
}
