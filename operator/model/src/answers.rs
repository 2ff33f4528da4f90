//! What people are told of a pair's hosts when they ask the operator: the answers of its endpoint, which
//! `kubectl hapair` reads.

use serde::{Deserialize, Serialize};

use crate::host::Line;

/// The audience of the tokens that the operator takes from those who ask. A token for it is good for nothing
/// else.
pub const AUDIENCE: &str = "hapair.dev";
/// The header in which a token travels: the API server keeps `Authorization` to itself.
pub const TOKEN_HEADER: &str = "x-hapair-token";
/// The port of the operator's Service that answers, by name.
pub const PORT: &str = "ask";

/// One line of a host's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by that host's clock, in microseconds since 1970.
    pub time: u64,
    /// On which node.
    pub node: String,
    /// Who wrote it: corosync, pacemaker-controld, kernel…
    pub source: String,
    /// As syslog counts: 3 is an error, 4 a warning, 6 information.
    pub priority: u8,
    /// What it says.
    pub message: String,
}

impl Entry {
    /// A line of this node's.
    pub fn of(node: &str, line: Line) -> Self {
        let Line {
            time,
            source,
            priority,
            message,
        } = line;
        Self {
            time,
            node: node.to_owned(),
            source,
            priority,
            message,
        }
    }
}

/// A host that had no part in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its node's name.
    pub node: String,
    /// Why.
    pub why: String,
}

/// What both hosts' journals hold, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// The lines.
    pub entries: Vec<Entry>,
    /// Hosts that could not be asked.
    pub gaps: Vec<Gap>,
    /// Nodes that had more lines than were asked for; their oldest are left out.
    pub shortened: Vec<String>,
}

/// One of a host's answers for a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// On which node.
    pub node: String,
    /// What it is, as a file's name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// What both hosts say about themselves, for those who look into a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The answers.
    pub parts: Vec<Part>,
    /// Hosts that could not be asked.
    pub gaps: Vec<Gap>,
}

/// What the operator would do to a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The stages, in order, as far as they can be foreseen.
    pub stages: Vec<ComingStage>,
    /// What comes after them.
    pub end: Ending,
    /// What stands in the way, or should be known.
    pub findings: Vec<Cause>,
    /// The pair is paused: this is what happens when it is resumed.
    pub paused: bool,
}

/// A stage that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComingStage {
    /// What it brings about.
    pub name: String,
    /// What is done, in order on each node; the nodes side by side.
    pub steps: Vec<(String, Vec<String>)>,
    /// What it interrupts: what serves, and what becomes of it.
    pub interrupts: Vec<Interruption>,
    /// What pacemaker says that it would do beside that, from crm_simulate; absent when its configuration stays, or
    /// there is none yet.
    pub transition: Option<Vec<String>>,
}

/// Something that serves, and is interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// What serves: a group or a volume, or everything on a node.
    pub what: String,
    /// What becomes of it, in crm_simulate's words where they are known.
    pub how: String,
    /// How long that took the last time.
    pub took: Took,
}

/// How long operations took the last time they were done, by pacemaker's own history, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// To stop, or to demote.
    pub stop: Option<u64>,
    /// To start, or to promote.
    pub start: Option<u64>,
}

/// What comes after the stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// Nothing: the hosts are as declared.
    Rest,
    /// The pair is being deleted with Retain: only the object is removed, and the hosts keep serving.
    LetGo,
    /// Something that has to happen on the hosts by itself first.
    Wait(String),
    /// A person has to act: this stands in the way then.
    Stopped(Vec<Cause>),
    /// It cannot be told from here on.
    Unknown,
}

/// Something a person should know about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Which object.
    pub about: String,
    /// Why.
    pub reason: String,
    /// In a sentence.
    pub message: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// In a sentence.
    pub refused: String,
}
