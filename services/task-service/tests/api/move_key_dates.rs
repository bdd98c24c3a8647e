//! `PUT /api/deals/:id/key-dates` and `POST …/preview`: moving a date, shown before it is done.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::buyer_purchase;
use tokio::task::JoinSet;

use crate::{
    dates::{day, due_dates, later, moves_as_previewed, path, preview, read},
    own_template::small_deal,
    support::{
        Office, Tasks, days_from_today, patch_at, plus_days, post_once, put_at, refuses_case,
        refuses_field, refuses_permission, text,
    },
};

fn closing_later(dates: &Value, days: i64) -> Value {
    later(dates, "closing_date", days)
}

#[tokio::test]
async fn the_preview_is_what_applying_does_and_writes_nothing() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let dates = read(&office.agent, &deal).await;
    let preview = moves_as_previewed(&office.agent, &deal, &closing_later(&dates, 20)).await;
    let changes = preview["changes"].as_array().unwrap();
    let tasks = changes.iter().filter(|change| change["kind"] == "TASK");
    assert!(tasks.count() > 5, "{changes:?}");
    assert!(
        changes.iter().all(|change| change["kind"] != "REMINDER"),
        "what hangs on the closing is still blocked, and is reminded of only when it could be done"
    );
    assert!(
        changes
            .iter()
            .all(|change| change["buyerSees"].is_boolean())
    );
    office.holds().await;
}

#[tokio::test]
async fn finished_tasks_keep_their_dates() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let before = office
        .coordinator
        .task(&deal.id, "verify_executed_contract")
        .await;
    let dates = read(&office.agent, &deal).await;
    let body = json!({
        "keyDates": {"effective_date": plus_days(&day(&dates, "effective_date"), 3)},
        "reason": "signed later", "version": dates["version"],
    });
    office.agent.api.put(&path(&deal), &body).await.expect(200);
    let after = office
        .coordinator
        .task(&deal.id, "verify_executed_contract")
        .await;
    assert_eq!(after["dueDate"], before["dueDate"]);
    let other = office
        .coordinator
        .task(&deal.id, "confirm_effective_date")
        .await;
    assert!(
        other["dueDate"].as_str() > before["dueDate"].as_str(),
        "an open task follows"
    );
    office.holds().await;
}

#[tokio::test]
async fn a_due_date_set_by_hand_stays_and_the_preview_says_so() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let task = office
        .coordinator
        .task(&deal.id, "confirm_effective_date")
        .await;
    let id = text(&task["id"]);
    let pinned = plus_days(&task["dueDate"], 1);
    let version = office.coordinator.read_task(&id).await["version"].clone();
    patch_at(
        &office.coordinator,
        &format!("/api/tasks/{id}"),
        &version,
        &json!({"dueDate": pinned}),
    )
    .await
    .expect(200);

    let dates = read(&office.agent, &deal).await;
    let body = json!({
        "keyDates": {"effective_date": plus_days(&day(&dates, "effective_date"), 7)},
        "reason": "signed later", "version": dates["version"],
    });
    let preview = preview(&office.agent, &deal, &body).await;
    let changes = preview.expect(200)["changes"].as_array().unwrap();
    let told = changes
        .iter()
        .find(|change| change["id"] == json!(id) && change["kind"] == "TASK")
        .expect("the pinned task is listed");
    assert!(
        told["locked"].is_string() && told["old"] == told["new"],
        "{told}"
    );
    office.agent.api.put(&path(&deal), &body).await.expect(200);
    assert_eq!(
        office
            .coordinator
            .task(&deal.id, "confirm_effective_date")
            .await["dueDate"],
        json!(pinned)
    );
}

#[tokio::test]
async fn a_stale_version_moves_nothing() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let first = read(&office.agent, &deal).await;
    office
        .agent
        .api
        .put(&path(&deal), &closing_later(&first, 5))
        .await
        .expect(200);
    let second = read(&office.agent, &deal).await;
    office
        .agent
        .api
        .put(&path(&deal), &closing_later(&first, 9))
        .await
        .refuses(409, "VERSION_CONFLICT");
    let mut body = closing_later(&second, 9);
    body.as_object_mut().unwrap().remove("version");
    put_at(&office.agent, &path(&deal), &first["version"], &body)
        .await
        .refuses(412, "VERSION_MISMATCH");
    refuses_field(
        &office.agent.api.put(&path(&deal), &body).await,
        "version",
        "required",
    );
    assert_eq!(read(&office.agent, &deal).await, second);
    put_at(&office.agent, &path(&deal), &second["version"], &body)
        .await
        .expect(200);
}

#[tokio::test]
async fn of_many_moves_from_one_version_exactly_one_succeeds() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let mut moves = JoinSet::new();
    for days in 1..=8 {
        let (user, path, body) = (
            office.agent.clone(),
            path(&deal),
            closing_later(&dates, days),
        );
        moves.spawn(async move { (body.clone(), user.api.put(&path, &body).await) });
    }
    let mut won = Vec::new();
    while let Some(answer) = moves.join_next().await {
        let (body, answer) = answer.unwrap();
        if answer.status == 200 {
            won.push(body["keyDates"]["closing_date"].clone());
        } else {
            answer.refuses(409, "VERSION_CONFLICT");
        }
    }
    assert_eq!(
        won,
        [day(&read(&office.agent, &deal).await, "closing_date")]
    );
    office.holds().await;
}

