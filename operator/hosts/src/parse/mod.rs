//! One parser for each tool. A parser never panics, and turns what it does not understand into nothing, never
//! into something healthy.

pub mod block;
pub mod corosync;
pub mod crm_mon;
pub mod drbd;
pub mod journal;
pub mod packages;
pub mod system;
