//! Another organization's tasks and deals: as if they did not exist, to the byte.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Response, User};

use crate::support::{Office, Tasks, random_id, text};

/// The answer without what names this one request.
fn told(answer: &Response, id: &str) -> (u16, String) {
    let request_id = answer.json["requestId"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    let instance = answer.json["instance"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    assert!(instance.contains(id), "{}: {}", answer.request, answer.text);
    (
        answer.status.as_u16(),
        answer
            .text
            .replace(&request_id, "R")
            .replace(&instance, "I"),
    )
}

async fn ask(user: &User, method: &str, path: &str, body: &Value) -> Response {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let body = (method != Method::GET && method != Method::DELETE).then_some(body);
    let merge_patch = [
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", "\"1\""),
    ];
    let headers: &[(&str, &str)] = if method == Method::PATCH {
        &merge_patch
    } else {
        &[]
    };
    user.api.send(method, path, headers, body).await
}

#[tokio::test]
async fn a_foreign_task_is_answered_like_one_that_does_not_exist() {
    let (office, foreign) = (Office::new().await, Office::new().await);
    let deal = foreign.deal().await;
    let task = foreign
        .agent
        .add_task(&deal.id, "Theirs", json!({"buyerVisible": true}))
        .await;
    let routes = [
        ("GET", "", json!({})),
        ("PUT", "", json!({"title": "x", "version": 1})),
        ("PATCH", "", json!({"title": "x"})),
        ("DELETE", "", json!({})),
        ("POST", "/complete", json!({})),
        ("POST", "/assign", json!({"assigneeId": null})),
        ("POST", "/waive", json!({"reason": "x"})),
        ("POST", "/reopen", json!({"reason": "x"})),
        ("POST", "/dependencies", json!({"dependsOnId": random_id()})),
        ("GET", "/why-blocked", json!({})),
        ("GET", "/comments", json!({})),
        (
            "POST",
            "/comments",
            json!({"body": "x", "visibility": "SHARED"}),
        ),
    ];
    let nobody = random_id();
    for (method, rest, body) in &routes {
        for user in [
            office.admin(),
            &office.coordinator,
            &office.agent,
            &office.buyer,
        ] {
            let theirs = ask(user, method, &format!("/api/tasks/{task}{rest}"), body).await;
            let nobodys = ask(user, method, &format!("/api/tasks/{nobody}{rest}"), body).await;
            assert_eq!(
                told(&theirs, &task),
                told(&nobodys, &nobody),
                "{method} {rest}"
            );
            assert!(
                matches!(theirs.status.as_u16(), 403 | 404),
                "{method} {rest}: {}",
                theirs.text
            );
        }
    }
    assert_eq!(foreign.agent.read_task(&task).await["version"], 1);
    foreign.holds().await;
}

#[tokio::test]
async fn a_foreign_deals_plan_and_dates_are_answered_like_ones_that_do_not_exist() {
    let (office, foreign) = (Office::new().await, Office::new().await);
    let deal = foreign.purchase().await;
    let moved = json!({"keyDates": {"closing_date": "2027-03-01"}, "reason": "x", "version": 1});
    let routes = [
        ("GET", "/plan", json!({})),
        ("GET", "/key-dates", json!({})),
        ("PUT", "/key-dates", moved.clone()),
        ("POST", "/key-dates/preview", moved),
        ("GET", "/key-dates/closing_date/explain", json!({})),
        ("POST", "/what-if", json!({"keyDates": {}})),
    ];
    let nobody = random_id();
    for (method, rest, body) in &routes {
        for user in [
            office.admin(),
            &office.coordinator,
            &office.agent,
            &office.buyer,
        ] {
            let theirs = ask(user, method, &format!("/api/deals/{}{rest}", deal.id), body).await;
            let nobodys = ask(user, method, &format!("/api/deals/{nobody}{rest}"), body).await;
            assert_eq!(
                told(&theirs, &deal.id),
                told(&nobodys, &nobody),
                "{method} {rest}"
            );
            assert!(
                matches!(theirs.status.as_u16(), 403 | 404),
                "{method} {rest}: {}",
                theirs.text
            );
        }
    }
}

#[tokio::test]
async fn lists_and_filters_tell_nothing_of_another_organization() {
    let (office, foreign) = (Office::new().await, Office::new().await);
    let deal = foreign.purchase().await;
    let task = foreign
        .coordinator
        .task(&deal.id, "verify_executed_contract")
        .await;
    for filter in [
        format!("dealId={}", deal.id),
        format!("assigneeId={}", foreign.coordinator.id),
        format!(
            "milestoneId={}",
            text(&foreign.coordinator.planned(&deal.id).await["milestones"][0]["id"])
        ),
        "status=BLOCKED".to_owned(),
    ] {
        let answer = office
            .admin()
            .api
            .get(&format!("/api/tasks?{filter}"))
            .await;
        assert_eq!(answer.expect(200)["items"], json!([]), "{filter}");
        assert!(!answer.text.contains(&text(&task["id"])));
    }
}
