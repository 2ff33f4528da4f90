//! What the cluster has of objects that are gone. An object that is deleted with `deletionPolicy: Retain`
//! leaves its resources running. They are released: the tag that made them the operator's goes, so that pcs
//! can remove them, and a meta attribute stays by which they are known. It is no option of pacemaker's, and
//! stands in nobody's way. An object that declares the same again, under whatever name, takes them over as
//! they run.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    Reason,
    desired::Desired,
    observed::Host,
    plan::{Finding, Subject},
    xml::Element,
};

use crate::{
    cib,
    desired_cib::{self, Wanted},
    names,
    parts::service,
    platform::Platform,
};

/// The meta attribute of a released resource; its value is the key of the object that it was made for.
pub const MARK: &str = "hapair-released";

/// The key of the object that this resource was released from.
pub fn mark(resource: &Element) -> Option<&str> {
    let meta = resource
        .children
        .iter()
        .filter(|child| child.name == "meta_attributes");
    meta.flat_map(|set| &set.children)
        .find(|each| each.get("name") == Some(MARK))?
        .get("value")
}

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
    let key = recorded.map_or(name, |(key, _)| key);
    let of_volume = |key: &str| names::volume_of(key.strip_suffix("-clone")?).map(Subject::Volume);
    of_volume(key).or_else(|| names::object_of(key))
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

/// The names of what is left of objects that are gone: what was released, and what is being forgotten.
pub fn names(desired: &Desired, hosts: &[&Host], cib: Option<&Element>) -> Vec<String> {
    let released = cib.map(|cib| resources(cib, desired)).unwrap_or_default();
    let released = released.iter().filter_map(|each| each.id().map(str::to_owned));
    let is_going =
        |name: &&String| named(cib, name).is_some_and(|object| is_left(&object, desired, hosts, cib));
    released
        .chain(desired.forgotten.iter().filter(is_going).cloned())
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

/// Those of the released resources of which everything is declared again: they go, and what is in them is
/// kept by the objects that declare it.
pub fn taken_over<'a>(released: &[&'a Element], wanted: &Wanted) -> Vec<&'a str> {
    let declared: BTreeSet<_> = primitives(wanted).filter_map(Element::id).collect();
    let whole = released.iter().filter(|resource| {
        resource
            .primitives()
            .all(|each| each.id().is_some_and(|id| declared.contains(id)))
    });
    whole.filter_map(|resource| resource.id()).collect()
}

fn primitives(wanted: &Wanted) -> impl Iterator<Item = &Element> {
    wanted
        .objects
        .iter()
        .flat_map(|object| &object.resources)
        .flat_map(Element::primitives)
}

/// The ids of declared resources that differ from those which their names would give. What the cluster runs
/// keeps its id, in whatever group and under whatever name it is declared now, since a resource with another
/// id would be stopped and started.
pub fn ids(cib: &Element, desired: &Desired, platform: &Platform) -> BTreeMap<String, String> {
    let leaving = &desired.leaving;
    let leaves = |key: &str| {
        let is = |names: &[String], key_of: fn(&str) -> String| names.iter().any(|name| key_of(name) == key);
        is(&leaving.volumes, names::volume)
            || is(&leaving.floating_ips, names::ip)
            || is(&leaving.groups, names::group)
    };
    let wanted = desired_cib::wanted(desired, platform);
    let members = wanted.objects.iter().flat_map(|object| {
        object
            .resources
            .iter()
            .map(move |resource| (object.key.as_str(), resource))
    });
    let members: Vec<_> = members
        .flat_map(|(key, resource)| Part::of(key, resource))
        .filter(|part| !part.fences())
        .collect();
    let records = cib::records(cib);
    let key_of = |id: &str| {
        records
            .iter()
            .find(|(_, ids)| ids.iter().any(|each| each == id))
            .map(|(key, _)| key.as_str())
    };
    let ours = cib::resources(cib)
        .filter_map(|each| Some((key_of(each.id()?)?, each)))
        .filter(|(key, _)| !leaves(key));
    let mut present: Vec<_> = ours.flat_map(|(key, resource)| Part::of(key, resource)).collect();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    // What has its id already comes first; then the same under any id; then what the same object had in its
    // place, and is changed now.
    for is_it in [Part::is_in_its_place, Part::runs_the_same, Part::is_changed] {
        for member in &members {
            let found = present
                .iter()
                .position(|part| is_it(part, member))
                .filter(|_| !ids.contains_key(member.id));
            ids.extend(found.map(|at| (member.id, present.remove(at).id.to_owned())));
        }
    }
    for own in members.iter().map(|member| member.id) {
        if !ids.contains_key(own) {
            let mut candidates =
                std::iter::once(own.to_owned()).chain((2..).map(|number| format!("{own}-{number}")));
            let free = candidates.find(|id| !ids.values().any(|each| each == id));
            ids.extend(free.map(|id| (own, id)));
        }
    }
    ids.into_iter()
        .filter(|(own, id)| own != id)
        .map(|(own, id)| (own.to_owned(), id))
        .collect()
}

