//! The form in which probe and stages answer: sections of a name, an exit status and counted bytes, then a
//! marker. Whatever stands before, between or after is not ours, and makes the whole answer suspect.

use std::collections::BTreeMap;

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Exit status of the command that made it.
    pub code: i32,
    /// What it printed.
    pub text: String,
}

/// Sections by name.
pub type Sections = BTreeMap<String, Section>;

/// Why an answer is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The connection broke, or the script died.
    #[error("the reply is incomplete: the connection broke, or the script died")]
    CutOff,
    /// Something else than sections.
    #[error("unexpected output in the reply (does a shell profile print something?)")]
    Foreign,
}

/// Reads an answer whole, or not at all.
pub fn read(bytes: &[u8]) -> Result<Sections, FrameError> {
    let mut sections = Sections::new();
    let mut rest = bytes;
    loop {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(FrameError::CutOff)?;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| FrameError::Foreign)?;
        rest = &rest[end + 1..];
        if line == "end" {
            return if rest.is_empty() {
                Ok(sections)
            } else {
                Err(FrameError::Foreign)
            };
        }
        let (name, code, length) = header(line).ok_or(FrameError::Foreign)?;
        if rest.len() <= length {
            return Err(FrameError::CutOff);
        }
        if rest[length] != b'\n' {
            return Err(FrameError::Foreign);
        }
        let text = String::from_utf8_lossy(&rest[..length]).into_owned();
        if sections.insert(name.to_owned(), Section { code, text }).is_some() {
            return Err(FrameError::Foreign);
        }
        rest = &rest[length + 1..];
    }
}

/// The sections of an answer that is cut off which are whole, for people to read.
pub fn whole(bytes: &[u8]) -> Sections {
    let mut sections = Sections::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n')
        && let Some((name, code, length)) = std::str::from_utf8(&rest[..end]).ok().and_then(header)
        && let Some(text) = rest.get(end + 1..end + 1 + length)
    {
        sections.insert(
            name.to_owned(),
            Section {
                code,
                text: String::from_utf8_lossy(text).into_owned(),
            },
        );
        rest = rest.get(end + 1 + length + 1..).unwrap_or_default();
    }
    sections
}

/// The last section of an answer that may be cut off.
pub fn last(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    let mut last = None;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n')
        && let Some((name, _, length)) = std::str::from_utf8(&rest[..end]).ok().and_then(header)
    {
        last = Some(name.to_owned());
        rest = rest.get(end + 1 + length + 1..).unwrap_or_default();
    }
    last
}

fn header(line: &str) -> Option<(&str, i32, usize)> {
    let mut words = line.strip_prefix("section ")?.split(' ');
    let header = (
        words.next()?,
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
    );
    words.next().is_none().then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"section os 0 7\nID=x\nA\n\nsection none 127 0\n\nend\n";

    #[test]
    fn sections_are_read_by_length_not_by_content() {
        let sections = read(ANSWER).unwrap();
        assert_eq!(
            sections["os"],
            Section {
                code: 0,
                text: "ID=x\nA\n".into()
            }
        );
        assert_eq!(sections["none"].code, 127);
    }

    #[test]
    fn the_last_section_of_what_was_cut_off_is_known() {
        assert_eq!(last(ANSWER).as_deref(), Some("none"));
        assert_eq!(last(&ANSWER[..ANSWER.len() - 15]).as_deref(), Some("os"));
        assert_eq!(last(b""), None);
        assert_eq!(whole(ANSWER).len(), 2);
        assert_eq!(
            whole(&ANSWER[..ANSWER.len() - 15])
                .into_keys()
                .collect::<Vec<_>>(),
            ["os"]
        );
    }

    #[test]
    fn an_answer_cut_anywhere_is_refused() {
        for end in 0..ANSWER.len() {
            assert!(read(&ANSWER[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_greeting_or_a_repeated_section_is_refused() {
        assert_eq!(read(&[b"Welcome!\n", ANSWER].concat()), Err(FrameError::Foreign));
        assert_eq!(
            read(b"section a 0 0\n\nsection a 0 0\n\nend\n"),
            Err(FrameError::Foreign)
        );
    }
}
