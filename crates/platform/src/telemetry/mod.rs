//! Logs, metrics and traces of a process.
//!
//! Deliberately without any choice of what is logged: each module decides that itself.

mod logs;
pub mod metrics;
pub mod traces;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{IdGenerator, SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Registry, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::config::{Common, HttpUrl, LogFilter, read_value};

pub use traces::{continue_trace, current_traceparent, traceparent_of};

/// Libraries log from `warn` on; their spans would hide ours. `HAUSHAVN_LOG` may say otherwise.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,reqwest=warn,opentelemetry=warn,\
     opentelemetry_sdk=warn,sqlx=warn,lapin=warn,temporalio_client=warn,temporalio_common=warn,\
     temporalio_sdk=warn,temporalio_sdk_core=warn,actix_server=warn";

/// How often the file of the filter is read again.
const FOLLOWED_EVERY: Duration = Duration::from_secs(5);

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
    let (filter, handle) = reload::Layer::new(filter_of(&common.log)?);
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
    if let Some(file) = common.log_file.clone() {
        tokio::spawn(follow(file, common.log.clone(), handle));
    }
    Ok(Guard { provider })
}

fn filter_of(log: &LogFilter) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(format!("{QUIET},{}", log.as_str())).context("HAUSHAVN_LOG is not a filter")
}

/// Reads the file again and again, so that what is logged changes while the process runs. What cannot be read or is no
/// filter changes nothing.
async fn follow(
    file: PathBuf,
    mut present: LogFilter,
    handle: reload::Handle<EnvFilter, Registry>,
) {
    let mut refused = String::new();
    loop {
        tokio::time::sleep(FOLLOWED_EVERY).await;
        let read = read_value(&file).and_then(|text| text.trim().parse().map_err(str::to_owned));
        match read {
            Ok(next) if next == present => refused.clear(),
            Ok(next) => {
                let changed = filter_of(&next).and_then(|filter| Ok(handle.reload(filter)?));
                // Logged at a level that every filter of use lets through.
                match changed {
                    Ok(()) => tracing::warn!(filter = next.as_str(), "what is logged has changed"),
                    Err(error) => tracing::warn!("what is logged cannot be changed: {error:#}"),
                }
                present = next;
            }
            Err(reason) if reason != refused => {
                tracing::warn!(file = %file.display(), reason, "what is logged is not changed");
                refused = reason;
            }
            Err(_) => {}
        }
    }
}
