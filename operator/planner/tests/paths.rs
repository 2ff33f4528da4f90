//! Places on a host where somebody else may write: nobody leads the operator elsewhere.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason,
    desired::Desired,
    observed::{PathFacts, PathKind},
    plan::{Next, Subject},
};
use situations::*;

fn facts(kind: PathKind, owner: &str, mode: u32) -> PathFacts {
    let (user, group) = owner.split_once(':').unwrap();
    PathFacts {
        kind,
        user: user.into(),
        group: group.into(),
        mode,
    }
}

/// As Debian's tomcat10 brings them.
fn with_tomcats_directories(desired: &mut Desired) -> Hosts {
    desired.groups[0].files[0].owner = "tomcat:tomcat".into();
    at_rest(desired).map(|mut host| {
        let directory = |owner: &str, mode| facts(PathKind::Directory, owner, mode);
        for (path, facts) in [
            ("/var", directory("root:root", 0o755)),
            ("/var/log", directory("root:root", 0o755)),
            ("/var/log/tomcat10", directory("tomcat:adm", 0o2770)),
            ("/var/lib", directory("root:root", 0o755)),
            ("/var/lib/tomcat10", directory("root:root", 0o755)),
            ("/var/lib/tomcat10/webapps", directory("tomcat:tomcat", 0o775)),
            ("/var/lib/tomcat10/webapps/ROOT", directory("root:root", 0o755)),
            (
                "/var/lib/tomcat10/webapps/ROOT/index.html",
                facts(PathKind::File, "tomcat:tomcat", 0o644),
            ),
        ] {
            host.paths.insert(path.into(), facts);
        }
        host
    })
}

/// What is found when this path of node1 is like this.
fn found(path: &str, facts: PathFacts) -> String {
    let mut desired = tomcat_pair();
    let mut hosts = with_tomcats_directories(&mut desired);
    hosts.first.paths.insert(path.into(), facts);
    let plan = plan_of(&desired, &hosts);
    assert_eq!(plan.next, Next::Rest, "nothing is changed meanwhile");
    match plan.findings.as_slice() {
        [finding] => {
            assert_eq!(finding.reason, Reason::PathUnusable);
            let subject = if path.starts_with("/var/log") {
                Subject::Volume("logs".into())
            } else {
                Subject::Group("tomcat".into())
            };
            assert_eq!(finding.about, subject);
            finding.message.clone()
        }
        others => panic!("{others:?}"),
    }
}

#[test]
fn the_directories_of_debians_tomcat_are_fit_for_a_file_of_tomcats() {
    let mut desired = tomcat_pair();
    let hosts = with_tomcats_directories(&mut desired);
    assert_eq!(plan_of(&desired, &hosts).findings, []);
}

#[test]
fn a_file_of_roots_below_a_directory_of_tomcats_is_refused() {
    let mut desired = tomcat_pair();
    let hosts = with_tomcats_directories(&mut desired);
    desired.groups[0].files[0].owner = "root:root".into();
    let [finding, _] = &plan_of(&desired, &hosts).findings[..] else {
        panic!("one on each node")
    };
    assert!(
        finding
            .message
            .contains("webapps can be written by tomcat, expected only root"),
        "{}",
        finding.message
    );
}

#[test]
fn a_link_or_a_directory_where_a_file_goes_is_refused() {
    let index = "/var/lib/tomcat10/webapps/ROOT/index.html";
    assert!(found(index, facts(PathKind::Link, "tomcat:tomcat", 0o777)).contains("it is a symbolic link"));
    assert!(found(index, facts(PathKind::Directory, "tomcat:tomcat", 0o755)).contains("it is a directory"));
    let message = found(
        "/var/lib/tomcat10/webapps/ROOT",
        facts(PathKind::Link, "tomcat:tomcat", 0o777),
    );
    assert!(
        message.starts_with("node1: spec.files[0].path")
            && message.contains("webapps/ROOT is a symbolic link"),
        "{message}"
    );
    assert!(
        found(
            "/var/lib/tomcat10",
            facts(PathKind::Directory, "root:root", 0o777)
        )
        .contains("written by everyone")
    );
}

#[test]
fn a_mount_point_that_someone_could_move_is_refused() {
    let message = found("/var/log", facts(PathKind::Directory, "root:syslog", 0o775));
    assert!(
        message.starts_with("node1: spec.filesystem.mountPoint")
            && message.contains("written by the group syslog"),
        "{message}"
    );
    assert!(
        found("/var/log/tomcat10", facts(PathKind::Link, "root:root", 0o777))
            .contains("it is a symbolic link")
    );
}
