//! Something that an object which is gone has left in the cluster, as a person names it.

use anyhow::{Error, anyhow};
use clap::Args;
use hapair_crds::{HAPair, HAPairStatus};

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Its name in the cluster, as the screen and `status.released` show it.
    pub released: String,
    /// The pair; without it, the only one of the namespace.
    #[arg(long)]
    pub pair: Option<String>,
}

/// The names of all that a pair has, and what is to be said of them.
pub fn told(pair: &HAPair) -> Option<(String, String)> {
    let names = &pair.status.as_ref()?.released;
    let first = names.first()?;
    let what = format!(
        "runs on, though nothing declares it any more (deletionPolicy: Retain). `kubectl hapair forget {first}` takes it off the \
         hosts; `kubectl hapair manifest {first}` shows what declared it"
    );
    Some((names.join(", "), what))
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
