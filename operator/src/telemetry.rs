//! The log, and traces for those who collect them.
//!
//! Traces go where OpenTelemetry's own variables say (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like, as the
//! exporter's specification has them: OTLP over HTTP, protobuf); without an endpoint there are none, and
//! nothing is spent on them.

use std::{
    env,
    error::Error,
    iter,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use http::{Request, Response, Uri};
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
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// How long a collector may take to answer, in milliseconds, likewise.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
/// What the specification has where no time-out is named.
const PATIENCE: Duration = Duration::from_secs(10);
/// What 0 milliseconds mean, as the specification has them.
const NO_LIMIT: Duration = Duration::from_secs(86_400);
/// How long the last spans may keep the operator from ending.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Traces on their way; nothing where nobody collects them.
pub struct Traces(Option<SdkTracerProvider>);

/// Logs to standard error, at level `info` unless RUST_LOG says otherwise, and sends traces if there is a
/// collector.
///
/// # Errors
/// A variable of OpenTelemetry's that says what cannot be.
pub fn start(format: LogFormat) -> Result<Traces> {
    // OpenTelemetry says in the log what it makes of its variables.
    let provider =
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log(format)), provider)?;
    let tracer = provider
        .as_ref()
        .map(|provider| provider.tracer("hapair-operator"));
    tracing_subscriber::registry()
        .with(log(format))
        .with(tracer.map(spans))
        .init();
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
    // What a line of our log is about stands in the line; our spans are for traces. A collector that takes
    // none is told of once, by us.
    let wanted = filter_fn(|each| match each.is_span() {
        true => !each.target().starts_with("hapair"),
        false => each.name() != "BatchSpanProcessor.ExportError" && !each.name().starts_with("Export.Failed"),
    });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(wanted.with_max_level_hint(LevelFilter::TRACE));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => log.json().with_filter(filter).boxed(),
    }
}

fn spans<S: Subscriber + for<'a> LookupSpan<'a>>(tracer: SdkTracer) -> impl Layer<S> {
    let ours = Targets::new().with_target("hapair", LevelFilter::INFO);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false);
    layer
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(ours)
}

fn provider() -> Result<Option<SdkTracerProvider>> {
    let Some(target) = target(variable)? else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(target.patience);
    let exporter = exporter.with_http_client(Collector::new(&target)).build();
    let exporter = exporter.with_context(|| format!("traces cannot be sent to {:?}", target.endpoint))?;
    Ok(Some(
        SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build(),
    ))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where traces go.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    endpoint: String,
    patience: Duration,
}

fn target(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Target>> {
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, variable(name)?)));
    let disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let Some((name, endpoint)) = first(ENDPOINTS).filter(|_| !disabled) else {
        return Ok(None);
    };
    match variable("OTEL_TRACES_EXPORTER").as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => bail!("OTEL_TRACES_EXPORTER: {other:?} is not known; expected otlp or none"),
    }
    let uri = endpoint.parse::<Uri>().ok();
    let authority = uri
        .as_ref()
        .filter(|uri| uri.scheme_str() == Some("http"))
        .and_then(Uri::authority);
    // It stands in the log.
    ensure!(
        !endpoint.contains('@'),
        "{name}: a user in an endpoint is not sent anywhere; expected http://HOST:4318, and a header in \
         OTEL_EXPORTER_OTLP_HEADERS"
    );
    ensure!(
        authority.is_some(),
        "{name}: {endpoint:?} is not an address that traces can be sent to; expected http://HOST:4318 (a \
         collector in the cluster, which may \
         pass them on encrypted)"
    );
    let patience = match first(TIMEOUTS) {
        None => PATIENCE,
        Some((name, value)) => {
            let milliseconds: u32 = value
                .parse()
                .with_context(|| format!("{name}: {value:?} is not a number of milliseconds"))?;
            if milliseconds == 0 {
                NO_LIMIT
            } else {
                Duration::from_millis(milliseconds.into())
            }
        }
    };
    Ok(Some(Target { endpoint, patience }))
}

