//! corosync and pacemaker themselves.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Host, HostView, Question},
    plan::{File, FollowUp, Keep, PackageManager, Step},
};

use crate::{
    cib,
    due::Due,
    facts::Facts,
    files::{self, MANAGED},
    names,
    part::{Ground, Opening, Part},
    platform::Platform,
};

/// What this part has to say.
pub const PART: Part = Part {
    packages,
    units: |_| vec![("corosync", "corosync"), ("pacemaker", "pacemaker")],
    ask,
    resolve,
    files,
    openings,
    steps,
    ..Part::NONE
};

/// corosync's port on link 0; knet adds the link's number (corosync.conf(5), mcastport).
const PORT: u16 = 5405;

fn packages(_: &Desired, platform: &Platform) -> Vec<&'static str> {
    let tools = match platform.manager {
        PackageManager::Apt => "pacemaker-cli-utils",
        PackageManager::Dnf => "pacemaker-cli",
    };
    vec!["corosync", "pacemaker", tools, "resource-agents"]
}

fn ask(_: &Desired, _: Side, question: &mut Question) {
    question
        .units
        .extend(["corosync.service".into(), "pacemaker.service".into()]);
}

fn resolve(desired: &mut Desired, observed: &Both<HostView>) {
    if let Some(ids) = node_ids(desired, observed) {
        (desired.nodes.first.id, desired.nodes.second.id) = (ids.first, ids.second);
    }
}

/// The nodes' ids in a cluster that has both: those of the live configuration, else of a corosync.conf.
/// Debian's own names one node only.
fn node_ids(desired: &Desired, observed: &Both<HostView>) -> Option<Both<u32>> {
    let of_both =
        |id_of: &dyn Fn(&str) -> Option<u32>| desired.nodes.as_ref().map(|node| id_of(&node.name)).complete();
    let hosts = || observed.iter().filter_map(|(_, view)| view.host());
    let live = hosts()
        .filter_map(|host| host.cib.as_ref())
        .find_map(|cib| of_both(&|name| cib::node_id(cib, name)));
    live.or_else(|| {
        hosts()
            .filter_map(|host| host.corosync_conf.as_ref())
            .find_map(|conf| of_both(&|name| conf.nodes.get(name).copied()))
    })
}

fn files(desired: &Desired, _: Side, _: &Ground) -> Vec<File> {
    vec![File {
        keep: Keep::Versions,
        follow_up: Some(FollowUp::ReloadCorosync),
        ..files::text(names::COROSYNC_CONF, "644", corosync_conf(desired))
    }]
}

/// corosync.conf(5): both nodes on all links, two_node (which implies wait_for_all).
///
/// The token of 3 s suits machines of one's own; a link's kind is knet, which encrypts.
fn corosync_conf(desired: &Desired) -> String {
    let nodes: String = desired
        .nodes
        .iter()
        .map(|(_, node)| {
            let links: String = node
                .links
                .iter()
                .map(|(number, address)| format!("    ring{number}_addr: {address}\n"))
                .collect();
            format!(
                "  node {{\n    nodeid: {}\n    name: {}\n{links}  }}\n",
                node.id, node.name
            )
        })
        .collect();
    format!(
        "{MANAGED}totem {{\n  version: 2\n  cluster_name: \
         {}\n  transport: knet\n  \
         crypto_cipher: aes256\n  crypto_hash: sha256\n  token: {}\n}}\n\nnodelist {{\n{nodes}}}\n\nquorum \
         {{\n  provider: corosync_votequorum\n  \
         two_node: 1\n}}\n\nlogging {{\n  to_logfile: yes\n  logfile: \
         /var/log/corosync/corosync.log\n  to_syslog: yes\n  timestamp: on\n}}\n",
        desired.name, desired.token
    )
}

fn openings(desired: &Desired, side: Side) -> Vec<Opening> {
    let links = &desired.nodes[side.peer()].links;
    links
        .iter()
        .map(|(number, address)| Opening::from(address, "udp", PORT + u16::from(*number)))
        .collect()
}

fn steps(facts: &Facts<'_>, side: Side, due: &Due) -> Vec<Step> {
    corosync(facts.hosts[side], due).into_iter().collect()
}

fn corosync(host: &Host, due: &Due) -> Option<Step> {
    let unit = host.units.get("corosync").cloned().unwrap_or_default();
    let units = vec!["corosync".to_owned()];
    match (unit.is_active(), unit.enabled) {
        (true, _) if due.has(&FollowUp::RestartCorosync) => Some(Step::RestartUnits { units }),
        (false, _) | (_, false) => Some(Step::EnableUnits { units }),
        (true, true) => due.has(&FollowUp::ReloadCorosync).then_some(Step::ReloadCorosync),
    }
}
