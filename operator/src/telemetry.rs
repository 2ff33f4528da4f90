//! The log, and traces for those who collect them.
//!
//! Traces go where OpenTelemetry's own variables say (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like, as the exporter's specification has them:
//! OTLP over HTTP, protobuf); without an endpoint there are none, and nothing is spent on them.

use std::{
    env,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use http::{Request, Response};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, hyper::HyperClient};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    resource::{EnvResourceDetector, ResourceDetector, TelemetryResourceDetector},
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, Targets, filter_fn},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::arguments::LogFormat;

/// Where an endpoint may be named, the more special one first.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may keep the operator from ending.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Traces on their way; nothing where nobody collects them.
pub struct Traces(Option<SdkTracerProvider>);

/// Logs to standard error, at level `info` unless RUST_LOG says otherwise, and sends traces if there is a collector.
///
/// # Errors
/// A collector's address that cannot be one.
pub fn start(format: LogFormat) -> Result<Traces> {
    let provider = provider()?;
    let tracer = provider.as_ref().map(|provider| provider.tracer("hapair-operator"));
    tracing_subscriber::registry().with(log(format)).with(tracer.map(spans)).init();
    Ok(Traces(provider))
}

impl Traces {
    /// Sends what has not been sent yet.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It blocks until the collector has answered, which takes this runtime.
        let end = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_WORDS));
        let _ = tokio::time::timeout(LAST_WORDS, end).await;
    }
}

fn log<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> impl Layer<S> {
    // What a line of the log is about stands in the line; spans are for traces.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")).and(filter_fn(|each| each.is_event()));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => log.json().with_filter(filter).boxed(),
    }
}

fn spans<S: Subscriber + for<'a> LookupSpan<'a>>(tracer: SdkTracer) -> impl Layer<S> {
    let ours = Targets::new().with_target("hapair", LevelFilter::INFO);
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    layer.with_target(false).with_tracked_inactivity(false).with_filter(ours)
}

fn provider() -> Result<Option<SdkTracerProvider>> {
    let Some(endpoint) = endpoint(variable)? else { return Ok(None) };
    let exporter =
        SpanExporter::builder().with_http().with_http_client(Collector::new(endpoint.clone())).with_protocol(Protocol::HttpBinary);
    let exporter = exporter.build().with_context(|| format!("traces cannot be sent to {endpoint:?}"))?;
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build()))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn endpoint(variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>> {
    let Some((name, endpoint)) = ENDPOINTS.iter().find_map(|name| Some((name, variable(name)?))) else { return Ok(None) };
    ensure!(
        endpoint.starts_with("http://"),
        "{name}: {endpoint:?} is not an address that traces can be sent to; expected http://HOST:4318 (a collector in the cluster, which may \
         pass them on encrypted)"
    );
    Ok(Some(endpoint))
}

/// Who sends them: what OpenTelemetry's variables say, and this program where they say nothing.
fn resource() -> Resource {
    let from = |name: &str, key: &'static str| variable(name).map(|value| KeyValue::new(key, value));
    let said: [Box<dyn ResourceDetector>; 2] = [Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())];
    Resource::builder_empty()
        .with_service_name("hapair-operator")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(from("POD_NAME", "service.instance.id"))
        .with_detectors(&said)
        .with_attributes(from("OTEL_SERVICE_NAME", "service.name"))
        .build()
}

/// Sends spans, from the exporter's own thread, which knows no runtime, and says once when a collector takes none any more.
#[derive(Debug)]
struct Collector {
    endpoint: String,
    client: HyperClient,
    runtime: Handle,
    refuses: AtomicBool,
}

impl Collector {
    fn new(endpoint: String) -> Self {
        let client = HyperClient::with_default_connector(PATIENCE, None);
        Self { endpoint, client, runtime: Handle::current(), refuses: AtomicBool::new(false) }
    }

    fn tell(&self, refused: Option<String>) {
        let endpoint = &self.endpoint;
        match (self.refuses.swap(refused.is_some(), Ordering::Relaxed), refused) {
            (false, Some(why)) => tracing::warn!(endpoint, why, "the collector takes no traces; they are dropped until it does"),
            (true, None) => tracing::info!(endpoint, "the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = self.runtime.spawn(async move { client.send_bytes(request).await }).await?;
        self.tell(match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers with HTTP status {}", response.status())),
            Err(error) => Some(error.to_string()),
        });
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint_of(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable = |name: &str| variables.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned());
        endpoint(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_more_special_variable_counts_and_a_wrong_one_is_named() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let special = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/v1/traces");
        assert_eq!(endpoint_of(&[]), Ok(None));
        assert_eq!(endpoint_of(&[general]), Ok(Some(general.1.into())));
        assert_eq!(endpoint_of(&[general, special]), Ok(Some(special.1.into())));
        let refused = endpoint_of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318")]).unwrap_err();
        assert!(refused.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: \"https://collector:4318\" is not"), "{refused}");
    }
}
