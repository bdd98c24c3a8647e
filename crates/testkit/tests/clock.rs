//! What the passing of time brings about, and what the end of the last task does, on everything that runs: notices.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

use serde_json::{Value, json};
use testkit::{
    Database, Deal, Office, User, days_from_today, eventually, history, ids, mails_to, stack, text,
};
use time::{Date, macros::format_description};

/// Adds a task with these fields, and answers its id.
async fn add_task(user: &User, deal: &Deal, title: &str, fields: &Value) -> String {
    let mut body = fields.clone();
    body["dealId"] = json!(deal.id);
    body["title"] = json!(title);
    let answer = user.api.post("/api/tasks", &body).await;
    text(&answer.expect(201)["id"])
}

/// A date as people read it: `2026-11-27` is Friday, November 27, 2026.
fn in_words(date: &str) -> String {
    let date = Date::parse(date, format_description!("[year]-[month]-[day]")).unwrap();
    let words = format_description!("[weekday], [month repr:long] [day padding:none], [year]");
    date.format(words).unwrap()
}

/// Sends one of `complete`, `waive`, `reopen`.
async fn command(user: &User, task_id: &str, command: &str, body: &Value) {
    let path = format!("/api/tasks/{task_id}/{command}");
    user.api.post(&path, body).await.expect(200);
}

/// The user's notices of this kind in this deal so far.
async fn notices(user: &User, deal: &Deal, kind: &str) -> Vec<Value> {
    let list = user.api.get("/api/notifications?limit=100").await;
    let items = list.expect(200)["items"].as_array().unwrap().clone();
    items
        .into_iter()
        .filter(|item| item["kind"] == kind && item["dealId"] == json!(deal.id))
        .collect()
}

/// As [`notices`], once there are so many.
async fn notified(user: &User, deal: &Deal, kind: &str, times: usize) -> Vec<Value> {
    eventually(&format!("{kind} is in the list"), async || {
        let told = notices(user, deal, kind).await;
        (told.len() >= times).then_some(told)
    })
    .await
}

/// Waits for a mail with this subject.
async fn mailed(user: &User, subject: &str) {
    eventually(&format!("{subject:?} is mailed"), async || {
        let mails = mails_to(&user.email).await;
        mails
            .iter()
            .any(|mail| mail.subject == subject)
            .then_some(())
    })
    .await;
}

/// Lets days pass for a task: its due date comes nearer, or has passed, and nobody did anything to it.
async fn let_days_pass(task_id: &str, days: u32) {
    let mut database = Database::superuser().await;
    // The triggers would take it for somebody's change of the task.
    database
        .execute("SET session_replication_role = replica")
        .await
        .unwrap();
    let pass = format!(
        "UPDATE task.tasks SET due_date = due_date - {days}, due_at = due_at - interval '{days} days'
          WHERE id = '{task_id}'"
    );
    assert_eq!(database.execute(&pass).await.unwrap(), 1);
}

#[tokio::test]
async fn a_task_not_done_in_time_is_overdue_and_three_days_later_the_administrators_know() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let (agent, coordinator, admin) = (&office.agent, &office.coordinator, office.admin());
    let fields = json!({"assigneeId": agent.id, "dueDate": days_from_today(30)});
    let was_due = in_words(&days_from_today(-2));
    let late = add_task(coordinator, &deal, "Ring the surveyor", &fields).await;
    let very_late = add_task(coordinator, &deal, "Find the old plans", &fields).await;

    // Due two days ago and six: in every time zone only the second has been overdue for three days.
    let_days_pass(&late, 32).await;
    let_days_pass(&very_late, 36).await;
    coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    for task in [&late, &very_late] {
        eventually("the task is overdue", async || {
            let task = agent.api.get(&format!("/api/tasks/{task}")).await;
            let task = task.expect(200);
            (task["status"] == "OVERDUE" && task["isOverdue"] == true).then_some(())
        })
        .await;
        let rows = history(admin, task).await;
        let types: Vec<String> = rows.iter().map(|row| text(&row["eventType"])).collect();
        assert_eq!(types, ["tasks.task.created", "tasks.task.overdue"]);
        assert_eq!(
            (&rows[1]["before"]["status"], &rows[1]["after"]["status"]),
            (&json!("IN_PROGRESS"), &json!("OVERDUE"))
        );
        assert_eq!(rows[1]["ipAddress"], Value::Null, "nobody asked for it");
    }
    for user in [agent, coordinator] {
        let told = notified(user, &deal, "TASK_OVERDUE", 2).await;
        let of = |task: &str| told.iter().find(|notice| notice["taskId"] == json!(task));
        let words = of(&late).unwrap();
        assert_eq!(words["title"], "Overdue: Ring the surveyor");
        assert!(text(&words["body"]).contains(&was_due), "{words}");
        assert!(of(&very_late).is_some(), "{told:?}");
    }
    mailed(agent, "Overdue: Ring the surveyor").await;
    let escalated = notified(admin, &deal, "TASK_ESCALATED", 1).await;
    assert_eq!(escalated[0]["taskId"], json!(very_late));
    eventually("the deal is listed as late", async || {
        let listed = coordinator.api.get("/api/deals?overdue=true").await;
        let listed = ids(listed.expect(200)["items"].as_array().unwrap());
        listed.contains(&deal.id).then_some(())
    })
    .await;

    // The notices after it show that there was no other, and none twice.
    let fields = json!({"assigneeId": agent.id});
    add_task(coordinator, &deal, "Water the plants", &fields).await;
    notified(agent, &deal, "TASK_ASSIGNED", 3).await;
    for (user, overdue, escalated) in [(agent, 2, 0), (coordinator, 2, 0), (admin, 0, 1)] {
        let told = notices(user, &deal, "TASK_OVERDUE").await;
        assert_eq!(told.len(), overdue, "{told:?}");
        let told = notices(user, &deal, "TASK_ESCALATED").await;
        assert_eq!(told.len(), escalated, "{told:?}");
    }
    office.holds().await;
}

