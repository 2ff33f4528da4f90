//! A snapshot with other objects in place of some of its own: what there would be if they were applied.

use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Value;

use crate::{
    declared::Declared,
    snapshot::{NotUnderstood, OfPair, PairName, Snapshot},
};

/// The snapshot of a pair with these objects in it. Says which one is none of the pair's.
pub fn overlay(mut snapshot: Snapshot, name: &PairName, objects: Vec<Value>) -> Result<Snapshot, String> {
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let unknown = &mut snapshot.unknown;
        match kind.as_str() {
            "HAPair" => {
                let mut pairs: Vec<_> = snapshot.pair.take().into_iter().collect();
                put(&mut pairs, unknown, name, object)?;
                snapshot.pair = pairs.pop();
            }
            "ReplicatedVolume" => put(&mut snapshot.volumes, unknown, name, object)?,
            "FloatingIP" => put(&mut snapshot.floating_ips, unknown, name, object)?,
            "ServiceGroup" => put(&mut snapshot.groups, unknown, name, object)?,
            _ => return Err(format!("{kind:?} is none of the kinds of a pair")),
        }
    }
    Ok(snapshot)
}

fn put<K: OfPair>(
    objects: &mut Vec<Arc<K>>,
    unknown: &mut Vec<NotUnderstood>,
    pair: &PairName,
    object: Value,
) -> Result<(), String> {
    let kind = K::kind(&()).into_owned();
    let declared: Declared<K> =
        serde_json::from_value(object).map_err(|error| format!("a {kind} cannot be read: {error}"))?;
    let object = declared.object;
    let name = object.name_any();
    if object.namespace().as_deref() != Some(&pair.namespace) || object.pair() != pair.name {
        return Err(format!("{kind} {name:?} does not belong to the pair {pair}"));
    }
    unknown.retain(|told| told.kind != kind || told.name != name);
    unknown.extend(declared.unknown.into_iter().map(|what| NotUnderstood {
        kind: kind.clone(),
        name: name.clone(),
        what,
    }));
    match objects.iter_mut().find(|each| each.name_any() == name) {
        Some(present) => *present = object,
        None => {
            objects.push(object);
            objects.sort_by_key(|each| each.name_any());
        }
    }
    Ok(())
}
