//! `POST /api/tasks`: tasks beside the plan.

use serde_json::{Value, json};
use testkit::Organization;
use tokio::task::JoinSet;

use crate::support::{
    Office, Tasks, days_from_today, iso, parse, plus_days, post_once, random_id, refuses_case,
    refuses_field, refuses_permission, refuses_reference, text,
};

#[tokio::test]
async fn a_new_task_is_answered_with_its_address_and_version() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let body = json!({"dealId": deal.id, "title": "  Order the survey ", "description": "both lots", "ownerRole": "title_escrow"});
    let answer = office.agent.api.post("/api/tasks", &body).await;
    let task = answer.expect(201);
    assert_eq!(
        answer.header("location"),
        format!("/api/tasks/{}", text(&task["id"]))
    );
    assert_eq!(answer.header("etag"), "\"1\"");
    let expected = json!({
        "dealId": deal.id, "title": "Order the survey", "description": "both lots", "ownerRole": "title_escrow",
        "status": "PENDING", "assigneeId": null, "milestoneId": null, "dueDate": null, "key": null,
        "isBlocked": false, "isOverdue": false, "completedLate": false, "buyerVisible": false, "version": 1,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&task[field], value, "{field}");
    }
    let read = office.agent.api.get(answer.header("location")).await;
    assert_eq!(read.expect(200)["title"], "Order the survey");
    assert_eq!(
        office.history(&text(&task["id"])).await,
        ["tasks.task.created"]
    );
}

#[tokio::test]
async fn a_task_given_to_somebody_begins_in_progress_and_one_that_waits_begins_blocked() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office
        .agent
        .add_task(&deal.id, "First", json!({"assigneeId": office.agent.id}))
        .await;
    assert_eq!(
        office.agent.read_task(&first).await["status"],
        "IN_PROGRESS"
    );
    assert_eq!(
        office.history(&first).await,
        ["tasks.task.created"],
        "created carries the assignee"
    );

    let fields = json!({"dependsOn": [first], "assigneeId": office.agent.id, "dueDate": days_from_today(30)});
    let second = office.agent.add_task(&deal.id, "Second", fields).await;
    let second = office.agent.read_task(&second).await;
    assert_eq!(
        (second["status"].as_str(), second["isBlocked"].as_bool()),
        (Some("BLOCKED"), Some(true))
    );
    assert_eq!(
        second["projected"], true,
        "the date of a blocked task is a projection"
    );

    office.agent.complete_task(&first).await.expect(200);
    let third = office.agent.add_waiting(&deal.id, "Third", &[&first]).await;
    assert_eq!(
        office.agent.read_task(&third).await["status"],
        "PENDING",
        "it waits for what is done already"
    );
    office.holds().await;
}

#[tokio::test]
async fn a_due_rule_counts_from_a_key_date_of_the_deal() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let dates = office
        .agent
        .api
        .get(&format!("/api/deals/{}/key-dates", deal.id))
        .await;
    let closing = dates.expect(200)["keyDates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|date| date["key"] == "closing_date")
        .unwrap()["date"]
        .clone();
    let rule = json!({"anchor": "closing_date", "offsetDays": -9, "calendar": "CALENDAR"});
    let task = office
        .agent
        .add_task(&deal.id, "Order the cleaning", json!({"dueRule": rule}))
        .await;
    assert_eq!(
        office.agent.read_task(&task).await["dueDate"],
        json!(plus_days(&closing, -9))
    );

    let body = json!({"dealId": deal.id, "title": "Odd", "dueRule": {"anchor": "no_such_date", "offsetDays": 1, "calendar": "CALENDAR"}});
    let answer = office.agent.api.post("/api/tasks", &body).await;
    assert_eq!(
        answer.expect(400)["details"]["field"],
        "dueRule.anchor",
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn bodies_that_are_not_a_task_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"dealId": deal.id, "title": "Fine"});
        body[field] = value;
        body
    };
    let cases = [
        ("no deal", json!({"title": "Fine"}), "dealId", "required"),
        ("no title", json!({"dealId": deal.id}), "title", "required"),
        (
            "a null title",
            with("title", Value::Null),
            "title",
            "required",
        ),
        (
            "a blank title",
            with("title", json!("  ")),
            "title",
            "required",
        ),
        (
            "a long title",
            with("title", json!("t".repeat(201))),
            "title",
            "max_length",
        ),
        (
            "a title that is no text",
            with("title", json!(["a"])),
            "title",
            "type",
        ),
        (
            "a long description",
            with("description", json!("d".repeat(10_001))),
            "description",
            "max_length",
        ),
    ];
    for (why, body, field, constraint) in cases {
        let answer = office.agent.api.post("/api/tasks", &body).await;
        refuses_case(why, &answer, field, constraint);
    }
}

