//! What travels to a host on standard input: a tar archive of scripts (the files of `scripts/`), their arguments and their data. It is
//! unpacked into a folder on tmpfs that only root can read, and gone when the script ends.

use hapair_model::{host::Authority, observed::Question, plan::Step};

use crate::script::{self, Script};

/// Probe the host.
pub fn probe(question: &Question) -> Vec<u8> {
    let mut archive = Archive::new();
    archive.add("main", include_bytes!("../scripts/probe"));
    archive.add("question", question_lines(question).as_bytes());
    archive.finish()
}

/// Run steps on the host.
pub fn stage(steps: &[Step], authority: &Authority) -> Vec<u8> {
    let mut archive = Archive::new();
    archive.add("main", include_bytes!("../scripts/run"));
    let take_over_from = authority.take_over_from.as_deref().unwrap_or_default();
    archive.add("authority", format!("{}\n{}\n{take_over_from}\n", authority.owner, authority.epoch).as_bytes());
    for (name, text) in script::FILES {
        archive.add(&format!("scripts/{name}"), text.as_bytes());
    }
    for (number, step) in steps.iter().enumerate() {
        let Script { name, arguments, input } = script::of(step);
        let lines: String = arguments.iter().map(|argument| format!("{argument}\n")).collect();
        archive.add(&format!("steps/{number:03}/script"), format!("{name}\n").as_bytes());
        archive.add(&format!("steps/{number:03}/arguments"), lines.as_bytes());
        archive.add(&format!("steps/{number:03}/input"), &input);
    }
    archive.finish()
}

fn question_lines(question: &Question) -> String {
    let mut lines = String::new();
    let mut line = |kind: &str, words: &[&str]| lines += &format!("{kind} {}\n", words.join(" "));
    question.packages.iter().for_each(|name| line("package", &[name]));
    question.units.iter().for_each(|name| line("unit", &[name]));
    question.files.iter().for_each(|path| line("file", &[path]));
    question.devices.iter().for_each(|(volume, path)| line("device", &[volume, path]));
    question.disks.iter().for_each(|(volume, path)| line("disk", &[volume, path]));
    question.probes.iter().for_each(|(group, url)| line("probe", &[group, url]));
    question.addresses.iter().for_each(|address| line("address", &[address]));
    lines
}

struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn add(&mut self, path: &str, content: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        self.0.append_data(&mut header, path, content).expect("writing to memory does not fail, and no path here is too long");
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_inner().expect("writing to memory does not fail")
    }
}
