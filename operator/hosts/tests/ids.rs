//! The numbers of users and groups, as the real probe tells them. Needs root.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use std::fs;

use ground::succeeds;
use hapair_hosts::offline;
use hapair_model::observed::{Question, User};

#[test]
fn each_name_that_exists_has_its_number_and_one_that_does_not_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, answer) = (folder.path().join("probe"), folder.path().join("answer"));
    let question = Question {
        users: vec!["root".into(), "nobody-has-this-name".into(), "alice".into()],
        groups: vec!["adm".into(), "nobody-has-this-name".into()],
        ..Question::default()
    };
    fs::write(&archive, offline::probe(&question)).unwrap();
    succeeds(
        &[],
        &format!(
            "echo 'alice:x:4711:4:Alice, with a comma:/home:/bin/sh' >> /etc/passwd
            mkdir /run/probe; tar -x -C /run/probe -f {}; sh /run/probe/main > {}",
            archive.display(),
            answer.display()
        ),
    );
    let host = offline::seen(&fs::read(answer).unwrap(), &question).unwrap();
    let (root, alice) = (User { uid: 0, gid: 0 }, User { uid: 4711, gid: 4 });
    assert_eq!(
        host.users,
        [("root".to_owned(), root), ("alice".to_owned(), alice)].into()
    );
    assert_eq!(host.groups, [("adm".to_owned(), 4)].into());
}
