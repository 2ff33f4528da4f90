//! Annotations of an HAPair: what a person asks of it for a while, beside what its spec declares. Git can hold them too, and a GitOps tool that has none of
//! them in Git leaves them alone.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::HAPair;

/// `true`: the pair is looked at, and not changed, whatever `spec.paused` says.
pub const PAUSED: &str = "hapair.dev/paused";
/// Nodes whose standby is asked for: `node1=true,node2=false`. They count before `spec.nodes[].standby`.
pub const STANDBY: &str = "hapair.dev/standby";

/// Whether the pair is to be paused. The error says what is wrong with the annotation.
pub fn paused(pair: &HAPair) -> Result<bool, String> {
    pair.annotations().get(PAUSED).map_or(Ok(false), |text| truth(PAUSED, text))
}

/// The nodes whose standby is asked for. The error says what is wrong with the annotation.
pub fn standby(pair: &HAPair) -> Result<BTreeMap<String, bool>, String> {
    let Some(text) = pair.annotations().get(STANDBY) else { return Ok(BTreeMap::new()) };
    let one = |part: &str| {
        let (node, wish) = part.split_once('=').ok_or_else(|| expected(STANDBY, part, "NODE=true or NODE=false"))?;
        if !pair.spec.nodes.iter().any(|each| each.name == node) {
            return Err(expected(STANDBY, node, "a node of the pair"));
        }
        Ok((node.to_owned(), truth(STANDBY, wish)?))
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

fn truth(key: &str, text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| expected(key, text, "true or false"))
}

fn expected(key: &str, found: &str, wanted: &str) -> String {
    format!("metadata.annotations[{key}]: {found:?}, expected {wanted}")
}
