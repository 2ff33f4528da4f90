//! What those who ask are told when there is no answer.

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such pair.
    NotFound(String),
    /// What was sent along cannot be used.
    Invalid(String),
    /// Something is missing that the answer needs.
    Unavailable(String),
}
