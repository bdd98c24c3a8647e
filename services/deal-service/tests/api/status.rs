//! A deal's way from status to status: which steps there are, who takes them, and what they ask for.

use serde_json::{Value, json};
use testkit::Deal;
use tokio::task::JoinSet;

use crate::support::{Deals, Office, plain_deal, refuses_field, refuses_permission, text, with};

const STEPS: [(&str, &str); 6] = [
    ("activate", "ACTIVE"),
    ("hold", "ON_HOLD"),
    ("resume", "ACTIVE"),
    ("close", "CLOSED"),
    ("cancel", "CANCELLED"),
    ("reopen", "ACTIVE"),
];

fn body_of(step: &str) -> Value {
    if step == "cancel" {
        json!({"reason": "the buyer withdrew"})
    } else {
        json!({})
    }
}

/// A deal in this status, reached by steps that are allowed.
async fn deal_in(office: &Office, status: &str) -> Deal {
    let deal = office.draft().await;
    let way: &[&str] = match status {
        "DRAFT" => &[],
        "ACTIVE" => &["activate"],
        "ON_HOLD" => &["activate", "hold"],
        "CLOSED" => &["activate", "close"],
        _ => &["cancel"],
    };
    for step in way {
        office
            .admin()
            .step(&deal, step, body_of(step))
            .await
            .expect(200);
    }
    assert_eq!(office.admin().read_deal(&deal.id).await["status"], status);
    deal
}

#[tokio::test]
async fn each_step_is_taken_from_the_statuses_that_allow_it_and_from_no_other() {
    let office = Office::new().await;
    let allowed: [(&str, &[&str]); 5] = [
        ("DRAFT", &["activate", "cancel"]),
        ("ACTIVE", &["hold", "close", "cancel"]),
        ("ON_HOLD", &["resume", "cancel"]),
        ("CLOSED", &["reopen"]),
        ("CANCELLED", &["reopen"]),
    ];
    for (status, steps) in allowed {
        for (step, to) in STEPS {
            let deal = deal_in(&office, status).await;
            let before = office.admin().read_deal(&deal.id).await;
            let answer = office.admin().step(&deal, step, body_of(step)).await;
            if steps.contains(&step) {
                // It was cancelled as a draft.
                let to = if status == "CANCELLED" { "DRAFT" } else { to };
                assert_eq!(answer.expect(200)["status"], to, "{status}, {step}");
                assert_eq!(
                    answer.json["version"].as_i64(),
                    before["version"].as_i64().map(|version| version + 1),
                    "{status}, {step}"
                );
            } else {
                assert_eq!(
                    answer.refuses(409, "DEAL_STATUS_CONFLICT")["status"],
                    status,
                    "{step}"
                );
                assert_eq!(
                    office.admin().read_deal(&deal.id).await,
                    before,
                    "{status}, {step}"
                );
            }
        }
    }
    office.holds().await;
}

#[tokio::test]
async fn only_an_admin_reopens_what_was_closed() {
    let office = Office::new().await;
    let deal = deal_in(&office, "CLOSED").await;
    for user in [&office.agent, &office.coordinator, &office.buyer] {
        refuses_permission(
            &user.step(&deal, "reopen", json!({})).await,
            "manage_organization",
        );
    }
    let answer = office
        .admin()
        .step(&deal, "reopen", json!({"reason": "closed by mistake"}))
        .await;
    assert_eq!(answer.expect(200)["status"], "ACTIVE");
    let task = office.agent.add_task(&deal, json!({})).await;
    office
        .agent
        .api
        .post(&format!("/api/tasks/{task}/complete"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        office.history(&deal.id).await,
        [
            "deals.deal.created",
            "deals.deal.activated",
            "deals.deal.closed",
            "deals.deal.reopened"
        ]
    );
}

#[tokio::test]
async fn nothing_of_a_deal_that_is_over_changes_until_an_admin_reopens_it() {
    let office = Office::new().await;
    for status in ["CLOSED", "CANCELLED"] {
        let deal = deal_in(&office, status).await;
        let (api, path) = (&office.agent.api, format!("/api/deals/{}", deal.id));
        let before = office.agent.read_deal(&deal.id).await;
        let parties = format!("{path}/parties");
        let party = api.get(&parties).await.expect(200)["items"][0].clone();
        let one = format!("{parties}/{}", text(&party["id"]));
        let body = json!({"role": "inspector", "name": "Ann"});
        let dates =
            json!({"keyDates": {"closing_date": "2026-06-01"}, "reason": "late", "version": 1});
        for (what, answer) in [
            (
                "its name",
                api.patch(&path, &json!({"name": "Other"})).await,
            ),
            (
                "its facts",
                api.patch(&path, &json!({"facts": {"hoa": true}})).await,
            ),
            ("a new party", api.post(&parties, &body).await),
            ("a party", api.patch(&one, &json!({"name": "Other"})).await),
            ("a party's place", api.delete(&one).await),
            (
                "its dates",
                api.put(&format!("{path}/key-dates"), &dates).await,
            ),
        ] {
            let details = answer.refuses(409, "DEAL_STATUS_CONFLICT");
            assert_eq!(details["status"], status, "{what}");
        }
        assert_eq!(office.agent.read_deal(&deal.id).await, before);
        assert_eq!(api.get(&one).await.expect(200), &party);

        let reopened = office.admin().step(&deal, "reopen", json!({})).await;
        reopened.expect(200);
        api.patch(&path, &json!({"name": "Other"}))
            .await
            .expect(200);
        api.post(&parties, &body).await.expect(201);
    }
    office.holds().await;
}

#[tokio::test]
async fn a_deal_cancelled_by_mistake_goes_on_when_an_admin_reopens_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office
        .coordinator
        .step(&deal, "cancel", body_of("cancel"))
        .await
        .expect(200);
    for user in [&office.agent, &office.coordinator] {
        refuses_permission(
            &user.step(&deal, "reopen", json!({})).await,
            "manage_organization",
        );
    }
    let reopened = office
        .admin()
        .step(&deal, "reopen", json!({"reason": "the wrong deal"}))
        .await;
    assert_eq!(reopened.expect(200)["status"], "ACTIVE");
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    office.holds().await;
}

