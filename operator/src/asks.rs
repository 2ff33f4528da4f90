//! The endpoint of those who ask: `/v1alpha1/namespaces/NAMESPACE/hapairs/NAME/` with `plan`, `logs` and `diagnose`. It is reached through the API
//! server's service proxy, changes nothing, and answers only to whom the API server allows it.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use hapair_controllers::{
    Context,
    asks::{self, Refusal},
};
use hapair_hosts::Ssh;
use hapair_index::PairName;
use hapair_model::told::{Diagnosis, Forecast, Logs, Refused};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::authorization;

/// Asks that may be answered at the same time; each has an SSH connection to both hosts.
const AT_ONCE: usize = 8;
const MOST_LINES: u32 = 10_000;

struct Asks {
    context: Arc<Context<Ssh>>,
    slots: Semaphore,
}

type Asked = State<Arc<Asks>>;
type Pair = Path<(String, String)>;
type Answer<T> = Result<Json<T>, (StatusCode, Json<Refused>)>;

#[derive(Deserialize)]
struct Extent {
    /// Seconds to go back.
    seconds: u32,
    /// Lines of each host at the most.
    lines: u32,
}

/// Serves until the program ends.
pub async fn serve(address: SocketAddr, context: Arc<Context<Ssh>>) {
    let pair = "/v1alpha1/namespaces/{namespace}/hapairs/{name}";
    let router = Router::new()
        .route(&format!("{pair}/plan"), get(plan).post(plan_with))
        .route(&format!("{pair}/logs"), get(logs))
        .route(&format!("{pair}/diagnose"), get(diagnose))
        .with_state(Arc::new(Asks { context, slots: Semaphore::new(AT_ONCE) }));
    super::endpoints::listen("what people ask", address, router).await;
}

async fn plan(asks: Asked, pair: Pair, headers: HeaderMap) -> Answer<Forecast> {
    plan_with(asks, pair, headers, Json(Vec::new())).await
}

async fn plan_with(
    State(ask): Asked,
    Path(pair): Pair,
    headers: HeaderMap,
    Json(manifests): Json<Vec<serde_json::Value>>,
) -> Answer<Forecast> {
    let (name, _slot) = ask.admit(pair, &headers, "plan").await?;
    answer(asks::forecast(&ask.context, &name, manifests).await)
}

async fn logs(State(ask): Asked, Path(pair): Pair, headers: HeaderMap, Query(extent): Query<Extent>) -> Answer<Logs> {
    let (name, _slot) = ask.admit(pair, &headers, "logs").await?;
    answer(asks::logs(&ask.context, &name, extent.seconds, extent.lines.min(MOST_LINES)).await)
}

async fn diagnose(State(ask): Asked, Path(pair): Pair, headers: HeaderMap) -> Answer<Diagnosis> {
    let (name, _slot) = ask.admit(pair, &headers, "diagnose").await?;
    answer(asks::diagnosis(&ask.context, &name).await)
}

impl Asks {
    async fn admit(
        &self,
        (namespace, name): (String, String),
        headers: &HeaderMap,
        what: &str,
    ) -> Result<(PairName, tokio::sync::SemaphorePermit<'_>), (StatusCode, Json<Refused>)> {
        let name = PairName { namespace, name };
        let user = authorization::check(&self.context.client, headers, &name, what)
            .await
            .map_err(|(code, refused)| (code, Json(Refused { refused })))?;
        tracing::info!(pair = %name, user, what, "asked");
        let slot = self.slots.acquire().await.map_err(|_| refusal(StatusCode::SERVICE_UNAVAILABLE, "the operator is stopping".into()))?;
        Ok((name, slot))
    }
}

fn answer<T>(result: Result<T, Refusal>) -> Answer<T> {
    result.map(Json).map_err(|refused| match refused {
        Refusal::NotFound(why) => refusal(StatusCode::NOT_FOUND, why),
        Refusal::Invalid(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, why),
        Refusal::Unavailable(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    })
}

fn refusal(code: StatusCode, refused: String) -> (StatusCode, Json<Refused>) {
    (code, Json(Refused { refused }))
}
