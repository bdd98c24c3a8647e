//! The organization's own holidays: what they do to the dates of deals, and when.

use serde_json::{Value, json};
use testkit::{Deal, Organization, buyer_purchase};

use crate::{
    dates::{day, days, path, preview},
    support::Office,
};

/// Accepted on Monday, 1 March 2027; the deposit is due three business days later, on Thursday.
fn purchase(office: &Office) -> Value {
    let mut body = buyer_purchase(&office.parties());
    body["keyDates"] = json!({"effective_date": "2027-03-01", "closing_date": "2027-04-15"});
    body
}

async fn close_on(organization: &Organization, holidays: Value) {
    let calendar = json!({"holidayCalendar": {"name": "County recorder", "holidays": holidays}});
    organization
        .admin
        .api
        .patch("/api/organization", &calendar)
        .await
        .expect(200);
}

async fn deposit_due(office: &Office, deal: &Deal) -> Value {
    let answer = office.agent.api.get(&path(deal)).await;
    day(answer.expect(200), "earnest_money_due")
}

async fn due_of(office: &Office, deal: &Deal, key: &str) -> Value {
    office.agent.task(&deal.id, key).await["dueDate"].clone()
}

#[tokio::test]
async fn a_holiday_of_the_organization_moves_business_day_deadlines_by_a_day() {
    let usual = Office::new().await;
    let closed = Office::new().await;
    close_on(
        &closed.organization,
        json!([{"date": "2027-03-02", "name": "Town meeting day"}]),
    )
    .await;
    for (office, due) in [(&usual, "2027-03-04"), (&closed, "2027-03-05")] {
        let body = purchase(office);
        let dry = office.agent.api.post("/api/deals?dryRun=true", &body).await;
        assert_eq!(days(dry.expect(200))["earnest_money_due"], due, "dry run");
        let deal = office.agent.create_planned_deal(&body).await;
        assert_eq!(deposit_due(office, &deal).await, due, "the key date");
        assert_eq!(
            due_of(office, &deal, "deliver_earnest_money").await,
            due,
            "the task that hangs on it"
        );
        assert_eq!(
            due_of(office, &deal, "buyer_kickoff_call").await,
            if due == "2027-03-04" {
                "2027-03-03"
            } else {
                "2027-03-04"
            },
            "a task that counts by itself"
        );
        office.holds().await;
    }
}

#[tokio::test]
async fn the_statutory_calendar_keeps_no_holiday_of_the_organization() {
    let office = Office::new().await;
    close_on(&office.organization, json!([{"date": "2027-04-13"}])).await;
    let deal = office.agent.create_planned_deal(&purchase(&office)).await;
    let answer = office.agent.api.get(&path(&deal)).await;
    // Three days of Regulation Z before Thursday, 15 April.
    assert_eq!(
        days(answer.expect(200))["closing_disclosure_deadline"],
        "2027-04-12"
    );
}

#[tokio::test]
async fn a_yearly_holiday_counts_in_the_years_within_its_bounds() {
    let cases = [
        (json!({}), "2027-03-05", "it comes back every year"),
        (json!({"from": "2027-01-01"}), "2027-03-05", "it has begun"),
        (
            json!({"from": "2028-01-01"}),
            "2027-03-04",
            "it has not begun",
        ),
        (
            json!({"until": "2027-03-02"}),
            "2027-03-05",
            "this is its last day",
        ),
        (
            json!({"from": "2010-01-01", "until": "2027-03-01"}),
            "2027-03-04",
            "it was given up",
        ),
    ];
    let office = Office::new().await;
    for (bounds, due, why) in cases {
        let mut holiday = bounds.clone();
        holiday["date"] = json!("2004-03-02");
        holiday["yearly"] = json!(true);
        close_on(&office.organization, json!([holiday])).await;
        let dry = office
            .agent
            .api
            .post("/api/deals?dryRun=true", &purchase(&office))
            .await;
        assert_eq!(days(dry.expect(200))["earnest_money_due"], due, "{why}");
    }
}

#[tokio::test]
async fn a_new_holiday_moves_nothing_in_a_running_deal_before_somebody_moves_dates() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&purchase(&office)).await;
    let before = office.agent.api.get(&path(&deal)).await.expect(200).clone();
    let explain = format!("{}/earnest_money_due/explain", path(&deal));
    let explained = office.agent.api.get(&explain).await.expect(200).clone();
    close_on(
        &office.organization,
        json!([{"date": "2027-03-02", "name": "Town meeting day"}]),
    )
    .await;

    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let unmoved = office.agent.api.get(&path(&deal)).await;
    assert_eq!(unmoved.expect(200), &before, "a date moved by itself");
    assert_eq!(
        office.agent.api.get(&explain).await.expect(200),
        &explained,
        "a date is explained as it was counted"
    );

    // The preview of another date's move also shows what the holiday does.
    let body = json!({
        "keyDates": {"closing_date": "2027-04-16"},
        "reason": "the lender needs a day more",
        "version": before["version"],
    });
    let preview = preview(&office.agent, &deal, &body).await;
    let preview = preview.expect(200).clone();
    let shown = preview["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["kind"] == "KEY_DATE" && change["key"] == "earnest_money_due")
        .unwrap();
    assert_eq!(
        (&shown["old"], &shown["new"]),
        (&json!("2027-03-04"), &json!("2027-03-05"))
    );
    let imagined = office
        .agent
        .api
        .post(
            &format!("/api/deals/{}/what-if", deal.id),
            &json!({"keyDates": body["keyDates"]}),
        )
        .await;
    let moved = office.agent.api.put(&path(&deal), &body).await;
    assert_eq!(days(moved.expect(200)), days(imagined.expect(200)));
    assert_eq!(days(&moved.json)["earnest_money_due"], "2027-03-05");
    assert_eq!(
        due_of(&office, &deal, "deliver_earnest_money").await,
        "2027-03-05"
    );
    let explained = office.agent.api.get(&explain).await;
    let steps = explained.expect(200)["steps"].as_array().unwrap();
    let skipped = steps
        .iter()
        .find(|step| step["date"] == "2027-03-02")
        .unwrap();
    assert_eq!(
        (&skipped["counted"], &skipped["why"]),
        (&json!(false), &json!("Town meeting day"))
    );
    office.holds().await;
}

#[tokio::test]
async fn a_task_added_by_hand_is_counted_like_the_dates_around_it() {
    let office = Office::new().await;
    close_on(&office.organization, json!([{"date": "2027-03-02"}])).await;
    let deal = office.agent.create_planned_deal(&purchase(&office)).await;
    let rule = json!({"anchor": "effective_date", "offsetDays": 1, "calendar": "BUSINESS"});
    let added = json!({"dealId": deal.id, "title": "Call the county", "dueRule": rule});
    let added = office.agent.api.post("/api/tasks", &added).await;
    assert_eq!(added.expect(201)["dueDate"], "2027-03-03");
}
