//! `/api/tasks/:id/chases` and `/api/tasks/:id/follow-up`: who asked for what others do, and when to ask again.

use serde_json::{Value, json};
use testkit::{Database, User, post_once};

use crate::support::{
    Office, Tasks, all_items, days_from_today, refuses_field, refuses_permission, text,
};

async fn chase(user: &User, task: &str, body: Value) -> Value {
    let path = format!("/api/tasks/{task}/chases");
    user.api.post(&path, &body).await.expect(201).clone()
}

async fn waiting(user: &User) -> Vec<Value> {
    let work = user.api.get("/api/tasks/mine?bucket=waiting&limit=100");
    let work = work.await.expect(200).clone();
    let buckets = work["buckets"].as_array().unwrap();
    let waiting = buckets.iter().find(|bucket| bucket["key"] == "waiting");
    waiting.unwrap()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_follow_up_is_kept_with_who_when_and_how_and_sets_the_day_to_ask_again() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let due = json!({"ownerRole": "lender", "dueDate": days_from_today(9)});
    let task = office
        .agent
        .add_task(&deal.id, "Order the appraisal", due)
        .await;
    let first =
        json!({"channel": "PHONE", "note": " left a message ", "followUpOn": days_from_today(2)});
    let first = chase(&office.agent, &task, first).await;
    assert_eq!(first["channel"], "PHONE");
    assert_eq!(first["note"], "left a message");
    assert_eq!(first["replied"], false);
    assert_eq!(first["authorId"], json!(office.agent.id));
    assert_eq!(first["followUpOn"], json!(days_from_today(2)));
    assert!(first["createdAt"].is_string(), "{first}");
    let now = office.agent.read_task(&task).await;
    assert_eq!(now["followUpOn"], json!(days_from_today(2)));
    assert_eq!(now["dueDate"], json!(days_from_today(9)));
    assert_eq!(now["version"], 2);
    let second = json!({"channel": "EMAIL", "replied": true});
    let second = chase(&office.coordinator, &task, second).await;
    let now = office.agent.read_task(&task).await;
    assert_eq!(
        now["followUpOn"],
        Value::Null,
        "nothing is settled any more"
    );
    let path = format!("/api/tasks/{task}/chases?limit=1");
    let log = all_items(&office.agent, &path).await;
    assert_eq!(log, [second.clone(), first], "the newest first");
    let one = format!("/api/tasks/{task}/chases/{}", text(&second["id"]));
    assert_eq!(office.agent.api.get(&one).await.expect(200), &second);
}

#[tokio::test]
async fn a_follow_up_is_in_the_audit_log_and_is_an_event_without_what_was_said() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Order title", json!({}))
        .await;
    let body = json!({"channel": "IN_PERSON", "note": "at the closing table", "followUpOn": days_from_today(1)});
    let entry = chase(&office.agent, &task, body).await;
    let sql = format!(
        "SELECT event_type, event_data FROM audit.audit_log WHERE entity_id = '{task}' AND aggregate_version = 2"
    );
    let rows = Database::superuser().await.rows(&sql).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["event_type"], "tasks.task.chased");
    let after = &rows[0]["event_data"]["after"];
    assert_eq!(after["chase"]["id"], entry["id"]);
    assert_eq!(after["chase"]["note"], "at the closing table");
    assert_eq!(after["followUpOn"], json!(days_from_today(1)));
    let sql = format!(
        "SELECT event_data FROM task.event_outbox WHERE aggregate_id = '{task}' AND event_type = 'tasks.task.chased'"
    );
    let events = Database::superuser().await.rows(&sql).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events[0]["event_data"].to_string();
    assert!(event.contains("followUpOn"), "what changed: {event}");
    assert!(!event.contains("closing table"), "{event}");
}

#[tokio::test]
async fn a_task_that_no_part_follows_up_is_then_the_callers_to_follow_up() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let fields = json!({"ownerRole": "lender", "dueDate": days_from_today(20)});
    let task = office
        .coordinator
        .add_task(&deal.id, "Send the estimate", fields.clone())
        .await;
    let other = office
        .coordinator
        .add_task(&deal.id, "Send the invoice", fields)
        .await;
    let titles = async || -> Vec<String> {
        let waiting = waiting(&office.coordinator).await;
        waiting.iter().map(|item| text(&item["title"])).collect()
    };
    assert!(!titles().await.contains(&"Send the estimate".to_owned()));
    let body = json!({"channel": "TEXT", "followUpOn": days_from_today(2)});
    chase(&office.coordinator, &task, body).await;
    let put_off = format!("/api/tasks/{other}/follow-up");
    let day = json!({"followUpOn": days_from_today(1)});
    office
        .coordinator
        .api
        .post(&put_off, &day)
        .await
        .expect(200);
    // By the day of the follow-up, which comes before the day on which they are due.
    assert_eq!(
        titles().await[..2],
        ["Send the invoice", "Send the estimate"]
    );
    let waiting = waiting(&office.coordinator).await;
    let last = &waiting[1]["lastChase"];
    assert_eq!(waiting[1]["chasedBy"], "transaction_coordinator");
    assert_eq!(waiting[1]["followUpOn"], json!(days_from_today(2)));
    assert_eq!(last["channel"], "TEXT");
    assert_eq!(last["authorName"], "Some TRANSACTION_COORDINATOR");
    assert!(waiting[0]["lastChase"].is_null(), "{}", waiting[0]);
}

