//! The state of a key date: SATISFIED, WAIVED, MISSED and EXTENDED follow from the work that is due on it, from the
//! days that pass and from who moves it.

use serde_json::{Value, json};
use testkit::{Deal, User, buyer_purchase};

use crate::{
    dates::{by_key, path, read},
    support::{Office, Tasks, days_from_today, plus_days, text},
};

async fn date(user: &User, deal: &Deal, key: &str) -> Value {
    by_key(&read(user, deal).await)[key].clone()
}

async fn move_to(user: &User, deal: &Deal, key: &str, to: Value) {
    let version = read(user, deal).await["version"].clone();
    let body = json!({"keyDates": {key: to}, "reason": "both sides signed", "version": version});
    user.api.put(&path(deal), &body).await.expect(200);
}

/// Everything that the confirmation of the deposit waits for, and the two tasks that are due with the deposit.
const UNTIL_DEPOSIT: [&str; 9] = [
    "verify_executed_contract",
    "confirm_effective_date",
    "enter_key_dates",
    "send_intro_package",
    "buyer_kickoff_call",
    "wire_fraud_ack",
    "open_escrow",
    "verify_deposit_wire",
    "deliver_earnest_money",
];

/// The audit log's last word on the key dates of the organization's only deal.
async fn last_change(office: &Office) -> Value {
    let answer = office
        .admin()
        .api
        .get("/api/audit?type=tasks.key_dates.changed&limit=100")
        .await;
    let mut rows = answer.expect(200)["items"].as_array().unwrap().clone();
    rows.sort_by_key(|row| row["version"].as_i64());
    rows.pop().unwrap()
}

#[tokio::test]
async fn a_date_is_satisfied_once_all_that_is_due_on_it_is_done() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let due = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(due["state"], "SCHEDULED");
    for key in &UNTIL_DEPOSIT[..8] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let half = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(
        half["state"], "SCHEDULED",
        "the deposit is still to be made"
    );
    office
        .coordinator
        .complete(&deal.id, UNTIL_DEPOSIT[8])
        .await;
    let satisfied = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(satisfied["state"], "SATISFIED");
    assert_eq!(satisfied["date"], due["date"]);
    let told = last_change(&office).await;
    assert_eq!(told["userId"], json!(office.coordinator.id));
    let reason = text(&told["after"]["reason"]);
    assert!(reason.ends_with("was completed"), "{reason}");
    let activity = format!("/api/deals/{}/activity", deal.id);
    let activity = office.agent.api.get(&activity).await;
    assert!(
        activity.text.contains("Earnest money due is satisfied"),
        "{}",
        activity.text
    );

    // What is satisfied keeps its day, whatever it was counted from.
    move_to(
        &office.agent,
        &deal,
        "effective_date",
        json!(days_from_today(-2)),
    )
    .await;
    let kept = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(
        (&kept["date"], &kept["state"]),
        (&due["date"], &json!("SATISFIED"))
    );

    let deposit = office.agent.task(&deal.id, "deliver_earnest_money").await;
    let reopened = json!({"reason": "the wire came back"});
    office
        .coordinator
        .task_command(&text(&deposit["id"]), "reopen", reopened)
        .await
        .expect(200);
    let open = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(open["state"], "SCHEDULED");
    office.holds().await;
}

#[tokio::test]
async fn a_date_is_waived_once_all_that_is_due_on_it_is_waived() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let task = office
        .agent
        .task(&deal.id, "seller_disclosures_received")
        .await;
    let reason = json!({"reason": "the seller is exempt"});
    office
        .coordinator
        .task_command(&text(&task["id"]), "waive", reason)
        .await
        .expect(200);
    let waived = date(&office.agent, &deal, "disclosures_due").await;
    assert_eq!(waived["state"], "WAIVED");
    office.holds().await;
}

#[tokio::test]
async fn a_date_that_passes_with_open_work_is_missed_until_the_work_is_done() {
    let office = Office::new().await;
    let mut body = buyer_purchase(&office.parties());
    body["keyDates"]["effective_date"] = json!(days_from_today(-30));
    let deal = office.agent.create_planned_deal(&body).await;
    let late = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(late["state"], "MISSED", "the deal came with it");
    let untouched = date(&office.agent, &deal, "effective_date").await;
    assert_eq!(untouched["state"], "SCHEDULED", "nothing was due on it");

    for key in UNTIL_DEPOSIT {
        office.coordinator.complete(&deal.id, key).await;
    }
    let done = date(&office.agent, &deal, "earnest_money_due").await;
    assert_eq!(done["state"], "SATISFIED", "it was done late");
    assert_eq!(
        office.agent.task(&deal.id, "deliver_earnest_money").await["status"],
        "COMPLETED"
    );

    // A date in the future is no longer missed: the parties agreed on it.
    let missed = date(&office.agent, &deal, "disclosures_due").await;
    assert_eq!(missed["state"], "MISSED");
    move_to(
        &office.agent,
        &deal,
        "disclosures_due",
        json!(days_from_today(5)),
    )
    .await;
    let extended = date(&office.agent, &deal, "disclosures_due").await;
    assert_eq!(extended["state"], "EXTENDED");
    office.holds().await;
}

#[tokio::test]
async fn a_later_day_set_by_hand_extends_a_date_and_an_earlier_one_does_not() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let closing = date(&office.agent, &deal, "closing_date").await["date"].clone();
    let state = async |key| date(&office.agent, &deal, key).await["state"].clone();

    move_to(
        &office.agent,
        &deal,
        "closing_date",
        json!(plus_days(&closing, 7)),
    )
    .await;
    assert_eq!(state("closing_date").await, "EXTENDED");
    assert_eq!(
        state("possession_date").await,
        "SCHEDULED",
        "it only follows the closing"
    );
    let told = last_change(&office).await;
    assert_eq!(told["after"]["reason"], "both sides signed");
    assert_eq!(told["userId"], json!(office.agent.id));

    let inspection = date(&office.agent, &deal, "inspection_deadline").await["date"].clone();
    move_to(
        &office.agent,
        &deal,
        "inspection_deadline",
        json!(plus_days(&inspection, 3)),
    )
    .await;
    assert_eq!(state("inspection_deadline").await, "EXTENDED");
    assert_eq!(
        state("closing_date").await,
        "EXTENDED",
        "another move leaves it"
    );

    move_to(&office.agent, &deal, "closing_date", closing.clone()).await;
    assert_eq!(state("closing_date").await, "SCHEDULED");
    move_to(&office.agent, &deal, "inspection_deadline", Value::Null).await;
    assert_eq!(
        state("inspection_deadline").await,
        "SCHEDULED",
        "it follows its rule again"
    );
    office.holds().await;
}
