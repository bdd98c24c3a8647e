use futures::future::join;
use reqwest::Method;
use serde_json::json;
use testkit::Organization;
use uuid::Uuid;

use crate::support::{event_types, fields_of, fresh_email, invite, put_if_match, text};

#[actix_web::test]
async fn a_new_role_holds_from_the_next_request_on() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let path = format!("/api/users/{}", agent.id);
    let before = organization.admin.api.get(&path).await;
    let body = json!({"fullName": "Some Coordinator", "role": "TRANSACTION_COORDINATOR", "version": before.expect(200)["version"]});
    let after = organization.admin.api.put(&path, &body).await;
    assert_eq!(after.expect(200)["version"], 3);
    assert_eq!(after.header("etag"), "\"3\"");
    let me = agent.api.get("/api/auth/me").await;
    assert_eq!(
        me.expect(200)["permissions"],
        json!(["view_all_deals", "manage_tasks"])
    );
    let events = event_types(&organization.admin, &agent.id).await;
    assert_eq!(
        events,
        [
            "users.user.invited",
            "users.user.joined",
            "users.user.updated"
        ]
    );
}

#[actix_web::test]
async fn a_stale_version_is_refused_and_an_unneeded_change_makes_none() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let path = format!("/api/users/{}", agent.id);
    let api = &organization.admin.api;
    let same = json!({"fullName": "Some BUYER_AGENT", "role": "BUYER_AGENT"});
    let with_version =
        |version: i64| json!({"fullName": "Other", "role": "BUYER_AGENT", "version": version});

    let refused = api.put(&path, &same).await;
    assert_eq!(fields_of(&refused), ["version"]);
    api.put(&path, &with_version(1))
        .await
        .refuses(409, "VERSION_CONFLICT");
    put_if_match(&organization.admin, &path, "\"1\"", &same)
        .await
        .refuses(412, "VERSION_MISMATCH");
    let malformed = put_if_match(&organization.admin, &path, "1", &same).await;
    assert_eq!(fields_of(&malformed), ["If-Match"]);
    let unchanged = put_if_match(&organization.admin, &path, "*", &same).await;
    let joined = unchanged.expect(200)["fullName"].clone();
    assert_eq!(
        (joined, &unchanged.json["version"]),
        (json!("Some BUYER_AGENT"), &json!(2))
    );
}

#[actix_web::test]
async fn of_two_updates_from_one_version_exactly_one_succeeds() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let path = format!("/api/users/{}", agent.id);
    let change = |name: &'static str| {
        let body = json!({"fullName": name, "role": "BUYER_AGENT"});
        let (admin, path) = (organization.admin.clone(), path.clone());
        async move {
            put_if_match(&admin, &path, "\"2\"", &body)
                .await
                .status
                .as_u16()
        }
    };
    let (one, other) = join(change("One"), change("Other")).await;
    assert_eq!([one.min(other), one.max(other)], [200, 412]);
}

#[actix_web::test]
async fn read_only_and_unknown_fields_are_refused() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let path = format!("/api/users/{}", agent.id);
    for field in ["email", "status", "organizationId", "nonsense"] {
        let refused = organization
            .admin
            .api
            .patch(&path, &json!({field: "x"}))
            .await;
        assert_eq!(fields_of(&refused), [field]);
    }
    let typed = organization
        .admin
        .api
        .send(
            Method::PATCH,
            &path,
            &[("Content-Type", "application/json")],
            Some(&json!({"fullName": "X"})),
        )
        .await;
    typed.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[actix_web::test]
async fn the_last_administrator_stays_one_even_when_two_step_down_at_once() {
    let organization = Organization::new().await;
    let first = &organization.admin;
    let demote = async |api: &testkit::Client, id: &str| {
        api.patch(&format!("/api/users/{id}"), &json!({"role": "BUYER"}))
            .await
    };
    demote(&first.api, &first.id)
        .await
        .refuses(409, "LAST_ADMIN");

    let second = organization.user("ADMIN").await;
    let (one, other) = join(
        demote(&first.api, &first.id),
        demote(&second.api, &second.id),
    )
    .await;
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
}

#[actix_web::test]
async fn a_user_of_another_organization_is_as_unknown_as_a_random_one() {
    let organization = Organization::new().await;
    let stranger = Organization::new().await.admin;
    for id in [
        stranger.id.clone(),
        Uuid::now_v7().to_string(),
        text(&json!("7")),
    ] {
        let path = format!("/api/users/{id}");
        organization
            .admin
            .api
            .get(&path)
            .await
            .refuses(404, "NOT_FOUND");
        organization
            .admin
            .api
            .patch(&path, &json!({"fullName": "X"}))
            .await
            .refuses(404, "NOT_FOUND");
        organization
            .admin
            .api
            .delete(&path)
            .await
            .refuses(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn whoever_has_the_version_gets_304() {
    let organization = Organization::new().await;
    let path = format!("/api/users/{}", organization.admin.id);
    let seen = organization.admin.api.get(&path).await;
    seen.expect(200);
    let headers = [("If-None-Match", seen.header("etag"))];
    let again = organization
        .admin
        .api
        .send(Method::GET, &path, &headers, None)
        .await;
    again.expect(304);
}

#[actix_web::test]
async fn a_role_that_was_granted_every_permission_makes_no_administrators() {
    let organization = Organization::new().await;
    let (coordinator, agent) = (organization.coordinator().await, organization.agent().await);
    let every: Vec<&str> = domain::permission::Permission::ALL
        .iter()
        .map(|permission| permission.as_str())
        .collect();
    let grants = json!({"roleGrants": {"TRANSACTION_COORDINATOR": every}});
    let granted = organization
        .admin
        .api
        .patch("/api/organization", &grants)
        .await;
    granted.expect(200);

    let api = &coordinator.api;
    let path = |id: &str| format!("/api/users/{id}");
    let new_admin = json!({"email": fresh_email(), "fullName": "X", "role": "ADMIN"});
    for refused in [
        api.post("/api/users", &new_admin).await,
        api.patch(&path(&agent.id), &json!({"role": "ADMIN"})).await,
        api.patch(&path(&coordinator.id), &json!({"role": "ADMIN"}))
            .await,
        api.patch(&path(&organization.admin.id), &json!({"role": "BUYER"}))
            .await,
        api.delete(&path(&organization.admin.id)).await,
        api.patch("/api/organization", &json!({"roleGrants": null}))
            .await,
    ] {
        refused.refuses(403, "FORBIDDEN");
    }
    invite(&coordinator, &fresh_email(), "BUYER")
        .await
        .expect(201);
    api.patch(&path(&agent.id), &json!({"role": "BUYER"}))
        .await
        .expect(200);
    api.get("/api/notifications/undelivered").await.expect(200);
    api.get("/api/audit").await.expect(200);
}
