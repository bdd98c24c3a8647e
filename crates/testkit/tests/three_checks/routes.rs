//! Who is let through, at the gateway and at each service by itself.

use reqwest::Method;
use serde_json::json;
use testkit::{Client, Organization, stack};

use super::support::{Scene, one_of_each, operations, random_ids};

#[tokio::test]
async fn the_gateway_refuses_every_role_that_lacks_a_routes_permission() {
    let scene = Scene::new().await;
    let mut refused = 0;
    for operation in operations().await {
        for (role, user) in scene
            .users
            .iter()
            .filter(|(role, _)| !operation.allows(*role))
        {
            // The same for every id: the answer reveals nothing about what exists.
            for path in [
                operation.with_ids(&scene.ids),
                operation.with_ids(&random_ids()),
            ] {
                let answer = operation.send(&user.api, &path, None).await;
                let details = answer.refuses(403, "FORBIDDEN");
                let required: Vec<&str> =
                    operation.permissions.iter().map(|p| p.as_str()).collect();
                assert_eq!(
                    details["required"],
                    json!(required),
                    "{role:?} {} {path}",
                    operation.method
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 60, "only {refused} refusals");
}

/// What the body or the ids lack is for the service to say, to every caller that the gateway let through.
#[tokio::test]
async fn the_gateway_lets_every_role_through_that_has_a_routes_permission() {
    let organization = Organization::new().await;
    let users = one_of_each(&organization).await;
    let operations = operations().await;
    let mut passed = 0;
    for operation in operations.iter().filter(|operation| !operation.is_public) {
        let path = operation.with_ids(&random_ids());
        let has_body = operation.method != Method::GET && operation.method != Method::DELETE;
        let body = has_body.then(|| json!({}));
        for (role, user) in users.iter().filter(|(role, _)| operation.allows(*role)) {
            // A user who signs out is let through nowhere afterwards.
            let user = if operation.path == "/api/auth/logout" {
                organization.user(role.as_str()).await
            } else {
                user.clone()
            };
            let answer = operation.send(&user.api, &path, body.as_ref()).await;
            let is_refused = matches!(answer.status.as_u16(), 401 | 403);
            assert!(
                !is_refused && !answer.status.is_server_error(),
                "{role:?} {}: {} {}",
                answer.request,
                answer.status,
                answer.text
            );
            passed += 1;
        }
    }
    assert!(passed > 100, "only {passed} requests were let through");
}

#[tokio::test]
async fn every_route_but_the_public_ones_asks_for_a_token() {
    let anonymous = Client::new(&stack().gateway);
    for operation in operations()
        .await
        .iter()
        .filter(|operation| !operation.is_public)
    {
        let path = operation.with_ids(&random_ids());
        operation
            .send(&anonymous, &path, None)
            .await
            .refuses(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_service_asked_past_the_gateway_refuses_by_itself() {
    let scene = Scene::new().await;
    let mut refused = 0;
    for operation in operations().await {
        let path = operation.with_ids(&scene.ids);
        let body = operation.body(&scene);
        for (role, user) in scene
            .users
            .iter()
            .filter(|(role, _)| !operation.allows(*role))
        {
            let answer = operation
                .send(&user.api.at(operation.service()), &path, body.as_ref())
                .await;
            assert!(
                matches!(answer.status.as_u16(), 403 | 404),
                "{role:?} {}: {} {}",
                answer.request,
                answer.status,
                answer.text
            );
            refused += 1;
        }
        if !operation.is_public {
            let anonymous = Client::new(operation.service());
            operation
                .send(&anonymous, &path, body.as_ref())
                .await
                .refuses(401, "UNAUTHENTICATED");
        }
    }
    assert!(refused > 30, "only {refused} refusals");
}
