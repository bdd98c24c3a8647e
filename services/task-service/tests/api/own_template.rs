//! A small template of a test's own: a series, a waiting time, and a date that clients do not see.

use serde_json::{Value, json};
use testkit::{Deal, User, plain_deal};

use crate::support::{Office, days_from_today, text};

/// `report` repeats weekly until `end`, unless `stop` comes; `second` waits five days after `first`, which takes two;
/// `shown` is counted from `hidden`, as is the due date of `second`.
const SOURCE: &str = "
schema: haushavn.template/v1
key: our_small
name: Our small plan
version: 1
deal_type: purchase
side: buyer
client_role: buyer
roles: [buyer, buyer_agent, transaction_coordinator]
internal_roles: [buyer_agent, transaction_coordinator]
anchors:
  - {key: start, title: Start, required: true}
  - {key: end, title: End, required: false}
  - {key: stop, title: Stop, required: false}
dates:
  - {key: hidden, title: Hidden, buyer_visible: false, due: {anchor: start, offset_days: 20, calendar: calendar}}
  - {key: shown, title: Shown, buyer_visible: true, due: {anchor: hidden, offset_days: 2, calendar: calendar}}
milestones:
  - {key: reports, order: 1, title: Reports}
  - {key: work, order: 2, title: Work}
  - {key: after, order: 3, title: After}
tasks:
  - {key: report, title: Weekly report, milestone: reports, role: transaction_coordinator, kind: communication, depends_on: [], due: {anchor: start, offset_days: 7, calendar: calendar}, est_days: 0, recurrence: {every_days: 7, until: end}, cancel_when: stop_set}
  - {key: first, title: First, milestone: work, role: transaction_coordinator, kind: do, depends_on: [], due: {anchor: start, offset_days: 10, calendar: calendar}, est_days: 2}
  - {key: second, title: Second, milestone: work, role: buyer, kind: do, buyer_visible: true, depends_on: [first], lags: [{after: first, offset_days: 5, calendar: calendar}], due: {anchor: hidden, offset_days: 0, calendar: calendar}, est_days: 1}
  - {key: last, title: Last, milestone: after, role: transaction_coordinator, kind: do, depends_on: [], due: {anchor: start, offset_days: 60, calendar: calendar}, est_days: 1}
";

/// Publishes the template for the office and makes a deal from it, with these dates beside its start
/// today.
pub(crate) async fn small_deal(office: &Office, key_dates: Value) -> Deal {
    deal_of(office, SOURCE, key_dates).await
}

/// As [`small_deal`], with a business day of waiting behind `first` instead of five days.
pub(crate) async fn small_deal_with_a_business_day(office: &Office) -> Deal {
    let waiting = "{after: first, offset_days: 5, calendar: calendar}";
    let source = SOURCE.replace(
        waiting,
        "{after: first, offset_days: 1, calendar: business}",
    );
    assert_ne!(source, SOURCE);
    deal_of(office, &source, json!({})).await
}

async fn deal_of(office: &Office, source: &str, key_dates: Value) -> Deal {
    let user = &office.coordinator;
    let drafted = user
        .api
        .post("/api/templates", &json!({"source": source}))
        .await;
    let publish = format!(
        "/api/templates/{}/publish",
        text(&drafted.expect(201)["id"])
    );
    user.api.post(&publish, &json!({})).await.expect(200);
    let mut body = plain_deal();
    body["templateKey"] = json!("our_small");
    body["parties"] = office.parties();
    body["keyDates"] = json!({"start": today()});
    for (key, date) in key_dates.as_object().unwrap() {
        body["keyDates"][key] = date.clone();
    }
    office.admin().create_planned_deal(&body).await
}

/// Today, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    days_from_today(0)
}

/// The task of this key, as GET shows it.
pub(crate) async fn task(user: &User, deal: &Deal, key: &str) -> Value {
    let id = text(&user.task(&deal.id, key).await["id"]);
    user.api
        .get(&format!("/api/tasks/{id}"))
        .await
        .expect(200)
        .clone()
}
