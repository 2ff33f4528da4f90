//! The stages of bringing a pair to what is declared, each `None` when it has nothing (left) to do.

mod configuration;
mod packages;
mod prepare;
mod settle_down;

use hapair_model::{
    Both, Side,
    observed::Host,
    plan::{Next, Stage, Step},
};

use crate::platform::Platform;

pub use configuration::{configure, standby_alone, start};
pub use packages::{is_installed, missing as missing_packages, packages};
pub use prepare::prepare;
pub use settle_down::{reload_units, settle_down};

/// Makes a stage of both hosts' steps; none when there are no steps.
pub fn stage(name: &'static str, steps: Both<Vec<Step>>) -> Option<Next> {
    steps
        .any(|steps| !steps.is_empty())
        .then_some(Next::Run(Stage { name, steps }))
}

/// A stage with steps on one host only.
pub fn stage_on(name: &'static str, side: Side, steps: Vec<Step>) -> Option<Next> {
    let mut both = Both::from_fn(|_| Vec::new());
    both[side] = steps;
    stage(name, both)
}

fn platform(host: &Host) -> Platform {
    Platform::of(&host.distribution)
        .expect("an unsupported distribution is refused before anything is planned")
}
