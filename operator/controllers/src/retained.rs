//! The manifests of objects that were deleted with Retain: whoever wants one back declares just that. The pair's status keeps
//! them as long as something of the object is left.

use hapair_crds::Retained;
use hapair_intake::{Child, Snapshot, for_each_child};
use hapair_model::report::Released;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::json;

/// What is longer is not kept, in bytes; the API has the same limit.
const LONGEST: usize = 32 << 10;
/// How much is kept of all together, in bytes: etcd takes no object of more than 1.5 MiB.
const ALL: usize = 256 << 10;
/// How many are kept; the API has the same limit.
const MOST: usize = 64;

/// The ids of what is left, each once.
pub fn ids(released: Option<&[Released]>) -> Vec<String> {
    let mut ids: Vec<_> = released
        .unwrap_or_default()
        .iter()
        .map(|each| each.id.clone())
        .collect();
    ids.dedup();
    ids
}

/// What is kept, with the objects that are about to be let go and stay on the hosts.
pub fn with_leaving(kept: &[Retained], snapshot: &Snapshot) -> Vec<Retained> {
    let mut all = kept.to_vec();
    for_each_child!(snapshot, child => {
        let stays = child.is_leaving() && !child.tears_down() && snapshot.knows_deletion_policy(child.as_ref());
        if stays {
            keep(&mut all, retained(child.as_ref(), &child.spec, snapshot));
        }
    });
    all
}

fn keep(all: &mut Vec<Retained>, mut new: Retained) {
    let is_it = |old: &Retained| (&old.kind, &old.name) == (&new.kind, &new.name);
    let (old, others): (Vec<_>, Vec<_>) = std::mem::take(all).into_iter().partition(is_it);
    *all = others;
    let length = |each: &Retained| each.manifest.as_ref().map_or(0, String::len);
    if all.iter().map(length).sum::<usize>() + length(&new) > ALL {
        new.manifest = None;
    }
    // What is left of it is told with the next report.
    new.released = old.into_iter().next().map(|old| old.released).unwrap_or_default();
    if all.len() < MOST {
        all.push(new);
    } else {
        tracing::warn!(
            kind = new.kind,
            name = new.name,
            "its manifest is not kept: there are {MOST} already"
        );
    }
}

/// What is kept of what is left. While no host can tell, that is everything.
pub fn still_left(kept: &[Retained], released: Option<&[Released]>) -> Vec<Retained> {
    let Some(released) = released else {
        return kept.to_vec();
    };
    let left = |one: &Retained| {
        let object = format!("{} {}", one.kind, one.name);
        let is_its =
            |each: &&Released| each.object.as_ref().map(ToString::to_string).as_ref() == Some(&object);
        let its: Vec<_> = released.iter().filter(is_its).cloned().collect();
        (!its.is_empty()).then(|| Retained {
            released: ids(Some(&its)),
            ..one.clone()
        })
    };
    kept.iter().filter_map(left).collect()
}

/// The object as it is declared. What this operator has not understood of it is not in what it knows, so that such a one is not
/// kept.
fn retained<K: Resource<DynamicType = ()>>(
    object: &K,
    spec: &impl Serialize,
    snapshot: &Snapshot,
) -> Retained {
    let mut metadata = json!({ "name": object.name_any(), "namespace": object.namespace() });
    if !object.labels().is_empty() {
        metadata["labels"] = json!(object.labels());
    }
    let manifest = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": metadata,
        "spec": spec,
    })
    .to_string();
    let (kind, name) = (K::kind(&()), object.name_any());
    let mut unknown = snapshot.unknown.iter();
    let is_known = !unknown.any(|each| each.kind == kind && each.name == name);
    Retained {
        kind: kind.into_owned(),
        name,
        released: Vec::new(),
        manifest: (is_known && manifest.len() <= LONGEST).then_some(manifest),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hapair_crds::FloatingIP;
    use hapair_model::plan::Subject;

    use super::*;

    #[test]
    fn what_is_too_much_is_known_without_its_manifest() {
        let one = |name: String, length: usize| Retained {
            kind: "ServiceGroup".into(),
            name,
            released: Vec::new(),
            manifest: Some(" ".repeat(length)),
        };
        let mut all = Vec::new();
        for number in 0..MOST + 1 {
            keep(&mut all, one(number.to_string(), LONGEST));
        }
        let whole = all.iter().filter(|each| each.manifest.is_some()).count();
        assert_eq!((all.len(), whole), (MOST, ALL / LONGEST));
    }

    fn leaving(policy: &str) -> Snapshot {
        let ip: FloatingIP = serde_json::from_value(json!({
            "apiVersion": "hapair.dev/v1alpha1", "kind": "FloatingIP",
            "metadata": {"name": "web", "namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"pairRef": {"name": "web"}, "address": "192.0.2.100", "prefix": 24, "deletionPolicy": policy},
        }))
        .unwrap();
        Snapshot {
            floating_ips: vec![Arc::new(ip)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_stays_is_kept_until_nothing_of_it_is_left() {
        assert_eq!(with_leaving(&[], &leaving("Teardown")), []);
        let kept = with_leaving(&[], &leaving("Retain"));
        let manifest = kept[0].manifest.clone().unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(
            (&manifest["kind"], &manifest["spec"]["address"]),
            (&json!("FloatingIP"), &json!("192.0.2.100"))
        );
        assert_eq!(still_left(&kept, None), kept, "no host can tell");
        let left = |object| {
            let released = Released {
                id: "ip-web".into(),
                object,
            };
            still_left(&kept, Some(&[released]))
        };
        assert_eq!(
            left(Some(Subject::FloatingIp("web".into())))[0].released,
            ["ip-web"]
        );
        assert_eq!(left(Some(Subject::Group("web".into()))), []);
        assert_eq!(still_left(&kept, Some(&[])), []);
    }
}
