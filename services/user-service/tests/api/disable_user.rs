use serde_json::json;
use testkit::Organization;

use crate::support::{event_types, log_in, refresh};

#[actix_web::test]
async fn a_disabled_user_is_signed_out_everywhere_and_stays_out() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    agent.api.get("/api/deals").await.expect(200);
    let path = format!("/api/users/{}", agent.id);
    organization.admin.api.delete(&path).await.expect(204);

    agent
        .api
        .get("/api/deals")
        .await
        .refuses(401, "UNAUTHENTICATED");
    refresh(&agent.refresh_token)
        .await
        .refuses(401, "UNAUTHENTICATED");
    log_in(&agent.email, &agent.password)
        .await
        .refuses(401, "INVALID_CREDENTIALS");
    let shown = organization.admin.api.get(&path).await;
    assert_eq!(shown.expect(200)["status"], "DISABLED");
    // Once more changes nothing.
    organization.admin.api.delete(&path).await.expect(204);
    let events = event_types(&organization.admin, &agent.id).await;
    assert_eq!(
        events,
        [
            "users.user.invited",
            "users.user.joined",
            "users.user.disabled"
        ]
    );
}

#[actix_web::test]
async fn the_last_administrator_cannot_be_disabled() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let path = format!("/api/users/{}", admin.id);
    admin.api.delete(&path).await.refuses(409, "LAST_ADMIN");
    organization.user("ADMIN").await;
    admin.api.delete(&path).await.expect(204);
    admin
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn whoever_was_granted_manage_users_cannot_touch_administrators() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let grants =
        json!({"roleGrants": {"TRANSACTION_COORDINATOR": ["manage_users", "manage_organization"]}});
    organization
        .admin
        .api
        .patch("/api/organization", &grants)
        .await
        .expect(200);

    let admin = format!("/api/users/{}", organization.admin.id);
    coordinator
        .api
        .delete(&admin)
        .await
        .refuses(403, "FORBIDDEN");
    let own = format!("/api/users/{}", coordinator.id);
    coordinator
        .api
        .patch(&own, &json!({"role": "ADMIN"}))
        .await
        .refuses(403, "FORBIDDEN");
    let more = json!({"roleGrants": {"TRANSACTION_COORDINATOR": ["view_audit"]}});
    coordinator
        .api
        .patch("/api/organization", &more)
        .await
        .refuses(403, "FORBIDDEN");
    coordinator
        .api
        .patch("/api/organization", &json!({"name": "Renamed"}))
        .await
        .expect(200);
}
