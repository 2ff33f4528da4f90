//! From objects to what is desired, and to a plan: what is declared of a pair ([`Snapshot`]), with other
//! manifests laid over it ([`overlay`]) and the Secrets and ConfigMaps that it names ([`Sources`]), becomes
//! [`Work`]. Where the objects come from, an API server or files, is not known here, and nothing here waits
//! for anybody.

mod children;
mod conflicts;
mod credentials;
mod declared;
mod delegation;
mod desired;
mod overlay;
mod places;
mod references;
mod snapshot;
mod sources;
mod work;

pub use children::Child;
pub use declared::{Declared, Unknown};
pub use desired::desired;
pub use overlay::overlay;
pub use references::{config_maps, secrets};
pub use snapshot::{NotUnderstood, OfPair, PairName, Snapshot};
pub use sources::Sources;
pub use work::{Held, LET_GO, Work, tears_down, tears_down_now};
