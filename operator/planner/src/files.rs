//! What files of the operator's have in common.

use hapair_model::plan::{Content, File, Keep};

/// The first line of a file in which changes by hand are undone.
pub const MANAGED: &str = "# Managed by hapair-operator; changes here are undone.\n";

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
