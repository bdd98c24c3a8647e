//! The connection to Temporal, which the process starts without and waits for.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context as _;
use platform::wait::wait_for;
use temporalio_client::{Client, ClientOptions, ConnectionOptions, tonic::IntoRequest as _};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest;
use temporalio_sdk::opentelemetry::OpenTelemetryPlugin;
use tokio_util::sync::CancellationToken;

use crate::config::TemporalSettings;

/// Connecting takes no longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection, once there is one. Later losses it mends by itself. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Temporal {
    client: Arc<OnceLock<Client>>,
}

impl Temporal {
    /// The connection, unless Temporal has not been there since the process began.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// Waits for Temporal, saying so in the log. `None` when the process is asked to end meanwhile.
    pub(crate) async fn connect(
        &self,
        settings: &TemporalSettings,
        shutdown: &CancellationToken,
    ) -> Option<Client> {
        let client = wait_for("Temporal", shutdown, || connect(settings)).await?;
        Some(self.client.get_or_init(|| client).clone())
    }

    /// Whether Temporal answers now.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) async fn ping(&self) -> anyhow::Result<()> {
        let client = self.client().context("not connected yet")?;
        let mut service = client.connection().workflow_service();
        service
            .get_system_info(GetSystemInfoRequest::default().into_request())
            .await
            .context("failed to ask Temporal for its version")?;
        Ok(())
    }
}

/// Connects with the plugin that carries the trace context into workflows and activities.
async fn connect(settings: &TemporalSettings) -> anyhow::Result<Client> {
    let connection = ConnectionOptions::new(settings.url.url().clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    let options = ClientOptions::new(settings.namespace.clone())
        .plugin(OpenTelemetryPlugin::builder().build())
        .build();
    Ok(Client::connect(connection, options).await?)
}
