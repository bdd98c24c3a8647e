//! `GET /api/deals/:id/key-dates` and `…/:key/explain`: the dates of a deal and how they came about.

use serde_json::Value;

use crate::{
    dates::by_key,
    support::{Office, parse, plus_days, random_id},
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
