//! Work that repeats: when the next one comes, what it follows, and when its series ends.

use serde_json::{Value, json};
use testkit::{Database, Deal};

use crate::{
    dates::{path, preview, read},
    own_template::{small_deal, task},
    resume_deal::resume_by,
    support::{Office, Tasks, days_from_today, refuses_field, text},
};

async fn milestone(office: &Office, deal: &Deal, key: &str) -> Value {
    let plan = office.coordinator.planned(&deal.id).await;
    let milestones = plan["milestones"].as_array().unwrap();
    let found = milestones.iter().find(|milestone| milestone["key"] == key);
    found.unwrap().clone()
}

async fn reports(office: &Office, deal: &Deal) -> Vec<(String, Value)> {
    let milestone = milestone(office, deal, "reports").await;
    let tasks = milestone["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| (text(&task["key"]), task["status"].clone()))
        .collect()
}

async fn step(office: &Office, deal: &Deal, key: &str, command: &str, body: Value) -> Value {
    let id = text(&task(&office.coordinator, deal, key).await["id"]);
    let answer = office.coordinator.task_command(&id, command, body).await;
    answer.expect(200).clone()
}

/// The body that sets these dates.
async fn setting(office: &Office, deal: &Deal, key_dates: Value) -> Value {
    let version = read(&office.coordinator, deal).await["version"].clone();
    json!({"keyDates": key_dates, "reason": "as agreed", "version": version})
}

async fn set(office: &Office, deal: &Deal, key_dates: Value) {
    let body = setting(office, deal, key_dates).await;
    let api = &office.coordinator.api;
    api.put(&path(deal), &body).await.expect(200);
}

#[tokio::test]
async fn a_milestone_that_the_next_one_keeps_open_is_not_reached() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let done = step(&office, &deal, "report", "complete", json!({})).await;
    assert_eq!(done["milestoneCompleted"], Value::Null);
    let reports = milestone(&office, &deal, "reports").await;
    assert_eq!(reports["state"], "CURRENT");
    let happened = office.history(&text(&reports["id"])).await;
    assert_eq!(happened, Vec::<String>::new(), "nothing was recorded");

    let (first, next) = (
        task(&office.coordinator, &deal, "report").await,
        task(&office.coordinator, &deal, "report_2").await,
    );
    assert_eq!(next["dueDate"], json!(days_from_today(14)));
    assert_eq!(next["dueRule"], first["dueRule"], "it carries the rule");
    assert_eq!(next["required"], false);
    office.holds().await;
}

#[tokio::test]
async fn waiving_one_ends_the_series() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let reason = json!({"reason": "the seller is away"});
    step(&office, &deal, "report", "waive", reason).await;
    assert_eq!(
        reports(&office, &deal).await,
        [("report".to_owned(), json!("WAIVED"))]
    );
    assert_eq!(milestone(&office, &deal, "reports").await["state"], "DONE");
}

#[tokio::test]
async fn waiving_this_one_alone_brings_the_next() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let this_one = json!({"reason": "nothing to report", "onlyThis": true});
    step(&office, &deal, "report", "waive", this_one).await;
    let reports = reports(&office, &deal).await;
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(reports[0].1, "WAIVED");
}

#[tokio::test]
async fn an_instance_moves_with_the_anchor_of_its_series() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    step(&office, &deal, "report", "complete", json!({})).await;
    set(&office, &deal, json!({"start": days_from_today(3)})).await;
    let next = task(&office.coordinator, &deal, "report_2").await;
    assert_eq!(next["dueDate"], json!(days_from_today(17)));
    step(&office, &deal, "report_2", "complete", json!({})).await;
    let third = task(&office.coordinator, &deal, "report_3").await;
    assert_eq!(third["dueDate"], json!(days_from_today(24)));
}

#[tokio::test]
async fn an_instance_that_would_come_after_the_end_of_its_series_goes_and_holds_up_nothing() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    step(&office, &deal, "report", "complete", json!({})).await;
    let body = setting(&office, &deal, json!({"end": days_from_today(12)})).await;
    let previewed = preview(&office.coordinator, &deal, &body).await;
    let changes = previewed.expect(200)["changes"].as_array().unwrap().clone();
    let goes = changes.iter().find(|change| change["key"] == "report_2");
    assert_eq!(goes.unwrap()["outcome"], "WAIVED", "the preview says so");
    set(&office, &deal, json!({"end": days_from_today(12)})).await;
    assert_eq!(
        reports(&office, &deal).await[1],
        ("report_2".to_owned(), json!("WAIVED"))
    );
    for key in ["first", "second", "last"] {
        step(&office, &deal, key, "complete", json!({})).await;
    }
    let close = format!("/api/deals/{}/close", deal.id);
    let api = &office.coordinator.api;
    api.post(&close, &json!({})).await.expect(200);
    office.holds().await;
}

#[tokio::test]
async fn an_instance_of_what_became_pointless_goes() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    step(&office, &deal, "report", "complete", json!({})).await;
    set(&office, &deal, json!({"stop": days_from_today(30)})).await;
    assert_eq!(
        reports(&office, &deal).await[1],
        ("report_2".to_owned(), json!("WAIVED"))
    );
}

#[tokio::test]
async fn an_instance_that_a_hold_pushes_past_the_end_of_its_series_goes() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({"end": days_from_today(16)})).await;
    let date = json!({"dueDate": "2031-05-05"});
    let dated = office.coordinator.add_task(&deal.id, "Dated", date).await;
    step(&office, &deal, "report", "complete", json!({})).await;
    let next = task(&office.coordinator, &deal, "report_2").await;
    assert_eq!(next["dueDate"], json!(days_from_today(14)));
    Office::hold_days_ago_by(&office.coordinator, &deal, 3).await;
    resume_by(&office.coordinator, &office, &deal, &dated).await;
    assert_eq!(
        reports(&office, &deal).await[1],
        ("report_2".to_owned(), json!("WAIVED"))
    );
    office.holds().await;
}

#[tokio::test]
async fn the_room_of_a_deal_is_counted_wherever_a_task_is_made() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let by_hand = user.add_task(&deal.id, "By hand", json!({})).await;
    let mut database = Database::superuser().await;
    database.copy_row("task.tasks", &by_hand, 498).await;
    user.add_task(&deal.id, "The last by hand", json!({})).await;
    let one_more = json!({"dealId": deal.id, "title": "One more"});
    let refused = user.api.post("/api/tasks", &one_more).await;
    refuses_field(&refused, "dealId", "max_items");

    step(&office, &deal, "report", "complete", json!({})).await;
    assert_eq!(
        reports(&office, &deal).await,
        [("report".to_owned(), json!("COMPLETED"))]
    );
}
