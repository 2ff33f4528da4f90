//! How a stage went on one host.

/// How a stage went on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step ended well.
    Done,
    /// A step failed; the ones behind it did not run.
    Failed {
        /// What the step was for.
        step: String,
        /// What the host said, for a person.
        message: String,
    },
    /// Another owner manages the host; nothing was done.
    ManagedElsewhere {
        /// That owner, in words.
        owner: String,
    },
    /// A newer operator has been here; nothing was done.
    Superseded {
        /// The epoch the host has seen.
        epoch: u64,
    },
    /// The connection was lost: some, all or none of the steps ran.
    Lost {
        /// Why, for a person.
        message: String,
    },
}
