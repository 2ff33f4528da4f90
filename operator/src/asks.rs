//! The endpoint of those who ask: `/v1alpha1/namespaces/NAMESPACE/hapairs/NAME/` with `plan`, `logs` and
//! `diagnose`. It is reached through the API server's service proxy, changes nothing, and answers only to
//! whom the API server allows it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use hapair_controllers::{Context, Refusal, asks};
use hapair_hosts::Ssh;
use hapair_intake::PairName;
use hapair_model::answers::{Diagnosis, Forecast, Logs, Refused};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::authorization;

/// Asks that may be under way at the same time; each has an SSH connection to both hosts. Who comes when
/// there are so many is sent away at once.
const AT_ONCE: usize = 8;
/// More than any pair's manifests.
const MOST_BYTES: usize = 256 << 10;
/// Longer than two looks at hosts that hang, and shorter than the plugin waits.
const PATIENCE: Duration = Duration::from_secs(110);
const MOST_LINES: u32 = 10_000;

struct Asks {
    context: Arc<Context<Ssh>>,
    slots: Arc<Semaphore>,
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
        .with_state(Arc::new(Asks {
            context,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }))
        .layer(DefaultBodyLimit::max(MOST_BYTES));
    super::endpoints::listen("what people ask", address, router).await;
}

async fn plan(State(ask): Asked, Path(pair): Pair, headers: HeaderMap) -> Answer<Forecast> {
    ask.admit(pair, &headers, "plan")
        .await?
        .answer(async |context, name| asks::forecast(context, name, Vec::new()).await)
        .await
}

async fn plan_with(State(ask): Asked, Path(pair): Pair, headers: HeaderMap, body: Bytes) -> Answer<Forecast> {
    let admitted = ask.admit(pair, &headers, "plan").await?;
    let manifests = serde_json::from_slice(&body).map_err(|error| {
        refusal(
            StatusCode::BAD_REQUEST,
            format!("the body is no list of objects: {error}"),
        )
    })?;
    admitted
        .answer(async |context, name| asks::forecast(context, name, manifests).await)
        .await
}

async fn logs(
    State(ask): Asked,
    Path(pair): Pair,
    headers: HeaderMap,
    Query(extent): Query<Extent>,
) -> Answer<Logs> {
    let lines = extent.lines.min(MOST_LINES);
    ask.admit(pair, &headers, "logs")
        .await?
        .answer(async |context, name| asks::logs(context, name, extent.seconds, lines).await)
        .await
}

async fn diagnose(State(ask): Asked, Path(pair): Pair, headers: HeaderMap) -> Answer<Diagnosis> {
    ask.admit(pair, &headers, "diagnose")
        .await?
        .answer(async |context, name| asks::diagnosis(context, name).await)
        .await
}

/// An ask that may be answered, with its place among those under way.
struct Admitted {
    context: Arc<Context<Ssh>>,
    name: PairName,
    _place: OwnedSemaphorePermit,
}

impl Asks {
    async fn admit(
        &self,
        (namespace, name): (String, String),
        headers: &HeaderMap,
        what: &str,
    ) -> Result<Admitted, (StatusCode, Json<Refused>)> {
        let busy = |_| {
            refusal(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{AT_ONCE} people are asking already; try again in a moment"),
            )
        };
        let place = self.slots.clone().try_acquire_owned().map_err(busy)?;
        let name = PairName { namespace, name };
        let user = authorization::check(&self.context.client, headers, &name, what)
            .await
            .map_err(|(code, why)| refusal(code, why))?;
        tracing::info!(pair = %name, user, what, "asked");
        Ok(Admitted {
            context: self.context.clone(),
            name,
            _place: place,
        })
    }
}

impl Admitted {
    async fn answer<T>(
        self,
        find: impl AsyncFnOnce(&Context<Ssh>, &PairName) -> Result<T, Refusal>,
    ) -> Answer<T> {
        let late = |_| {
            refusal(
                StatusCode::GATEWAY_TIMEOUT,
                format!("no answer within {} s: a host hangs", PATIENCE.as_secs()),
            )
        };
        let found = tokio::time::timeout(PATIENCE, find(&self.context, &self.name))
            .await
            .map_err(late)?;
        found.map(Json).map_err(|refused| match refused {
            Refusal::NotFound(why) => refusal(StatusCode::NOT_FOUND, why),
            Refusal::Invalid(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, why),
            Refusal::Unavailable(why) => refusal(StatusCode::SERVICE_UNAVAILABLE, why),
        })
    }
}

fn refusal(code: StatusCode, refused: String) -> (StatusCode, Json<Refused>) {
    (code, Json(Refused { refused }))
}