#[tokio::test]
async fn putting_a_follow_up_off_moves_no_deadline_and_the_same_day_again_is_no_change() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let due = json!({"dueDate": days_from_today(5)});
    let task = office.agent.add_task(&deal.id, "Order title", due).await;
    let mut version = 1;
    for (day, is_change) in [
        (json!(days_from_today(3)), true),
        (json!(days_from_today(3)), false),
        (json!(days_from_today(4)), true),
        (Value::Null, true),
        (Value::Null, false),
    ] {
        version += i32::from(is_change);
        let body = json!({"followUpOn": day});
        let answer = office.agent.task_command(&task, "follow-up", body).await;
        let now = answer.expect(200);
        assert_eq!(now["followUpOn"], day);
        assert_eq!(now["dueDate"], json!(days_from_today(5)));
        assert_eq!(now["version"], version, "{day}");
    }
}

#[tokio::test]
async fn a_follow_up_is_recorded_once_for_one_key() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Order title", json!({}))
        .await;
    let path = format!("/api/tasks/{task}/chases");
    let body = json!({"channel": "OTHER"});
    let first = post_once(&office.agent, &path, "one-call", &body).await;
    let again = post_once(&office.agent, &path, "one-call", &body).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(all_items(&office.agent, &path).await.len(), 1);
}

#[tokio::test]
async fn only_who_may_assign_asks_and_clients_read_nothing_of_it() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let shown = json!({"buyerVisible": true, "assigneeId": office.buyer.id});
    let task = office.agent.add_task(&deal.id, "Sign", shown).await;
    let body = json!({"channel": "PHONE", "followUpOn": days_from_today(2)});
    chase(&office.agent, &task, body.clone()).await;
    let path = format!("/api/tasks/{task}/chases");
    let needed = "assign_tasks";
    refuses_permission(&office.buyer.api.post(&path, &body).await, needed);
    let put_off = json!({"followUpOn": null});
    let answer = office
        .buyer
        .task_command(&task, "follow-up", put_off.clone())
        .await;
    refuses_permission(&answer, needed);
    let answer = office.buyer.api.get(&path).await;
    refuses_permission(&answer, "view_deals");
    assert_eq!(
        office.buyer.read_task(&task).await["followUpOn"],
        Value::Null
    );
    for stranger in [
        &office.organization.agent().await,
        &Office::new().await.coordinator,
    ] {
        stranger.api.get(&path).await.refuses(404, "NOT_FOUND");
        stranger
            .api
            .post(&path, &body)
            .await
            .refuses(404, "NOT_FOUND");
        let answer = stranger
            .task_command(&task, "follow-up", put_off.clone())
            .await;
        answer.refuses(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_done_or_on_hold_is_not_followed_up() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let own = json!({"assigneeId": office.agent.id});
    let done = office.agent.add_task(&deal.id, "Done", own).await;
    let open = office.agent.add_task(&deal.id, "Open", json!({})).await;
    office.agent.complete_task(&done).await.expect(200);
    let asks = [
        ("chases", json!({"channel": "PHONE"})),
        ("follow-up", json!({"followUpOn": days_from_today(1)})),
    ];
    for (step, body) in &asks {
        let answer = office.agent.task_command(&done, step, body.clone()).await;
        answer.refuses(409, "TASK_ALREADY_DONE");
    }
    let hold = format!("/api/deals/{}/hold", deal.id);
    let reason = json!({"reason": "the buyer travels"});
    office.agent.api.post(&hold, &reason).await.expect(200);
    for (step, body) in &asks {
        let answer = office.agent.task_command(&open, step, body.clone()).await;
        answer.refuses(409, "DEAL_NOT_ACTIVE");
    }
}

#[tokio::test]
async fn follow_ups_that_cannot_be_meant_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Order title", json!({}))
        .await;
    let post = async |step: &str, body: Value| office.agent.task_command(&task, step, body).await;
    for (step, body, field, constraint) in [
        ("chases", json!({}), "channel", "required"),
        ("chases", json!({"channel": "PIGEON"}), "channel", "one_of"),
        (
            "chases",
            json!({"channel": "PHONE", "note": "n".repeat(1_001)}),
            "note",
            "max_length",
        ),
        (
            "chases",
            json!({"channel": "PHONE", "followUpOn": "soon"}),
            "followUpOn",
            "format",
        ),
        (
            "chases",
            json!({"channel": "PHONE", "followUpOn": days_from_today(-1)}),
            "followUpOn",
            "range",
        ),
        (
            "chases",
            json!({"channel": "PHONE", "to": "me"}),
            "to",
            "unknown",
        ),
        ("follow-up", json!({}), "followUpOn", "required"),
        (
            "follow-up",
            json!({"followUpOn": days_from_today(-1)}),
            "followUpOn",
            "range",
        ),
        (
            "follow-up",
            json!({"followUpOn": days_from_today(400)}),
            "followUpOn",
            "range",
        ),
    ] {
        let answer = post(step, body.clone()).await;
        refuses_field(&answer, field, constraint);
    }
    assert_eq!(office.agent.read_task(&task).await["version"], 1);
}
