//! A deal that is not ACTIVE: its tasks do not change.

use serde_json::{Value, json};
use testkit::Database;
use tokio::task::JoinSet;

use crate::{
    dates::{path, preview, read},
    own_template::small_deal,
    support::{Office, Tasks, days_from_today, patch_at, random_id, text},
};

#[tokio::test]
async fn a_deal_that_was_just_closed_refuses_every_command_on_its_tasks() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.coordinator;
    let done = user.add_task(&deal.id, "Done", json!({})).await;
    let waiting = user.add_waiting(&deal.id, "Waiting", &[&done]).await;
    let open = user.add_task(&deal.id, "Open", json!({})).await;
    user.complete_task(&done).await.expect(200);
    let before = [
        user.read_task(&done).await,
        user.read_task(&waiting).await,
        user.read_task(&open).await,
    ];
    user.api
        .post(
            &format!("/api/deals/{}/close", deal.id),
            &json!({"force": true}),
        )
        .await
        .expect(200);

    let reason = json!({"reason": "too late"});
    let dependency = json!({"dependsOnId": open});
    for answer in [
        user.complete_task(&open).await,
        user.complete_task(&done).await,
        user.task_command(&open, "assign", json!({"assigneeId": user.id}))
            .await,
        user.task_command(&open, "waive", reason.clone()).await,
        user.task_command(&done, "reopen", reason).await,
        patch_at(
            user,
            &format!("/api/tasks/{open}"),
            &json!(1),
            &json!({"title": "Changed"}),
        )
        .await,
        user.api.delete(&format!("/api/tasks/{open}")).await,
        user.api
            .post(&format!("/api/tasks/{waiting}/dependencies"), &dependency)
            .await,
        user.api
            .delete(&format!("/api/tasks/{waiting}/dependencies/{done}"))
            .await,
        user.api
            .post("/api/tasks", &json!({"dealId": deal.id, "title": "New"}))
            .await,
    ] {
        answer.refuses(409, "DEAL_NOT_ACTIVE");
    }
    let mut after = Vec::new();
    for id in [&done, &waiting, &open] {
        after.push(user.read_task(id).await);
    }
    assert_eq!(after, before);
    user.complete_task(&random_id())
        .await
        .refuses(404, "NOT_FOUND");
    office.holds().await;
}

#[tokio::test]
async fn a_deal_on_hold_refuses_them_until_it_is_resumed() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Held", json!({})).await;
    office
        .agent
        .api
        .post(&format!("/api/deals/{}/hold", deal.id), &json!({}))
        .await
        .expect(200);
    office
        .agent
        .complete_task(&task)
        .await
        .refuses(409, "DEAL_NOT_ACTIVE");
    let resume = format!("/api/deals/{}/resume", deal.id);
    office
        .agent
        .api
        .post(&resume, &json!({"shiftDueDates": false}))
        .await
        .expect(200);
    office.agent.complete_task(&task).await.expect(200);
}

/// One closing against completions, all at once; returns what the audit log has after the closing.
async fn close_against_complete(office: &Office) -> Vec<Value> {
    let deal = office.deal().await;
    let user = office.coordinator.clone();
    let mut tasks = Vec::new();
    for place in 0..3 {
        tasks.push(
            user.add_task(&deal.id, &format!("Task {place}"), json!({}))
                .await,
        );
    }
    let last = user.add_waiting(&deal.id, "Last", &[&tasks[0]]).await;
    let mut commands = JoinSet::new();
    for task in tasks {
        let user = user.clone();
        commands.spawn(async move { user.complete_task(&task).await });
    }
    let closing = {
        let (user, path) = (user.clone(), format!("/api/deals/{}/close", deal.id));
        async move { user.api.post(&path, &json!({"force": true})).await }
    };
    closing.await.expect(200);
    while let Some(answer) = commands.join_next().await {
        let answer = answer.unwrap();
        if answer.status != 200 {
            answer.refuses(409, "DEAL_NOT_ACTIVE");
        }
    }
    user.complete_task(&last)
        .await
        .refuses(409, "DEAL_NOT_ACTIVE");
    let sql = format!(
        "SELECT a.event_type, a.insertion_order FROM audit.audit_log a
          WHERE a.deal_id = '{0}' AND a.entity_type IN ('task', 'milestone') AND a.insertion_order > (
            SELECT c.insertion_order FROM audit.audit_log c WHERE c.entity_id = '{0}' AND c.event_type = 'deals.deal.closed')",
        deal.id
    );
    Database::superuser().await.rows(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_changes_after_its_deal_was_closed() {
    let office = Office::new().await;
    for _ in 0..50 {
        assert_eq!(
            close_against_complete(&office).await,
            Vec::<Value>::new(),
            "changed after the closing"
        );
    }
    office.holds().await;
}

#[tokio::test]
async fn what_a_plan_has_after_the_closing_goes_on_when_the_deal_is_over() {
    for (end, body) in [
        ("close", json!({"force": true})),
        ("cancel", json!({"reason": "the buyer withdrew"})),
    ] {
        let office = Office::new().await;
        let deal = small_deal(&office, json!({})).await;
        let user = &office.coordinator;
        let last = text(&user.task(&deal.id, "last").await["id"]);
        let first = text(&user.task(&deal.id, "first").await["id"]);
        let by_hand = user.add_task(&deal.id, "By hand", json!({})).await;
        let path = format!("/api/deals/{}/{end}", deal.id);
        user.api.post(&path, &body).await.expect(200);

        let assign = json!({"assigneeId": user.id});
        let assigned = user.task_command(&last, "assign", assign).await;
        assigned.expect(200);
        user.complete_task(&last).await.expect(200);
        let reopen = json!({"reason": "a page is missing"});
        let reopened = user.task_command(&last, "reopen", reopen.clone()).await;
        reopened.expect(200);
        user.task_command(&last, "waive", reopen).await.expect(200);
        for other in [&first, &by_hand] {
            let refused = user.complete_task(other).await;
            refused.refuses(409, "DEAL_NOT_ACTIVE");
        }
        let comment = json!({"body": "keep the file", "visibility": "INTERNAL"});
        let path = format!("/api/tasks/{first}/comments");
        user.api.post(&path, &comment).await.expect(201);
        office.holds().await;
    }
}

#[tokio::test]
async fn the_dates_of_a_deal_that_is_over_are_not_previewed_any_more_than_they_are_moved() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let version = read(user, &deal).await["version"].clone();
    let body = json!({"keyDates": {"end": days_from_today(30)}, "reason": "as agreed", "version": version});
    preview(user, &deal, &body).await.expect(200);
    let close = format!("/api/deals/{}/close", deal.id);
    user.api
        .post(&close, &json!({"force": true}))
        .await
        .expect(200);
    preview(user, &deal, &body)
        .await
        .refuses(409, "DEAL_STATUS_CONFLICT");
    user.api
        .put(&path(&deal), &body)
        .await
        .refuses(409, "DEAL_STATUS_CONFLICT");
}
