//! The words that planner, hosts and controllers share: what is declared ([`desired`]), what the hosts said
//! ([`observed`]), what has to change ([`plan`]) and how that went ([`outcome`]). Plain data: no Kubernetes
//! client, no I/O.

pub mod answers;
pub mod both;
pub mod desired;
pub mod failover;
pub mod host;
pub mod observed;
pub mod outcome;
pub mod plan;
pub mod reason;
pub mod report;
mod secret;
pub mod xml;

pub use both::{Both, Side};
pub use reason::Reason;
pub use secret::{Secret, digest};
