//! A failed operation, as it is told.

use hapair_model::{observed::Failure, reason::with_remedy};

/// In the agent's words, with the command that has the cluster try again.
pub fn told(failure: &Failure) -> String {
    told_as(failure, &failure.to_string())
}

/// The same in other words.
pub fn told_as(failure: &Failure, message: &str) -> String {
    let remedy = format!(
        "mend what it complains of. If it does not recover by itself then, `pcs resource cleanup {}` on one of the nodes",
        failure.resource
    );
    with_remedy(message, &remedy)
}
