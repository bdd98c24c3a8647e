use reqwest::Method;
use serde_json::json;
use testkit::{Client, Organization, buyer_purchase};

use super::support::{operations, refusal};

/// What of an organization can be read with a version, each by the operation's path.
async fn versioned(organization: &Organization) -> Vec<(&'static str, String)> {
    let admin = &organization.admin;
    let deal = admin.create_planned_deal(&buyer_purchase(&json!([]))).await;
    let task = admin.task(&deal.id, "verify_executed_contract").await;
    let templates = admin.api.get("/api/templates").await;
    let id = |value: &serde_json::Value| value["id"].as_str().expect("an id").to_owned();
    vec![
        ("/api/deals/{id}", format!("/api/deals/{}", deal.id)),
        (
            "/api/deals/{id}/key-dates",
            format!("/api/deals/{}/key-dates", deal.id),
        ),
        ("/api/tasks/{id}", format!("/api/tasks/{}", id(&task))),
        (
            "/api/templates/{id}",
            format!("/api/templates/{}", id(&templates.expect(200)["items"][0])),
        ),
        ("/api/users/{id}", format!("/api/users/{}", admin.id)),
        ("/api/organization", "/api/organization".to_owned()),
        (
            "/api/notifications/preferences",
            "/api/notifications/preferences".to_owned(),
        ),
    ]
}

async fn get_unless(api: &Client, path: &str, tag: &str) -> testkit::Response {
    api.send(Method::GET, path, &[("If-None-Match", tag)], None)
        .await
}

#[tokio::test]
async fn whoever_has_the_version_gets_304_and_nothing_else() {
    let organization = Organization::new().await;
    let api = &organization.admin.api;
    for (_, path) in versioned(&organization).await {
        let seen = api.get(&path).await;
        let version = seen.expect(200)["version"].as_i64();
        let version = version.unwrap_or_else(|| panic!("{path}: {}", seen.text));
        let tag = seen.header("etag").to_owned();
        // What else the answer is made of may follow the version.
        let told = tag.trim_matches('"').split('-').next();
        assert_eq!(told, Some(version.to_string().as_str()), "{path}: {tag}");
        for matching in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = get_unless(api, &path, &matching).await;
            assert_eq!(answer.status, 304, "{path} {matching}: {}", answer.text);
            assert_eq!(answer.text, "", "{path}");
            assert_eq!(answer.header("etag"), tag, "{path}");
        }
        let stale = get_unless(api, &path, &format!("\"{}\"", version + 1)).await;
        assert_eq!(stale.expect(200), &seen.json, "{path}");
    }
}

#[tokio::test]
async fn a_change_for_another_version_is_refused_everywhere() {
    let organization = Organization::new().await;
    let api = &organization.admin.api;
    let all = operations().await;
    for (pattern, path) in versioned(&organization).await {
        let version = api.get(&path).await.expect(200)["version"]
            .as_i64()
            .expect("a version");
        let is_there = |method: Method| {
            all.iter()
                .any(|known| known.path == pattern && known.method == method)
        };
        if pattern == "/api/templates/{id}" {
            // A published version never changes, whatever is said of its version.
            continue;
        }
        let body = change(pattern);
        let patch = [("Content-Type", "application/merge-patch+json")];
        assert!(
            is_there(Method::PATCH) && is_there(Method::PUT),
            "{pattern}"
        );
        let stale = format!("\"{}\"", version + 1);
        let answer = api
            .send(
                Method::PATCH,
                &path,
                &[patch[0], ("If-Match", &stale)],
                Some(&body),
            )
            .await;
        refusal(&answer, 412, "VERSION_MISMATCH");
        for malformed in ["1", "nonsense", "\"1", ""] {
            let answer = api
                .send(
                    Method::PATCH,
                    &path,
                    &[patch[0], ("If-Match", malformed)],
                    Some(&body),
                )
                .await;
            assert_eq!(
                answer.status, 400,
                "{path} If-Match: {malformed}: {}",
                answer.text
            );
            let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
            assert_eq!(details["field"], "If-Match", "{path} {malformed}");
        }
        let current = format!("\"other\", \"{version}\"");
        api.send(
            Method::PATCH,
            &path,
            &[patch[0], ("If-Match", &current)],
            Some(&body),
        )
        .await
        .expect(200);
    }
}

/// A merge patch that changes something.
fn change(pattern: &str) -> serde_json::Value {
    match pattern {
        "/api/deals/{id}" | "/api/organization" => json!({"name": "Another Name"}),
        "/api/deals/{id}/key-dates" => {
            json!({"keyDates": {"closing_date": "2030-05-01"}, "reason": "agreed"})
        }
        "/api/tasks/{id}" => json!({"title": "Another title"}),
        "/api/users/{id}" => json!({"fullName": "Another Name"}),
        "/api/notifications/preferences" => {
            json!({"preferences": [{"kind": "TASK_OVERDUE", "inApp": true, "email": false}]})
        }
        other => panic!("no change is known for {other}"),
    }
}

#[tokio::test]
async fn a_put_without_any_version_asks_for_one() {
    let admin = Organization::new().await.admin;
    let body = json!({"fullName": "Another Name", "role": "ADMIN"});
    let answer = admin
        .api
        .put(&format!("/api/users/{}", admin.id), &body)
        .await;
    super::support::field_refusal(&answer, "version", "required");
}
