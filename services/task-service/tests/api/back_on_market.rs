//! A listing whose offer falls through: what the accepted offer removed comes back.

use serde_json::{Value, json};
use testkit::{Deal, User, buyer_purchase};

use crate::{
    dates::{moves_as_previewed, path, preview, read},
    support::{Office, Tasks, days_from_today, plus_days, text},
};

/// A listing with an agreement, a day on the market and an end.
async fn listing(office: &Office, offer: Option<String>) -> Deal {
    let mut body = buyer_purchase(&office.parties());
    body["dealType"] = json!("LISTING");
    body["templateKey"] = json!("us_residential_listing_seller");
    body["keyDates"] = json!({
        "listing_agreement_date": days_from_today(0),
        "on_market_date": days_from_today(14),
        "listing_expiration_date": days_from_today(180),
    });
    if let Some(offer) = offer {
        body["keyDates"]["effective_date"] = json!(offer);
    }
    office.agent.create_planned_deal(&body).await
}

async fn dates_body(user: &User, deal: &Deal, dates: Value) -> Value {
    let version = read(user, deal).await["version"].clone();
    json!({"keyDates": dates, "reason": "the offer", "version": version})
}

/// What a preview says of a task.
fn told_of(preview: &Value, key: &str) -> Value {
    let changes = preview["changes"].as_array().unwrap().iter();
    let mut tasks = changes.filter(|change| change["kind"] == "TASK" && change["key"] == key);
    tasks.next().cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_task_that_an_accepted_offer_took_away_comes_back_when_the_offer_falls_through() {
    let office = Office::new().await;
    let user = &office.agent;
    let deal = listing(&office, None).await;
    let before = user.task(&deal.id, "expiration_decision").await;
    let id = text(&before["id"]);

    let accepted = json!({
        "effective_date": days_from_today(20),
        "closing_date": days_from_today(60),
    });
    let body = dates_body(user, &deal, accepted).await;
    let seen = moves_as_previewed(user, &deal, &body).await;
    let told = told_of(&seen, "expiration_decision");
    assert_eq!(told["outcome"], "WAIVED");
    assert_eq!(told["locked"], "waived: effective_date is set");
    assert_eq!(
        (&told["old"], &told["new"]),
        (&before["dueDate"], &before["dueDate"])
    );
    let waived = user.read_task(&id).await;
    assert_eq!(
        (&waived["status"], &waived["dueDate"]),
        (&json!("WAIVED"), &before["dueDate"])
    );

    let fallen_through = json!({"effective_date": null, "closing_date": null});
    let body = dates_body(user, &deal, fallen_through).await;
    let seen = moves_as_previewed(user, &deal, &body).await;
    let told = told_of(&seen, "expiration_decision");
    assert_eq!(told["outcome"], "REOPENED");
    assert_eq!(told["new"], before["dueDate"]);
    let back = user.task(&deal.id, "expiration_decision").await;
    assert_eq!(back["id"], json!(id), "it is the task that went");
    for field in ["status", "dueDate", "dependsOn"] {
        assert_eq!(back[field], before[field], "{field}");
    }
    office.holds().await;
}

#[tokio::test]
async fn a_task_left_out_of_the_plan_for_an_offer_is_added_when_the_offer_falls_through() {
    let office = Office::new().await;
    let user = &office.agent;
    let usual = listing(&office, None).await;
    let usual = user.task(&usual.id, "expiration_decision").await;
    let deal = listing(&office, Some(days_from_today(20))).await;
    let plan = user.planned(&deal.id).await.to_string();
    assert!(!plan.contains("expiration_decision"));

    let body = dates_body(user, &deal, json!({"effective_date": null})).await;
    let seen = preview(user, &deal, &body).await.expect(200).clone();
    let told = told_of(&seen, "expiration_decision");
    assert_eq!(
        (&told["outcome"], &told["old"]),
        (&json!("ADDED"), &Value::Null)
    );
    user.api.put(&path(&deal), &body).await.expect(200);
    let added = user.task(&deal.id, "expiration_decision").await;
    assert_eq!(
        (&added["dueDate"], &added["dueDate"]),
        (&told["new"], &usual["dueDate"])
    );
    assert_eq!(
        added["status"], "BLOCKED",
        "it waits for the listing to go live"
    );
    office.holds().await;
}

#[tokio::test]
async fn a_day_set_by_hand_stays_with_a_task_that_goes_and_comes_back() {
    let office = Office::new().await;
    let user = &office.coordinator;
    let deal = listing(&office, None).await;
    let task = user.task(&deal.id, "expiration_decision").await;
    let id = text(&task["id"]);
    let pinned = plus_days(&task["dueDate"], 2);
    let path_of_task = format!("/api/tasks/{id}");
    user.api
        .patch(&path_of_task, &json!({"dueDate": pinned}))
        .await
        .expect(200);
    for dates in [
        json!({"effective_date": days_from_today(20)}),
        json!({"effective_date": null}),
    ] {
        let body = dates_body(user, &deal, dates).await;
        moves_as_previewed(user, &deal, &body).await;
    }
    let back = user.read_task(&id).await;
    assert_eq!(
        (&back["dueDate"], &back["status"]),
        (&json!(pinned), &json!("BLOCKED"))
    );
}

#[tokio::test]
async fn a_task_that_somebody_reopened_although_the_offer_stands_stays_open() {
    let office = Office::new().await;
    let user = &office.coordinator;
    let deal = listing(&office, None).await;
    let id = text(&user.task(&deal.id, "expiration_decision").await["id"]);
    let body = dates_body(user, &deal, json!({"effective_date": days_from_today(20)})).await;
    user.api.put(&path(&deal), &body).await.expect(200);
    user.task_command(&id, "reopen", json!({"reason": "we decide all the same"}))
        .await
        .expect(200);
    let body = dates_body(user, &deal, json!({"closing_date": days_from_today(70)})).await;
    user.api.put(&path(&deal), &body).await.expect(200);
    let task = user.read_task(&id).await;
    assert_ne!(task["status"], "WAIVED");
}
