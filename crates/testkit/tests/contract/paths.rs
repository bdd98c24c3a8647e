use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use testkit::Organization;
use uuid::Uuid;

use super::support::{Raw, anybody, operations, refusal, services};

#[tokio::test]
async fn a_path_is_matched_literally_or_not_at_all() {
    let admin = Organization::new().await.admin;
    let id = admin.id.as_str();
    let paths = [
        "/".to_owned(),
        "/api".to_owned(),
        "/api/".to_owned(),
        "/api/nothing".to_owned(),
        "/API/users".to_owned(),
        "/api/users/".to_owned(),
        "/api//users".to_owned(),
        "//api/users".to_owned(),
        "/api/./users".to_owned(),
        "/api/deals/../users".to_owned(),
        "/api/%75sers".to_owned(),
        "/api/users%2F".to_owned(),
        "/healthz/".to_owned(),
        "/readyz/../healthz".to_owned(),
        format!("/api/users/{}", id.to_uppercase()),
        format!("/api/users/{}", id.replace('-', "")),
        format!("/api/users/{{{id}}}"),
        format!("/api/users/{id}/"),
        format!("/api/users/{id}/nothing"),
        "/api/users/7".to_owned(),
        "/api/users/you".to_owned(),
    ];
    let shown = admin.api.get(&format!("/api/users/{id}")).await;
    shown.expect(200);
    for path in paths {
        let answer = Raw::get(&path).send(Some(&admin.access_token)).await;
        let body = refusal(&answer, 404, "NOT_FOUND");
        assert_eq!(body["error"], "NotFound");
        assert_eq!(body["instance"], path.as_str());
    }
}

#[tokio::test]
async fn what_is_for_services_and_operators_is_not_reachable_through_the_gateway() {
    let admin = Organization::new().await.admin;
    let id = Uuid::now_v7();
    for path in [
        "/metrics".to_owned(),
        "/internal".to_owned(),
        "/internal/notifications".to_owned(),
        format!("/internal/sessions/{id}"),
        format!("/internal/deals/{id}/plan-input"),
        format!("/internal/deals/{id}/visibility"),
        format!("/internal/tasks/{id}/overdue"),
        format!("/api/internal/sessions/{id}"),
        format!("/api/../internal/sessions/{id}"),
        format!("/api/users/%2e%2e/%2e%2e/internal/sessions/{id}"),
    ] {
        for method in ["GET", "POST"] {
            let request = Raw {
                method,
                ..Raw::get(&path)
            };
            refusal(
                &request.send(Some(&admin.access_token)).await,
                404,
                "NOT_FOUND",
            );
        }
    }
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    assert_eq!(anybody().get("/healthz").await.expect(200)["status"], "ok");
    anybody().get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405_with_those_it_has() {
    let admin = Organization::new().await.admin.api;
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut example = BTreeMap::new();
    for operation in operations().await {
        let known = methods.entry(operation.path.clone()).or_default();
        known.insert(operation.method.to_string());
        if operation.method == Method::GET {
            known.insert("HEAD".to_owned());
        }
        example.insert(operation.path.clone(), operation.random_path());
    }
    let mut refused = 0;
    for (path, known) in &methods {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            if known.contains(method.as_str()) {
                continue;
            }
            let answer = admin.send(method.clone(), &example[path], &[], None).await;
            let body = refusal(&answer, 405, "METHOD_NOT_ALLOWED");
            assert_eq!(body["error"], "MethodNotAllowed");
            let allowed: BTreeSet<String> = answer
                .header("allow")
                .split(", ")
                .map(str::to_owned)
                .collect();
            assert_eq!(&allowed, known, "{method} {path}");
            refused += 1;
        }
    }
    assert!(refused > 100, "only {refused}");
}

#[tokio::test]
async fn a_service_by_itself_tells_the_methods_of_a_path_too() {
    let mut refused = 0;
    for (service, operations) in services() {
        let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for operation in &operations {
            let known = methods.entry(operation.path.clone()).or_default();
            known.insert(operation.method.to_string());
        }
        for operation in &operations {
            let known = &methods[&operation.path];
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                if known.contains(method.as_str()) {
                    continue;
                }
                let answer = service
                    .send(method.clone(), &operation.random_path(), &[], None)
                    .await;
                refusal(&answer, 405, "METHOD_NOT_ALLOWED");
                let allowed = answer.header("allow").split(", ").map(str::to_owned);
                assert_eq!(
                    &allowed.collect::<BTreeSet<_>>(),
                    known,
                    "{method} {}",
                    operation.path
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "only {refused}");
}

#[tokio::test]
async fn what_is_in_no_document_tells_its_methods_too() {
    let id = Uuid::now_v7();
    let [
        (user_service, _),
        (deal_service, _),
        (task_service, _),
        (worker, _),
    ] = services();
    for (service, path, method, allowed) in [
        (
            &user_service,
            "/internal/notifications".to_owned(),
            Method::GET,
            "POST",
        ),
        (
            &user_service,
            format!("/internal/sessions/{id}"),
            Method::DELETE,
            "GET",
        ),
        (
            &deal_service,
            format!("/internal/deals/{id}/visibility"),
            Method::POST,
            "GET",
        ),
        (
            &task_service,
            "/internal/plans/preview".to_owned(),
            Method::GET,
            "POST",
        ),
        (&worker, "/healthz".to_owned(), Method::POST, "GET"),
        (&deal_service, "/readyz".to_owned(), Method::PUT, "GET"),
    ] {
        let answer = service.send(method.clone(), &path, &[], None).await;
        refusal(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let admin = Organization::new().await.admin.api;
    let get = admin.get("/api/organization").await;
    let head = admin
        .send(Method::HEAD, "/api/organization", &[], None)
        .await;
    head.expect(200);
    assert_eq!(head.text, "");
    for name in ["etag", "content-type"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    anybody()
        .send(Method::HEAD, "/api/organization", &[], None)
        .await
        .expect(401);
}

#[tokio::test]
async fn nobody_learns_what_is_an_id_before_signing_in() {
    let admin = Organization::new().await.admin;
    for (service, operations) in services() {
        for operation in operations {
            if operation.is_public() || !operation.path.contains('{') {
                continue;
            }
            let path = operation.path_with(|| "7".to_owned());
            for door in [&anybody(), &service] {
                let answer = door.send(operation.method.clone(), &path, &[], None).await;
                assert_eq!(answer.status, 401, "{}: {}", operation.name(), answer.text);
                refusal(&answer, 401, "UNAUTHENTICATED");
            }
            if operation.method == Method::GET {
                for door in [&admin.api, &service.with_token(&admin.access_token)] {
                    refusal(&door.get(&path).await, 404, "NOT_FOUND");
                }
            }
        }
    }
}
