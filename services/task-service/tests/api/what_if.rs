//! `POST /api/deals/:id/what-if`: what would be, with slack and critical path; nothing is written.

use serde_json::json;

use crate::{
    dates::{day, path, read},
    support::{Office, Tasks, plus_days, post_once, refuses_field, tasks_of},
};

#[tokio::test]
async fn hypothetical_dates_show_due_dates_slack_and_the_critical_path() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/what-if", deal.id);
    let dates = read(&office.agent, &deal).await;
    let plan = office.agent.planned(&deal.id).await;
    let closing = day(&dates, "closing_date");
    let later = plus_days(&closing, 30);

    let answer = office
        .agent
        .api
        .post(&path, &json!({"keyDates": {"closing_date": later}}))
        .await;
    let what_if = answer.expect(200);
    assert_eq!(day(what_if, "closing_date"), json!(later));
    let tasks = what_if["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), tasks_of(&plan).len());
    assert!(
        tasks
            .iter()
            .all(|task| task["slack"].is_i64() || task["dueDate"].is_null()),
        "{tasks:?}"
    );
    let path_ids = what_if["criticalPath"].as_array().unwrap();
    assert!(!path_ids.is_empty());
    assert!(
        path_ids
            .iter()
            .all(|id| tasks.iter().any(|task| task["id"] == *id))
    );
    assert!(what_if["violations"].is_array());

    let after = read(&office.agent, &deal).await;
    assert_eq!(after, dates, "something was written");
    assert_eq!(
        office.agent.planned(&deal.id).await,
        plan,
        "something was written"
    );
}

#[tokio::test]
async fn what_if_agrees_with_what_then_happens() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = read(&office.agent, &deal).await;
    let closing = day(&dates, "closing_date");
    let moved = json!({"closing_date": plus_days(&closing, 11)});
    let answer = office
        .agent
        .api
        .post(
            &format!("/api/deals/{}/what-if", deal.id),
            &json!({"keyDates": moved}),
        )
        .await;
    let foretold = answer.expect(200)["tasks"].as_array().unwrap();
    office
        .agent
        .api
        .put(
            &path(&deal),
            &json!({"keyDates": moved, "reason": "agreed", "version": dates["version"]}),
        )
        .await
        .expect(200);
    for task in tasks_of(&office.agent.planned(&deal.id).await) {
        let told = foretold
            .iter()
            .find(|told| told["id"] == task["id"])
            .unwrap();
        assert_eq!(told["dueDate"], task["dueDate"], "{task}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_field_and_records_nothing() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/what-if", deal.id);
    refuses_field(
        &office
            .agent
            .api
            .post(&path, &json!({"keyDates": {"moon_phase": "2026-03-02"}}))
            .await,
        "keyDates.moon_phase",
        "unknown",
    );
    refuses_field(
        &office
            .agent
            .api
            .post(&path, &json!({"keyDates": {"closing_date": "soon"}}))
            .await,
        "keyDates.closing_date",
        "format",
    );
    refuses_field(
        &office
            .agent
            .api
            .post(&path, &json!({"keyDates": {}, "reason": "x"}))
            .await,
        "reason",
        "unknown",
    );
    for day in ["2027-03-01", "2027-03-02"] {
        post_once(
            &office.agent,
            &path,
            "what-if",
            &json!({"keyDates": {"closing_date": day}}),
        )
        .await
        .expect(200);
    }
    office
        .organization
        .agent()
        .await
        .api
        .post(&path, &json!({"keyDates": {}}))
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn tasks_and_dependencies_that_were_added_by_hand_count() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let archive = office.coordinator.task(&deal.id, "archive_file").await;
    let rule = json!({"dueRule": {"anchor": "closing_date", "offsetDays": -2, "calendar": "CALENDAR"}, "dependsOn": [archive["id"]]});
    let by_hand = office.agent.add_task(&deal.id, "By hand", rule).await;
    let dates = read(&office.agent, &deal).await;
    let closing = day(&dates, "closing_date");
    let later = plus_days(&closing, 30);

    let answer = office
        .agent
        .api
        .post(
            &format!("/api/deals/{}/what-if", deal.id),
            &json!({"keyDates": {"closing_date": later}}),
        )
        .await;
    let tasks = answer.expect(200)["tasks"].as_array().unwrap();
    let told = tasks
        .iter()
        .find(|task| task["id"] == json!(by_hand))
        .expect("it is among the tasks");
    assert_eq!(told["dueDate"], plus_days(&json!(later), -2));
    let archive = tasks
        .iter()
        .find(|task| task["key"] == "archive_file")
        .unwrap();
    assert!(
        told["slack"].as_i64() < archive["slack"].as_i64(),
        "it waits for the archive: {told}"
    );
}

#[tokio::test]
async fn a_buyer_learns_of_the_dates_and_tasks_that_it_sees() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/what-if", deal.id);
    let all = office
        .agent
        .api
        .post(&path, &json!({"keyDates": {}}))
        .await
        .expect(200)
        .clone();
    let answer = office.buyer.api.post(&path, &json!({"keyDates": {}})).await;
    let seen = answer.expect(200);
    let plan = office.buyer.planned(&deal.id).await;
    let ids = |tasks: &[serde_json::Value]| -> std::collections::BTreeSet<String> {
        tasks.iter().map(|task| task["id"].to_string()).collect()
    };
    assert_eq!(
        ids(seen["tasks"].as_array().unwrap()),
        ids(&tasks_of(&plan))
    );
    assert!(
        seen["keyDates"]
            .as_array()
            .unwrap()
            .iter()
            .all(|date| date["key"] != "title_commitment_due")
    );
    for task in seen["tasks"].as_array().unwrap() {
        assert!(
            all["tasks"].as_array().unwrap().contains(task),
            "the same dates and slack for everybody: {task}"
        );
    }
}
