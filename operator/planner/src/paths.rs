//! Places on a host below which others may write: files of service groups, and mount points. What the
//! operator does there it does as root, so nobody may be able to lead it elsewhere. The script safe-file
//! holds to the same rules at the moment of writing.

use hapair_model::{
    Reason,
    observed::{Host, PathFacts, PathKind},
    plan::{Finding, Subject},
};

/// That a place cannot be used.
pub fn finding(node: &str, about: Subject, trouble: &str) -> Finding {
    Finding::new(
        about,
        Reason::PathUnusable,
        format!("{node}: {trouble}. Nothing was changed."),
    )
}

/// What is wrong with a file's place.
pub fn at_file(host: &Host, path: &str, owner: &str) -> Option<String> {
    above(host, path, owner).or_else(|| no_file(host, path))
}

/// What is wrong with a mount point.
pub fn at_mount_point(host: &Host, path: &str) -> Option<String> {
    above(host, path, "root:root").or_else(|| no_directory(host, path))
}

/// What is wrong with a directory above a path. One that does not exist comes with a package, or is made.
fn above(host: &Host, path: &str, owner: &str) -> Option<String> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, owner));
    let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
    ends.map(|end| &path[..end]).find_map(|directory| {
        let facts = host.paths.get(directory)?;
        match facts.kind {
            PathKind::Link => Some(format!(
                "{directory} is a symbolic link; name the place that it leads \
                to"
            )),
            PathKind::File | PathKind::Other => Some(format!("{directory} is no directory")),
            PathKind::Directory => writers(facts, user, group).map(|who| {
                format!(
                    "{directory} can be written by {who}, expected only root or the owner of what is \
                    below it, {user}:{group}"
                )
            }),
        }
    })
}

/// Who else can write to a directory.
fn writers(facts: &PathFacts, user: &str, group: &str) -> Option<String> {
    if facts.user != "root" && facts.user != user {
        return Some(facts.user.clone());
    }
    if facts.mode & 0o002 != 0 {
        return Some("everyone".to_owned());
    }
    (facts.mode & 0o020 != 0 && facts.group != "root" && facts.group != group)
        .then(|| format!("the group {}", facts.group))
}

fn no_file(host: &Host, path: &str) -> Option<String> {
    let found = match host.paths.get(path)?.kind {
        PathKind::File => return None,
        PathKind::Directory => "a directory",
        PathKind::Link => "a symbolic link",
        PathKind::Other => "no regular file",
    };
    Some(format!("it is {found}, expected a file or nothing"))
}

fn no_directory(host: &Host, path: &str) -> Option<String> {
    match host.paths.get(path)?.kind {
        PathKind::Directory => None,
        PathKind::Link => Some("it is a symbolic link; name the place that it leads to".to_owned()),
        PathKind::File | PathKind::Other => Some("it is no directory".to_owned()),
    }
}
