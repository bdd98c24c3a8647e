//! `GET /api/deals/:id/summary`: a deal at a glance.

use serde_json::{Value, json};
use testkit::{Deal, User, eventually, kept_for_ms};

use crate::support::{Deals, Office, days_from_today, patch_at, random_id};

async fn summary(user: &User, deal: &Deal) -> Value {
    user.api
        .get(&format!("/api/deals/{}/summary", deal.id))
        .await
        .expect(200)
        .clone()
}

/// Waits until the summary says so.
async fn soon(user: &User, deal: &Deal, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let summary = summary(user, deal).await;
        is_so(&summary).then_some(summary)
    })
    .await
}

#[tokio::test]
async fn it_follows_every_change() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let shown = soon(&office.agent, &deal, "it is active", |summary| {
        summary["status"] == "ACTIVE"
    })
    .await;
    assert_eq!(shown["progress"]["total"], 0);

    let first = office
        .agent
        .add_task(&deal, json!({"dueDate": days_from_today(8)}))
        .await;
    let second = office
        .agent
        .add_task(&deal, json!({"dependsOn": [first]}))
        .await;
    soon(&office.agent, &deal, "both tasks count", |summary| {
        summary["progress"] == json!({"done": 0, "total": 2, "percent": 0})
    })
    .await;

    office
        .agent
        .api
        .post(&format!("/api/tasks/{first}/complete"), &json!({}))
        .await
        .expect(200);
    soon(&office.agent, &deal, "half is done", |summary| {
        summary["progress"] == json!({"done": 1, "total": 2, "percent": 50})
    })
    .await;

    office
        .coordinator
        .api
        .post(
            &format!("/api/tasks/{second}/waive"),
            &json!({"reason": "not needed"}),
        )
        .await
        .expect(200);
    soon(&office.agent, &deal, "all is done", |summary| {
        summary["progress"]["percent"] == 100
    })
    .await;

    office
        .agent
        .step(&deal, "hold", json!({}))
        .await
        .expect(200);
    soon(&office.agent, &deal, "it is on hold", |summary| {
        summary["status"] == "ON_HOLD"
    })
    .await;
    let added = office
        .agent
        .api
        .post(
            &format!("/api/deals/{}/parties", deal.id),
            &json!({"role": "lender", "name": "A bank of note"}),
        )
        .await;
    added.expect(201);
    soon(&office.agent, &deal, "the new party is there", |summary| {
        summary.to_string().contains("A bank of note")
    })
    .await;
    let version = office.agent.read_deal(&deal.id).await["version"].clone();
    patch_at(
        &office.agent,
        &format!("/api/deals/{}", deal.id),
        &version,
        &json!({"name": "A new name"}),
    )
    .await
    .expect(200);
    soon(&office.agent, &deal, "the new name is there", |summary| {
        summary.to_string().contains("A new name")
    })
    .await;
}

#[tokio::test]
async fn it_tells_what_is_overdue_what_is_blocked_and_what_comes_next() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let late = office
        .agent
        .add_task(
            &deal,
            json!({"title": "Long ago", "dueDate": days_from_today(-5)}),
        )
        .await;
    let blocked = office
        .agent
        .add_task(&deal, json!({"title": "Afterwards", "dependsOn": [late]}))
        .await;
    let shown = soon(&office.agent, &deal, "the tasks are there", |summary| {
        summary["progress"]["total"] == 2
    })
    .await;
    assert!(shown["overdue"].to_string().contains(&late), "{shown}");
    assert!(
        shown["blocked"].to_string().contains(&blocked)
            && shown["blocked"].to_string().contains("Long ago"),
        "{shown}"
    );
    office
        .agent
        .api
        .post(&format!("/api/tasks/{late}/complete"), &json!({}))
        .await
        .expect(200);
    soon(
        &office.agent,
        &deal,
        "nothing is overdue or waits",
        |summary| summary["overdue"] == json!([]) && summary["blocked"] == json!([]),
    )
    .await;
}

#[tokio::test]
async fn a_purchase_shows_its_current_milestone_and_the_days_to_closing() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let shown = soon(&office.agent, &deal, "the plan is there", |summary| {
        summary["currentMilestone"]["title"] == "File opened" && summary["daysToClosing"].is_i64()
    })
    .await;
    let days = shown["daysToClosing"].as_i64().unwrap();
    assert!((44..=46).contains(&days), "{days}");
}

