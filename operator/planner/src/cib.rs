//! Reading a CIB.

use hapair_model::xml::Element;

/// The set of the cluster's options that pcs and pacemaker write.
pub const OPTIONS: &str = "cib-bootstrap-options";

/// What the id of an object's tag begins with.
pub const TAG: &str = "hapair-";

/// The meta attribute of a released resource; its value is the key of the object that it was made for.
pub const MARK: &str = "hapair-released";

/// The live configuration without the section that is the cluster's own.
pub fn without_status(live: &Element) -> Element {
    let mut cib = live.clone();
    cib.children.retain(|section| section.name != "status");
    cib
}

/// The version a change is planned on.
pub fn version(cib: &Element) -> String {
    format!(
        "{}.{}",
        cib.get("admin_epoch").unwrap_or("0"),
        cib.get("epoch").unwrap_or("0")
    )
}

/// The resources at the top of the configuration.
pub fn resources(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "resources"])
        .into_iter()
        .flat_map(|resources| &resources.children)
}

/// Ids of resources that a constraint names.
pub fn references(constraint: &Element) -> impl Iterator<Item = &str> {
    ["rsc", "with-rsc", "first", "then"]
        .into_iter()
        .filter_map(|attribute| constraint.get(attribute))
}

/// The id that the configuration has for a node.
pub fn node_id(cib: &Element, node: &str) -> Option<u32> {
    let nodes = cib.at(&["configuration", "nodes"])?;
    nodes
        .children
        .iter()
        .find(|each| each.get("uname") == Some(node))?
        .id()?
        .parse()
        .ok()
}

/// Whether the configuration has this node in standby.
pub fn is_standby(cib: &Element, node: &str) -> bool {
    let nodes = cib
        .at(&["configuration", "nodes"])
        .map(|nodes| nodes.children.iter())
        .into_iter()
        .flatten();
    let mut attributes = nodes
        .filter(|each| each.get("uname") == Some(node))
        .flat_map(Element::all);
    attributes.any(|each| each.get("name") == Some("standby") && each.is("value"))
}

/// Whether it names something as the object's that has this key.
pub fn owns(cib: &Element, key: &str) -> bool {
    records(cib).iter().any(|(each, _)| each == key)
}

/// Keys of the objects for which the live configuration has something, each with the ids of it: by its tag,
/// or by the mark of what was released.
pub fn records(cib: &Element) -> Vec<(String, Vec<String>)> {
    let tags = cib
        .at(&["configuration", "tags"])
        .into_iter()
        .flat_map(|tags| &tags.children);
    let ids = |tag: &Element| {
        tag.children
            .iter()
            .filter_map(Element::id)
            .map(str::to_owned)
            .collect()
    };
    let tags = tags.filter_map(|tag| Some((tag.id()?.strip_prefix(TAG)?.to_owned(), ids(tag))));
    let marks = resources(cib).filter_map(|each| Some((mark(each)?.to_owned(), vec![each.id()?.to_owned()])));
    tags.chain(marks).collect()
}

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
