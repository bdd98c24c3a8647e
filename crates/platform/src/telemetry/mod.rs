//! Logs, metrics and traces of a process.
//!
//! Deliberately without any choice of what is logged: that is up to whoever has something to say.

mod logs;
pub mod metrics;
pub mod traces;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{IdGenerator, SdkTracerProvider};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Common, HttpUrl};

pub use traces::{continue_trace, current_traceparent, traceparent_of};

/// Libraries speak up from `warn` on; their spans would drown ours. `HAUSHAVN_LOG` may say otherwise.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,reqwest=warn,opentelemetry=warn,\
     opentelemetry_sdk=warn,sqlx=warn,lapin=warn,temporalio_client=warn,temporalio_common=warn,\
     temporalio_sdk=warn,temporalio_sdk_core=warn,actix_server=warn";

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

/// Starts logs, metrics and traces. Called once, first thing in a process, inside a Tokio runtime. `ids` makes the ids
/// of traces and spans.
pub fn init(
    service: &'static str,
    common: &Common,
    ids: impl IdGenerator + 'static,
) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", common.log.as_str()))
        .context("HAUSHAVN_LOG is not a filter")?;
    let provider = traces::provider(
        service,
        common.otlp_endpoint.as_ref().map(HttpUrl::as_str),
        ids,
    )?;
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer(service));
    // One filter before both layers, not one for each: sqlx asks whether a level is enabled without
    // sending anything, which leaves the state of per-layer filters dirty for the thread's next event.
    tracing_subscriber::registry()
        .with(filter)
        .with(spans)
        .with(logs::JsonLogs::new(service))
        .try_init()
        .context("failed to set the log subscriber")?;
    metrics::install(service)?;
    Ok(Guard { provider })
}
