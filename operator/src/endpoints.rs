//! /metrics, /healthz and /readyz.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use hapair_controllers::{Context, Metrics};
use hapair_hosts::Ssh;

/// Serves until the program ends.
pub async fn serve(address: SocketAddr, context: Arc<Context<Ssh>>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(context);
    listen("health and metrics", address, router).await;
}

/// Serves a router until the program ends; one that cannot be served ends it.
pub async fn listen(what: &str, address: SocketAddr, router: Router) {
    let result = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => axum::serve(listener, router).await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        tracing::error!(%address, %error, "not served: {what}");
        std::process::exit(1);
    }
}

async fn metrics(State(context): State<Arc<Context<Ssh>>>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, Metrics::MEDIA_TYPE)], context.metrics.render())
}

/// Ready once every kind has been listed; a replica that does not lead is ready too.
async fn ready(State(context): State<Arc<Context<Ssh>>>) -> (StatusCode, String) {
    match context.index.trouble() {
        None => (StatusCode::OK, "ok\n".into()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, trouble + "\n"),
    }
}