#[tokio::test]
async fn values_that_no_task_has_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"dealId": deal.id, "title": "Fine"});
        body[field] = value;
        body
    };
    let cases = [
        (
            "a part nobody plays",
            with("ownerRole", json!("BUYER")),
            "ownerRole",
            "one_of",
        ),
        (
            "a day that does not exist",
            with("dueDate", json!("2026-13-01")),
            "dueDate",
            "format",
        ),
        (
            "a deal id that is none",
            with("dealId", json!("7")),
            "dealId",
            "format",
        ),
        (
            "a flag that is none",
            with("buyerVisible", json!("yes")),
            "buyerVisible",
            "type",
        ),
        (
            "dependencies that are no list",
            with("dependsOn", json!("x")),
            "dependsOn",
            "type",
        ),
        (
            "a read-only field",
            with("status", json!("COMPLETED")),
            "status",
            "unknown",
        ),
        (
            "a field that does not exist",
            with("colour", json!("red")),
            "colour",
            "unknown",
        ),
    ];
    for (why, body, field, constraint) in cases {
        let answer = office.agent.api.post("/api/tasks", &body).await;
        refuses_case(why, &answer, field, constraint);
    }
    let several = office
        .agent
        .api
        .post(
            "/api/tasks",
            &json!({"dealId": deal.id, "title": "", "ownerRole": "nobody"}),
        )
        .await;
    let errors = several.refuses(400, "VALIDATION_001")["errors"]
        .as_array()
        .unwrap()
        .clone();
    let fields: Vec<_> = errors
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect();
    assert!(
        fields.contains(&"title") && fields.contains(&"ownerRole"),
        "{fields:?}"
    );
    let tasks = office
        .agent
        .api
        .get(&format!("/api/tasks?dealId={}", deal.id))
        .await;
    assert_eq!(tasks.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn references_that_the_caller_cannot_see_are_unknown() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let stranger = Organization::new().await;
    let foreign = Office {
        agent: stranger.agent().await,
        coordinator: stranger.coordinator().await,
        buyer: stranger.buyer().await,
        organization: stranger,
    };
    let foreign_deal = foreign.deal().await;
    let foreign_task = foreign
        .agent
        .add_task(&foreign_deal.id, "Theirs", json!({}))
        .await;

    for deal_id in [foreign_deal.id.clone(), random_id()] {
        let answer = office
            .agent
            .api
            .post("/api/tasks", &json!({"dealId": deal_id, "title": "Fine"}))
            .await;
        refuses_reference(&answer, "dealId");
    }
    for (field, ids) in [
        ("assigneeId", [foreign.agent.id.clone(), random_id()]),
        ("milestoneId", [foreign_task.clone(), random_id()]),
    ] {
        for id in ids {
            let mut body = json!({"dealId": deal.id, "title": "Fine"});
            body[field] = json!(id);
            refuses_reference(&office.agent.api.post("/api/tasks", &body).await, field);
        }
    }
    let own = office.agent.add_task(&deal.id, "Ours", json!({})).await;
    for id in [foreign_task, random_id()] {
        let body = json!({"dealId": deal.id, "title": "Fine", "dependsOn": [own, id]});
        refuses_reference(
            &office.agent.api.post("/api/tasks", &body).await,
            "dependsOn.1",
        );
    }
}

