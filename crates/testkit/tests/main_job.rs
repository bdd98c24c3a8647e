//! The product's main job from sign-up to the closed deal, through the gateway and all that runs.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::{Database, Office, User, buyer_purchase, eventually, mails_to};

/// The office's usual parties, and a lender without a login.
fn parties(office: &Office) -> Value {
    let mut parties = office.parties();
    let lender = json!({"role": "lender", "name": "A Lender", "email": "loans@example.test", "phone": "+1 207 555 0100"});
    parties.as_array_mut().expect("parties").push(lender);
    parties
}

fn tasks(plan: &Value) -> Vec<Value> {
    let milestones = plan["milestones"]
        .as_array()
        .expect("a plan has milestones");
    milestones
        .iter()
        .flat_map(|milestone| {
            milestone["tasks"]
                .as_array()
                .expect("a milestone has tasks")
                .clone()
        })
        .collect()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

fn is_done(task: &Value) -> bool {
    task["status"] == "COMPLETED" || task["status"] == "WAIVED"
}

/// Completes what is available until nothing is open; checks that nothing unlocks early or late.
async fn complete_in_order(user: &User, deal_id: &str) -> usize {
    let mut completed = 0;
    loop {
        let plan = user.planned(deal_id).await;
        let all = tasks(&plan);
        let done: BTreeSet<&str> = all.iter().filter(|task| is_done(task)).map(id).collect();
        let open: Vec<&Value> = all.iter().filter(|task| !is_done(task)).collect();
        if open.is_empty() {
            return completed;
        }
        let (ready, waiting): (Vec<&Value>, Vec<&Value>) = open.into_iter().partition(|task| {
            task["dependsOn"]
                .as_array()
                .expect("dependencies")
                .iter()
                .all(|d| done.contains(d.as_str().expect("an id")))
        });
        assert!(
            !ready.is_empty(),
            "nothing is available though tasks are open"
        );
        for task in &waiting {
            assert_eq!(task["status"], "BLOCKED", "{task}");
        }
        for task in ready {
            let answer = user
                .api
                .post(&format!("/api/tasks/{}/complete", id(task)), &json!({}))
                .await;
            assert_eq!(answer.expect(200)["task"]["status"], "COMPLETED");
            completed += 1;
        }
    }
}

#[tokio::test]
async fn a_purchase_runs_from_the_accepted_offer_to_the_closed_file() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties(&office)))
        .await;
    assert_eq!(deal.json["status"], "ACTIVE");
    let plan = office.coordinator.planned(&deal.id).await;
    let planned = tasks(&plan);
    assert_eq!(plan["milestones"].as_array().map(Vec::len), Some(8));
    assert!(planned.len() > 40, "{} tasks", planned.len());

    // Each task of a party with a login is that person's from the start.
    for task in &planned {
        let expected = match task["ownerRole"].as_str().expect("a role") {
            "buyer" => json!(office.buyer.id),
            "buyer_agent" => json!(office.agent.id),
            "transaction_coordinator" => json!(office.coordinator.id),
            _ => Value::Null,
        };
        assert_eq!(task["assigneeId"], expected, "{task}");
    }

    let completed = complete_in_order(&office.coordinator, &deal.id).await;
    assert_eq!(completed, planned.len());

    let summary = eventually("the summary shows every task done", async || {
        let summary = office
            .agent
            .api
            .get(&format!("/api/deals/{}/summary", deal.id))
            .await;
        let progress = &summary.expect(200)["progress"];
        (progress["done"] == progress["total"]).then(|| summary.json.clone())
    })
    .await;
    assert_eq!(summary["progress"]["percent"], 100);

    eventually(
        "the buyer has notices of all eight milestones, in the app",
        async || {
            let notifications = office.buyer.api.get("/api/notifications?limit=100").await;
            let items = notifications.expect(200)["items"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            (items
                .iter()
                .filter(|item| item["kind"] == "MILESTONE_REACHED")
                .count()
                == 8)
                .then_some(())
        },
    )
    .await;
    eventually("and by e-mail", async || {
        let mails = mails_to(&office.buyer.email).await;
        let milestones = mails
            .iter()
            .filter(|mail| mail.subject.starts_with("Milestone reached"));
        (milestones.count() >= 8).then_some(())
    })
    .await;

    let timeline = office
        .buyer
        .api
        .get(&format!("/api/deals/{}/buyer-timeline", deal.id))
        .await;
    for milestone in timeline.expect(200)["milestones"]
        .as_array()
        .expect("milestones")
    {
        assert_eq!(milestone["state"], "DONE");
    }
    assert!(
        !timeline.text.contains("525000"),
        "the timeline shows the price"
    );

    let closed = office
        .coordinator
        .api
        .post(&format!("/api/deals/{}/close", deal.id), &json!({}))
        .await;
    assert_eq!(closed.expect(200)["status"], "CLOSED");
    eventually("the workflow ends with the deal", async || {
        let workflow = office
            .coordinator
            .api
            .get(&format!("/api/deals/{}/workflow", deal.id))
            .await;
        (workflow.status == 200 && workflow.json["status"] == "COMPLETED").then_some(())
    })
    .await;

    let refused = office
        .coordinator
        .api
        .post(
            &format!("/api/tasks/{}/reopen", id(&planned[0])),
            &json!({"reason": "late"}),
        )
        .await;
    refused.refuses(409, "DEAL_NOT_ACTIVE");
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

#[tokio::test]
async fn the_audit_log_tells_every_transition_once_and_in_order() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties(&office)))
        .await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    office
        .coordinator
        .complete(&deal.id, "confirm_effective_date")
        .await;

    let export = office
        .organization
        .admin
        .api
        .get("/api/audit/export?format=jsonl")
        .await;
    export.expect(200);
    let mut versions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in export.text.lines() {
        let row: Value = serde_json::from_str(line).expect("a line of JSON");
        if row["entityType"].is_string() {
            versions
                .entry(row["entityId"].as_str().expect("an id").to_owned())
                .or_default()
                .push(row["version"].as_i64().expect("a version"));
        }
    }
    for (entity, told) in &mut versions {
        told.sort_unstable();
        let expected: Vec<i64> = (1..=i64::try_from(told.len()).expect("few rows")).collect();
        assert_eq!(*told, expected, "versions of {entity}");
    }
    for task in tasks(&office.coordinator.planned(&deal.id).await) {
        let shown = office
            .coordinator
            .api
            .get(&format!("/api/tasks/{}", id(&task)))
            .await;
        let version = shown.expect(200)["version"].as_i64();
        assert_eq!(versions[id(&task)].last().copied(), version, "{task}");
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_whole_plan_and_writes_nothing() {
    let office = Office::new().await;
    let body = buyer_purchase(&parties(&office));
    let preview = office.agent.api.post("/api/deals?dryRun=true", &body).await;
    let preview = preview.expect(200);
    assert_eq!(preview["milestones"].as_array().map(Vec::len), Some(8));
    assert!(
        preview["dropped"]
            .as_array()
            .is_some_and(|dropped| dropped.iter().any(|key| key == "hoa_docs_ordered")),
        "{preview}"
    );
    let deals = office.agent.api.get("/api/deals").await;
    assert_eq!(deals.expect(200)["items"], json!([]));

    let deal = office.agent.create_planned_deal(&body).await;
    let plan = office.agent.planned(&deal.id).await;
    let due = |plan: &Value| -> BTreeMap<String, Value> {
        tasks(plan)
            .iter()
            .map(|task| {
                (
                    task["key"].as_str().expect("a key").to_owned(),
                    task["dueDate"].clone(),
                )
            })
            .collect()
    };
    assert_eq!(
        due(preview),
        due(&plan),
        "the plan is not what the dry run showed"
    );
}

#[tokio::test]
async fn a_moved_closing_date_is_previewed_and_then_followed_everywhere() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties(&office)))
        .await;
    let dates = format!("/api/deals/{}/key-dates", deal.id);
    let before = office.agent.api.get(&dates).await.expect(200).clone();
    let closing = deal.json["keyDates"]["closing_date"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let moved_to = before["keyDates"]
        .as_array()
        .expect("key dates")
        .iter()
        .find(|date| date["key"] == "closing_date")
        .and_then(|date| date["date"].as_str())
        .map(|date| plus_days(date, 14))
        .expect("a closing date");
    assert_ne!(closing, moved_to);
    let body = json!({"keyDates": {"closing_date": moved_to}, "reason": "the lender needs two weeks", "version": before["version"]});

    let preview = office
        .agent
        .api
        .post(&format!("{dates}/preview"), &body)
        .await;
    let changes = preview.expect(200)["changes"]
        .as_array()
        .expect("changes")
        .clone();
    assert!(changes.len() > 10, "{changes:?}");
    assert_eq!(
        office.agent.api.get(&dates).await.expect(200),
        &before,
        "the preview wrote something"
    );

    office.agent.api.put(&dates, &body).await.expect(200);
    let plan = office.agent.planned(&deal.id).await;
    let tasks = tasks(&plan);
    for change in changes.iter().filter(|change| change["kind"] == "TASK") {
        let task = tasks
            .iter()
            .find(|task| task["id"] == change["id"])
            .expect("a previewed task is in the plan");
        assert_eq!(task["dueDate"], change["new"], "{change}");
    }
    eventually("the deal shows the new closing date", async || {
        let shown = office
            .agent
            .api
            .get(&format!("/api/deals/{}", deal.id))
            .await;
        (shown.expect(200)["closingDate"] == json!(moved_to)).then_some(())
    })
    .await;
    office
        .agent
        .api
        .put(&dates, &body)
        .await
        .refuses(409, "VERSION_CONFLICT");
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

fn plus_days(date: &str, days: i64) -> String {
    let format = time::format_description::well_known::Iso8601::DATE;
    let date = time::Date::parse(date, &format).expect("a date") + time::Duration::days(days);
    date.format(&format).expect("a date can be written")
}

#[tokio::test]
async fn a_buyer_completes_its_own_task_and_unlocks_what_it_cannot_see() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties(&office)))
        .await;
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
        "open_escrow",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let hidden = office
        .coordinator
        .task(&deal.id, "earnest_money_receipt")
        .await;
    office
        .buyer
        .api
        .get(&format!("/api/tasks/{}", id(&hidden)))
        .await
        .refuses(404, "NOT_FOUND");
    for key in ["wire_fraud_ack", "verify_deposit_wire"] {
        let task = office.coordinator.task(&deal.id, key).await;
        office
            .buyer
            .api
            .post(&format!("/api/tasks/{}/complete", id(&task)), &json!({}))
            .await
            .expect(200);
    }
    let task = office
        .coordinator
        .task(&deal.id, "deliver_earnest_money")
        .await;
    let answer = office
        .buyer
        .api
        .post(&format!("/api/tasks/{}/complete", id(&task)), &json!({}))
        .await;
    assert_eq!(
        answer.expect(200)["unlocked"],
        json!([]),
        "the buyer got a notice of a task it may not see"
    );
    let unlocked = office
        .coordinator
        .task(&deal.id, "earnest_money_receipt")
        .await;
    assert_ne!(unlocked["status"], "BLOCKED");
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

