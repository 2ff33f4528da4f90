//! `crm_mon --output-as=xml` of pacemaker 2.0 to 3.0.

use std::collections::BTreeSet;

use hapair_model::{
    observed::{
        Ban, Cluster, ClusterNode, ClusterResource, Failure, FenceEvent, GivenUp, LINK_ATTRIBUTE,
        ResourceRole,
    },
    xml::Element,
};

/// OCF_ERR_INSTALLED, as crm_mon prints it.
const NOT_INSTALLED: &str = "5";

/// pacemaker's view, or nothing when the answer is not understood.
pub fn read(xml: &str) -> Option<Cluster> {
    let root = Element::parse(xml).ok()?;
    if root.name != "pacemaker-result" {
        return None;
    }
    let summary = root.first("summary")?;
    let dc = summary.first("current_dc")?;
    let list = |name: &str, child: &str| -> Vec<&Element> {
        root.first(name)
            .map(|list| list.children.iter().filter(|each| each.name == child).collect())
            .unwrap_or_default()
    };
    Some(Cluster {
        quorate: dc.is("with_quorum"),
        has_dc: dc.is("present"),
        maintenance: summary
            .first("cluster_options")
            .is_some_and(|options| options.is("maintenance-mode")),
        nodes: list("nodes", "node")
            .into_iter()
            .filter_map(|node| {
                let name = node.get("name")?;
                Some((
                    name.to_owned(),
                    cluster_node(node, links_down(&list("node_attributes", "node"), name)),
                ))
            })
            .collect(),
        resources: root
            .first("resources")
            .map(|all| all.all().into_iter().filter_map(resource).collect())
            .unwrap_or_default(),
        failures: failures(&list("failures", "failure"), &list("node_history", "node")),
        fencing: list("fence_history", "fence_event")
            .into_iter()
            .filter_map(fence_event)
            .collect(),
        bans: list("bans", "ban").into_iter().filter_map(ban).collect(),
        given_up: list("node_history", "node")
            .into_iter()
            .flat_map(given_up)
            .collect(),
    })
}

/// What has failed on a node as often as it may, or for good.
fn given_up(history: &Element) -> Vec<GivenUp> {
    let number = |text: &str| match text {
        "INFINITY" | "+INFINITY" => Some(1_000_000),
        text => text.parse::<u32>().ok(),
    };
    let one = |resource: &Element| {
        let (times, most) = (resource.get("fail-count")?, resource.get("migration-threshold")?);
        // Never that: 0 (pcmk_resource_t, migration_threshold).
        let most = number(most).filter(|most| *most > 0)?;
        let id = resource.id()?;
        (number(times)? >= most).then(|| GivenUp {
            resource: id.split_once(':').map_or(id, |(id, _)| id).to_owned(),
            node: history.get("name").unwrap_or_default().to_owned(),
            times: times.to_owned(),
        })
    };
    history.children.iter().filter_map(one).collect()
}

/// A lesser weight only prefers the other node.
fn ban(element: &Element) -> Option<Ban> {
    let weight = element.get("weight").unwrap_or("-INFINITY");
    if weight.parse::<i64>().is_ok_and(|weight| weight > -1_000_000) {
        return None;
    }
    let text = |name: &str| element.get(name).map(str::to_owned);
    Some(Ban {
        id: text("id")?,
        resource: text("resource")?,
        node: text("node")?,
    })
}

/// The attributes of a node by which our agent `link` tells that an interface has no link.
fn links_down(nodes: &[&Element], name: &str) -> BTreeSet<String> {
    let of_node = nodes.iter().filter(|node| node.get("name") == Some(name));
    let attributes = of_node.flat_map(|node| &node.children).filter_map(|each| {
        let attribute = each.get("name")?;
        (attribute.starts_with(LINK_ATTRIBUTE) && each.get("value") == Some("0"))
            .then(|| attribute.to_owned())
    });
    attributes.collect()
}

fn cluster_node(node: &Element, links_down: BTreeSet<String>) -> ClusterNode {
    ClusterNode {
        online: node.is("online"),
        standby: node.is("standby") || node.is("standby_onfail"),
        unclean: node.is("unclean"),
        pending: node.is("pending"),
        maintenance: node.is("maintenance"),
        links_down,
    }
}

fn resource(element: &Element) -> Option<ClusterResource> {
    if element.name != "resource" {
        return None;
    }
    let id = element.id()?;
    let active = element.is("active");
    let nodes = element
        .children
        .iter()
        .filter(|child| child.name == "node" && active)
        .filter_map(|node| node.get("name"));
    Some(ClusterResource {
        id: id.split_once(':').map_or(id, |(id, _)| id).to_owned(),
        role: match element.get("role").unwrap_or("Unknown") {
            "Master" => ResourceRole::Promoted,
            "Slave" => ResourceRole::Unpromoted,
            role => role.into(),
        },
        nodes: nodes.map(str::to_owned).collect(),
        failed: element.is("failed"),
        orphaned: element.is("orphaned"),
        blocked: element.is("blocked"),
        unmanaged: element.get("managed") == Some("false"),
    })
}

