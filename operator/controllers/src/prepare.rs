//! From what the API server holds of a pair to what can be planned with.

use std::sync::Arc;

use hapair_crds::HAPair;
use hapair_intake::{Held, LET_GO, Snapshot, Work, tears_down_now};
use hapair_model::Reason;
use kube::Client;

use crate::sources;

/// Reads what the objects name, and understands them.
pub async fn prepare(
    client: &Client,
    cluster: &str,
    pair: Arc<HAPair>,
    snapshot: Snapshot,
) -> kube::Result<Result<Work, Held>> {
    let namespace = pair.metadata.namespace.clone().unwrap_or_default();
    match sources::read(client, &namespace, &snapshot).await {
        Err(kube::Error::Api(answer)) if answer.code == 403 => Ok(Err(forbidden(&pair, &answer.message))),
        sources => Ok(Work::of(pair, snapshot, &sources?, cluster)),
    }
}

/// What the pair names may not be read: its status says so, since nobody looks into the log first.
fn forbidden(pair: &HAPair, answer: &str) -> Held {
    let needed =
        "the operator needs config/rbac/pair-namespace in this namespace (the chart's watch.namespaces)";
    // A namespace that is being deleted loses its roles together with its Secrets.
    let rest = if tears_down_now(pair) {
        LET_GO
    } else {
        ". Nothing is changed on any host meanwhile"
    };
    Held {
        reason: Reason::SourceForbidden,
        message: format!("{answer}: {needed}{rest}."),
    }
}
