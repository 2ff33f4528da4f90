//! What travels to a host on standard input: a tar archive of scripts (the files of `scripts/`), their
//! arguments and their data. It is unpacked into a folder on tmpfs that only root can read, and gone when the
//! script ends.

use std::time::Duration;

use hapair_model::{
    host::{Authority, JournalQuery, Reading},
    observed::Question,
    plan::Step,
};

use crate::script::{self, Script};

/// How long a look may take. On a busy host it takes a few seconds; one that hangs (on a disk, on a daemon)
/// must not leave the pair's status old.
const LOOK: Duration = Duration::from_secs(40);
/// How long a stage may take: longer than the longest step's own limit.
const STAGE: Duration = Duration::from_secs(600);

/// How long a host may take to tell a person something: a person waits.
const READING: Duration = Duration::from_secs(60);

/// An archive, and how long what it holds may run on the host.
pub struct Bundle {
    /// The archive.
    pub archive: Vec<u8>,
    /// The limit.
    pub limit: Duration,
}

/// Probe the host.
pub fn probe(question: &Question) -> Bundle {
    let mut archive = Archive::new(LOOK);
    archive.add("main", include_bytes!("../scripts/probe"));
    archive.add("fresh", include_bytes!("../scripts/fresh"));
    archive.add("content.py", include_bytes!("../scripts/content.py"));
    archive.add("question", question_lines(question).as_bytes());
    archive.finish()
}

/// Run steps on the host.
pub fn stage(steps: &[Step], authority: &Authority) -> Bundle {
    let mut archive = Archive::new(STAGE);
    archive.add("main", include_bytes!("../scripts/run"));
    let take_over_from = authority.take_over_from.as_deref().unwrap_or_default();
    archive.add(
        "authority",
        format!(
            "{}\n{}\n{take_over_from}\n{}\n",
            authority.owner, authority.epoch, authority.owner.name
        )
        .as_bytes(),
    );
    for (name, text) in script::FILES {
        archive.add(&format!("scripts/{name}"), text.as_bytes());
    }
    for (number, step) in steps.iter().enumerate() {
        let Script {
            name,
            arguments,
            input,
        } = script::of(step);
        let lines: String = arguments.iter().map(|argument| format!("{argument}\n")).collect();
        archive.add(
            &format!("steps/{number:03}/script"),
            format!("{name}\n").as_bytes(),
        );
        archive.add(&format!("steps/{number:03}/arguments"), lines.as_bytes());
        archive.add(&format!("steps/{number:03}/input"), &input);
    }
    archive.finish()
}

/// Read the host's journal.
pub fn journal(query: &JournalQuery) -> Bundle {
    let mut archive = Archive::new(READING);
    archive.add("main", include_bytes!("../scripts/read-journal"));
    let JournalQuery {
        seconds,
        lines,
        units,
    } = query;
    archive.add(
        "arguments",
        format!("{seconds} {lines} {}\n", units.join(" ")).as_bytes(),
    );
    archive.finish()
}

/// Read something from the host.
pub fn reading(reading: &Reading) -> Bundle {
    let mut archive = Archive::new(READING);
    match reading {
        Reading::State => archive.add("main", include_bytes!("../scripts/read-state")),
        Reading::Transition { cib } => {
            archive.add("main", include_bytes!("../scripts/read-transition"));
            archive.add("cib", cib.as_bytes());
        }
    }
    archive.finish()
}

fn question_lines(question: &Question) -> String {
    let mut lines = String::new();
    // The API's patterns let nothing else in; a manifest that somebody asks about has not passed them for
    // certain.
    let mut line = |kind: &str, words: &[&str]| {
        if words.iter().all(|word| is_word(word)) {
            lines += &format!("{kind} {}\n", words.join(" "));
        }
    };
    question.packages.iter().for_each(|name| line("package", &[name]));
    question.users.iter().for_each(|name| line("user", &[name]));
    question.groups.iter().for_each(|name| line("group", &[name]));
    question.units.iter().for_each(|name| line("unit", &[name]));
    question.files.iter().for_each(|path| line("file", &[path]));
    question.paths.iter().for_each(|path| line("path", &[path]));
    question
        .devices
        .iter()
        .for_each(|place| line("device", &[&place.volume, &place.path]));
    question
        .disks
        .iter()
        .for_each(|place| line("disk", &[&place.volume, &place.path]));
    question
        .mount_points
        .iter()
        .for_each(|place| line("mount-point", &[&place.volume, &place.path]));
    question
        .own_files
        .iter()
        .for_each(|path| line("own-file", &[path]));
    question
        .probes
        .iter()
        .for_each(|probe| line("probe", &[&probe.group, &probe.timeout.to_string(), &probe.url]));
    question
        .addresses
        .iter()
        .for_each(|address| line("address", &[address]));
    question.keys.iter().for_each(|path| line("key", &[path]));
    question.agents.iter().for_each(|agent| line("agent", &[agent]));
    lines
}

/// Whether a text is a word to a shell script that splits at spaces, and no option.
pub fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

struct Archive {
    tar: tar::Builder<Vec<u8>>,
    limit: Duration,
}

impl Archive {
    fn new(limit: Duration) -> Self {
        let mut archive = Self {
            tar: tar::Builder::new(Vec::new()),
            limit,
        };
        archive.add("limit", limit.as_secs().to_string().as_bytes());
        archive
    }

    fn add(&mut self, path: &str, content: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        self.tar
            .append_data(&mut header, path, content)
            .expect("writing to memory does not fail, and no path here is too long");
    }

    fn finish(self) -> Bundle {
        Bundle {
            archive: self.tar.into_inner().expect("writing to memory does not fail"),
            limit: self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_holds_words_only() {
        let units = [
            "tomcat10",
            "x\npackage --pipe=reboot",
            "--host=elsewhere",
            "a b",
            "",
            "last",
        ];
        let question = Question {
            units: units.map(str::to_owned).to_vec(),
            ..Question::default()
        };
        assert_eq!(question_lines(&question), "unit tomcat10\nunit last\n");
    }
}
