//! Histories of released versions must replay on today's code: otherwise running deals would stop.
//!
//! `cargo run -p workflow-worker --example record_histories` records them; none is ever changed or removed while runs
//! of its version exist. Where one does not replay, the change belongs behind `ctx.patched`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use temporalio_client::WorkflowHistory;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    WorkflowContext, WorkflowContextView, WorkflowResult,
    workflow_replayer::{
        WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions,
    },
};
use workflow_worker::workflows::{
    DealLifecycle, Notification,
    deal_lifecycle::{DealInput, DealOutcome},
};

fn histories() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let list = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    list(&directory)
        .iter()
        .flat_map(|version| list(version))
        .collect()
}

fn read(path: &Path) -> WorkflowHistory {
    WorkflowHistory::from_json(&fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn recorded_histories_replay_on_this_code() {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<DealLifecycle>()
        .unwrap()
        .register_workflow::<Notification>()
        .unwrap()
        .build();
    let replayer = WorkflowReplayer::new(options).unwrap();
    let paths = histories();
    assert!(paths.len() >= 4, "histories are missing: {paths:?}");
    for path in paths {
        let replayed = replayer.replay_workflow(read(&path)).await;
        assert!(replayed.is_ok(), "{}: {:?}", path.display(), replayed.err());
    }
}

/// What must never be deployed: the same workflow, other commands.
#[workflow]
struct ChangedDealLifecycle;

#[workflow_methods]
impl ChangedDealLifecycle {
    #[init]
    fn new(_ctx: &WorkflowContextView, _input: DealInput) -> Self {
        Self
    }

    #[run(name = "DealLifecycle")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DealOutcome> {
        ctx.timer(Duration::from_secs(5)).await;
        Ok(DealOutcome {
            deal_status: "CLOSED".to_owned(),
            runs: 1,
        })
    }
}

#[tokio::test]
async fn a_change_that_breaks_running_deals_is_noticed() {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<ChangedDealLifecycle>()
        .unwrap()
        .build();
    let replayer = WorkflowReplayer::new(options).unwrap();
    let path = histories()
        .into_iter()
        .find(|path| path.ends_with("deal_closed.json"))
        .unwrap();
    let error = replayer.replay_workflow(read(&path)).await.unwrap_err();
    assert!(
        matches!(
            error,
            WorkflowReplayError::Replay(WorkflowReplayFailure::Nondeterminism { .. })
        ),
        "{error}"
    );
}
