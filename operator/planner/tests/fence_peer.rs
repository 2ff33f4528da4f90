//! DRBD's handlers, run for real against the CIBs of three versions of pacemaker: the real cibadmin on a
//! file, and a controller, a fencer and a /proc/drbd that say what the situation is (root needed, for a host
//! name of its own).
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod situations;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use hapair_model::{Both, plan::Step, xml::Element};
use situations::*;
use tempfile::TempDir;

/// What pacemaker writes of a peer that is online, lost and not fenced yet, fenced, and stopped in order.
/// Recorded on real hosts: 2.1.5, and 3.0.0 of a peer that is online; the others follow pacemaker's sources.
const STATES: [(&str, &str); 3] = [
    (
        "pacemaker-3.0",
        include_str!("fixtures/node_state.pacemaker-2.0.5"),
    ),
    (
        "pacemaker-3.7",
        include_str!("fixtures/node_state.pacemaker-2.1.5"),
    ),
    (
        "pacemaker-3.7",
        include_str!("fixtures/node_state.pacemaker-3.0.0"),
    ),
];

const UP_TO_DATE: &str = " 0: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----";
const PROMOTING: &str = " 0: cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown C r-----";
const CONSISTENT: &str = " 0: cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown C r-----";
const CONNECTED: &str = " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----";
const ANSWERS: &str = "exit 0";
const SILENT: &str = "exit 102";
const NEVER: &str = "";
/// As corosync-cmapctl 3.1 prints them.
const ONE_LINK: &str = "\
echo 'stats.knet.node2.link0.connected (u8) = 1'
echo 'stats.knet.node2.link0.down_count (u32) = 0'
echo 'stats.knet.node2.link1.connected (u8) = 0'
echo 'stats.knet.node2.link1.down_count (u32) = 1'";
const NO_LINK: &str = "\
[ \"$*\" = '-m stats stats.knet.node2.' ] || exit 1
echo 'stats.knet.node2.link0.connected (u8) = 0'
echo 'stats.knet.node2.link0.down_count (u32) = 1'
echo 'stats.knet.node2.link1.connected (u8) = 0'";

/// The package resource-agents brings the directory, in which only root makes files (tmpfiles.d(5)).
const GROUND: &str =
    "mkdir -p /run/resource-agents; mount -t tmpfs -o mode=1755 none /run/resource-agents; hostname node1";

/// A node1 with a CIB, and its tools.
struct Node {
    folder: TempDir,
}

