//! `GET /api/deals/:id/key-dates` and `…/:key/explain`: the dates of a deal and how they came about.

use serde_json::{Value, json};

use crate::{
    dates::{by_key, path},
    own_template::small_deal,
    support::{Office, Tasks, parse, plus_days, random_id, text},
};

#[tokio::test]
async fn anchors_and_computed_dates_are_listed_with_state_and_rule() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let answer = office
        .agent
        .api
        .get(&format!("/api/deals/{}/key-dates", deal.id))
        .await;
    let dates = by_key(answer.expect(200));
    assert_eq!(
        answer.header("etag"),
        format!("\"{}\"", answer.json["version"])
    );
    for (key, date) in &dates {
        assert!(
            date["title"].is_string() && date["state"].is_string() && date["pinned"].is_boolean(),
            "{key}: {date}"
        );
    }
    let closing = &dates["closing_date"];
    assert!(
        closing.get("rule").is_none_or(Value::is_null),
        "an anchor has no rule: {closing}"
    );
    assert_eq!(
        dates["final_walkthrough_date"]["date"],
        plus_days(&closing["date"], -1)
    );
    assert_eq!(dates["possession_date"]["date"], closing["date"]);
    assert!(
        dates["earnest_money_due"]["rule"].is_object()
            || dates["earnest_money_due"]["rule"].is_string()
    );
    // The house has no owners' association.
    assert!(
        dates
            .get("hoa_review_deadline")
            .is_none_or(|date| date["state"] == "NOT_APPLICABLE")
    );
}

#[tokio::test]
async fn a_buyer_sees_the_dates_that_are_meant_for_buyers() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let answer = office
        .buyer
        .api
        .get(&format!("/api/deals/{}/key-dates", deal.id))
        .await;
    let dates = by_key(answer.expect(200));
    assert!(dates.contains_key("inspection_deadline"));
    assert!(
        !dates.contains_key("title_commitment_due"),
        "a date that is not for buyers"
    );
}

#[tokio::test]
async fn counting_business_days_is_explained_day_by_day() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = by_key(office.agent.api.get(&path).await.expect(200));
    let answer = office
        .agent
        .api
        .get(&format!("{path}/earnest_money_due/explain"))
        .await;
    let explained = answer.expect(200);
    assert_eq!(explained["key"], "earnest_money_due");
    assert_eq!(explained["date"], dates["earnest_money_due"]["date"]);
    assert_eq!(explained["anchor"]["key"], "effective_date");
    assert_eq!(explained["anchor"]["date"], dates["effective_date"]["date"]);
    let steps = explained["steps"].as_array().unwrap();
    assert_eq!(
        steps.iter().filter(|step| step["counted"] == true).count(),
        3,
        "{steps:?}"
    );
    for step in steps.iter().filter(|step| step["counted"] == false) {
        assert!(
            step["why"].as_str().is_some_and(|why| !why.is_empty()),
            "a skipped day says why: {step}"
        );
    }
    let days: Vec<_> = steps.iter().map(|step| parse(&step["date"])).collect();
    assert!(days.is_sorted() && days.len() >= 3, "{steps:?}");
    assert_eq!(
        steps.last().unwrap()["date"],
        explained["date"],
        "a business day needs no roll"
    );
}

#[tokio::test]
async fn counting_calendar_days_needs_no_steps() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!(
        "/api/deals/{}/key-dates/final_walkthrough_date/explain",
        deal.id
    );
    let answer = office.agent.api.get(&path).await;
    assert_eq!(answer.expect(200)["steps"], serde_json::json!([]));
    assert_eq!(answer.json["anchor"]["key"], "closing_date");
}

#[tokio::test]
async fn a_key_that_does_not_exist_is_not_found() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    for key in ["no_such_date", "CLOSING_DATE", "hoa-review"] {
        let path = format!("/api/deals/{}/key-dates/{key}/explain", deal.id);
        office.agent.api.get(&path).await.refuses(404, "NOT_FOUND");
    }
    let path = format!("/api/deals/{}/key-dates/closing_date/explain", random_id());
    office.agent.api.get(&path).await.refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn only_who_sees_the_deal_sees_its_dates() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/key-dates", deal.id);
    office.coordinator.api.get(&path).await.expect(200);
    for stranger in [
        &office.organization.agent().await,
        &office.organization.buyer().await,
        &Office::new().await.coordinator,
    ] {
        stranger.api.get(&path).await.refuses(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_rule_that_counts_from_what_a_buyer_does_not_see_is_hidden_everywhere() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let second = text(&office.buyer.task(&deal.id, "second").await["id"]);
    let what_if = format!("/api/deals/{}/what-if", deal.id);
    let task_path = format!("/api/tasks/{second}");
    let list_path = format!("/api/tasks?dealId={}", deal.id);
    for (user, is_shown) in [(&office.buyer, false), (&office.coordinator, true)] {
        let api = &user.api;
        let dates = api.get(&path(&deal)).await;
        let imagined = api.post(&what_if, &json!({"keyDates": {}})).await;
        for dates in [&dates, &imagined] {
            let shown = &by_key(dates.expect(200))["shown"];
            assert_eq!(shown.get("rule").is_some(), is_shown, "{shown}");
            assert!(shown["date"].is_string(), "{shown}");
        }
        let task = api.get(&task_path).await;
        assert_eq!(task.expect(200)["dueRule"].is_object(), is_shown);
        let list = api.get(&list_path).await;
        let tasks = list.expect(200)["items"].as_array().unwrap().clone();
        let listed = tasks.iter().find(|task| text(&task["id"]) == second);
        assert_eq!(listed.unwrap()["dueRule"].is_object(), is_shown);
        let explain = api.get(&format!("{}/shown/explain", path(&deal))).await;
        assert_eq!(explain.expect(200)["rule"].is_string(), is_shown);
    }
    let assign = json!({"assigneeId": office.buyer.id});
    let coordinator = &office.coordinator;
    let assigned = coordinator.task_command(&second, "assign", assign).await;
    assigned.expect(200);
    coordinator.complete(&deal.id, "first").await;
    let done = office.buyer.complete_task(&second).await;
    assert_eq!(done.expect(200)["task"]["dueRule"], Value::Null);
}

#[tokio::test]
async fn a_rule_that_counts_from_what_a_buyer_sees_is_shown() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let rule = json!({"anchor": "shown", "offsetDays": 1, "calendar": "CALENDAR"});
    let fields = json!({"dueRule": rule, "buyerVisible": true});
    let task = office.agent.add_task(&deal.id, "Sign", fields).await;
    let read = office.buyer.read_task(&task).await;
    assert_eq!(read["dueRule"]["anchor"], "shown");
}
