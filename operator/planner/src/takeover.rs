//! What runs keeps its id, under whatever name it is declared now: a resource with another id would be stopped and
//! started.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{desired::Desired, xml::Element};

use crate::{
    cib,
    desired_cib::{self, Wanted},
    names,
    platform::Platform,
};

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
        .flat_map(|(key, resource)| Primitive::of(key, resource))
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
    let mut present: Vec<_> = ours
        .flat_map(|(key, resource)| Primitive::of(key, resource))
        .collect();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    // What has its id already comes first; then the same under any id; then what the same object had in its
    // place, and is changed now.
    for is_it in [
        Primitive::is_in_its_place,
        Primitive::runs_the_same,
        Primitive::is_changed,
    ] {
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
struct Primitive<'a> {
    key: &'a str,
    id: &'a str,
    element: &'a Element,
}

impl<'a> Primitive<'a> {
    fn of(key: &'a str, resource: &'a Element) -> impl Iterator<Item = Self> {
        resource.primitives().filter_map(move |primitive| {
            Some(Self {
                key,
                id: primitive.id()?,
                element: primitive,
            })
        })
    }

    fn fences(&self) -> bool {
        self.element.get("class") == Some("stonith")
    }

    fn agent(&self) -> [Option<&str>; 3] {
        ["class", "provider", "type"].map(|attribute| self.element.get(attribute))
    }

    /// Of an address only itself counts: how it is announced may change.
    fn parameters(&self) -> BTreeMap<&str, &str> {
        let is_address = self.element.get("type") == Some("IPaddr2");
        let sets = self
            .element
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