impl Node {
    /// What pacemaker has of node2 in this situation, in the words of this version.
    fn new((schema, states): (&str, &str), peer: &str, drbd: &str, crmadmin: &str) -> Self {
        let node = Self {
            folder: TempDir::with_prefix_in("hapair-fence.", "/run").unwrap(),
        };
        let desired = tomcat_pair();
        let plan = plan_of(&desired, &with_first_data(&desired));
        let Some(Step::SeedCib { cib }) = stage_of(&plan).steps.first.first() else {
            panic!("a seed comes first")
        };
        let mut cib = Element::parse(cib).unwrap();
        cib.attributes.insert("validate-with".into(), schema.into());
        if schema == "pacemaker-3.0" {
            cib = Element::parse(
                &cib.to_string()
                    .replace("\"Promoted\"", "\"Master\"")
                    .replace("\"Unpromoted\"", "\"Slave\""),
            )
            .unwrap();
        }
        node.write("cib.xml", &cib.to_string());
        node.becomes(states, peer);
        node.drbd(drbd);
        node.tool("crmadmin", crmadmin);
        node.tool("stonith_admin", NEVER);
        node.tool("corosync-cmapctl", ONE_LINK);
        node.tool("logger", "shift 3; echo \"$*\" >> \"${0%/*}/log\"");
        // A look is counted, and the next one comes at once.
        node.tool("sleep", "echo >> \"${0%/*}/looks\"; exec /bin/sleep 0.02");
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whole or not at all: the handler reads at any moment.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn tool(&self, name: &str, script: &str) {
        self.write(name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn drbd(&self, line: &str) {
        self.write(
            "proc",
            &format!(
                "version: 8.4.11\n\n{line}\n    ns:0 nr:0 dw:0 dr:0\n 1: cs:Connected ro:Primary/Secondary \
                 ds:UpToDate/UpToDate C r-----\n"
            ),
        );
    }

    fn cib(&self) -> Element {
        Element::parse(&fs::read_to_string(self.path("cib.xml")).unwrap()).unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Element)) {
        let mut cib = self.cib();
        change(&mut cib);
        self.write("cib.xml", &cib.to_string());
    }

    fn becomes(&self, states: &str, peer: &str) {
        let line = states
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{peer} ")))
            .unwrap();
        self.change(|cib| cib.first_mut("status").children = vec![Element::parse(line).unwrap()]);
    }

    fn was_fenced(&self, seconds_ago: u32) {
        self.tool(
            "stonith_admin",
            &format!(
                "at=$(date --utc --date='{seconds_ago} seconds ago' '+%F %T.%6NZ')\n\
                 echo '<pacemaker-result><fence_history target=\"node2\">'\n\
                 echo \"<fence_event action=\\\"reboot\\\" target=\\\"node2\\\" client=\\\"c\\\" \
                 origin=\\\"node1\\\" status=\\\"success\\\" delegate=\\\"node1\\\" completed=\\\"$at\\\"/>\""
            ),
        );
    }

    fn fencing(&self, enabled: bool) {
        let text = self.cib().to_string();
        let (from, to) = if enabled {
            ("false", "true")
        } else {
            ("true", "false")
        };
        let option = |value: &str| format!("name=\"stonith-enabled\" value=\"{value}\"");
        self.write("cib.xml", &text.replace(&option(from), &option(to)));
    }

    fn constraint_of(&self, node: &str) {
        let text = format!(
            "<rsc_location rsc=\"volume-logs-clone\" id=\"{ID}\"><rule role=\"Master\" score=\"-INFINITY\" \
             id=\"r\">\
             <expression attribute=\"#uname\" operation=\"ne\" value=\"{node}\" \
             id=\"e\"/></rule></rsc_location>"
        );
        self.change(|cib| {
            cib.first_mut("configuration")
                .first_mut("constraints")
                .children
                .push(Element::parse(&text).unwrap())
        });
    }

    /// The node to which the constraint leaves the promoted role, and the word for that role.
    fn constraint(&self) -> Option<(String, String)> {
        let cib = self.cib();
        let constraint = cib.all().into_iter().find(|each| each.id() == Some(ID))?.clone();
        let rule = constraint.first("rule").unwrap().clone();
        assert_eq!(constraint.get("rsc"), Some("volume-logs-clone"));
        Some((
            rule.first("expression").unwrap().get("value").unwrap().to_owned(),
            rule.get("role").unwrap().to_owned(),
        ))
    }

    fn start(&self, handler: &str) -> Running<'_> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("files").join(handler);
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.folder.path().display());
        let line = format!(
            "{GROUND}; exec sh {} {}",
            script.display(),
            self.path("proc").display()
        );
        let mut command = Command::new("unshare");
        command
            .args(["--uts", "--mount", "sh", "-c", &line])
            .env_clear()
            .env("PATH", path)
            .env("CIB_file", self.path("cib.xml"));
        command
            .env("DRBD_RESOURCE", "logs")
            .env("DRBD_MINOR", "0")
            .env("DRBD_PEER", "node2");
        Running {
            node: self,
            child: command.spawn().unwrap(),
        }
    }

    fn fence(&self) -> i32 {
        self.start("fence-peer").end()
    }

    /// How many changes of the configuration there were.
    fn epoch(&self) -> u32 {
        self.cib().get("epoch").unwrap().parse().unwrap()
    }

