//! `crm_mon --output-as=xml` of pacemaker 2.0 to 3.0.

use hapair_model::{
    observed::{Ban, Cluster, ClusterNode, ClusterResource, Failure, FenceEvent},
    xml::Element,
};

/// pacemaker's view, or nothing when the answer is not understood.
pub fn read(xml: &str) -> Option<Cluster> {
    let root = Element::parse(xml).ok()?;
    if root.name != "pacemaker-result" {
        return None;
    }
    let summary = root.first("summary")?;
    let dc = summary.first("current_dc")?;
    let list = |name: &str, child: &str| -> Vec<&Element> {
        root.first(name).map(|list| list.children.iter().filter(|each| each.name == child).collect()).unwrap_or_default()
    };
    Some(Cluster {
        quorate: dc.is("with_quorum"),
        has_dc: dc.is("present"),
        maintenance: summary.first("cluster_options").is_some_and(|options| options.is("maintenance-mode")),
        nodes: list("nodes", "node").into_iter().filter_map(|node| Some((node.get("name")?.to_owned(), cluster_node(node)))).collect(),
        resources: root.first("resources").map(|all| all.all().into_iter().filter_map(resource).collect()).unwrap_or_default(),
        failures: list("failures", "failure").into_iter().filter_map(failure).collect(),
        fencing: list("fence_history", "fence_event").into_iter().filter_map(fence_event).collect(),
        bans: list("bans", "ban").into_iter().filter_map(ban).collect(),
    })
}

/// A lesser weight only prefers the other node.
fn ban(element: &Element) -> Option<Ban> {
    let weight = element.get("weight").unwrap_or("-INFINITY");
    if weight.parse::<i64>().is_ok_and(|weight| weight > -1_000_000) {
        return None;
    }
    let text = |name: &str| element.get(name).map(str::to_owned);
    Some(Ban { id: text("id")?, resource: text("resource")?, node: text("node")? })
}

fn cluster_node(node: &Element) -> ClusterNode {
    ClusterNode {
        online: node.is("online"),
        standby: node.is("standby") || node.is("standby_onfail"),
        unclean: node.is("unclean"),
        pending: node.is("pending"),
        maintenance: node.is("maintenance"),
    }
}

fn resource(element: &Element) -> Option<ClusterResource> {
    if element.name != "resource" {
        return None;
    }
    let id = element.id()?;
    let active = element.is("active");
    let nodes = element.children.iter().filter(|child| child.name == "node" && active).filter_map(|node| node.get("name"));
    Some(ClusterResource {
        id: id.split_once(':').map_or(id, |(id, _)| id).to_owned(),
        role: match element.get("role").unwrap_or("Unknown") {
            "Master" => "Promoted".into(),
            "Slave" => "Unpromoted".into(),
            role => role.into(),
        },
        nodes: nodes.map(str::to_owned).collect(),
        failed: element.is("failed"),
        orphaned: element.is("orphaned"),
        blocked: element.is("blocked"),
    })
}

fn failure(element: &Element) -> Option<Failure> {
    let operation = element.get("op_key").or_else(|| element.id())?;
    let task = element.get("task").unwrap_or("operation").to_owned();
    let resource = operation.split_once(&format!("_{task}_")).map_or(operation, |(resource, _)| resource);
    let reason = element.get("exitreason").filter(|reason| !reason.is_empty()).or_else(|| element.get("exitstatus"));
    Some(Failure {
        resource: resource.to_owned(),
        task,
        node: element.get("node")?.to_owned(),
        message: reason.unwrap_or("failed").to_owned(),
    })
}

fn fence_event(element: &Element) -> Option<FenceEvent> {
    let text = |name: &str| element.get(name).map(str::to_owned);
    Some(FenceEvent { target: text("target")?, status: text("status")?, completed: text("completed") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVING: &str = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-serving.xml");

    #[test]
    fn a_serving_pair_reads_as_one() {
        let cluster = read(SERVING).unwrap();
        assert!(cluster.quorate && cluster.has_dc && !cluster.maintenance);
        assert!(cluster.nodes.values().all(|node| node.state() == "Online"));
        assert_eq!(cluster.active_in_role("volume-logs", "Promoted"), Some("node1"));
        assert_eq!(cluster.active_in_role("ip-web", "Started"), Some("node1"));
        assert!(cluster.failures.is_empty());
    }

    #[test]
    fn the_older_words_for_roles_mean_the_same() {
        let cluster = read(&SERVING.replace("Unpromoted", "Slave").replace("Promoted", "Master")).unwrap();
        assert_eq!(cluster.active_in_role("volume-logs", "Promoted"), Some("node1"));
    }

    #[test]
    fn an_answer_cut_anywhere_is_no_answer() {
        for end in (0..SERVING.trim_end().len()).filter(|end| SERVING.is_char_boundary(*end)) {
            assert_eq!(read(&SERVING[..end]), None, "cut at {end}");
        }
    }
}
