//! What has to follow a changed file.

use std::collections::BTreeSet;

use hapair_model::{
    observed::Host,
    plan::{File, FollowUp},
};

/// What has to follow: files that change now, and files that changed before a crash.
pub struct Due(BTreeSet<String>);

impl Due {
    /// What is due on a host whose files change now.
    pub fn of<'a>(host: &Host, changed: impl Iterator<Item = &'a File>) -> Self {
        let now = changed
            .filter_map(|file| file.follow_up.as_ref())
            .map(FollowUp::mark);
        Self(host.pending.iter().cloned().chain(now).collect())
    }

    /// Resources whose failures are to be forgotten.
    pub fn clean_ups(&self) -> impl Iterator<Item = String> {
        let prefix = FollowUp::CleanUp(String::new()).mark();
        self.0
            .iter()
            .filter_map(move |mark| mark.strip_prefix(&prefix).map(str::to_owned))
    }

    /// Whether this has to follow.
    pub fn has(&self, follow_up: &FollowUp) -> bool {
        self.0.contains(&follow_up.mark())
    }
}
