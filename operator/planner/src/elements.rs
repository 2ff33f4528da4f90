//! Elements of a CIB: what resources of every kind are made of.

use hapair_model::xml::Element;

/// What the configuration has for one object of the API.
#[derive(Debug, Default)]
pub struct Object {
    /// `pair`, `volume-<name>`, `ip-<name>` or `group-<name>`.
    pub key: String,
    /// Resources at the top.
    pub resources: Vec<Element>,
    /// Constraints.
    pub constraints: Vec<Element>,
    /// Levels of the fencing topology.
    pub levels: Vec<Element>,
}

/// A resource that an OCF agent runs.
pub fn ocf(id: &str, provider: &str, agent: &str) -> Element {
    Element::new("primitive")
        .with("id", id)
        .with("class", "ocf")
        .with("provider", provider)
        .with("type", agent)
}

/// Names and values of one's own.
pub fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A set of attributes named after what it belongs to.
pub fn attributes(kind: &str, id: &str, pairs: &[(String, String)]) -> Element {
    let set = format!("{id}-{kind}");
    let nvpairs = pairs
        .iter()
        .map(|(name, value)| nvpair(&format!("{set}-{name}"), name, value));
    Element::new(kind).with("id", &set).children(nvpairs)
}

/// A name and a value.
pub fn nvpair(id: &str, name: &str, value: &str) -> Element {
    Element::new("nvpair")
        .with("id", id)
        .with("name", name)
        .with("value", value)
}

/// How long an agent may take for what it does at once on a host that is not starved. One that was, with one processor and a load of
/// thirteen, took more than 20 s for the monitor of an address, and a stop that is given up has its node fenced.
pub const AGENT_LIMIT: &str = "60s";

/// Operations: name, interval, time-out, role. A monitor that failed to end is a failure; so is a stop, and
/// then fencing is the answer.
pub fn operations(id: &str, list: &[(&str, &str, &str, Option<&str>)]) -> Element {
    let operation = |(name, interval, timeout, role): &(&str, &str, &str, Option<&str>)| {
        let operation = Element::new("op")
            .with("id", format!("{id}-{name}-{interval}"))
            .with("name", name)
            .with("interval", interval)
            .with("timeout", timeout);
        match role {
            Some(role) => operation.with("role", role),
            None => operation,
        }
    };
    Element::new("operations").children(list.iter().map(operation))
}

/// A parameter that counts on one node only.
pub fn on_node(id: &str, node: &str, name: &str, value: &str) -> Element {
    let set = format!("{id}-on-{node}");
    let expression = Element::new("expression")
        .with("id", format!("{set}-uname"))
        .with("attribute", "#uname")
        .with("operation", "eq")
        .with("value", node);
    Element::new("instance_attributes")
        .with("id", &set)
        .child(
            Element::new("rule")
                .with("id", format!("{set}-rule"))
                .with("score", "INFINITY")
                .child(expression),
        )
        .child(nvpair(&format!("{set}-{name}"), name, value))
}