/// A primitive, with the key of the object that it belongs to.
struct Part<'a> {
    key: &'a str,
    id: &'a str,
    primitive: &'a Element,
}

impl<'a> Part<'a> {
    fn of(key: &'a str, resource: &'a Element) -> impl Iterator<Item = Self> {
        resource.primitives().filter_map(move |primitive| {
            Some(Self {
                key,
                id: primitive.id()?,
                primitive,
            })
        })
    }

    fn fences(&self) -> bool {
        self.primitive.get("class") == Some("stonith")
    }

    fn agent(&self) -> [Option<&str>; 3] {
        ["class", "provider", "type"].map(|attribute| self.primitive.get(attribute))
    }

    /// Of an address only itself counts: how it is announced may change.
    fn parameters(&self) -> BTreeMap<&str, &str> {
        let is_address = self.primitive.get("type") == Some("IPaddr2");
        let sets = self
            .primitive
            .children
            .iter()
            .filter(|child| child.name == "instance_attributes");
        let pairs = sets
            .flat_map(|set| &set.children)
            .filter_map(|pair| Some((pair.get("name")?, pair.get("value")?)));
        pairs.filter(|(name, _)| !is_address || *name == "ip").collect()
    }

    fn is_in_its_place(&self, member: &Self) -> bool {
        self.is_changed(member) && self.id == member.id
    }

    fn runs_the_same(&self, member: &Self) -> bool {
        self.agent() == member.agent() && self.parameters() == member.parameters()
    }

    fn is_changed(&self, member: &Self) -> bool {
        self.key == member.key && self.agent() == member.agent()
    }
}

/// Groups that declare a part of what was released together: to take only that would stop the rest.
pub fn findings(cib: &Element, desired: &Desired, findings: &mut Vec<Finding>) {
    let declared: BTreeSet<_> = desired
        .groups
        .iter()
        .flat_map(|group| service::members(desired, group))
        .collect();
    let is_declared_itself = |id: &str| desired.groups.iter().any(|group| names::group(&group.name) == id);
    for resource in resources(cib, desired) {
        let (Some(id), members) = (
            resource.id(),
            resource.primitives().filter_map(Element::id).collect::<Vec<_>>(),
        ) else {
            continue;
        };
        let rest: Vec<_> = members
            .iter()
            .filter(|member| !declared.contains(**member))
            .copied()
            .collect();
        if rest.is_empty() || is_declared_itself(id) {
            continue;
        }
        for group in &desired.groups {
            let common: Vec<_> = service::members(desired, group)
                .into_iter()
                .filter(|each| members.contains(&each.as_str()))
                .collect();
            if common.is_empty() {
                continue;
            }
            let message = format!(
                "the cluster still has {id}, which was left by an object that is gone (deletionPolicy: \
                 Retain): {} are in it together with {}. \
                 Declare what these are in group {:?}, too, or remove them: pcs resource delete {}",
                common.join(", "),
                rest.join(", "),
                group.name,
                rest.join(" ")
            );
            findings.push(Finding::new(
                Subject::Group(group.name.clone()),
                Reason::Conflict,
                message,
            ));
        }
    }
}
