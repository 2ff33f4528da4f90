//! Answers of real hosts, damaged in every way: nothing panics or runs for ever, and damage never makes a
//! sick pair look healthy.
//!
//! The fixtures are whole answers of the probe from Debian 12 (pacemaker 2.1.5, DRBD 8.4.11): serving, with
//! the peer without power, and while the peer was resyncing.

use std::{collections::BTreeMap, time::Duration};

use hapair_model::observed::{ConnectionState, DiskState, Host, Probe, Question, ReplicationState, Role};

use crate::{
    assemble,
    frames::{self, Section, Sections},
};

const SERVING: &[u8] = include_bytes!("../fixtures/probes/serving");
const ALONE: &[u8] = include_bytes!("../fixtures/probes/peer-without-power");
const RESYNCING: &[u8] = include_bytes!("../fixtures/probes/resyncing");
const ALL: [&[u8]; 3] = [SERVING, ALONE, RESYNCING];

/// Whether a host's answer alone says that the pair is well: both nodes in the cluster, data current on both.
fn is_healthy(host: &Host) -> bool {
    let Some(cluster) = &host.cluster else {
        return false;
    };
    let nodes = cluster.nodes.len() == 2 && cluster.nodes.values().all(|node| node.state() == "Online");
    let volumes = !host.resources.is_empty()
        && host
            .resources
            .values()
            .all(|leg| leg.is_connected() && leg.is_up_to_date());
    cluster.decides() && nodes && volumes
}

fn sections(bytes: &[u8]) -> Sections {
    frames::read(bytes).expect("the fixture is whole")
}

/// A generator of its own, so that a failure can be had again.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state: u64 = 1;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    }
}

#[test]
fn the_fixtures_say_what_their_names_say() {
    let [serving, alone, resyncing] = ALL.map(|bytes| assemble::host(&sections(bytes)));
    assert!(is_healthy(&serving) && serving.resources["logs"].role == Role::Primary);
    assert_eq!(
        (
            &alone.resources["logs"].connection,
            &alone.resources["logs"].peer_disk
        ),
        (&ConnectionState::Connecting, &DiskState::Outdated)
    );
    assert_eq!(
        resyncing.resources["logs"].replication,
        ReplicationState::SyncSource
    );
    for host in [&alone, &resyncing] {
        assert!(!is_healthy(host));
    }
    assert_eq!(serving.cib.as_ref().map(|cib| cib.name.as_str()), Some("cib"));
    assert!(serving.packages.contains_key("pacemaker") && !serving.packages.contains_key("xfsprogs"));
    assert_eq!(serving.drbd_config["logs"].ports.first(), Some(&7789));
    let url = "http://10.77.0.100:8080/";
    let question = Question {
        probes: vec![Probe {
            group: "tomcat".into(),
            url: url.into(),
            timeout: 3,
        }],
        ..Question::default()
    };
    assert_eq!(assemble::answers(&sections(SERVING), &question)[url], 200);
}