#[tokio::test]
async fn a_task_waits_only_for_tasks_of_its_own_deal() {
    let office = Office::new().await;
    let (one, other) = (office.deal().await, office.deal().await);
    let elsewhere = office
        .agent
        .add_task(&other.id, "Elsewhere", json!({}))
        .await;
    let body = json!({"dealId": one.id, "title": "Here", "dependsOn": [elsewhere]});
    let answer = office.agent.api.post("/api/tasks", &body).await;
    assert_eq!(
        answer.expect(400)["details"]["field"],
        "dependsOn.0",
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn agents_add_tasks_to_their_own_deals_and_buyers_to_none() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let other_agent = office.organization.agent().await;
    let body = json!({"dealId": deal.id, "title": "Mine?"});
    refuses_reference(&other_agent.api.post("/api/tasks", &body).await, "dealId");
    refuses_permission(
        &office.buyer.api.post("/api/tasks", &body).await,
        "assign_tasks",
    );
    office
        .coordinator
        .api
        .post("/api/tasks", &body)
        .await
        .expect(201);
    office
        .admin()
        .api
        .post("/api/tasks", &body)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_deal_that_is_not_active_takes_no_tasks() {
    let office = Office::new().await;
    let draft = office.draft().await;
    let body = json!({"dealId": draft.id, "title": "Too early"});
    office
        .agent
        .api
        .post("/api/tasks", &body)
        .await
        .refuses(409, "DEAL_NOT_ACTIVE");
    let deal = office.deal().await;
    office
        .agent
        .api
        .post(&format!("/api/deals/{}/hold", deal.id), &json!({}))
        .await
        .expect(200);
    let body = json!({"dealId": deal.id, "title": "Not now"});
    office
        .agent
        .api
        .post("/api/tasks", &body)
        .await
        .refuses(409, "DEAL_NOT_ACTIVE");
}

#[tokio::test]
async fn of_many_requests_with_one_key_one_makes_the_task() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let body = json!({"dealId": deal.id, "title": "Once"});
    let mut attempts = JoinSet::new();
    for _ in 0..12 {
        let (user, body) = (office.agent.clone(), body.clone());
        attempts.spawn(async move { post_once(&user, "/api/tasks", "new-task", &body).await });
    }
    while let Some(answer) = attempts.join_next().await {
        let answer = answer.unwrap();
        if answer.status != 201 {
            answer.refuses(409, "IDEMPOTENCY_IN_FLIGHT");
        }
    }
    let tasks = office
        .agent
        .api
        .get(&format!("/api/tasks?dealId={}", deal.id))
        .await;
    let items = tasks.expect(200)["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    let again = post_once(&office.agent, "/api/tasks", "new-task", &body).await;
    assert_eq!(again.expect(201)["id"], items[0]["id"]);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        again.header("location"),
        format!("/api/tasks/{}", text(&items[0]["id"]))
    );
    office.holds().await;
}

#[tokio::test]
async fn dates_are_kept_as_the_calendar_days_they_are() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for date in ["2028-02-29", "2099-12-31"] {
        let task = office
            .agent
            .add_task(&deal.id, "Leap", json!({"dueDate": date}))
            .await;
        let read = office.agent.read_task(&task).await;
        assert_eq!(iso(parse(&read["dueDate"])), date);
    }
    let answer = office
        .agent
        .api
        .post(
            "/api/tasks",
            &json!({"dealId": deal.id, "title": "Leap", "dueDate": "2027-02-29"}),
        )
        .await;
    refuses_field(&answer, "dueDate", "format");
}
