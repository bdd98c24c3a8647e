//! A test server whose time the test moves, and a deal on it.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use contracts::field::date_text;
use temporalio_client::{Client, WorkflowHandle, WorkflowSignalOptions, tonic::IntoRequest as _};
use temporalio_common::{
    HasWorkflowDefinition, SignalDefinition, protos::temporal::api::testservice::v1::SleepRequest,
};
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use workflow_worker::workflows::{
    DealLifecycle,
    deal_lifecycle::{DealChanged, Progress},
};

use crate::support::{
    self, eventually,
    stand_in::{Answers, StandIn},
};

/// The deal of every test.
pub(crate) const DEAL: Uuid = Uuid::from_u128(0x0190_a5c0_7b7e_7cc0_8000_0000_0000_00d1);

/// A server with its own time, and the stand-in for the services.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) services: StandIn,
    _server: Server,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new(test_server())
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server(server);
        Self {
            client: support::connect(&format!("http://127.0.0.1:{port}"), "default").await,
            services: StandIn::start(),
            _server: server,
        }
    }

    /// The server's present instant.
    pub(crate) async fn now(&self) -> OffsetDateTime {
        let mut clock = self.client.connection().test_service();
        let answer = clock.get_current_time(().into_request()).await.unwrap();
        let time = answer.into_inner().time.unwrap();
        OffsetDateTime::from_unix_timestamp(time.seconds).unwrap()
    }

    /// The date that many days from now, as task-service writes it.
    pub(crate) async fn date_in(&self, days: i64) -> String {
        date_text(self.today().await + time::Duration::days(days))
    }

    async fn today(&self) -> Date {
        let zone = domain::zone::Zone::parse("America/New_York").unwrap();
        zone.local_date(self.now().await)
    }

    /// Lets hours pass.
    pub(crate) async fn sleep_hours(&self, hours: i64) {
        let duration = std::time::Duration::from_hours(u64::try_from(hours).unwrap());
        let request = SleepRequest {
            duration: Some(duration.try_into().unwrap()),
        };
        let mut clock = self.client.connection().test_service();
        clock
            .unlock_time_skipping_with_sleep(request.into_request())
            .await
            .unwrap();
    }

    /// Waits until so many notices have been taken, and gives their kinds.
    pub(crate) async fn notices(&self, count: usize) -> Vec<String> {
        eventually(&format!("{count} notices"), || async {
            let kinds = kinds(&self.services.answers());
            (kinds.len() >= count).then_some(kinds)
        })
        .await
    }

    /// Waits until the workflow has come as far as `wanted` says.
    pub(crate) async fn progress(
        &self,
        run: &WorkflowHandle<Client, DealLifecycle>,
        what: &str,
        wanted: impl Fn(&Progress) -> bool,
    ) -> Progress {
        eventually(what, || async {
            support::progress(run).await.filter(&wanted)
        })
        .await
    }
}

/// Kinds of the notices taken, in order.
pub(crate) fn kinds(answers: &Answers) -> Vec<String> {
    answers
        .notices
        .iter()
        .map(|notice| notice["kind"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// How often a path with this ending was called.
pub(crate) fn count(answers: &Answers, ending: &str) -> usize {
    answers
        .calls
        .iter()
        .filter(|(path, _)| path.ends_with(ending))
        .count()
}

/// Signals the deal's workflow as the bridge does.
pub(crate) async fn signal<S>(run: &WorkflowHandle<Client, DealLifecycle>, signal: S, event: u128)
where
    S: SignalDefinition<
            Workflow = <DealLifecycle as HasWorkflowDefinition>::Run,
            Input = DealChanged,
        >,
{
    let event_id = Uuid::from_u128(event);
    let options = WorkflowSignalOptions::builder()
        .request_id(Uuid::new_v4().to_string())
        .build();
    run.signal(
        signal,
        DealChanged {
            event_id,
            task_id: None,
        },
        options,
    )
    .await
    .unwrap();
}

/// The program; without it these tests cannot run, and say so.
fn test_server() -> PathBuf {
    let installed = || {
        let home = std::env::var_os("HOME").unwrap_or_default();
        PathBuf::from(home).join(".cache/haushavn/venv/bin/temporal-test-server")
    };
    let path =
        std::env::var_os("HAUSHAVN_TEMPORAL_TEST_SERVER").map_or_else(installed, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run `scripts/install --tests`, or set HAUSHAVN_TEMPORAL_TEST_SERVER to temporal-test-server",
        path.display()
    );
    path
}