#[tokio::test]
async fn previews_record_nothing_under_an_idempotency_key() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let path = format!("{}/preview", path(&deal));
    for days in [3, 5] {
        let answer = post_once(
            &office.agent,
            &path,
            "preview",
            &closing_later(&dates, days),
        )
        .await;
        answer.expect(200);
        assert_eq!(answer.header("idempotent-replayed"), "");
    }
}

#[tokio::test]
async fn bodies_that_move_nothing_sensible_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let with = |field: &str, value: Value| {
        let mut body = closing_later(&dates, 5);
        body[field] = value;
        body
    };
    let cases = [
        (
            "no reason",
            with("reason", Value::Null),
            "reason",
            "required",
        ),
        (
            "a blank reason",
            with("reason", json!(" ")),
            "reason",
            "required",
        ),
        (
            "a date that does not exist in the template",
            with("keyDates", json!({"moon_phase": "2026-03-02"})),
            "keyDates.moon_phase",
            "unknown",
        ),
        (
            "a day that does not exist",
            with("keyDates", json!({"closing_date": "2026-02-30"})),
            "keyDates.closing_date",
            "format",
        ),
        (
            "a date that is a number",
            with("keyDates", json!({"closing_date": 5})),
            "keyDates.closing_date",
            "type",
        ),
        (
            "a version that is no number",
            with("version", json!("1")),
            "version",
            "type",
        ),
        (
            "a field that does not exist",
            with("force", json!(true)),
            "force",
            "unknown",
        ),
    ];
    for (why, body, field, constraint) in cases {
        for answer in [
            office.agent.api.put(&path(&deal), &body).await,
            preview(&office.agent, &deal, &body).await,
        ] {
            refuses_case(why, &answer, field, constraint);
        }
    }
    assert_eq!(read(&office.agent, &deal).await, dates);
}

#[tokio::test]
async fn a_contracts_date_is_taken_though_it_breaks_a_rule_and_the_preview_shows_that() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let body = json!({
        "keyDates": {"closing_date": plus_days(&day(&dates, "effective_date"), 3)},
        "reason": "the contract says so", "version": dates["version"],
    });
    let preview = preview(&office.agent, &deal, &body).await;
    let violations = preview.expect(200)["violations"].as_array().unwrap();
    let broken = violations
        .iter()
        .find(|violation| violation["key"] == "closing_after_effective")
        .expect("it is listed");
    assert_eq!(broken["severity"], "ERROR");
    assert!(broken["message"].is_string());
}

#[tokio::test]
async fn the_preview_names_what_becomes_overdue_at_once() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let body = json!({
        "keyDates": {"effective_date": days_from_today(-30)}, "reason": "it was signed a month ago", "version": dates["version"],
    });
    let preview = preview(&office.agent, &deal, &body).await;
    let overdue: Vec<String> = preview.expect(200)["becomesOverdue"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    assert!(!overdue.is_empty());
    office.agent.api.put(&path(&deal), &body).await.expect(200);
    for id in overdue {
        let task = office.coordinator.read_task(&id).await;
        assert_eq!(task["isOverdue"], true, "{task}");
    }
    office.holds().await;
}

#[tokio::test]
async fn dates_are_moved_by_the_deals_creator_and_by_who_manages_tasks() {
    let office = Office::new().await;
    let other_agent = office.organization.agent().await;
    let mut parties = office.parties();
    parties
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "listing_agent", "name": "Other side", "userId": other_agent.id}));
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties))
        .await;
    let dates = read(&office.agent, &deal).await;
    let body = closing_later(&dates, 4);
    refuses_permission(
        &other_agent.api.put(&path(&deal), &body).await,
        "manage_tasks",
    );
    office
        .buyer
        .api
        .put(&path(&deal), &body)
        .await
        .refuses(403, "FORBIDDEN");
    office
        .organization
        .agent()
        .await
        .api
        .put(&path(&deal), &body)
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .api
        .put(&path(&deal), &body)
        .await
        .expect(200);
    let dates = read(&office.agent, &deal).await;
    office
        .agent
        .api
        .put(&path(&deal), &closing_later(&dates, 1))
        .await
        .expect(200);
}

#[tokio::test]
async fn dates_move_on_hold_but_not_once_the_deal_is_over() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office
        .coordinator
        .api
        .post(&format!("/api/deals/{}/hold", deal.id), &json!({}))
        .await
        .expect(200);
    let dates = read(&office.agent, &deal).await;
    office
        .agent
        .api
        .put(&path(&deal), &closing_later(&dates, 4))
        .await
        .expect(200);
    office
        .coordinator
        .api
        .post(
            &format!("/api/deals/{}/cancel", deal.id),
            &json!({"reason": "sold"}),
        )
        .await
        .expect(200);
    let dates = read(&office.agent, &deal).await;
    office
        .agent
        .api
        .put(&path(&deal), &closing_later(&dates, 4))
        .await
        .refuses(409, "DEAL_STATUS_CONFLICT");
}

