//! What somebody may do changes with the next request, through the gateway and at every service past it,
//! for reading and for writing, with the token they already have.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Client, Deal, Organization, Response, User, buyer_purchase, eventually_within, stack,
};

/// No change takes longer than this anywhere, for tests of changes that travel by events.
const LIMIT: Duration = Duration::from_secs(5);

/// The gateway, and the service of this path by itself.
fn doors(user: &User, path: &str) -> [Client; 2] {
    let service = if path.starts_with("/api/deals")
        && !path.ends_with("/plan")
        && !path.ends_with("/key-dates")
    {
        &stack().deal_service
    } else if path.starts_with("/api/users")
        || path.starts_with("/api/organization")
        || path.starts_with("/api/notif")
    {
        &stack().user_service
    } else {
        &stack().task_service
    };
    [user.api.clone(), user.api.at(service)]
}

/// Asks at both doors, and fails unless both answer with this status.
async fn everywhere(
    user: &User,
    method: Method,
    path: &str,
    body: Option<Value>,
    status: u16,
) -> Vec<Response> {
    let mut answers = Vec::new();
    for door in doors(user, path) {
        let answer = door.send(method.clone(), path, &[], body.as_ref()).await;
        answer.expect(status);
        answers.push(answer);
    }
    answers
}

async fn change_role(organization: &Organization, user: &User, role: &str) {
    let path = format!("/api/users/{}", user.id);
    organization
        .admin
        .api
        .patch(&path, &json!({"role": role}))
        .await
        .expect(200);
}

async fn grant(organization: &Organization, grants: Value) {
    organization
        .admin
        .api
        .patch("/api/organization", &json!({"roleGrants": grants}))
        .await
        .expect(200);
}