/// What has failed and has not run well since: pacemaker keeps a failure in its list until it times out, long
/// after the resource has recovered.
fn failures(failures: &[&Element], histories: &[&Element]) -> Vec<Failure> {
    let read = |each: &&Element| {
        let since = since(each, histories).unwrap_or(Since::Nothing);
        let interval = || each.get("interval")?.trim_end_matches("ms").parse().ok();
        let passed = matches!(since, Since::SameMonitor).then(interval).flatten();
        let failure = failure(each, passed)?;
        (!matches!(since, Since::Recovered)).then_some(failure)
    };
    failures.iter().filter_map(read).collect()
}

/// What has gone well since a failure.
enum Since {
    Nothing,
    /// The monitor that failed, when it was repeated.
    SameMonitor,
    Recovered,
}

/// What has gone well on that node since. An executor numbers its calls in their order; a monitor that is repeated keeps its
/// number.
fn since(failure: &Element, histories: &[&Element]) -> Option<Since> {
    let number = |element: &Element| element.get("call")?.parse::<u32>().ok();
    let (resource, failed) = (failed_resource(failure)?, number(failure)?);
    let history = histories
        .iter()
        .find(|node| node.get("name") == failure.get("node"))?;
    let disproves = |operation: &Element| {
        match (failure.get("task")?, operation.get("task")?, operation.get("rc")?) {
            // Running unpromoted proves nothing about a promotion. 8 is OCF_RUNNING_PROMOTED.
            ("promote" | "demote", "promote", "0") | ("promote" | "demote", "monitor", "8") => Some(()),
            ("promote" | "demote", _, _) => None,
            // What could not be stopped goes on running.
            ("stop", "start", "0") => Some(()),
            ("stop", _, _) => None,
            (_, _, rc) if failure.get("exitcode") == Some(rc) => None,
            (_, "start" | "promote" | "monitor", "0" | "8") => Some(()),
            _ => None,
        }
    };
    let of_resource = history.children.iter().filter(|each| each.id() == Some(resource));
    let operations: Vec<_> = of_resource.flat_map(|each| &each.children).collect();
    let well = operations
        .iter()
        .filter(|operation| disproves(operation).is_some());
    let (call, when, well) = well
        .filter_map(|operation| Some((number(operation)?, moment(operation), operation)))
        .max_by_key(|(call, when, _)| (*call, *when))?;
    let fails = |each: &&&Element| number(each) == Some(failed) && each.get("rc") != well.get("rc");
    let failed_last = operations
        .iter()
        .filter(fails)
        .filter_map(|each| moment(each))
        .max();
    Some(if call > failed {
        Since::Recovered
    } else if call == failed && failed_last.is_some() && when > failed_last {
        Since::SameMonitor
    } else {
        Since::Nothing
    })
}

/// When an operation's result last changed, to be compared with others: `Sat Nov 28 22:43:14 2026`.
fn moment(operation: &Element) -> Option<(u32, usize, u32, &str)> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = operation.get("last-rc-change")?.split_whitespace().skip(1);
    let (month, day, time) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let month = MONTHS.iter().position(|each| *each == month)?;
    Some((words.next()?.parse().ok()?, month, day, time))
}

/// When it failed, in Unix seconds: `2026-11-23 19:17:13Z` or `2026-11-23 20:17:13 +01:00`.
fn failed_at(failure: &Element) -> Option<i64> {
    let time = failure
        .get("last-rc-change")?
        .replace(" +", "+")
        .replace(" -", "-");
    Some(time.parse::<jiff::Timestamp>().ok()?.as_second())
}

fn failed_resource(failure: &Element) -> Option<&str> {
    let operation = failure.get("op_key").or_else(|| failure.id())?;
    let task = failure.get("task").unwrap_or("operation");
    Some(
        operation
            .split_once(&format!("_{task}_"))
            .map_or(operation, |(resource, _)| resource),
    )
}

fn failure(element: &Element, passed: Option<u32>) -> Option<Failure> {
    let reason = element
        .get("exitreason")
        .filter(|reason| !reason.is_empty())
        .or_else(|| element.get("exitstatus"));
    Some(Failure {
        resource: failed_resource(element)?.to_owned(),
        task: element.get("task").unwrap_or("operation").into(),
        node: element.get("node")?.to_owned(),
        message: reason.unwrap_or("failed").to_owned(),
        passed,
        missing_at: element
            .get("exitcode")
            .filter(|code| *code == NOT_INSTALLED)
            .and_then(|_| failed_at(element)),
    })
}

