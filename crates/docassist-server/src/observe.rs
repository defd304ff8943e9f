//! Logs and traces.

use std::io::IsTerminal as _;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// What is logged and traced.
#[derive(Debug, Clone)]
pub struct ObserveConfig {
    /// The form of logs.
    pub format: LogFormat,
    /// What is logged: `info`, or `docassist_server=debug,info` for every request.
    pub filter: String,
    /// Where traces go: an OTLP endpoint over HTTP, such as `http://127.0.0.1:4318`.
    pub otlp: Option<String>,
}

/// Sends what is left of the traces when it goes.
#[derive(Default)]
pub struct Observed {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            // Nobody is left to be told.
            let _ = traces.shutdown();
        }
    }
}

/// Begins to log to stderr, and to send traces where an endpoint is configured. Once in a process.
///
/// # Errors
/// When the filter or the endpoint is wrong, in words.
pub fn observe(config: &ObserveConfig) -> Result<Observed, String> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| format!("the log filter is wrong: {error}"))?;
    let text = || tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match config.format {
        LogFormat::Text => text().with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => text().json().flatten_event(true).boxed(),
    };
    let traces = config.otlp.as_deref().map(provider).transpose()?;
    // Requests are spans at the level debug, whatever is logged.
    let traced = traces.as_ref().map(|traces| {
        let filter = EnvFilter::new("docassist_server=debug,docassist_app=debug,off");
        tracing_opentelemetry::layer().with_tracer(traces.tracer("docassist")).with_filter(filter)
    });
    tracing_subscriber::registry()
        .with(logs.with_filter(filter))
        .with(traced)
        .try_init()
        .map_err(|error| format!("logging cannot begin: {error}"))?;
    Ok(Observed { traces })
}

/// Makes TLS use `ring`: the one choice in this program, which its HTTP client asks for.
pub fn use_ring() {
    // Made before, it was the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider, String> {
    use_ring();
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/').trim_end_matches("/v1/traces"));
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| format!("traces cannot be sent: {error}"))?;
    let resource = Resource::builder().with_service_name("docassist").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