/// A deal of somebody else in the organization, with one of its tasks.
async fn scene(organization: &Organization) -> (Deal, String) {
    let deal = organization
        .admin
        .create_planned_deal(&buyer_purchase(&json!([])))
        .await;
    let task = organization
        .admin
        .task(&deal.id, "verify_executed_contract")
        .await;
    (deal, task["id"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn who_loses_a_role_loses_its_rights_with_the_next_request() {
    let organization = Organization::new().await;
    let (deal, task) = scene(&organization).await;
    let coordinator = organization.coordinator().await;
    let (deal, task) = (
        format!("/api/deals/{}", deal.id),
        format!("/api/tasks/{task}"),
    );
    // Everything that keeps answers has them now.
    everywhere(&coordinator, Method::GET, &deal, None, 200).await;
    everywhere(&coordinator, Method::GET, &task, None, 200).await;
    everywhere(
        &coordinator,
        Method::GET,
        &format!("{deal}/summary"),
        None,
        200,
    )
    .await;
    let [gateway, service] = doors(&coordinator, &deal);
    let hold = gateway.post(&format!("{deal}/hold"), &json!({})).await;
    hold.expect(200);
    let resume = json!({"shiftDueDates": false});
    let resumed = service.post(&format!("{deal}/resume"), &resume).await;
    resumed.expect(200);

    change_role(&organization, &coordinator, "BUYER").await;
    everywhere(&coordinator, Method::GET, &deal, None, 404).await;
    everywhere(
        &coordinator,
        Method::GET,
        &format!("{deal}/summary"),
        None,
        404,
    )
    .await;
    everywhere(
        &coordinator,
        Method::GET,
        &format!("{deal}/plan"),
        None,
        404,
    )
    .await;
    everywhere(&coordinator, Method::GET, &task, None, 404).await;
    let list = everywhere(&coordinator, Method::GET, "/api/deals", None, 200).await;
    for answer in &list {
        assert_eq!(answer.json["items"], json!([]), "{}", answer.request);
    }
    let dates = json!({"keyDates": {"closing_date": "2030-05-01"}, "reason": "x", "version": 1});
    for (method, path, body) in [
        (Method::POST, format!("{deal}/hold"), json!({})),
        (
            Method::POST,
            format!("{task}/waive"),
            json!({"reason": "x"}),
        ),
        (Method::PUT, format!("{deal}/key-dates"), dates),
    ] {
        for door in doors(&coordinator, &path) {
            let answer = door.send(method.clone(), &path, &[], Some(&body)).await;
            assert!(
                [403, 404].contains(&answer.status.as_u16()),
                "{}: {}",
                answer.request,
                answer.text
            );
        }
    }
    // The session itself goes on.
    coordinator.api.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn who_gains_a_role_gains_its_rights_with_the_next_request() {
    let organization = Organization::new().await;
    let (deal, task) = scene(&organization).await;
    let buyer = organization.buyer().await;
    let deal = format!("/api/deals/{}", deal.id);
    everywhere(&buyer, Method::GET, &deal, None, 404).await;
    buyer.api.get("/api/audit").await.refuses(403, "FORBIDDEN");
    buyer
        .api
        .at(&stack().deal_service)
        .get("/api/audit")
        .await
        .refuses(403, "FORBIDDEN");

    change_role(&organization, &buyer, "ADMIN").await;
    everywhere(&buyer, Method::GET, &deal, None, 200).await;
    everywhere(
        &buyer,
        Method::GET,
        &format!("/api/tasks/{task}"),
        None,
        200,
    )
    .await;
    buyer.api.get("/api/audit").await.expect(200);
    buyer
        .api
        .at(&stack().deal_service)
        .get("/api/audit")
        .await
        .expect(200);
    everywhere(&buyer, Method::PATCH, "/api/organization", None, 415).await;
    everywhere(
        &buyer,
        Method::POST,
        "/api/deals",
        Some(buyer_purchase(&json!([]))),
        201,
    )
    .await;
}

#[tokio::test]
async fn a_granted_permission_counts_until_it_is_taken_back() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let deal = buyer_purchase(&json!([]));
    let refused = everywhere(
        &coordinator,
        Method::POST,
        "/api/deals",
        Some(deal.clone()),
        403,
    )
    .await;
    for answer in &refused {
        assert_eq!(
            answer.refuses(403, "FORBIDDEN")["required"],
            json!(["create_deals"]),
            "{}",
            answer.request
        );
    }

    grant(
        &organization,
        json!({"TRANSACTION_COORDINATOR": ["create_deals"]}),
    )
    .await;
    everywhere(
        &coordinator,
        Method::POST,
        "/api/deals",
        Some(deal.clone()),
        201,
    )
    .await;
    // The grant is the role's: nobody else has it.
    let buyer = organization.buyer().await;
    everywhere(&buyer, Method::POST, "/api/deals", Some(deal.clone()), 403).await;

    grant(&organization, Value::Null).await;
    everywhere(&coordinator, Method::POST, "/api/deals", Some(deal), 403).await;
}

#[tokio::test]
async fn an_agent_who_may_see_every_deal_works_in_every_deal() {
    let organization = Organization::new().await;
    let (deal, _) = scene(&organization).await;
    let agent = organization.agent().await;
    let coordinator = organization.coordinator().await;
    let new = json!({"dealId": deal.id, "title": "Order the survey"});
    // A deal that the agent does not see is no deal.
    let unseen = agent.api.post("/api/tasks", &new).await;
    assert_eq!(unseen.status.as_u16(), 400, "{}", unseen.text);

    grant(&organization, json!({"BUYER_AGENT": ["view_all_deals"]})).await;
    let mut tasks = Vec::new();
    for answer in everywhere(&agent, Method::POST, "/api/tasks", Some(new), 201).await {
        tasks.push(testkit::text(&answer.json["id"]));
    }
    for task in &tasks {
        let path = format!("/api/tasks/{task}");
        let step = format!("{path}/assign");
        let assignee = Some(json!({"assigneeId": coordinator.id}));
        everywhere(&agent, Method::POST, &step, assignee, 200).await;
        let own = Some(json!({"assigneeId": null}));
        everywhere(&agent, Method::POST, &step, own, 200).await;
        let renamed = agent
            .api
            .patch(&path, &json!({"title": "Order a survey"}))
            .await;
        renamed.expect(200);
        let dated = agent
            .api
            .patch(&path, &json!({"dueDate": "2040-01-02"}))
            .await;
        dated.expect(200);
        // An unassigned task is assigned to the agent who completes it.
        let done = agent
            .api
            .post(&format!("{path}/complete"), &json!({}))
            .await;
        assert_eq!(done.expect(200)["task"]["assigneeId"], agent.id.as_str());
    }

    // What the permission does not cover is refused by the name of what is missing.
    let task = &tasks[0];
    for (step, body) in [
        ("waive", json!({"reason": "not needed"})),
        ("reopen", json!({"reason": "not done"})),
    ] {
        let path = format!("/api/tasks/{task}/{step}");
        for answer in everywhere(&agent, Method::POST, &path, Some(body), 403).await {
            let required = &answer.refuses(403, "FORBIDDEN")["required"];
            assert_eq!(required, &json!(["manage_tasks"]), "{}", answer.request);
        }
    }
    let hold = format!("/api/deals/{}/hold", deal.id);
    let refused = agent.api.post(&hold, &json!({})).await;
    let required = &refused.refuses(403, "FORBIDDEN")["required"];
    assert_eq!(required, &json!(["manage_tasks"]));
}

#[tokio::test]
async fn who_may_complete_only_its_own_tasks_is_told_what_is_missing_for_others() {
    let office = testkit::Office::new().await;
    let deal = office.deal().await;
    let body = json!({"dealId": deal.id, "title": "A task", "buyerVisible": true, "assigneeId": office.agent.id});
    let task = office.agent.api.post("/api/tasks", &body).await;
    let path = format!(
        "/api/tasks/{}/complete",
        testkit::text(&task.expect(201)["id"])
    );
    let refused = office.buyer.api.post(&path, &json!({})).await;
    let required = &refused.refuses(403, "FORBIDDEN")["required"];
    assert_eq!(required, &json!(["manage_tasks"]));
}

#[tokio::test]
async fn a_client_who_assigns_takes_no_task_out_of_its_own_sight() {
    let office = testkit::Office::new().await;
    grant(&office.organization, json!({"BUYER": ["assign_tasks"]})).await;
    let deal = office.deal().await;
    let add = async |body: Value| {
        let mut body = body;
        body["dealId"] = json!(deal.id);
        body["title"] = json!("A task");
        let answer = office.agent.api.post("/api/tasks", &body).await;
        format!("/api/tasks/{}", testkit::text(&answer.expect(201)["id"]))
    };
    let own = add(json!({"assigneeId": office.buyer.id})).await;
    let shown = add(json!({"buyerVisible": true})).await;
    let client = &office.buyer.api;

    let assign = async |path: &str, assignee: &str| {
        let body = json!({"assigneeId": assignee});
        client.post(&format!("{path}/assign"), &body).await
    };
    let given = assign(&own, &office.agent.id).await;
    let hidden = client.patch(&shown, &json!({"buyerVisible": false})).await;
    for refused in [given, hidden] {
        let required = &refused.refuses(403, "FORBIDDEN")["required"];
        assert_eq!(
            required,
            &json!(["view_deals", "view_all_deals"]),
            "{}",
            refused.request
        );
    }
    // What stays in sight may change.
    assign(&shown, &office.agent.id).await.expect(200);
    client
        .patch(&own, &json!({"title": "Another"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn who_is_disabled_is_nobody_with_the_next_request() {
    let organization = Organization::new().await;
    let (deal, task) = scene(&organization).await;
    let coordinator = organization.coordinator().await;
    let paths = [
        format!("/api/deals/{}", deal.id),
        format!("/api/tasks/{task}"),
        "/api/organization".to_owned(),
        "/api/notifications".to_owned(),
    ];
    for path in &paths {
        everywhere(&coordinator, Method::GET, path, None, 200).await;
    }
    organization
        .admin
        .api
        .delete(&format!("/api/users/{}", coordinator.id))
        .await
        .expect(204);
    for path in &paths {
        for answer in everywhere(&coordinator, Method::GET, path, None, 401).await {
            answer.refuses(401, "UNAUTHENTICATED");
        }
    }
    let body = Some(json!({"reason": "x"}));
    everywhere(
        &coordinator,
        Method::POST,
        &format!("/api/tasks/{task}/waive"),
        body,
        401,
    )
    .await;
    let shown = organization
        .admin
        .api
        .get(&format!("/api/tasks/{task}"))
        .await;
    assert_ne!(shown.expect(200)["status"], "WAIVED");
}

#[tokio::test]
async fn who_signs_out_is_nobody_with_the_next_request_and_elsewhere_still_somebody() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let login = json!({"email": agent.email, "password": agent.password});
    let session = Client::new(&stack().gateway)
        .post("/api/auth/login", &login)
        .await;
    let elsewhere = User::signed_in(session.expect(200), &agent.email, &agent.password);
    let paths = ["/api/deals", "/api/tasks", "/api/users"];
    for path in paths {
        everywhere(&agent, Method::GET, path, None, 200).await;
    }
    agent
        .api
        .post("/api/auth/logout", &json!({}))
        .await
        .expect(204);
    for path in paths {
        everywhere(&agent, Method::GET, path, None, 401).await;
        everywhere(&elsewhere, Method::GET, path, None, 200).await;
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions_at_every_service() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    everywhere(&agent, Method::GET, "/api/deals", None, 200).await;
    let body = json!({"currentPassword": agent.password, "newPassword": "another long password"});
    agent
        .api
        .post("/api/auth/password/change", &body)
        .await
        .expect(204);
    for path in ["/api/deals", "/api/tasks", "/api/users"] {
        everywhere(&agent, Method::GET, path, None, 401).await;
    }
}

#[tokio::test]
async fn who_leaves_a_deal_stops_seeing_it() {
    let organization = Organization::new().await;
    let buyer = organization.buyer().await;
    let parties = json!([{"role": "buyer", "name": "The Buyer", "userId": buyer.id}]);
    let deal = organization
        .admin
        .create_planned_deal(&buyer_purchase(&parties))
        .await;
    let path = format!("/api/deals/{}", deal.id);
    everywhere(&buyer, Method::GET, &path, None, 200).await;
    everywhere(&buyer, Method::GET, &format!("{path}/plan"), None, 200).await;
    everywhere(
        &buyer,
        Method::GET,
        &format!("{path}/buyer-timeline"),
        None,
        200,
    )
    .await;

    let listed = organization.admin.api.get(&format!("{path}/parties")).await;
    let party = listed.expect(200)["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    organization
        .admin
        .api
        .delete(&format!("{path}/parties/{party}"))
        .await
        .expect(204);
    everywhere(&buyer, Method::GET, &path, None, 404).await;
    everywhere(
        &buyer,
        Method::GET,
        &format!("{path}/buyer-timeline"),
        None,
        404,
    )
    .await;
    let plan = format!("{path}/plan");
    for door in doors(&buyer, &plan) {
        eventually_within(LIMIT, "the plan is gone as well", async || {
            (door.get(&plan).await.status == 404).then_some(())
        })
        .await;
    }
}
