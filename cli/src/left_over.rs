//! Something that an object which is gone has left in the cluster, as a person names it.

use anyhow::{Error, anyhow};
use clap::Args;
use hapair_crds::HAPairStatus;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Its name in the cluster, as the screen and `status.released` show it.
    pub released: String,
    /// The pair; without it, the only one of the namespace.
    #[arg(long)]
    pub pair: Option<String>,
}

/// There is no such thing.
pub fn unknown(what: &str, pair: &str, status: &HAPairStatus) -> Error {
    let left = match status.released.as_slice() {
        [] => "nothing".to_owned(),
        left => left.join(", "),
    };
    anyhow!(
        "{what:?} is not left over on {pair}; there is {left}. What an object declares leaves with the object"
    )
}