#[tokio::test]
async fn a_buyer_is_told_how_the_workflow_stands_without_the_ids_of_tasks() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/workflow", deal.id);
    let told = eventually("the workflow has read the plan", async || {
        let answer = office.coordinator.api.get(&path).await;
        let waits = answer.json["waitingFor"].as_array().map_or(0, Vec::len);
        (answer.status == 200 && waits > 0).then_some(answer)
    })
    .await;
    let wakeup = told.json["nextWakeupAt"].as_str().expect("an instant");
    assert!(
        wakeup.len() == "2026-11-23T14:00:00.000Z".len() && wakeup.ends_with('Z'),
        "{wakeup} has no milliseconds"
    );

    let buyers = office.buyer.api.get(&path).await;
    let seen = buyers.expect(200);
    let milestone = &told.json["milestone"];
    assert_eq!(
        seen["milestone"],
        json!({"id": milestone["id"], "key": milestone["key"], "title": "Offer accepted"}),
        "in the words for clients"
    );
    assert_eq!(seen["waitingFor"], json!([]));
    assert_eq!(seen["completedTaskIds"], json!([]));
    assert!(!told.json["temporalUrl"].is_string() && !seen["temporalUrl"].is_string());
}

#[tokio::test]
async fn somebody_who_became_a_buyer_is_shown_the_workflow_as_a_buyer_with_the_token_from_before() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/workflow", deal.id);
    eventually("the workflow has read the plan", async || {
        let answer = office.coordinator.api.get(&path).await;
        let waits = answer.json["waitingFor"].as_array().map_or(0, Vec::len);
        (answer.status == 200 && waits > 0).then_some(())
    })
    .await;
    let user = format!("/api/users/{}", office.coordinator.id);
    let demoted = office
        .admin()
        .api
        .patch(&user, &json!({"role": "BUYER"}))
        .await;
    demoted.expect(200);
    // The token's claim still says TRANSACTION_COORDINATOR.
    let answer = office.coordinator.api.get(&path).await;
    assert_eq!(answer.expect(200)["waitingFor"], json!([]));
}
