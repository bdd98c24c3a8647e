//! What the tests of workflows build on: task-service and user-service as one small server whose answers the test
//! decides, and the worker with its real activities. The services themselves are tested elsewhere.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

pub(crate) mod stand_in;

use std::{future::Future, time::Duration};

use self::stand_in::StandIn;
use platform::{auth::ServiceKeys, client::ServiceClient, config::Env};
use temporalio_client::{
    Client, ClientOptions, ConnectionOptions, WorkflowHandle, WorkflowQueryOptions,
    WorkflowStartOptions,
};
use temporalio_sdk::Runtime;
use testkit::KeyFiles;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflow_worker::{
    activities::remote::Remote,
    worker::{self, Remotes},
    workflows::{
        DEAL_QUEUE, DealLifecycle,
        deal_lifecycle::{self, DealInput, Progress},
    },
};

/// The organization of every test.
pub(crate) const ORGANIZATION: Uuid = Uuid::from_u128(0x0190_a5c0_7b7e_7cc0_8000_0000_0000_0001);

/// How long a test waits for the server or a workflow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects, waiting for the server to come up.
pub(crate) async fn connect(url: &str, namespace: &str) -> Client {
    eventually("Temporal answers", || async {
        let connection = ConnectionOptions::new(url.parse::<temporalio_client::Url>().unwrap());
        // Recorded histories name their worker; this name is no machine's.
        let connection = connection.identity("workflow-worker".to_owned()).build();
        let options = ClientOptions::new(namespace).build();
        Client::connect(connection, options).await.ok()
    })
    .await
}

/// Runs the worker's own two workers against the stand-in while `scenario` plays.
pub(crate) async fn with_workers(
    client: &Client,
    stand_in: &StandIn,
    scenario: impl Future<Output = ()>,
) {
    let runtime = Runtime::from_current_tokio(Default::default()).unwrap();
    let remote = |name| {
        let service = ServiceClient::new(name, stand_in.url()).unwrap();
        Remote::new(service, keys())
    };
    let remotes = Remotes {
        task_service: remote("task-service"),
        user_service: remote("user-service"),
    };
    let shutdown = CancellationToken::new();
    let ending = shutdown.clone();
    let (ran, ()) = tokio::join!(
        worker::run_once(&runtime, client, &remotes, &shutdown),
        async move {
            let _end = ending.drop_guard();
            scenario.await;
        }
    );
    ran.unwrap();
}

/// Starts a deal's workflow as the bridge does.
pub(crate) async fn follow(
    client: &Client,
    deal_id: Uuid,
) -> WorkflowHandle<Client, DealLifecycle> {
    let input = DealInput {
        deal_id,
        organization_id: ORGANIZATION,
        deal_name: Some("12 Elm Street".to_owned()),
        template_key: Some("buyer_purchase".to_owned()),
        carried: None,
    };
    let id = deal_lifecycle::workflow_id(deal_id);
    let options = WorkflowStartOptions::new(DEAL_QUEUE, id.clone()).build();
    client
        .start_workflow(DealLifecycle::run, input, options)
        .await
        .unwrap();
    client.get_workflow_handle(id)
}

/// How far the workflow is; `None` while it cannot say.
pub(crate) async fn progress(run: &WorkflowHandle<Client, DealLifecycle>) -> Option<Progress> {
    run.query(DealLifecycle::progress, (), WorkflowQueryOptions::default())
        .await
        .ok()
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A key for tests only: the stand-in only looks that there is a token.
fn keys() -> ServiceKeys {
    let files = KeyFiles::new();
    ServiceKeys::read(&mut Env::from_pairs(files.variables()), "workflow-worker").unwrap()
}