/// Who sends them: what OpenTelemetry's variables say, and this program where they say nothing.
fn resource() -> Resource {
    let from = |name: &str, key: &'static str| variable(name).map(|value| KeyValue::new(key, value));
    let said: [Box<dyn ResourceDetector>; 2] = [
        Box::new(TelemetryResourceDetector),
        Box::new(EnvResourceDetector::new()),
    ];
    Resource::builder_empty()
        .with_service_name("hapair-operator")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(from("POD_NAME", "service.instance.id"))
        .with_detectors(&said)
        .with_attributes(from("OTEL_SERVICE_NAME", "service.name"))
        .build()
}

/// Sends spans, from the exporter's own thread, which knows no runtime, and says once when a collector takes
/// none any more.
#[derive(Debug)]
struct Collector {
    endpoint: String,
    client: HyperClient,
    runtime: Handle,
    refuses: AtomicBool,
}

impl Collector {
    fn new(target: &Target) -> Self {
        let client = HyperClient::with_default_connector(target.patience, None);
        Self {
            endpoint: target.endpoint.clone(),
            client,
            runtime: Handle::current(),
            refuses: AtomicBool::new(false),
        }
    }

    fn tell(&self, refused: Option<String>) {
        let endpoint = &self.endpoint;
        match (self.refuses.swap(refused.is_some(), Ordering::Relaxed), refused) {
            (false, Some(why)) => tracing::warn!(
                endpoint,
                why,
                "the collector takes no traces; they are dropped until it does"
            ),
            (true, None) => tracing::info!(endpoint, "the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = self
            .runtime
            .spawn(async move { client.send_bytes(request).await })
            .await?;
        self.tell(match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers with HTTP status {}", response.status())),
            Err(error) => Some(with_sources(error.as_ref())),
        });
        answer
    }
}

/// What an error says, and what those say that led to it.
fn with_sources(error: &(dyn Error + 'static)) -> String {
    let all = iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERAL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    fn target_of(variables: &[(&str, &str)]) -> Result<Option<(String, u128)>, String> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(each, _)| *each == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let target = target(variable).map_err(|error| error.to_string())?;
        Ok(target.map(|target| (target.endpoint, target.patience.as_millis())))
    }

    #[test]
    fn the_more_special_variable_counts() {
        let special = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://traces:4318/v1/traces",
        );
        let patience = [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "500"),
        ];
        assert_eq!(target_of(&[]), Ok(None));
        assert_eq!(target_of(&[GENERAL]), Ok(Some((GENERAL.1.into(), 10_000))));
        assert_eq!(
            target_of(&[GENERAL, patience[0], special]),
            Ok(Some((special.1.into(), 2000)))
        );
        assert_eq!(
            target_of(&[GENERAL, ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]),
            Ok(Some((GENERAL.1.into(), 86_400_000)))
        );
        assert_eq!(
            target_of(&[GENERAL, patience[0], patience[1]]),
            Ok(Some((GENERAL.1.into(), 500)))
        );
    }

    #[test]
    fn traces_can_be_turned_off_whatever_the_endpoint() {
        let wrong = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318");
        assert_eq!(target_of(&[wrong, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert_eq!(target_of(&[wrong, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
        let unknown = ("OTEL_TRACES_EXPORTER", "zipkin");
        assert_eq!(target_of(&[unknown]), Ok(None));
        assert_eq!(
            target_of(&[GENERAL, unknown, ("OTEL_SDK_DISABLED", "true")]),
            Ok(None)
        );
        assert!(
            target_of(&[GENERAL, ("OTEL_SDK_DISABLED", "false")])
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn what_cannot_be_is_named_with_its_variable() {
        let refused = |name: &str, value: &str| target_of(&[(name, value), GENERAL]).unwrap_err();
        for endpoint in [
            "https://collector:4318",
            "collector:4318",
            "http://",
            "http://a b:4318",
            "http:/collector",
        ] {
            let why = refused("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
            assert!(
                why.starts_with(&format!("OTEL_EXPORTER_OTLP_ENDPOINT: {endpoint:?} is not")),
                "{why}"
            );
        }
        let why = refused("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@collector:4318");
        assert!(
            why.contains("OTEL_EXPORTER_OTLP_HEADERS") && !why.contains("secret"),
            "{why}"
        );
        assert!(
            refused("OTEL_EXPORTER_OTLP_TIMEOUT", "10s").contains("\"10s\" is not a number of milliseconds")
        );
        assert!(refused("OTEL_TRACES_EXPORTER", "zipkin").contains("\"zipkin\" is not known"));
    }
}
