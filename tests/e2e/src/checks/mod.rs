//! The checks of the end-to-end test, by what they are about.

pub mod admission;
pub mod birth;
pub mod failover;
pub mod permissions;
pub mod refusals;
pub mod rest;
pub mod secrets;
pub mod teardown;

use std::time::Duration;

/// Longer than anything here may take, packages on a busy machine included.
pub const LONG: Duration = Duration::from_secs(900);
/// Longer than the operator may take to tell the truth.
pub const SOON: Duration = Duration::from_secs(60);
