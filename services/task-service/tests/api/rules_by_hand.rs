//! Due rules that people give tasks: what they follow, and that they may be written back as they are read.

use serde_json::{Value, json};
use testkit::{Deal, User};

use crate::{
    dates::later,
    own_template::{small_deal, task, today},
    support::{Office, Tasks, days_from_today, patch_at, refuses_field, text},
};

fn after(anchor: &str, days: i64) -> Value {
    json!({"anchor": anchor, "anchorKind": "TASK", "offsetDays": days, "calendar": "CALENDAR"})
}

async fn due(user: &User, id: &str) -> Value {
    user.read_task(id).await["dueDate"].clone()
}

async fn patch(user: &User, id: &str, fields: Value) -> Value {
    let version = user.read_task(id).await["version"].clone();
    let path = format!("/api/tasks/{id}");
    let answer = patch_at(user, &path, &version, &fields).await;
    answer.expect(200).clone()
}

#[tokio::test]
async fn a_rule_made_by_hand_follows_the_completion_that_it_counts_from() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({"start": days_from_today(-9)})).await;
    let user = &office.agent;
    let called = user.add_task(&deal.id, "Call the lender", json!({})).await;
    let rule = json!({"dueRule": after(&called, 5)});
    let answered = user.add_task(&deal.id, "Get the answer", rule).await;
    let rule = json!({"dueRule": after(&answered, 2)});
    let filed = user.add_task(&deal.id, "File it", rule).await;
    assert_eq!(due(user, &answered).await, Value::Null, "no date yet");

    let back_dated = json!({"completedOn": days_from_today(-3)});
    let done = user.task_command(&called, "complete", back_dated).await;
    done.expect(200);
    assert_eq!(due(user, &answered).await, json!(days_from_today(2)));
    assert_eq!(due(user, &filed).await, json!(days_from_today(4)));

    let reopen = json!({"reason": "the wrong lender"});
    let reopened = office
        .coordinator
        .task_command(&called, "reopen", reopen)
        .await;
    reopened.expect(200);
    assert_eq!(due(user, &answered).await, Value::Null);
    office.holds().await;
}

#[tokio::test]
async fn a_task_of_the_plan_follows_the_rule_that_it_was_given() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let last = text(&task(user, &deal, "last").await["id"]);
    patch(user, &last, json!({"dueRule": after("first", 4)})).await;
    assert_eq!(due(user, &last).await, json!(days_from_today(14)));
    user.complete(&deal.id, "first").await;
    assert_eq!(due(user, &last).await, json!(days_from_today(4)));

    let dates = crate::dates::read(user, &deal).await;
    let moved = later(&dates, "start", 6);
    let path = crate::dates::path(&deal);
    user.api.put(&path, &moved).await.expect(200);
    assert_eq!(
        due(user, &last).await,
        json!(days_from_today(4)),
        "the template's rule does not come back"
    );
}

#[tokio::test]
async fn a_rule_that_would_count_from_itself_is_refused() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let one = user.add_task(&deal.id, "One", json!({})).await;
    let rule = json!({"dueRule": after(&one, 1)});
    let two = user.add_task(&deal.id, "Two", rule).await;
    for anchor in [&one, &two] {
        let rule = json!({"dueRule": after(anchor, 1)});
        let answer = patch_at(user, &format!("/api/tasks/{one}"), &json!(1), &rule).await;
        refuses_field(&answer, "dueRule.anchor", "cycle");
    }
}

/// Writes a task back as GET shows it.
async fn put_back(user: &User, read: &Value) -> Value {
    let mut body = json!({});
    for field in [
        "title",
        "description",
        "milestoneId",
        "ownerRole",
        "buyerVisible",
        "version",
    ] {
        body[field] = read[field].clone();
    }
    if read["pinned"] == false {
        body["dueRule"] = read["dueRule"].clone();
    } else {
        body["dueDate"] = read["dueDate"].clone();
    }
    let path = format!("/api/tasks/{}", text(&read["id"]));
    user.api.put(&path, &body).await.expect(200).clone()
}

async fn all(user: &User, deal: &Deal) -> Vec<Value> {
    let path = format!("/api/tasks?dealId={}&limit=100", deal.id);
    let answer = user.api.get(&path).await;
    answer.expect(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_get_shows_of_a_rule_may_be_put_back() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let user = &office.coordinator;
    let apart = json!({
        "anchor": "closing_date", "offsetDays": -3, "calendar": "BUSINESS", "businessCalendar": "federal",
        "roll": {"weekend": "PREVIOUS", "holiday": "NEXT"},
    });
    user.add_task(&deal.id, "Apart", json!({"dueRule": apart}))
        .await;
    user.add_task(
        &deal.id,
        "After",
        json!({"dueRule": after("open_escrow", 2)}),
    )
    .await;
    let before = all(user, &deal).await;
    for read in &before {
        put_back(user, read).await;
    }
    assert_eq!(all(user, &deal).await, before, "nothing changed");
    let shown = before.iter().find(|task| task["title"] == "Apart").unwrap();
    assert_eq!(shown["dueRule"], apart);
}

#[tokio::test]
async fn a_put_without_date_and_rule_clears_both_also_a_rule_without_a_date() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let rule = json!({"anchor": "end", "offsetDays": 1, "calendar": "CALENDAR"});
    let undated = user
        .add_task(&deal.id, "Once it ends", json!({"dueRule": rule}))
        .await;
    assert_eq!(due(user, &undated).await, Value::Null);
    let dated = text(&task(user, &deal, "last").await["id"]);
    for id in [&undated, &dated] {
        let read = user.read_task(id).await;
        let body = json!({"title": read["title"], "version": read["version"]});
        let put = user.api.put(&format!("/api/tasks/{id}"), &body).await;
        let put = put.expect(200);
        assert_eq!(
            (&put["dueDate"], &put["dueRule"]),
            (&Value::Null, &Value::Null)
        );
    }
    let dates = crate::dates::read(user, &deal).await;
    let body = json!({
        "keyDates": {"end": days_from_today(40), "start": days_from_today(1)},
        "reason": "as agreed", "version": dates["version"],
    });
    let path = crate::dates::path(&deal);
    user.api.put(&path, &body).await.expect(200);
    for id in [&undated, &dated] {
        assert_eq!(due(user, id).await, Value::Null, "no rule brings it back");
    }
}

#[tokio::test]
async fn a_patch_that_says_nothing_of_dates_leaves_a_rule_without_a_date() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let rule = json!({"anchor": "end", "offsetDays": 1, "calendar": "CALENDAR"});
    let id = user
        .add_task(&deal.id, "Once it ends", json!({"dueRule": rule}))
        .await;
    patch(user, &id, json!({"title": "When it ends"})).await;
    assert_eq!(user.read_task(&id).await["dueRule"]["anchor"], "end");
}

#[tokio::test]
async fn a_date_written_by_hand_pins_also_where_it_says_the_same() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let last = task(user, &deal, "last").await;
    let id = text(&last["id"]);
    let patched = patch(user, &id, json!({"dueDate": last["dueDate"]})).await;
    assert_eq!(patched["pinned"], true);
    let dates = crate::dates::read(user, &deal).await;
    let path = crate::dates::path(&deal);
    let moved = later(&dates, "start", 6);
    user.api.put(&path, &moved).await.expect(200);
    assert_eq!(due(user, &id).await, last["dueDate"]);
    assert_ne!(last["dueDate"], json!(today()));
}
