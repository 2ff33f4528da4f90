//! Requests: what a person asks of a pair for a while, beside what its spec declares, as annotations of the
//! HAPair. Git can hold them too, and a GitOps tool that has none of them in Git leaves them alone.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use crate::HAPair;

/// The annotations that are requests begin with this; another one that does is a mistake.
const PREFIX: &str = "hapair.dev/";

/// What can be asked for by one annotation.
#[derive(Debug)]
pub struct Request {
    /// The annotation.
    pub annotation: &'static str,
    /// How its value is written.
    pub form: &'static str,
    /// The fact that it has to name, so that it cannot be about something else by the time it is read.
    pub names: &'static str,
    /// What it leads to.
    pub effect: &'static str,
    /// When it means nothing any more. Whoever set it may remove it at any time.
    pub spent: &'static str,
}

/// The pair is looked at, and not changed.
pub const PAUSED: Request = Request {
    annotation: "hapair.dev/paused",
    form: "true or false",
    names: "nothing",
    effect: "The pair is observed and not changed, whatever `spec.paused` says.",
    spent: "when it is removed (`kubectl hapair resume`)",
};

/// Nodes go into standby, or come out of it.
pub const STANDBY: Request = Request {
    annotation: "hapair.dev/standby",
    form: "NODE=true or NODE=false",
    names: "the node",
    effect: "The node goes into standby, or comes out of it; counts before `spec.nodes[].standby`.",
    spent: "when it is removed (`kubectl hapair unstandby`)",
};

/// A host is accepted in a node's place although it has lost what it was known by.
pub const ACCEPT_HOST: Request = Request {
    annotation: "hapair.dev/accept-host",
    form: "NODE=MACHINE-ID",
    names: "the node, and the machine-id of the new host as the status shows it",
    effect: "The host gets the cluster's keys and its records from its peer, and DRBD fills its volumes from there.",
    spent: "once the host has them: it is known by its machine-id from then on",
};

/// What the cluster still runs of an object that is gone is taken off the hosts.
pub const FORGET: Request = Request {
    annotation: "hapair.dev/forget",
    form: "NAME, several joined by commas",
    names: "what is left, as `status.released` lists it",
    effect: "The cluster stops it and forgets it; a volume's DRBD resource goes down. Its data stays on its disks.",
    spent: "once nothing of it is left; `kubectl hapair forget` removes it then. An object that declares it again makes it a mistake",
};

/// A leg whose disk is gone for good gets the one that is there now.
pub const REPLACE_DISK: Request = Request {
    annotation: "hapair.dev/replace-disk",
    form: "UUID, several joined by commas",
    names: "the DRBD metadata of the leg that is gone, as the status shows it",
    effect: "The blank disk in its place gets metadata, and is filled from the other node's leg. Where the leg's own disk answers again, that is attached.",
    spent: "once the leg has other metadata; where it took its own disk back, when it is removed. `kubectl hapair replace-disk` removes it",
};

/// Every request.
pub const REQUESTS: [&Request; 5] = [&PAUSED, &STANDBY, &ACCEPT_HOST, &FORGET, &REPLACE_DISK];

impl Request {
    /// What a pair asks for by it.
    pub fn of<'a>(&self, pair: &'a HAPair) -> Option<&'a str> {
        pair.annotations().get(self.annotation).map(String::as_str)
    }

    fn expected(&self, found: &str, wanted: &str) -> String {
        format!("{}: {found:?}, expected {wanted}", path(self.annotation))
    }

    fn truth(&self, text: &str) -> Result<bool, String> {
        text.parse().map_err(|_| self.expected(text, "true or false"))
    }

    /// What it names: several words joined by commas.
    fn words(
        &self,
        pair: &HAPair,
        is_one: impl Fn(&str) -> bool,
        wanted: &str,
    ) -> Result<BTreeSet<String>, String> {
        let words = self.of(pair).unwrap_or_default().split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(|word| match is_one(word) {
                true => Ok(word.to_owned()),
                false => Err(self.expected(word, wanted)),
            })
            .collect()
    }

    /// What it asks for of each node: `NODE=VALUE`, several joined by commas.
    fn by_node<T>(
        &self,
        pair: &HAPair,
        value: impl Fn(&str) -> Result<T, String>,
    ) -> Result<BTreeMap<String, T>, String> {
        let one = |part: &str| {
            let (node, word) = part
                .split_once('=')
                .ok_or_else(|| self.expected(part, self.form))?;
            if !pair.spec.nodes.iter().any(|each| each.name == node) {
                return Err(self.expected(node, "a node of the pair"));
            }
            Ok((node.to_owned(), value(word)?))
        };
        self.of(pair)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(one)
            .collect()
    }
}

/// The values of all requests, of which each counts: a plan that was made before one of them has changed is old.
pub fn standing(pair: &HAPair) -> [Option<&str>; REQUESTS.len()] {
    REQUESTS.map(|request| request.of(pair))
}

/// Annotations that look like requests and are none, each with what is wrong.
pub fn unknown(pair: &HAPair) -> Vec<String> {
    let is_known = |key: &str| REQUESTS.iter().any(|request| request.annotation == key);
    let known = REQUESTS.map(|request| request.annotation).join(", ");
    pair.annotations()
        .keys()
        .filter(|key| key.starts_with(PREFIX) && !is_known(key))
        .map(|key| format!("{}: there is no such request; there are {known}", path(key)))
        .collect()
}

fn path(annotation: &str) -> String {
    format!("metadata.annotations[{annotation}]")
}

/// Whether the pair is to be paused. The error says what is wrong with the annotation.
pub fn paused(pair: &HAPair) -> Result<bool, String> {
    PAUSED.of(pair).map_or(Ok(false), |text| PAUSED.truth(text))
}

/// The nodes whose standby is asked for. The error says what is wrong with the annotation.
pub fn standby(pair: &HAPair) -> Result<BTreeMap<String, bool>, String> {
    STANDBY.by_node(pair, |wish| STANDBY.truth(wish))
}

/// What is to be forgotten of objects that are gone. The error says what is wrong with the annotation.
pub fn forgotten(pair: &HAPair) -> Result<BTreeSet<String>, String> {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
    };
    FORGET.words(pair, is_name, "a name that status.released lists")
}

/// Legs whose disks are gone for good, by the UUID of the metadata that they had. The error says what is wrong with the
/// annotation.
pub fn lost_legs(pair: &HAPair) -> Result<BTreeSet<String>, String> {
    // As blkid spells it: without leading zeros (libblkid/src/superblocks/drbd.c).
    let is_uuid = |word: &str| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (1..=16).contains(&word.len()) && word.bytes().all(is_digit)
    };
    REPLACE_DISK.words(pair, is_uuid, "the UUID of DRBD's metadata that the status shows")
}

/// The machine-ids of the hosts that are accepted, by node. The error says what is wrong with the annotation.
pub fn accepted_hosts(pair: &HAPair) -> Result<BTreeMap<String, String>, String> {
    // machine-id(5): 32 hexadecimal digits.
    let is_id = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ACCEPT_HOST.by_node(pair, |id| {
        if is_id(id) {
            Ok(id.to_owned())
        } else {
            Err(ACCEPT_HOST.expected(id, "a machine-id"))
        }
    })
}