#[tokio::test]
async fn only_who_sees_the_deal_sees_its_summary() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let path = format!("/api/deals/{}/summary", deal.id);
    for user in [
        &office.agent,
        &office.coordinator,
        &office.buyer,
        office.admin(),
    ] {
        user.api.get(&path).await.expect(200);
    }
    // Asked for again, from what is cached by now.
    for stranger in [
        &office.organization.agent().await,
        &office.organization.buyer().await,
        Office::new().await.admin(),
    ] {
        stranger.api.get(&path).await.refuses(404, "NOT_FOUND");
    }
    office
        .agent
        .api
        .get(&format!("/api/deals/{}/summary", random_id()))
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_buyers_summary_counts_only_what_it_may_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    office
        .agent
        .add_task(
            &deal,
            json!({"title": "Hidden task", "dueDate": days_from_today(-5)}),
        )
        .await;
    office
        .agent
        .add_task(&deal, json!({"title": "Shown task", "buyerVisible": true}))
        .await;
    soon(
        &office.agent,
        &deal,
        "both count for the agent",
        |summary| summary["progress"]["total"] == 2,
    )
    .await;
    let seen = summary(&office.buyer, &deal).await;
    assert!(!seen.to_string().contains("Hidden task"), "{seen}");
    assert_eq!(
        seen["progress"],
        json!({"done": 0, "total": 1, "percent": 0})
    );
    assert_eq!(seen["taskCounts"]["PENDING"], 1);
    assert_eq!(
        (&seen["taskCounts"]["OVERDUE"], &seen["overdue"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn a_buyers_milestones_count_the_tasks_of_its_plan() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let plan = office.agent.planned(&deal.id).await;
    let milestones = plan["milestones"].as_array().unwrap();
    let sizes: Vec<usize> = milestones
        .iter()
        .map(|milestone| milestone["tasks"].as_array().unwrap().len())
        .collect();
    soon(&office.agent, &deal, "the whole plan is there", |summary| {
        let shown = summary["milestones"].as_array().unwrap();
        summary["progress"]["total"] == sizes.iter().sum::<usize>()
            && shown.len() == sizes.len()
            && shown[0]["state"] == "CURRENT"
    })
    .await;
    for user in [&office.agent, &office.buyer] {
        let plan = user.planned(&deal.id).await;
        let seen = summary(user, &deal).await;
        let mut total = 0;
        for (shown, planned) in seen["milestones"]
            .as_array()
            .unwrap()
            .iter()
            .zip(plan["milestones"].as_array().unwrap())
        {
            let tasks = planned["tasks"].as_array().unwrap().len();
            assert_eq!(
                (&shown["key"], &shown["progress"]["total"]),
                (&planned["key"], &json!(tasks))
            );
            total += tasks;
        }
        assert_eq!(seen["progress"]["total"], total);
        assert_eq!(seen["currentMilestone"], seen["milestones"][0]);
    }
}

#[tokio::test]
async fn a_deal_on_hold_or_over_asks_for_nothing() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let fields = json!({"dueDate": days_from_today(8)});
    let first = office.agent.add_task(&deal, fields).await;
    let late = json!({"dueDate": days_from_today(-2), "dependsOn": [first]});
    office.agent.add_task(&deal, late).await;
    let shown = soon(&office.agent, &deal, "both count", |summary| {
        summary["progress"]["total"] == 2
    })
    .await;
    assert_eq!(shown["nextDue"]["taskId"], first);

    let agent = &office.agent;
    agent.step(&deal, "hold", json!({})).await.expect(200);
    let held = summary(agent, &deal).await;
    assert_eq!(held["nextDue"], Value::Null);
    assert_eq!(
        (&held["overdue"], &held["blocked"]),
        (&shown["overdue"], &shown["blocked"]),
        "what is late and what waits is still so"
    );

    let cancel = json!({"reason": "the buyer left"});
    agent.step(&deal, "cancel", cancel).await.expect(200);
    let over = summary(agent, &deal).await;
    assert_eq!(over["taskCounts"], shown["taskCounts"]);
    for name in ["overdue", "blocked"] {
        assert_ne!(shown[name], json!([]), "{name}");
        assert_eq!(over[name], json!([]), "{name}");
    }
    assert_eq!(
        (&over["nextDue"], &over["currentMilestone"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_summary_is_kept_for_five_minutes() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let key = format!("summary:{}:STAFF", deal.id);
    let most = 5 * 60 * 1_000;
    let kept_for = eventually("it is kept", async || {
        summary(&office.agent, &deal).await;
        let kept_for = kept_for_ms(&key).await;
        (kept_for > most / 2 || kept_for == -1).then_some(kept_for)
    })
    .await;
    assert!((0..=most).contains(&kept_for), "{kept_for}");
}
