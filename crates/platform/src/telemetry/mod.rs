//! Logs, metrics and traces of a process.
//!
//! Deliberately without any choice of what is logged: that is up to whoever has something to say.

mod logs;
pub mod metrics;
pub mod traces;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::Common;

pub use traces::{continue_trace, current_traceparent, traceparent_of};

/// Keeps telemetry going. To be given back with [`Guard::finish`] at the end of the process.
#[must_use = "spans still to be sent are lost when it is dropped"]
pub struct Guard {
    provider: SdkTracerProvider,
}

impl Guard {
    /// Sends what is still to be sent.
    pub async fn finish(self) {
        // The exporter's connection lives on this runtime, which must not be blocked meanwhile.
        let flushed = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("some spans could not be sent before the end");
        }
    }
}

/// Starts logs, metrics and traces. Called once, first thing in `main`, inside a Tokio runtime.
pub fn init(service: &'static str, common: &Common) -> anyhow::Result<Guard> {
    init_with_ids(service, common, RandomIdGenerator::default())
}

/// The same, with another source of trace and span ids: what a workflow replays must get the same ids again.
pub fn init_with_ids(
    service: &'static str,
    common: &Common,
    ids: impl IdGenerator + 'static,
) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(&common.log).context("HAUSHAVN_LOG is not a filter")?;
    let provider = traces::provider(service, common.otlp_endpoint.as_deref(), ids)?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(service))
        .with_filter(exported());
    tracing_subscriber::registry()
        .with(spans)
        .with(logs::JsonLogs::new(service).with_filter(filter))
        .try_init()
        .context("failed to set the log subscriber")?;
    metrics::install(service)?;
    Ok(Guard { provider })
}

/// Spans of ours at `info` and above; those of libraries would drown them and could feed on themselves.
fn exported() -> tracing_subscriber::filter::FilterFn {
    tracing_subscriber::filter::filter_fn(|metadata| {
        let library = [
            "h2",
            "hyper",
            "tonic",
            "tower",
            "reqwest",
            "opentelemetry",
            "sqlx",
            "lapin",
            "temporalio",
            "rustls",
        ];
        *metadata.level() <= tracing::Level::INFO
            && !library
                .iter()
                .any(|name| metadata.target().starts_with(name))
    })
}