    fn looks(&self) -> usize {
        fs::read_to_string(self.path("looks")).map_or(0, |text| text.lines().count())
    }
}

struct Running<'a> {
    node: &'a Node,
    child: Child,
}

impl Running<'_> {
    fn end(mut self) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return status.code().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "it is still undecided: {}",
            fs::read_to_string(self.node.path("log")).unwrap()
        )
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// It has looked several times, and has not decided.
    fn is_undecided(&mut self) {
        let until = self.node.looks() + 4;
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.node.looks() < until {
            let log = || fs::read_to_string(self.node.path("log")).unwrap_or_default();
            assert_eq!(
                self.child.try_wait().unwrap().and_then(|status| status.code()),
                None,
                "{}",
                log()
            );
            assert!(Instant::now() < deadline, "it does not look: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ID: &str = "drbd-fence-by-handler-logs-volume-logs-clone";

fn ours(schema: &str) -> Option<(String, String)> {
    Some((
        "node1".into(),
        if schema == "pacemaker-3.0" {
            "Master"
        } else {
            "Promoted"
        }
        .into(),
    ))
}

#[test]
fn a_peer_that_answers_is_outdated() {
    for version in STATES {
        for drbd in [UP_TO_DATE, PROMOTING, CONSISTENT] {
            let node = Node::new(version, "online", drbd, ANSWERS);
            assert_eq!(
                (node.fence(), node.constraint()),
                (4, ours(version.0)),
                "{version:?} {drbd}"
            );
            // Once more: the constraint is there already.
            assert_eq!(
                (node.fence(), node.constraint()),
                (4, ours(version.0)),
                "{version:?} {drbd}"
            );
        }
    }
}

/// Both links were cut at once: the CIB has the peer online until corosync notices.
#[test]
fn a_peer_that_is_online_in_the_cib_and_does_not_answer_is_waited_for() {
    for version in STATES {
        let node = Node::new(version, "online", UP_TO_DATE, SILENT);
        let mut running = node.start("fence-peer");
        running.is_undecided();
        node.becomes(version.1, "lost");
        running.is_undecided();
        assert_eq!(node.constraint(), None);
        node.becomes(version.1, "fenced");
        node.was_fenced(3);
        assert_eq!((running.end(), node.constraint()), (7, ours(version.0)));
    }
}

/// What a node writes that is cut off could win over its peer's configuration after it was fenced.
#[test]
fn a_node_that_is_cut_off_changes_nothing() {
    for version in STATES {
        for drbd in [UP_TO_DATE, PROMOTING] {
            let node = Node::new(version, "online", drbd, ANSWERS);
            node.tool("corosync-cmapctl", NO_LINK);
            let before = node.epoch();
            let mut running = node.start("fence-peer");
            running.is_undecided();
            assert_eq!((node.epoch(), node.constraint()), (before, None));
            node.tool("corosync-cmapctl", ONE_LINK);
            assert_eq!((running.end(), node.constraint()), (4, ours(version.0)));
        }
    }
}

/// It was set while the peer was there; the peer was cut off and fenced since.
#[test]
fn a_constraint_that_is_there_already_does_not_keep_the_configuration_from_being_the_newer() {
    let node = Node::new(STATES[1], "fenced", UP_TO_DATE, SILENT);
    node.constraint_of("node1");
    node.was_fenced(3);
    let before = node.epoch();
    assert_eq!(node.fence(), 7);
    assert!(node.epoch() >= before + 100, "{} after {before}", node.epoch());
}

/// The peer is connected again while the constraint cannot be taken back at once.
#[test]
fn a_constraint_is_taken_back_however_often_that_fails() {
    let node = Node::new(STATES[1], "online", UP_TO_DATE, SILENT);
    node.tool(
        "cibadmin",
        "case $* in *--delete*) echo >> \"$0.tries\"; [ $(wc -l < \"$0.tries\") -gt 6 ] || exit 1 ;; esac
        exec /usr/sbin/cibadmin \"$@\"",
    );
    let mut running = node.start("fence-peer");
    running.is_undecided();
    node.drbd(CONNECTED);
    assert_eq!((running.end(), node.constraint()), (1, None));
}

/// corosync may not have noticed yet.
#[test]
fn a_peer_that_was_silent_is_heard_before_anything_is_changed_again() {
    for cmapctl in [ONE_LINK, NEVER] {
        let node = Node::new(STATES[1], "online", UP_TO_DATE, SILENT);
        node.tool("corosync-cmapctl", cmapctl);
        let before = node.epoch();
        let mut running = node.start("fence-peer");
        running.is_undecided();
        running.is_undecided();
        // Set, and taken back.
        assert_eq!((node.epoch(), node.constraint()), (before + 2, None));
        node.tool("crmadmin", ANSWERS);
        assert_eq!((running.end(), node.constraint()), (4, ours("pacemaker-3.7")));
    }
}

#[test]
fn the_configuration_of_the_node_that_goes_on_is_newer_than_any_of_a_peer_that_is_down() {
    for version in STATES {
        for peer in ["fenced", "left"] {
            let node = Node::new(version, peer, UP_TO_DATE, SILENT);
            let before = node.epoch();
            node.fence();
            assert!(node.epoch() > before + 100, "{} after {before}", node.epoch());
            assert_eq!(node.constraint(), ours(version.0));
        }
        let node = Node::new(version, "online", UP_TO_DATE, ANSWERS);
        let before = node.epoch();
        node.fence();
        assert_eq!(node.epoch(), before + 1, "both have the same configuration");
    }
}

#[test]
fn a_peer_that_is_lost_is_waited_for_until_it_was_fenced() {
    for version in STATES {
        for drbd in [UP_TO_DATE, PROMOTING] {
            let node = Node::new(version, "lost", drbd, SILENT);
            let mut running = node.start("fence-peer");
            running.is_undecided();
            assert_eq!(node.constraint(), None);
            node.becomes(version.1, "fenced");
            node.was_fenced(3);
            assert_eq!((running.end(), node.constraint()), (7, ours(version.0)));
        }
    }
}

#[test]
fn a_peer_that_was_stopped_in_order_is_down() {
    for version in STATES {
        let node = Node::new(version, "left", PROMOTING, SILENT);
        assert_eq!((node.fence(), node.constraint()), (5, ours(version.0)));
        // It was fenced once, has been back since, and was stopped then.
        let node = Node::new(version, "left", PROMOTING, SILENT);
        node.was_fenced(3600);
        assert_eq!(node.fence(), 5);
    }
}

#[test]
fn a_peer_that_is_down_may_have_newer_data_than_a_disk_that_is_not_up_to_date() {
    for version in STATES {
        for peer in ["fenced", "left"] {
            let node = Node::new(version, peer, CONSISTENT, SILENT);
            node.was_fenced(3);
            assert_eq!((node.fence(), node.constraint()), (1, None), "{version:?} {peer}");
        }
    }
}

#[test]
fn a_disk_below_consistent_decides_nothing() {
    let inconsistent = UP_TO_DATE.replace("UpToDate/", "Inconsistent/");
    let node = Node::new(STATES[1], "online", &inconsistent, ANSWERS);
    node.start("fence-peer").is_undecided();
    assert_eq!(node.constraint(), None);
}

#[test]
fn without_fencing_a_peer_that_is_lost_is_down() {
    for version in STATES {
        let node = Node::new(version, "lost", PROMOTING, SILENT);
        node.fencing(false);
        assert_eq!((node.fence(), node.constraint()), (5, ours(version.0)));
    }
}

#[test]
fn the_constraint_of_the_peer_is_never_overridden() {
    for version in STATES {
        for peer in ["online", "lost", "fenced", "left"] {
            let node = Node::new(version, peer, PROMOTING, ANSWERS);
            node.constraint_of("node2");
            assert_eq!(node.fence(), 1, "{version:?} {peer}");
            node.drbd(UP_TO_DATE);
            node.start("fence-peer").is_undecided();
            assert_eq!(node.constraint().map(|(node, _)| node).as_deref(), Some("node2"));
        }
    }
}

#[test]
fn a_peer_that_is_connected_again_ends_it_without_a_constraint() {
    let node = Node::new(STATES[1], "lost", UP_TO_DATE, SILENT);
    let mut running = node.start("fence-peer");
    running.is_undecided();
    node.drbd(CONNECTED);
    assert_eq!((running.end(), node.constraint()), (1, None));
    // Between the constraint and the answer.
    let node = Node::new(STATES[1], "online", UP_TO_DATE, "exit 0");
    let connects = format!(
        "echo ' 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----' > {}",
        node.path("proc").display()
    );
    node.tool("crmadmin", &connects);
    assert_eq!((node.fence(), node.constraint()), (1, None));
}

/// A resync had just ended when the link was cut again, and the other handler took the constraint away.
#[test]
fn a_constraint_that_goes_while_the_peer_is_asked_is_set_anew() {
    let node = Node::new(STATES[1], "online", UP_TO_DATE, ANSWERS);
    node.constraint_of("node1");
    node.tool(
        "crmadmin",
        &format!(
            "echo >> \"$0.asked\"; [ $(wc -l < \"$0.asked\") != 1 ] || cibadmin --delete --xml-text \
            '<rsc_location id=\"{ID}\"/>'"
        ),
    );
    assert_eq!((node.fence(), node.constraint()), (4, ours("pacemaker-3.7")));
}

#[test]
fn a_constraint_that_the_cluster_does_not_take_decides_nothing() {
    let node = Node::new(STATES[1], "fenced", UP_TO_DATE, SILENT);
    node.tool(
        "cibadmin",
        "case $* in *--create*) exit 0 ;; *) exec /usr/sbin/cibadmin \"$@\" ;; esac",
    );
    node.start("fence-peer").is_undecided();
    assert_eq!(node.constraint(), None);
}

/// Two handlers at once: the peer's constraint came while the peer was asked.
#[test]
fn a_constraint_that_the_peer_sets_meanwhile_stays() {
    let node = Node::new(STATES[1], "online", UP_TO_DATE, ANSWERS);
    let theirs = format!(
        "<rsc_location rsc=\"volume-logs-clone\" id=\"{ID}\"><rule role=\"Promoted\" score=\"-INFINITY\" id=\"r\"><expression \
         attribute=\"#uname\" operation=\"ne\" value=\"node2\" id=\"e\"/></rule></rsc_location>"
    );
    node.tool(
        "corosync-cmapctl",
        &format!("cibadmin --create --scope constraints --xml-text '{theirs}' 2> /dev/null\n{ONE_LINK}"),
    );
    node.start("fence-peer").is_undecided();
    assert_eq!(node.constraint().map(|(node, _)| node).as_deref(), Some("node2"));
}

#[test]
fn a_version_that_cannot_be_raised_keeps_nobody_from_going_on() {
    let node = Node::new(STATES[1], "fenced", UP_TO_DATE, SILENT);
    node.was_fenced(3);
    node.tool(
        "cibadmin",
        "case $* in *--modify*) exit 103 ;; *) exec /usr/sbin/cibadmin \"$@\" ;; esac",
    );
    assert_eq!((node.fence(), node.constraint()), (7, ours("pacemaker-3.7")));
}

#[test]
fn a_cib_that_cannot_be_read_decides_nothing() {
    let node = Node::new(STATES[1], "fenced", UP_TO_DATE, ANSWERS);
    node.tool("cibadmin", "exit 124");
    node.start("fence-peer").is_undecided();
}

#[test]
fn the_constraint_goes_when_both_legs_are_up_to_date_and_no_other_does() {
    let node = Node::new(STATES[1], "online", CONNECTED, ANSWERS);
    node.constraint_of("node1");
    let other = format!(
        "<rsc_location id=\"{}\" rsc=\"volume-logs-clone\" node=\"node2\" score=\"0\"/>",
        ID.replace("logs-v", "logs-2-v")
    );
    node.change(|cib| {
        cib.first_mut("configuration")
            .first_mut("constraints")
            .children
            .push(Element::parse(&other).unwrap())
    });
    assert_eq!((node.start("unfence-peer").end(), node.constraint()), (0, None));
    assert!(node.cib().to_string().contains("drbd-fence-by-handler-logs-2-"));

    let node = Node::new(
        STATES[1],
        "online",
        &CONNECTED.replace("/UpToDate ", "/Inconsistent "),
        ANSWERS,
    );
    node.constraint_of("node1");
    assert_eq!(node.start("unfence-peer").end(), 1);
    assert!(node.constraint().is_some());
}

/// Its node has just started, and is busy: pacemaker takes longer to answer than the handler waits.
#[test]
fn a_cib_that_does_not_answer_is_not_one_without_the_constraint() {
    let node = Node::new(STATES[2], "online", CONNECTED, ANSWERS);
    node.constraint_of("node1");
    node.tool(
        "cibadmin",
        "case $* in *--xpath*) echo >> \"$0.asked\"; [ $(wc -l < \"$0.asked\") -gt 2 ] || exit 124 ;; esac
        exec /usr/sbin/cibadmin \"$@\"",
    );
    assert_eq!((node.start("unfence-peer").end(), node.constraint()), (0, None));
}

#[test]
fn both_hosts_get_the_handlers_before_the_resource_that_names_them() {
    let desired = tomcat_pair();
    let plan = plan_of(&desired, &with_packages(&desired));
    let Both { first, second } = &stage_of(&plan).steps;
    for steps in [first, second] {
        let at = |end: &str| {
            steps
                .iter()
                .position(|step| matches!(step, Step::WriteFile(file) if file.path.ends_with(end)))
                .unwrap()
        };
        assert!(at("/hapair-fence-peer") < at("/logs.res") && at("/hapair-unfence-peer") < at("/logs.res"));
    }
}

/// flock(2) needs no more than a file that can be opened; DRBD would wait for the handler with all writes frozen.
#[test]
fn nobody_else_can_hold_the_handlers_lock() {
    for handler in ["fence-peer", "unfence-peer"] {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("files").join(handler)).unwrap();
        let line = text.lines().find(|line| line.contains("9> ")).unwrap();
        let (_, path) = line.split_once("9> ").unwrap();
        let umask = text.lines().position(|line| line == "umask 077").unwrap();
        let opened = text.lines().position(|each| each == line).unwrap();
        assert!(umask < opened, "{handler} opens its lock for others");
        assert_eq!(
            path, "\"/run/resource-agents/hapair-fence-$resource\"",
            "{handler}"
        );
    }
    let node = Node::new(STATES[1], "online", UP_TO_DATE, ANSWERS);
    let script = format!(
        "{GROUND}; umask 022; sh {}/files/fence-peer {}; stat --format %a /run/resource-agents/hapair-fence-logs",
        env!("CARGO_MANIFEST_DIR"),
        node.path("proc").display()
    );
    let ran = Command::new("unshare")
        .args(["--uts", "--mount", "sh", "-c", &script])
        .env(
            "PATH",
            format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", node.folder.path().display()),
        )
        .env("CIB_file", node.path("cib.xml"))
        .envs([
            ("DRBD_RESOURCE", "logs"),
            ("DRBD_MINOR", "0"),
            ("DRBD_PEER", "node2"),
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "600\n");
}
