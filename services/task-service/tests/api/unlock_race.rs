//! Two prerequisites of one task are completed at the same instant, in two transactions: the task
//! becomes available exactly once, never zero times.

use serde_json::json;
use testkit::{Database, User};
use tokio::task::JoinSet;

use crate::support::{Office, Tasks, text};

/// What became of the task that waited: how many completions say that they unlocked it, and its status.
struct Outcome {
    dependent: String,
    told: usize,
    status: String,
}

async fn race(user: &User, deal_id: &str, prerequisites: usize, assignee: Option<&str>) -> Outcome {
    let mut first = Vec::new();
    for place in 0..prerequisites {
        first.push(
            user.add_task(deal_id, &format!("Prerequisite {place}"), json!({}))
                .await,
        );
    }
    let fields = json!({"dependsOn": first, "assigneeId": assignee});
    let dependent = user.add_task(deal_id, "Dependent", fields).await;
    let mut completions = JoinSet::new();
    for task in first {
        let user = user.clone();
        completions.spawn(async move { user.complete_task(&task).await });
    }
    let mut told = 0;
    while let Some(answer) = completions.join_next().await {
        let answer = answer.unwrap();
        told += answer.expect(200)["unlocked"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|id| **id == json!(dependent))
            .count();
    }
    let status = text(&user.read_task(&dependent).await["status"]);
    Outcome {
        dependent,
        told,
        status,
    }
}

/// `lanes` races side by side, each `repetitions` times. Lanes times prerequisites stays within what a
/// service serves at once, so that none of them waits for a connection instead of for the other.
async fn many_races(prerequisites: usize, lanes: usize, repetitions: usize) {
    let office = Office::new().await;
    let mut running = JoinSet::new();
    for _ in 0..lanes {
        let deal = office.deal().await;
        let user = office.coordinator.clone();
        running.spawn(async move {
            let mut outcomes = Vec::new();
            for repetition in 0..repetitions {
                let assignee = (repetition % 2 == 1).then_some(user.id.as_str());
                let outcome = race(&user, &deal.id, prerequisites, assignee).await;
                assert_eq!(
                    outcome.told, 1,
                    "unlocked {} times: {}",
                    outcome.told, outcome.dependent
                );
                assert_eq!(
                    outcome.status,
                    if assignee.is_some() {
                        "IN_PROGRESS"
                    } else {
                        "PENDING"
                    }
                );
                outcomes.push(outcome.dependent);
            }
            outcomes
        });
    }
    let mut dependents = Vec::new();
    while let Some(outcomes) = running.join_next().await {
        dependents.extend(outcomes.unwrap());
    }
    assert_eq!(dependents.len(), lanes * repetitions);

    let sql = format!(
        "SELECT entity_id, count(*) AS times FROM audit.audit_log
          WHERE organization_id = '{}' AND event_type = 'tasks.task.unlocked' GROUP BY entity_id",
        office.organization.id
    );
    let unlocked = Database::superuser().await.rows(&sql).await;
    assert_eq!(unlocked.len(), dependents.len());
    for row in &unlocked {
        assert_eq!(row["times"], 1, "unlocked more than once: {row}");
        assert!(
            dependents.contains(&text(&row["entity_id"])),
            "unlocked out of turn: {row}"
        );
    }
    office.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prerequisites_completed_at_the_same_instant_unlock_their_dependent_exactly_once() {
    many_races(2, 8, 27).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_prerequisites_completed_at_the_same_instant_unlock_it_exactly_once_too() {
    many_races(4, 4, 15).await;
}

#[tokio::test]
async fn an_assigned_task_passes_through_pending_when_it_is_unlocked() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let outcome = race(&office.coordinator, &deal.id, 2, Some(&office.agent.id)).await;
    assert_eq!(outcome.status, "IN_PROGRESS");
    let history = office.history(&outcome.dependent).await;
    assert_eq!(
        history,
        [
            "tasks.task.created",
            "tasks.task.unlocked",
            "tasks.task.started"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_and_a_completion_at_the_same_instant_unlock_once_too() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.coordinator;
    for _ in 0..40 {
        let completed = user.add_task(&deal.id, "Completed", json!({})).await;
        let waived = user.add_task(&deal.id, "Waived", json!({})).await;
        let dependent = user
            .add_waiting(&deal.id, "Dependent", &[&completed, &waived])
            .await;
        let (one, other) = tokio::join!(
            user.complete_task(&completed),
            user.task_command(&waived, "waive", json!({"reason": "not needed"}))
        );
        one.expect(200);
        other.expect(200);
        assert_eq!(user.read_task(&dependent).await["status"], "PENDING");
        assert_eq!(
            office.history(&dependent).await,
            ["tasks.task.created", "tasks.task.unlocked"]
        );
    }
    office.holds().await;
}