fn fence_event(element: &Element) -> Option<FenceEvent> {
    let text = |name: &str| element.get(name).map(str::to_owned);
    Some(FenceEvent {
        target: text("target")?,
        status: element.get("status")?.into(),
        completed: text("completed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVING: &str = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-serving.xml");

    #[test]
    fn a_lost_link_is_told_of_its_node() {
        let attribute = "<attribute name=\"master-volume-logs\"";
        assert_eq!(SERVING.matches(attribute).count(), 2, "one of each node");
        let (before, after) = SERVING.split_once(attribute).unwrap();
        let lost = format!(
            "{before}<attribute name=\"link-web\" value=\"0\"/><attribute name=\"link-other\" value=\"1\"/>{attribute}{after}"
        );
        let nodes = read(&lost).unwrap().nodes;
        assert_eq!(nodes["node1"].links_down, BTreeSet::from(["link-web".to_owned()]));
        assert!(nodes["node2"].links_down.is_empty());
    }

    #[test]
    fn a_serving_pair_reads_as_one() {
        let cluster = read(SERVING).unwrap();
        assert!(cluster.quorate && cluster.has_dc && !cluster.maintenance);
        assert!(cluster.nodes.values().all(|node| node.state() == "Online"));
        assert_eq!(
            cluster.active_in_role("volume-logs", &ResourceRole::Promoted),
            Some("node1")
        );
        assert_eq!(cluster.node_of("ip-web"), Some("node1"));
        assert!(cluster.failures.is_empty());
    }

    /// A monitor that failed once while the scheduler stood still, and went well when it was repeated.
    #[test]
    fn a_failure_that_has_passed_is_told_as_one() {
        let cluster = read(include_str!("../../fixtures/crm_mon/pacemaker-3.0.0-passed.xml")).unwrap();
        let failures: Vec<_> = cluster
            .failures
            .iter()
            .map(|each| (each.resource.as_str(), each.passed))
            .collect();
        assert_eq!(failures, [("probe-tomcat", Some(10_000))]);
        let lasts = read(include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-failed.xml")).unwrap();
        assert_eq!(lasts.failures[0].passed, None);
        assert_eq!(lasts.failures[0].missing_at, None);
    }

    #[test]
    fn when_something_was_missing_is_known_in_every_time_zone() {
        let lasts = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-failed.xml");
        let missing = lasts.replace("exitcode=\"7\"", "exitcode=\"5\"");
        for time in [
            "2026-11-23 19:17:13Z",
            "2026-11-23 20:17:13 +01:00",
            "2026-11-23 14:17:13 -05:00",
        ] {
            let there = missing.replace("2026-11-23 19:17:13Z", time);
            let failures = read(&there).unwrap().failures;
            assert_eq!(failures[0].missing_at, Some(1_795_461_433), "{time}");
        }
    }

    #[test]
    fn a_failure_is_told_until_the_resource_has_run_well_again() {
        let failures = |xml: &str| read(xml).unwrap().failures;
        let failed = Failure {
            resource: "service-tomcat-tomcat".into(),
            task: "monitor".into(),
            node: "node2".into(),
            message: "failed".into(),
            passed: None,
            missing_at: None,
        };
        let lasts = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-failed.xml");
        assert_eq!(failures(lasts), std::slice::from_ref(&failed));
        let recovered = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-recovered-then-moved.xml");
        assert!(recovered.contains("<failure "), "pacemaker itself keeps it");
        assert_eq!(failures(recovered), []);
        let running = |task: &str| {
            recovered.replace(
                "interval=\"10000\" task=\"monitor\"",
                &format!("interval=\"0\" task=\"{task}\""),
            )
        };
        let could_not = |task: &str| {
            failures(&running(task).replace("tomcat_monitor_10000", &format!("tomcat_{task}_0"))).len()
        };
        assert_eq!(
            ["start", "promote", "stop"].map(could_not),
            [0, 1, 1],
            "that it runs disproves the first only"
        );
        let failed_again = recovered.replace("call=\"48\"", "call=\"57\"");
        assert_eq!(failures(&failed_again), [failed]);
    }

    #[test]
    fn what_has_failed_as_often_as_it_may_is_given_up() {
        let failed = include_str!("../../fixtures/crm_mon/pacemaker-2.1.5-failed.xml");
        let of = |times: &str| {
            let text = failed.replace("fail-count=\"1\"", &format!("fail-count=\"{times}\""));
            read(&text).unwrap().given_up
        };
        assert_eq!(of("2"), []);
        for times in ["3", "1000000", "INFINITY"] {
            let [given_up] = of(times).try_into().unwrap();
            assert_eq!(
                (given_up.resource.as_str(), given_up.times.as_str()),
                ("service-tomcat-tomcat", times)
            );
        }
    }

    #[test]
    fn the_older_words_for_roles_mean_the_same() {
        let cluster = read(
            &SERVING
                .replace("Unpromoted", "Slave")
                .replace("Promoted", "Master"),
        )
        .unwrap();
        assert_eq!(
            cluster.active_in_role("volume-logs", &ResourceRole::Promoted),
            Some("node1")
        );
    }

    #[test]
    fn an_answer_cut_anywhere_is_no_answer() {
        for end in (0..SERVING.trim_end().len()).filter(|end| SERVING.is_char_boundary(*end)) {
            assert_eq!(read(&SERVING[..end]), None, "cut at {end}");
        }
    }
}
