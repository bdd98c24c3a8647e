//! `deal-service rebuild-read-models`: rebuilds the read models from the audit log, while everything runs.

use serde_json::{Value, json};
use testkit::{Database, Deal, eventually, run_program, settings_of};

use crate::support::{Deals, FIRST_MILESTONE, Office, days_from_today, random_id};

/// Runs the command for one organization. Returns whether it succeeded, and what it said.
async fn rebuild(organization_id: &str) -> (bool, String) {
    let arguments = ["rebuild-read-models", "--organization", organization_id];
    let ended = run_program("deal-service", &arguments, &settings_of("deal-service")).await;
    (ended.succeeded, ended.said)
}

/// What people are shown out of the read models.
async fn shown(office: &Office, deals: &[&Deal]) -> Value {
    let mut paths = vec![
        "/api/deals?sort=name".to_owned(),
        "/api/deals?overdue=true".to_owned(),
    ];
    for deal in deals {
        paths.push(format!("/api/deals/{}/summary", deal.id));
        paths.push(format!("/api/deals/{}/buyer-timeline", deal.id));
    }
    let mut shown = json!({});
    for path in paths {
        for (who, user) in [("agent", &office.agent), ("buyer", &office.buyer)] {
            let answer = user.api.get(&path).await;
            shown[format!("{who} {path}")] = answer.expect(200).clone();
        }
    }
    shown
}

/// A purchase whose closing has moved and whose first milestone is reached.
async fn purchase(office: &Office) -> Deal {
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = office.agent.api.get(&path).await;
    let moved = json!({
        "keyDates": {"closing_date": days_from_today(60)},
        "reason": "the lender needs more time",
        "version": dates.expect(200)["version"],
    });
    office.agent.api.put(&path, &moved).await.expect(200);
    for key in FIRST_MILESTONE {
        office.coordinator.complete(&deal.id, key).await;
    }
    deal
}

/// A deal without a template that has an overdue task, one that waits for it, and one that was deleted.
async fn handmade(office: &Office) -> Deal {
    let deal = office.deal().await;
    let late = json!({"dueDate": days_from_today(-3), "buyerVisible": true});
    let late = office.agent.add_task(&deal, late).await;
    let waiting = json!({"dependsOn": [late]});
    office.agent.add_task(&deal, waiting).await;
    let deleted = office.agent.add_task(&deal, json!({})).await;
    let path = format!("/api/tasks/{deleted}");
    office.agent.api.delete(&path).await.expect(204);
    deal
}

/// Waits until deal-service has followed every event about the organization's deals.
async fn everything_is_followed(office: &Office) {
    let behind = format!(
        "SELECT t.aggregate_id FROM (
           SELECT aggregate_id, max(aggregate_version) AS version FROM task.event_outbox
            WHERE organization_id = '{}' GROUP BY aggregate_id) t
           LEFT JOIN deal.inbox_position p ON p.aggregate_id = t.aggregate_id
          WHERE coalesce(p.version, 0) < t.version",
        office.organization.id
    );
    eventually("every event is followed", async || {
        let behind = Database::superuser().await.rows(&behind).await;
        behind.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_spoilt_or_lost_is_as_it_was_before() {
    let office = Office::new().await;
    let purchase = purchase(&office).await;
    let handmade = handmade(&office).await;
    let draft = office.draft().await;
    let deals = [&purchase, &handmade, &draft];
    everything_is_followed(&office).await;
    let before = shown(&office, &deals).await;

    let mut database = Database::superuser().await;
    for deal in deals {
        for sql in [
            "UPDATE deal.task_view SET title = 'spoilt', status = 'WAIVED', version = version + 1000",
            "DELETE FROM deal.milestone_view",
            "DELETE FROM deal.plan_view",
            "UPDATE deal.key_date_view SET date = date + 1, buyer_visible = NOT buyer_visible",
        ] {
            let sql = format!("{sql} WHERE deal_id = '{}'", deal.id);
            database.execute(&sql).await.unwrap();
        }
        let sql = format!(
            "UPDATE deal.deals SET closing_date = closing_date + 1, summary_revision = summary_revision + 1 WHERE id = '{}'",
            deal.id
        );
        database.execute(&sql).await.unwrap();
    }
    assert_ne!(shown(&office, &deals).await, before, "it can be seen");

    let (succeeded, said) = rebuild(&office.organization.id).await;
    assert!(succeeded, "{said}");
    assert!(said.contains("3 deals rebuilt"), "{said}");
    assert_eq!(shown(&office, &deals).await, before);

    // Events go on to be followed behind it.
    office
        .coordinator
        .complete(&purchase.id, "loan_application")
        .await;
    eventually("a later completion is shown", async || {
        let path = format!("/api/deals/{}/summary", purchase.id);
        let answer = office.agent.api.get(&path).await;
        (answer.expect(200)["taskCounts"]["COMPLETED"] == FIRST_MILESTONE.len() + 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_organization_that_is_not_there_is_said_to_be_so() {
    let id = random_id();
    let (succeeded, said) = rebuild(&id).await;
    assert!(!succeeded);
    assert!(said.contains(&format!("no organization {id}")), "{said}");
}
