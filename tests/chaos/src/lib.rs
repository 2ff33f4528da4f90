//! Rounds of faults on the real hosts. A client writes records through the floating address all the time;
//! after each round the pair has to be Ready again by itself, with every acknowledged record, and nothing may
//! ever have been there twice.

mod client;
mod disk;
mod faults;
mod ground;
mod round;
mod takeover;
mod watch;
mod weakness;

pub use faults::{Fault, table};
pub use ground::{Ground, LONG, world};
pub use round::{Round, play};
pub use weakness::Weakness;
