//! A pair in memory, behind the same trait as SSH, and an API server in memory, for the operator as it is: on
//! virtual time, with whatever goes wrong. What it believes about pacemaker and DRBD is held to the real ones
//! by scenarios that are played on both ([`reality`]).

pub mod api;
pub mod by_hand;
pub mod drbd;
pub mod effects;
pub mod experiment;
pub mod hosts;
mod journal;
mod listeners;
pub mod machine;
pub mod objects;
pub mod pacemaker;
pub mod probe;
pub mod reality;
mod steps;
mod truth;
pub mod world;