#[tokio::test]
async fn steps_are_taken_by_the_deals_creator_and_by_who_manages_tasks() {
    let office = Office::new().await;
    let other_agent = office.organization.agent().await;
    let stranger = office.organization.agent().await;
    let mut parties = office.parties();
    parties
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "listing_agent", "name": "Other side", "userId": other_agent.id}));
    let deal = office
        .agent
        .create_deal(&with(plain_deal(), "/parties", parties))
        .await;
    for (step, user) in [
        ("activate", &office.agent),
        ("hold", &office.coordinator),
        ("resume", &office.agent),
        ("hold", &office.agent),
        ("resume", &office.coordinator),
        ("close", &office.agent),
    ] {
        refuses_permission(
            &office.buyer.step(&deal, step, body_of(step)).await,
            "manage_tasks",
        );
        refuses_permission(
            &other_agent.step(&deal, step, body_of(step)).await,
            "manage_tasks",
        );
        stranger
            .step(&deal, step, body_of(step))
            .await
            .refuses(404, "NOT_FOUND");
        user.step(&deal, step, body_of(step)).await.expect(200);
    }
    let deal = office.draft().await;
    office
        .coordinator
        .step(&deal, "cancel", body_of("cancel"))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_cancellation_keeps_its_reason_and_needs_one() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for (why, body, constraint) in [
        ("none", json!({}), "required"),
        ("null", json!({"reason": null}), "required"),
        ("blank", json!({"reason": "  "}), "required"),
        (
            "too long",
            json!({"reason": "r".repeat(1001)}),
            "max_length",
        ),
        ("no text", json!({"reason": ["a"]}), "type"),
    ] {
        let answer = office.agent.step(&deal, "cancel", body).await;
        let details = answer.refuses(400, "VALIDATION_001");
        assert_eq!(
            (&details["field"], &details["constraint"]),
            (&json!("reason"), &json!(constraint)),
            "{why}"
        );
    }
    let answer = office
        .agent
        .step(&deal, "cancel", json!({"reason": "the loan fell through"}))
        .await;
    assert_eq!(answer.expect(200)["statusReason"], "the loan fell through");
    assert!(
        office
            .buyer
            .read_deal(&deal.id)
            .await
            .get("statusReason")
            .is_none_or(Value::is_null),
        "not for buyers"
    );
}

#[tokio::test]
async fn bodies_of_steps_take_nothing_unknown() {
    let office = Office::new().await;
    let deal = office.draft().await;
    for (step, _) in STEPS {
        let answer = office
            .admin()
            .step(&deal, step, with(body_of(step), "/colour", json!("red")))
            .await;
        refuses_field(&answer, "colour", "unknown");
    }
    refuses_field(
        &office
            .admin()
            .step(&deal, "resume", json!({"shiftDueDates": "yes"}))
            .await,
        "shiftDueDates",
        "type",
    );
    refuses_field(
        &office
            .admin()
            .step(&deal, "close", json!({"force": 1}))
            .await,
        "force",
        "type",
    );
    assert_eq!(office.admin().read_deal(&deal.id).await["version"], 1);
}

#[tokio::test]
async fn of_many_simultaneous_closings_exactly_one_closes() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let mut closings = JoinSet::new();
    for _ in 0..12 {
        let (user, deal) = (office.coordinator.clone(), deal.clone());
        closings.spawn(async move { user.step(&deal, "close", json!({})).await });
    }
    let mut closed = 0;
    while let Some(answer) = closings.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            closed += 1;
        } else {
            answer.refuses(409, "DEAL_STATUS_CONFLICT");
        }
    }
    assert_eq!(closed, 1);
    office.holds().await;
}

#[tokio::test]
async fn a_hold_tells_since_when_and_a_resumption_ends_it() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let held = office
        .agent
        .step(&deal, "hold", json!({"reason": "the seller travels"}))
        .await;
    assert!(held.expect(200)["heldSince"].is_string(), "{}", held.text);
    let resumed = office
        .agent
        .step(&deal, "resume", json!({"shiftDueDates": true}))
        .await;
    assert!(
        resumed
            .expect(200)
            .get("heldSince")
            .is_none_or(Value::is_null)
    );
    assert_eq!(
        office.history(&deal.id).await,
        [
            "deals.deal.created",
            "deals.deal.activated",
            "deals.deal.held",
            "deals.deal.resumed"
        ]
    );
}
