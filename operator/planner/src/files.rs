//! Files that the operator keeps on a host, all of them in one list.

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::Desired,
    plan::{Content, File, Keep},
};

use crate::parts::{Ground, PARTS};

/// The first line of a file in which changes by hand are undone.
pub const MANAGED: &str = "# Managed by hapair-operator; changes here are undone.\n";

/// The files one host shall have.
pub fn wanted(desired: &Desired, side: Side, ground: &Ground) -> Vec<File> {
    PARTS
        .iter()
        .flat_map(|part| (part.files)(desired, side, ground))
        .collect()
}

/// The paths of those files on a host of which nothing is known yet.
pub fn paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all(desired, side).map(|file| file.path).collect()
}

/// The paths of those that are the operator's alone. What another one replaced is given back, and must not be
/// removed after that.
pub fn own_paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all(desired, side)
        .filter(|file| file.keep != Keep::Original)
        .map(|file| file.path)
        .collect()
}

fn all(desired: &Desired, side: Side) -> impl Iterator<Item = File> {
    Ground::all().flat_map(move |ground| wanted(desired, side, &ground))
}

/// Where a unit's drop-in goes.
pub fn drop_in(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}.d/hapair.conf")
}

/// A file of root's that everyone may read.
pub fn text(path: &str, mode: &str, content: String) -> File {
    File {
        path: path.into(),
        mode: mode.into(),
        owner: "root:root".into(),
        content: Content::Text(content),
        keep: Keep::Nothing,
        follow_up: None,
    }
}
