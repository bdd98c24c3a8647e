//! `GET /api/deals/:id?asOf=…`: the deal with its plan and key dates as they were at an instant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::{Deal, Response, User, buyer_purchase};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{
    Deals, Office, days_from_today, patch_at, refuses_field, refuses_permission, text, without,
};

const DEAL: [&str; 13] = [
    "id",
    "name",
    "dealType",
    "status",
    "purchasePrice",
    "templateKey",
    "facts",
    "timeZone",
    "heldSince",
    "statusReason",
    "createdBy",
    "createdAt",
    "version",
];
const ADDRESS: [&str; 6] = [
    "street",
    "unit",
    "city",
    "stateOrProvince",
    "postalCode",
    "country",
];
const TASK: [&str; 8] = [
    "id",
    "key",
    "title",
    "status",
    "ownerRole",
    "assigneeId",
    "dueDate",
    "projected",
];
const KEY_DATE: [&str; 6] = ["key", "title", "date", "state", "rule", "pinned"];

/// A deal as its own answers showed it at an instant.
struct Moment {
    what: &'static str,
    at: String,
    shown: Value,
}

/// The present instant.
fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap()
}

/// These members of an object; those that it lacks are null.
fn picked(value: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| (*name, value[*name].clone()))
        .collect()
}

/// Tasks by their ids, with the fields that a plan shows both now and later.
fn tasks(list: &Value) -> BTreeMap<String, Value> {
    let tasks = list.as_array().unwrap().iter();
    tasks
        .map(|task| {
            let waits_for = task["dependsOn"].as_array().unwrap().iter();
            let waits_for: BTreeSet<String> = waits_for.map(text).collect();
            let mut shown = picked(task, &TASK);
            shown["dependsOn"] = json!(waits_for);
            (text(&task["id"]), shown)
        })
        .collect()
}

/// The fields of a deal that are shown both now and later.
fn shown(deal: &Value, plan: &Value, key_dates: &Value) -> Value {
    let milestones = plan["milestones"].as_array().unwrap().iter();
    let milestones: Vec<Value> = milestones
        .map(|milestone| {
            let mut shown = picked(milestone, &["id", "key", "title", "state"]);
            shown["tasks"] = json!(tasks(&milestone["tasks"]));
            shown
        })
        .collect();
    let dates = key_dates["keyDates"].as_array().unwrap().iter();
    let dates: BTreeMap<String, Value> = dates
        .map(|date| (text(&date["key"]), picked(date, &KEY_DATE)))
        .collect();
    json!({
        "deal": picked(deal, &DEAL),
        "address": picked(&deal["propertyAddress"], &ADDRESS),
        "planState": plan["planState"],
        "milestones": milestones,
        "otherTasks": tasks(&plan["otherTasks"]),
        "keyDatesVersion": key_dates["version"],
        "keyDates": dates,
    })
}

/// The deal as it is now, from the answers that show the present.
async fn moment(user: &User, deal: &Deal, what: &'static str) -> Moment {
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let key_dates = user.api.get(&path).await;
    let plan = user.planned(&deal.id).await;
    let shown = shown(
        &user.read_deal(&deal.id).await,
        &plan,
        key_dates.expect(200),
    );
    Moment {
        what,
        at: now(),
        shown,
    }
}

async fn ask(user: &User, deal: &Deal, at: &str) -> Response {
    let path = format!("/api/deals/{}?asOf={at}", deal.id);
    user.api.get(&path).await
}

/// The deal as it was.
async fn then(user: &User, deal: &Deal, at: &str) -> Value {
    let answer = ask(user, deal, at).await;
    let then = answer.expect(200);
    shown(&then["deal"], &then["plan"], &then["keyDates"])
}

async fn move_closing(user: &User, deal: &Deal, date: &str) {
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = user.api.get(&path).await;
    let moved = json!({
        "keyDates": {"closing_date": date}, "reason": "the lender needs more time",
        "version": dates.expect(200)["version"],
    });
    user.api.put(&path, &moved).await.expect(200);
}

/// Sends a command to one of the plan's tasks, with a reason.
async fn command(user: &User, deal: &Deal, key: &str, command: &str) {
    let task = text(&user.task(&deal.id, key).await["id"]);
    let path = format!("/api/tasks/{task}/{command}");
    let reason = json!({"reason": "it was agreed so"});
    user.api.post(&path, &reason).await.expect(200);
}

