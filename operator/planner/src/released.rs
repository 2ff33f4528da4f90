//! What the cluster has of objects that are gone. An object that is deleted with `deletionPolicy: Retain`
//! leaves its resources running. They are released: the tag that made them the operator's goes, so that pcs
//! can remove them, and a meta attribute stays by which they are known. It is no option of pacemaker's, and
//! stands in nobody's way. An object that declares the same again, under whatever name, takes them over as
//! they run.

use std::collections::BTreeSet;

use hapair_model::{
    Reason,
    desired::Desired,
    observed::Host,
    plan::{Finding, Subject},
    report::Released,
    xml::Element,
};

use crate::{cib, names};

/// The keys of everything that is declared, or leaving.
pub fn keys(desired: &Desired) -> BTreeSet<String> {
    let leaving = &desired.leaving;
    let volumes = desired
        .volumes
        .iter()
        .map(|volume| &volume.name)
        .chain(&leaving.volumes)
        .map(|name| names::volume(name));
    let ips = desired
        .floating_ips
        .iter()
        .map(|ip| &ip.name)
        .chain(&leaving.floating_ips)
        .map(|name| names::ip(name));
    let groups = desired
        .groups
        .iter()
        .map(|group| &group.name)
        .chain(&leaving.groups)
        .map(|name| names::group(name));
    volumes
        .chain(ips)
        .chain(groups)
        .chain([names::PAIR.to_owned()])
        .collect()
}

/// Resources at the top that were released, or are about to be, since nothing declares them any more.
pub fn resources<'a>(cib: &'a Element, desired: &Desired) -> Vec<&'a Element> {
    let keys = keys(desired);
    let ids: BTreeSet<_> = cib::records(cib)
        .into_iter()
        .filter(|(key, _)| !keys.contains(key))
        .flat_map(|(_, ids)| ids)
        .collect();
    cib::resources(cib)
        .filter(|each| each.id().is_some_and(|id| ids.contains(id)))
        .collect()
}

/// What a person names who wants something forgotten: what a record says of that id, else what the name says.
fn named(cib: Option<&Element>, name: &str) -> Option<Subject> {
    let records = cib.map(cib::records).unwrap_or_default();
    let recorded = records
        .iter()
        .find(|(key, ids)| key == name || ids.iter().any(|id| id == name));
    let of_clone = || names::volume_of(name.strip_suffix("-clone")?).map(Subject::Volume);
    match recorded {
        Some((key, _)) => names::object_of(key),
        None => of_clone().or_else(|| names::object_of(name)),
    }
}

/// Whether something of an object that nothing declares is there: in the cluster, or a volume's DRBD resource.
fn is_left(object: &Subject, desired: &Desired, hosts: &[&Host], cib: Option<&Element>) -> bool {
    let is_configured = |host: &&Host| match object {
        Subject::Volume(name) => host.drbd_config.get(name).is_some_and(|config| config.ours),
        Subject::Pair | Subject::FloatingIp(_) | Subject::Group(_) => false,
    };
    let is_in_cluster = || cib.is_some_and(|cib| cib::owns(cib, &names::key_of(object)));
    !desired.has(object) && (is_in_cluster() || hosts.iter().any(is_configured))
}

/// What is to be forgotten leaves as if its object were being deleted with `deletionPolicy: Teardown`.
pub fn forget(desired: &mut Desired, hosts: &[&Host], cib: Option<&Element>) {
    for name in desired.forgotten.clone() {
        let left = named(cib, &name).filter(|object| is_left(object, desired, hosts, cib));
        if let Some(object) = left.filter(|object| !desired.leaving.has(object)) {
            desired.leaving.add(object);
        }
    }
}

/// What is left of objects that are gone: what was released, with the addresses in it, and what is being forgotten.
pub fn left(desired: &Desired, hosts: &[&Host], cib: &Element) -> Vec<Released> {
    let object = |id: &str| named(Some(cib), id);
    let is_address = |each: &Subject| matches!(each, Subject::FloatingIp(_)) && !desired.has(each);
    let of = |resource: &Element| -> Vec<Released> {
        let Some(id) = resource.id() else {
            return Vec::new();
        };
        let inside = resource.children.iter().filter_map(Element::id).map(object);
        let inside = inside.flatten().filter(is_address).map(Some);
        let left = |object| Released {
            id: id.into(),
            object,
        };
        std::iter::once(object(id)).chain(inside).map(left).collect()
    };
    let is_going = |name: &&String| object(name).is_some_and(|it| is_left(&it, desired, hosts, Some(cib)));
    let going = desired.forgotten.iter().filter(is_going).map(|id| Released {
        id: id.clone(),
        object: object(id),
    });
    resources(cib, desired)
        .into_iter()
        .flat_map(of)
        .chain(going)
        .collect()
}

/// Requests to forget what is declared, which would come back at once, or what something that stays runs on.
pub fn forgotten_amiss(desired: &Desired, cib: Option<&Element>, findings: &mut Vec<Finding>) {
    for name in &desired.forgotten {
        let Some(object) = named(cib, name) else { continue };
        let why = if desired.has(&object) {
            format!(
                "is declared by {object}, expected something that no object declares any more. Remove the annotation; \
                 to take {object} off the hosts, delete it with deletionPolicy: Teardown"
            )
        } else if let Some(other) = cib.and_then(|cib| runs_on(cib, &object, desired)) {
            format!("{other} runs on it, and stays. Forget both: {other},{name}")
        } else {
            continue;
        };
        let message = format!("metadata.annotations[hapair.dev/forget]: {name:?}: {why}");
        findings.push(Finding::new(Subject::Pair, Reason::InvalidSpec, message));
    }
}

/// A resource that needs this volume, and is not to be forgotten with it.
fn runs_on(cib: &Element, object: &Subject, desired: &Desired) -> Option<String> {
    let Subject::Volume(name) = object else {
        return None;
    };
    let clone = names::volume_clone(name);
    let constraints = cib.at(&["configuration", "constraints"])?.children.iter();
    let of_clone = constraints.filter(|each| cib::references(each).any(|id| id == clone));
    let others = of_clone.flat_map(cib::references).filter(|id| *id != clone);
    let mut staying = others.filter(|id| {
        cib::resources(cib).any(|each| each.id() == Some(id)) && !desired.forgotten.contains(*id)
    });
    staying.next().map(str::to_owned)
}