#[tokio::test]
async fn when_the_last_task_is_done_the_coordinator_is_told_that_the_deal_can_be_closed() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let (agent, coordinator) = (&office.agent, &office.coordinator);
    let fields = json!({"assigneeId": coordinator.id});
    let first = add_task(agent, &deal, "Sign", &fields).await;
    let fields = json!({"assigneeId": agent.id, "dependsOn": [first]});
    let last = add_task(agent, &deal, "Send the copies", &fields).await;

    let ready = "DEAL_READY_TO_CLOSE";
    command(coordinator, &first, "complete", &json!({})).await;
    notified(agent, &deal, "TASK_UNLOCKED", 1).await;
    assert_eq!(notices(coordinator, &deal, ready).await, [Value::Null; 0]);

    let reason = json!({"reason": "they have copies"});
    command(coordinator, &last, "waive", &reason).await;
    let once = notified(coordinator, &deal, ready, 1).await;
    let title = format!("Ready to close: {}", text(&deal.json["name"]));
    assert_eq!(once[0]["title"], json!(title));
    mailed(coordinator, &title).await;

    // Open again and done again: that is another occasion.
    let reason = json!({"reason": "they have lost them"});
    command(coordinator, &last, "reopen", &reason).await;
    command(agent, &last, "complete", &json!({})).await;
    let again = notified(coordinator, &deal, ready, 2).await;
    assert_eq!(again.len(), 2, "{again:?}");
    for user in [agent, &office.buyer, office.admin()] {
        assert_eq!(notices(user, &deal, ready).await, [Value::Null; 0]);
    }

    let close = format!("/api/deals/{}/close", deal.id);
    let closed = coordinator.api.post(&close, &json!({})).await;
    assert_eq!(closed.expect(200)["status"], "CLOSED");
    office.holds().await;
}

/// The due dates move a moment after the resume, and the deal's workflow gets the event of the resume at the same time.
#[tokio::test]
async fn a_deal_resumed_with_its_due_dates_moved_is_late_with_nothing() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let fields = json!({"assigneeId": office.agent.id, "dueDate": days_from_today(3)});
    let task = add_task(&office.coordinator, &deal, "Ring the surveyor", &fields).await;
    // Ten days on hold, in which the task would have become due.
    office.hold_days_ago(&deal, 10).await;
    let_days_pass(&task, 10).await;
    // Somebody holds the task's row, so that its date cannot move before the workflow has asked.
    let mut holder = Database::superuser().await;
    holder.execute("BEGIN").await.unwrap();
    let lock = format!("SELECT id FROM task.tasks WHERE id = '{task}' FOR UPDATE");
    holder.execute(&lock).await.unwrap();
    let log = stack().log_from_now("task-service");
    let resume = format!("/api/deals/{}/resume", deal.id);
    let shift = json!({"shiftDueDates": true});
    let resumed = office.coordinator.api.post(&resume, &shift).await;
    resumed.expect(200);
    eventually("the workflow has to ask again later", async || {
        let told = log.lines_with(&["the deal's due dates are still to move", &deal.id]);
        (!told.is_empty()).then_some(())
    })
    .await;
    holder.execute("COMMIT").await.unwrap();
    eventually("the workflow goes on with the moved date", async || {
        let workflow = office
            .coordinator
            .api
            .get(&format!("/api/deals/{}/workflow", deal.id))
            .await;
        let task = office.agent.api.get(&format!("/api/tasks/{task}")).await;
        let next = workflow.expect(200)["nextWakeupAt"].is_string();
        (next && task.expect(200)["dueDate"] == days_from_today(3)).then_some(())
    })
    .await;
    let rows = history(office.admin(), &task).await;
    let types: Vec<String> = rows.iter().map(|row| text(&row["eventType"])).collect();
    assert!(
        !types.contains(&"tasks.task.overdue".to_owned()),
        "{types:?}"
    );
    assert_eq!(
        notices(&office.coordinator, &deal, "TASK_OVERDUE").await,
        Vec::<Value>::new()
    );
}
