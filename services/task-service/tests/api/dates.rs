//! Key dates and due dates as tests read and move them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Deal, Response, User};

use crate::support::{plus_days, tasks_of, text};

/// Where the key dates of a deal are.
pub(crate) fn path(deal: &Deal) -> String {
    format!("/api/deals/{}/key-dates", deal.id)
}

/// The key dates as they are now.
pub(crate) async fn read(user: &User, deal: &Deal) -> Value {
    user.api.get(&path(deal)).await.expect(200).clone()
}

/// Key dates by their keys, whole.
pub(crate) fn by_key(dates: &Value) -> BTreeMap<String, Value> {
    let dates = dates["keyDates"].as_array().unwrap().iter();
    dates
        .map(|date| (text(&date["key"]), date.clone()))
        .collect()
}

/// The days of key dates by their keys.
pub(crate) fn days(dates: &Value) -> BTreeMap<String, Value> {
    let dates = by_key(dates).into_iter();
    dates
        .map(|(key, date)| (key, date["date"].clone()))
        .collect()
}

/// The day of one key date.
pub(crate) fn day(dates: &Value, key: &str) -> Value {
    by_key(dates)[key]["date"].clone()
}

/// The body that moves one of these dates by days.
pub(crate) fn later(dates: &Value, key: &str, days: i64) -> Value {
    json!({
        "keyDates": {key: plus_days(&day(dates, key), days)},
        "reason": "the lender needs more time",
        "version": dates["version"],
    })
}

/// The due dates of a plan's tasks by their ids.
pub(crate) fn due_dates(plan: &Value) -> BTreeMap<String, Value> {
    tasks_of(plan)
        .iter()
        .map(|task| (text(&task["id"]), task["dueDate"].clone()))
        .collect()
}

/// Asks what a move would do.
pub(crate) async fn preview(user: &User, deal: &Deal, body: &Value) -> Response {
    user.api
        .post(&format!("{}/preview", path(deal)), body)
        .await
}

/// Previews a move, applies it, and fails unless exactly the previewed dates moved. Returns the preview.
pub(crate) async fn moves_as_previewed(user: &User, deal: &Deal, body: &Value) -> Value {
    let before = (read(user, deal).await, user.planned(&deal.id).await);
    let preview = preview(user, deal, body).await.expect(200).clone();
    assert_eq!(preview["basedOn"], before.0["version"]);
    let untouched = (read(user, deal).await, user.planned(&deal.id).await);
    assert_eq!(untouched, before, "the preview moved something");

    user.api.put(&path(deal), body).await.expect(200);
    let after = (read(user, deal).await, user.planned(&deal.id).await);
    let told = |kind: &str, name: &str| -> BTreeMap<String, (Value, Value)> {
        let changes = preview["changes"].as_array().unwrap().iter();
        changes
            .filter(|change| change["kind"] == kind && change["old"] != change["new"])
            .map(|change| {
                let move_ = (change["old"].clone(), change["new"].clone());
                (text(&change[name]), move_)
            })
            .collect()
    };
    assert_eq!(
        told("KEY_DATE", "key"),
        moved(days(&before.0), &days(&after.0))
    );
    assert_eq!(
        told("TASK", "id"),
        moved(due_dates(&before.1), &due_dates(&after.1))
    );
    assert!(after.0["version"].as_i64() > before.0["version"].as_i64());
    preview
}

fn moved(
    before: BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> BTreeMap<String, (Value, Value)> {
    before
        .into_iter()
        .map(|(name, old)| {
            let new = after[&name].clone();
            (name, (old, new))
        })
        .filter(|(_, (old, new))| old != new)
        .collect()
}
