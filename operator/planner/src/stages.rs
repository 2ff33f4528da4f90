//! The stages of bringing a pair to what is declared, each `None` when it has nothing (left) to do.

mod configuration;
mod forget_failures;
mod packages;
mod prepare;
mod settle_down;

use hapair_model::observed::Host;

use crate::platform::Platform;

pub use configuration::{configure, standby_alone, start};
pub use forget_failures::forget_failures;
pub use packages::{is_installed, missing as missing_packages, packages};
pub use prepare::prepare;
pub use settle_down::{reload_units, settle_down};

fn platform(host: &Host) -> Platform {
    Platform::of(&host.distribution)
        .expect("an unsupported distribution is refused before anything is planned")
}