#[tokio::test]
async fn a_patch_moves_the_dates_it_names() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let tag = format!("\"{}\"", dates["version"]);
    let headers = [
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", tag.as_str()),
    ];
    let mut body = closing_later(&dates, 2);
    body.as_object_mut().unwrap().remove("version");
    office
        .agent
        .api
        .send(Method::PATCH, &path(&deal), &headers, Some(&body))
        .await
        .expect(200);
    let after = read(&office.agent, &deal).await;
    assert_eq!(
        day(&after, "closing_date"),
        body["keyDates"]["closing_date"]
    );
    assert_eq!(day(&after, "effective_date"), day(&dates, "effective_date"));
}

#[tokio::test]
async fn a_client_that_moves_its_deal_moves_all_of_it_and_is_shown_its_part() {
    let office = Office::new().await;
    let grants = json!({"roleGrants": {"BUYER": ["create_deals"]}});
    let granted = office.admin().api.patch("/api/organization", &grants).await;
    granted.expect(200);
    let body = buyer_purchase(&office.parties());
    let deal = office.buyer.create_planned_deal(&body).await;
    let all = due_dates(&office.coordinator.planned(&deal.id).await);
    let visible = due_dates(&office.buyer.planned(&deal.id).await);
    assert!(visible.len() < all.len(), "some tasks are not for clients");

    let dates = read(&office.buyer, &deal).await;
    let body = closing_later(&dates, 20);
    let preview = format!("{}/preview", path(&deal));
    let shown = office.buyer.api.post(&preview, &body).await;
    let whole = office.coordinator.api.post(&preview, &body).await;
    let tasks = |preview: &Value| -> BTreeMap<String, Value> {
        let changes = preview["changes"].as_array().unwrap().iter();
        let moved = changes.filter(|change| change["kind"] == "TASK");
        moved
            .map(|change| (text(&change["id"]), change["new"].clone()))
            .collect()
    };
    let whole = tasks(whole.expect(200));
    let shown = tasks(shown.expect(200));
    let expected: BTreeMap<String, Value> = whole
        .clone()
        .into_iter()
        .filter(|(id, _)| visible.contains_key(id))
        .collect();
    assert!(shown.len() < whole.len());
    assert_eq!(
        shown, expected,
        "the client sees its part of the same moves"
    );

    office.buyer.api.put(&path(&deal), &body).await.expect(200);
    let after = due_dates(&office.coordinator.planned(&deal.id).await);
    for (id, due) in &after {
        let expected = whole.get(id).unwrap_or(&all[id]);
        assert_eq!(due, expected, "{id} is where the whole preview had it");
    }
    office.holds().await;
}

#[tokio::test]
async fn a_deal_under_way_keeps_the_dates_that_its_template_requires() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let user = &office.coordinator;
    let refuses = async |status: &str| {
        let dates = read(user, &deal).await;
        let body = json!({
            "keyDates": {"closing_date": null}, "reason": "the buyer withdrew", "version": dates["version"],
        });
        for answer in [
            preview(user, &deal, &body).await,
            user.api.put(&path(&deal), &body).await,
        ] {
            refuses_field(&answer, "keyDates.closing_date", "required");
        }
        assert_eq!(read(user, &deal).await, dates, "{status}");
    };
    refuses("ACTIVE").await;
    let hold = format!("/api/deals/{}/hold", deal.id);
    user.api.post(&hold, &json!({})).await.expect(200);
    refuses("ON_HOLD").await;
}

#[tokio::test]
async fn a_preview_lists_the_reminders_of_tasks_that_could_be_done_and_of_days_to_come() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let user = &office.coordinator;
    let dates = read(user, &deal).await;
    let body = later(&dates, "start", 2);
    let previewed = preview(user, &deal, &body).await.expect(200).clone();
    let mut reminders: Vec<(String, Value, Value)> = previewed["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["kind"] == "REMINDER")
        .map(|change| {
            let key = text(&change["key"]);
            (key, change["old"].clone(), change["new"].clone())
        })
        .collect();
    reminders.sort_by_key(|(key, old, _)| (key.clone(), old.to_string()));
    let moved = |key: &str, due: i64| {
        [3, 1].map(|before| {
            let day = |days: i64| json!(days_from_today(days));
            (key.to_owned(), day(due - before), day(due + 2 - before))
        })
    };
    let mut expected = [moved("first", 10), moved("last", 60), moved("report", 7)].concat();
    expected.sort_by_key(|(key, old, _)| (key.clone(), old.to_string()));
    assert_eq!(reminders, expected, "nothing of the second, which waits");

    let hold = format!("/api/deals/{}/hold", deal.id);
    user.api.post(&hold, &json!({})).await.expect(200);
    let previewed = preview(user, &deal, &body).await.expect(200).clone();
    let mut changes = previewed["changes"].as_array().unwrap().iter();
    assert!(
        changes.all(|change| change["kind"] != "REMINDER"),
        "nothing goes out on hold"
    );
}