#[tokio::test]
async fn each_instant_shows_what_stood_then_and_the_present_one_what_stands() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let (agent, coordinator) = (&office.agent, &office.coordinator);
    let mut moments = vec![moment(coordinator, &deal, "planned").await];

    coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    coordinator
        .complete(&deal.id, "confirm_effective_date")
        .await;
    moments.push(moment(coordinator, &deal, "two tasks completed").await);
    move_closing(agent, &deal, &days_from_today(60)).await;
    moments.push(moment(coordinator, &deal, "the closing date moved").await);
    command(coordinator, &deal, "broker_opening_review", "waive").await;
    moments.push(moment(coordinator, &deal, "a task waived").await);
    command(coordinator, &deal, "confirm_effective_date", "reopen").await;
    moments.push(moment(coordinator, &deal, "a task reopened").await);
    let by_hand = json!({"dueDate": days_from_today(9)});
    let by_hand = agent.add_task(&deal, by_hand).await;
    moments.push(moment(coordinator, &deal, "a task added").await);
    let path = format!("/api/tasks/{by_hand}");
    agent.api.delete(&path).await.expect(204);
    moments.push(moment(coordinator, &deal, "it was deleted").await);
    let path = format!("/api/deals/{}", deal.id);
    let version = agent.read_deal(&deal.id).await["version"].clone();
    let renamed = json!({"name": "14 Harbour Lane"});
    patch_at(agent, &path, &version, &renamed).await.expect(200);
    moments.push(moment(coordinator, &deal, "the deal renamed").await);

    for pair in moments.windows(2) {
        assert_ne!(pair[0].shown, pair[1].shown, "{}", pair[1].what);
    }
    let of = |what: &str| moments.iter().find(|moment| moment.what == what).unwrap();
    assert_eq!(of("it was deleted").shown, of("a task reopened").shown);
    for moment in &moments {
        let then = then(coordinator, &deal, &moment.at).await;
        assert_eq!(then, moment.shown, "{}", moment.what);
    }
    let last = moments.last().unwrap();
    for user in [coordinator, office.admin()] {
        assert_eq!(then(user, &deal, &now()).await, last.shown);
    }
    office.holds().await;
}

#[tokio::test]
async fn before_it_was_created_there_is_no_deal_and_before_its_plan_none_of_that() {
    let office = Office::new().await;
    let before = now();
    let body = without(buyer_purchase(&office.parties()), "/keyDates/closing_date");
    let deal = office.agent.create_deal(&body).await;
    let drafted = now();
    for at in [before.as_str(), "2001-03-02T14:05:00%2B02:00"] {
        ask(&office.coordinator, &deal, at)
            .await
            .refuses(404, "NOT_FOUND");
    }

    move_closing(&office.agent, &deal, &days_from_today(60)).await;
    office
        .agent
        .step(&deal, "activate", json!({}))
        .await
        .expect(200);
    office.agent.planned(&deal.id).await;
    let answer = ask(&office.coordinator, &deal, &drafted).await;
    let then = answer.expect(200);
    assert_eq!(
        (&then["deal"]["status"], &then["deal"]["version"]),
        (&json!("DRAFT"), &json!(1))
    );
    assert_eq!(
        then["plan"],
        json!({"planState": "PENDING", "milestones": [], "otherTasks": []})
    );
    let answer = ask(&office.coordinator, &deal, &now()).await;
    let now = answer.expect(200);
    assert_eq!(now["deal"]["status"], "ACTIVE");
    assert_eq!(now["plan"]["planState"], "APPLIED");
    assert_eq!(now["plan"]["milestones"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn an_instant_has_its_offset_and_has_passed() {
    let office = Office::new().await;
    let deal = office.draft().await;
    for at in [
        "2026-03-02T14:05:00",
        "2026-03-02",
        "14:05:00Z",
        "0001-01-01T00:00:00%2B23:59",
        "9999-12-31T23:59:59-23:59",
        "yesterday",
    ] {
        let answer = ask(&office.coordinator, &deal, at).await;
        refuses_field(&answer, "asOf", "format");
    }
    let future = format!("{}T00:00:00Z", days_from_today(2));
    let answer = ask(&office.coordinator, &deal, &future).await;
    refuses_field(&answer, "asOf", "range");
}

#[tokio::test]
async fn the_past_is_for_those_who_may_view_all_deals() {
    let office = Office::new().await;
    let foreign = Office::new().await;
    let deal = office.draft().await;
    for user in [&office.coordinator, office.admin()] {
        let answer = ask(user, &deal, &now()).await;
        assert_eq!(answer.expect(200)["deal"]["id"], json!(deal.id));
    }
    for user in [&office.agent, &office.buyer] {
        let answer = ask(user, &deal, &now()).await;
        refuses_permission(&answer, "view_all_deals");
    }
    // Of a deal that they cannot see at all, people do not learn that it has a past.
    let other = office.organization.agent().await;
    for user in [&other, &foreign.coordinator, foreign.admin()] {
        ask(user, &deal, &now()).await.refuses(404, "NOT_FOUND");
    }
}
