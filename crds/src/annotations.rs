//! Annotations of an HAPair: what a person asks of it for a while, beside what its spec declares. Git can
//! hold them too, and a GitOps tool that has none of them in Git leaves them alone.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::HAPair;

/// `true`: the pair is looked at, and not changed, whatever `spec.paused` says.
pub const PAUSED: &str = "hapair.dev/paused";
/// Nodes whose standby is asked for: `node1=true,node2=false`. They count before `spec.nodes[].standby`.
pub const STANDBY: &str = "hapair.dev/standby";

/// Hosts that are accepted in a node's place although they have lost the cluster's keys: `node2=MACHINE-ID`,
/// as the status shows it.
pub const ACCEPT_HOST: &str = "hapair.dev/accept-host";

/// Whether the pair is to be paused. The error says what is wrong with the annotation.
pub fn paused(pair: &HAPair) -> Result<bool, String> {
    pair.annotations()
        .get(PAUSED)
        .map_or(Ok(false), |text| truth(PAUSED, text))
}

/// The nodes whose standby is asked for. The error says what is wrong with the annotation.
pub fn standby(pair: &HAPair) -> Result<BTreeMap<String, bool>, String> {
    of_nodes(pair, STANDBY, "NODE=true or NODE=false", |wish| {
        truth(STANDBY, wish)
    })
}

/// The machine-ids of the hosts that are accepted, by node. The error says what is wrong with the annotation.
pub fn accepted_hosts(pair: &HAPair) -> Result<BTreeMap<String, String>, String> {
    // machine-id(5): 32 hexadecimal digits.
    let is_id = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let checked = |id: &str| {
        if is_id(id) {
            Ok(id.to_owned())
        } else {
            Err(expected(ACCEPT_HOST, id, "a machine-id"))
        }
    };
    of_nodes(pair, ACCEPT_HOST, "NODE=MACHINE-ID", checked)
}

/// An annotation that says something of nodes: `NODE=VALUE`, several joined by commas.
fn of_nodes<T>(
    pair: &HAPair,
    key: &str,
    form: &str,
    value: impl Fn(&str) -> Result<T, String>,
) -> Result<BTreeMap<String, T>, String> {
    let Some(text) = pair.annotations().get(key) else {
        return Ok(BTreeMap::new());
    };
    let one = |part: &str| {
        let (node, word) = part.split_once('=').ok_or_else(|| expected(key, part, form))?;
        if !pair.spec.nodes.iter().any(|each| each.name == node) {
            return Err(expected(key, node, "a node of the pair"));
        }
        Ok((node.to_owned(), value(word)?))
    };
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(one)
        .collect()
}

fn truth(key: &str, text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| expected(key, text, "true or false"))
}

fn expected(key: &str, found: &str, wanted: &str) -> String {
    format!("metadata.annotations[{key}]: {found:?}, expected {wanted}")
}
