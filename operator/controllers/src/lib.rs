//! From objects to hosts and back. Each pair has one task, the only writer of the pair: it takes a snapshot
//! of the objects, turns it into what is desired ([`hapair_intake`]), asks the hosts, lets the planner decide, runs
//! a stage, looks again, and publishes what it saw.

pub mod asks;
mod context;
mod events;
mod failovers;
mod figures;
mod finalizers;
mod forecast;
mod leader;
mod metrics;
mod prepare;
mod publish;
mod refusal;
mod retained;
mod sources;
mod supervisor;
mod turn;

pub use context::Context;
pub use leader::{Leader, Leadership, LeaseName};
pub use metrics::Metrics;
pub use refusal::Refusal;
pub use supervisor::run;
