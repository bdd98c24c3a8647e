//! Which service may call which internal route, and how far its word reaches.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Organization, ServiceToken, User, base64url, stack, text};
use uuid::Uuid;

/// Every service, each of which signs with a key that the others trust.
const SERVICES: [&str; 5] = [
    "user-service",
    "deal-service",
    "task-service",
    "workflow-worker",
    "gateway",
];

/// Internal routes that are called with a service's own token: the called service, the route, and who may call it.
const ROUTES: &[(&str, &str, &str, &str)] = &[
    ("user-service", "GET", "/internal/sessions/{id}", "gateway"),
    (
        "user-service",
        "POST",
        "/internal/notifications",
        "workflow-worker",
    ),
    (
        "user-service",
        "POST",
        "/internal/notifications/{id}/deliver",
        "workflow-worker",
    ),
    (
        "user-service",
        "POST",
        "/internal/notifications/{id}/dead",
        "workflow-worker",
    ),
    (
        "deal-service",
        "GET",
        "/internal/deals/{id}/plan-input",
        "task-service",
    ),
    (
        "task-service",
        "POST",
        "/internal/deals/{id}/plan",
        "workflow-worker",
    ),
    (
        "task-service",
        "GET",
        "/internal/deals/{id}/worklist",
        "workflow-worker",
    ),
    (
        "task-service",
        "POST",
        "/internal/tasks/{id}/overdue",
        "workflow-worker",
    ),
    (
        "task-service",
        "POST",
        "/internal/milestones/{id}/check",
        "workflow-worker",
    ),
];

/// Internal routes to which a service passes on its caller's own token.
const WITH_THE_CALLERS_TOKEN: &[&str] = &[
    "/internal/deals/{id}/visibility",
    "/internal/plans/preview",
    "/internal/plans/check-facts",
    "/internal/templates/{id}/required-anchors",
];

/// Where a service listens, past the gateway.
fn address(service: &str) -> &'static str {
    let stack = stack();
    match service {
        "user-service" => &stack.user_service,
        "deal-service" => &stack.deal_service,
        "task-service" => &stack.task_service,
        other => panic!("{other} has no internal routes"),
    }
}

/// Asks an internal route of a service, and answers with the status.
async fn ask(called: &str, method: &str, path: &str, token: &str) -> u16 {
    let method: Method = method.parse().expect("a method");
    let body = (method != Method::GET).then(|| json!({}));
    let client = Client::new(address(called)).with_token(token);
    let answer = client.send(method, path, &[], body.as_ref()).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn each_internal_route_is_open_to_the_services_that_it_names_and_to_no_other() {
    let organization = Organization::new().await;
    for (called, method, route, allowed) in ROUTES {
        let path = route.replace("{id}", &Uuid::now_v7().to_string());
        for caller in SERVICES {
            for audience in SERVICES {
                let token = ServiceToken {
                    caller,
                    called: audience,
                    organization_id: &organization.id,
                    user_id: Some(&organization.admin.id),
                };
                let status = ask(called, method, &path, &token.sign()).await;
                let what =
                    format!("{method} {route} of {called} by {caller} with a token for {audience}");
                if audience != *called {
                    assert_eq!(status, 401, "{what}: a token is good at one service");
                } else if caller == *allowed {
                    assert!(matches!(status, 400 | 404), "{what}: {status}");
                } else {
                    assert_eq!(status, 403, "{what}");
                }
            }
        }
        for user in [&organization.admin] {
            let status = ask(called, method, &path, &user.access_token).await;
            assert_eq!(status, 401, "{method} {route} by a person");
        }
    }
}

/// A route that is added is added here as well, with those who may call it.
#[test]
fn the_table_above_has_every_internal_route() {
    let known: BTreeSet<String> = ROUTES
        .iter()
        .map(|(_, _, route, _)| *route)
        .chain(WITH_THE_CALLERS_TOKEN.iter().copied())
        .map(str::to_owned)
        .collect();
    let mut found = BTreeSet::new();
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    for service in SERVICES {
        routes_in(&services.join(service).join("src"), &mut found);
    }
    assert_eq!(found, known);
}

/// The internal routes that files of this directory register.
fn routes_in(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            routes_in(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source file");
        let verbs = [".get(", ".post(", ".put(", ".patch(", ".delete("];
        let registered = verbs.iter().flat_map(|verb| source.split(verb).skip(1));
        // The path may be on a line of its own.
        for text in registered.filter_map(|text| text.trim_start().strip_prefix('"')) {
            let route = text.split('"').next().unwrap_or_default();
            if route.starts_with("/internal/") {
                found.insert(route.to_owned());
            }
        }
    }
}

fn session_of(user: &User) -> String {
    let payload = user.access_token.split('.').nth(1).expect("three parts");
    let claims: Value = serde_json::from_slice(&base64url(payload)).expect("claims are JSON");
    text(&claims["sid"])
}

#[tokio::test]
async fn a_session_is_told_only_of_the_user_and_the_organization_that_the_token_names() {
    let (ours, theirs) = (Organization::new().await, Organization::new().await);
    let agent = ours.agent().await;
    let path = format!("/internal/sessions/{}", session_of(&agent));
    let ask = async |organization: &Organization, user: Option<&User>| {
        let token = ServiceToken {
            caller: "gateway",
            called: "user-service",
            organization_id: &organization.id,
            user_id: user.map(|user| user.id.as_str()),
        };
        ask("user-service", "GET", &path, &token.sign()).await
    };
    assert_eq!(ask(&ours, Some(&agent)).await, 200);
    assert_eq!(ask(&ours, Some(&ours.admin)).await, 404, "another user");
    assert_eq!(ask(&ours, None).await, 404, "nobody");
    assert_eq!(ask(&theirs, Some(&agent)).await, 404, "elsewhere");
    assert_eq!(ask(&theirs, Some(&theirs.admin)).await, 404, "a stranger");
}

#[tokio::test]
async fn a_service_acts_on_behalf_of_nobody_from_another_organization() {
    let (ours, theirs) = (Organization::new().await, Organization::new().await);
    let path = format!("/internal/deals/{}/worklist", Uuid::now_v7());
    let ask = async |user: &User| {
        let token = ServiceToken {
            caller: "workflow-worker",
            called: "task-service",
            organization_id: &ours.id,
            user_id: Some(&user.id),
        };
        ask("task-service", "GET", &path, &token.sign()).await
    };
    assert_eq!(ask(&ours.admin).await, 404, "no such deal");
    assert_eq!(ask(&theirs.admin).await, 401, "no such user here");
}
