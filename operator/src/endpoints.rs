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
    let result = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => axum::serve(listener, router).await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        tracing::error!(%address, %error, "health and metrics are not served");
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