#[test]
fn an_answer_cut_at_any_byte_is_no_answer() {
    for bytes in ALL {
        for end in 0..bytes.len() - 1 {
            assert!(frames::read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn a_flipped_byte_never_makes_a_sick_pair_healthy() {
    for bytes in [ALONE, RESYNCING] {
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1 << (at % 7);
            if let Ok(sections) = frames::read(&damaged) {
                assert!(!is_healthy(&assemble::host(&sections)), "byte {at}");
            }
        }
    }
}

/// Each section cut at each byte, as a tool leaves it that was killed, with the frame around it whole.
#[test]
fn a_section_cut_at_any_byte_never_makes_a_sick_pair_healthy() {
    for bytes in [ALONE, RESYNCING] {
        let whole = sections(bytes);
        for (name, section) in &whole {
            let ends: Vec<_> = (0..section.text.len())
                .filter(|end| section.text.is_char_boundary(*end))
                .collect();
            // A byte more or less of a long one makes no difference that its neighbours do not make.
            let step = (ends.len() / 150).max(1);
            for end in ends.into_iter().step_by(step) {
                let mut damaged = whole.clone();
                damaged.insert(
                    name.clone(),
                    Section {
                        code: 0,
                        text: section.text[..end].to_owned(),
                    },
                );
                assert!(!is_healthy(&assemble::host(&damaged)), "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn a_section_that_is_missing_or_failed_never_makes_a_sick_pair_healthy_or_a_device_blank() {
    for bytes in ALL {
        let whole = sections(bytes);
        let healthy = is_healthy(&assemble::host(&whole));
        for name in whole.keys() {
            let (mut missing, mut failed) = (whole.clone(), whole.clone());
            missing.remove(name);
            failed.insert(
                name.clone(),
                Section {
                    code: 1,
                    text: whole[name].text.clone(),
                },
            );
            for damaged in [missing, failed] {
                assert!(healthy || !is_healthy(&assemble::host(&damaged)), "{name}");
            }
        }
        for (name, section) in whole.iter().filter(|(name, _)| name.contains("-signatures.")) {
            let damaged = BTreeMap::from([
                (
                    name.clone(),
                    Section {
                        code: 1,
                        ..section.clone()
                    },
                ),
                ("device.logs".into(), whole["device.logs"].clone()),
            ]);
            assert!(
                !assemble::host(&damaged).devices["logs"].signatures.is_empty(),
                "a look that failed reads as a blank device"
            );
        }
    }
}

#[test]
fn lines_that_come_twice_and_fields_that_are_swapped_do_no_harm() {
    let mut draw = numbers();
    for bytes in [ALONE, RESYNCING] {
        let whole = sections(bytes);
        for _ in 0..400 {
            let mut damaged = whole.clone();
            let names: Vec<_> = damaged.keys().cloned().collect();
            let name = names[draw(names.len())].clone();
            let mut lines: Vec<&str> = whole[&name].text.lines().collect();
            match draw(3) {
                0 => lines.extend(lines.clone()),
                1 => lines.reverse(),
                _ if lines.is_empty() => {}
                _ => lines.swap(0, draw(whole[&name].text.lines().count())),
            }
            damaged.insert(
                name.clone(),
                Section {
                    code: 0,
                    text: lines.join("\n"),
                },
            );
            assert!(!is_healthy(&assemble::host(&damaged)), "{name}");
        }
    }
}

#[test]
fn other_alphabets_other_numbers_and_other_line_ends_do_no_harm() {
    let translations: [(&str, &str); 6] = [
        ("0", "٠"),
        (".", ","),
        ("\n", "\r\n"),
        (" ", "\u{a0}"),
        ("Connected", "Verbunden"),
        ("true", "wahr"),
    ];
    for bytes in [ALONE, RESYNCING] {
        for (from, to) in translations {
            let translated = sections(bytes).into_iter().map(|(name, section)| {
                let text = section.text.replace(from, to);
                (name, Section { text, ..section })
            });
            assert!(
                !is_healthy(&assemble::host(&translated.collect())),
                "{from} as {to}"
            );
        }
    }
}

#[test]
fn huge_answers_are_read_in_the_time_of_their_length() {
    let whole = sections(SERVING);
    for name in whole.keys() {
        let time = |times: usize| {
            let mut huge = whole.clone();
            huge.insert(
                name.clone(),
                Section {
                    code: 0,
                    text: (whole[name].text.clone() + "\n").repeat(times),
                },
            );
            let start = std::time::Instant::now();
            assemble::host(&huge);
            start.elapsed()
        };
        let (once, often) = (time(40), time(400));
        assert!(
            often < (once + Duration::from_millis(2)) * 100,
            "{name}: {once:?} for 40 times, {often:?} for 400 times"
        );
    }
}

#[test]
fn noise_is_never_an_answer() {
    let mut draw = numbers();
    let words = [
        "section ",
        "end\n",
        "0 ",
        "crm-mon ",
        "\n",
        "99999999999999999999 ",
        "<cib",
        "{\"a\":[",
        "\u{0}",
        "é",
        "-1 ",
    ];
    for _ in 0..20_000 {
        let text: String = (0..draw(30)).map(|_| words[draw(words.len())]).collect();
        if let Ok(sections) = frames::read(text.as_bytes()) {
            assert!(!is_healthy(&assemble::host(&sections)));
        }
    }
}
