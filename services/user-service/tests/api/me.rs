use serde_json::json;
use testkit::{Organization, eventually, kept_for_ms};

use crate::support::session_id;

#[actix_web::test]
async fn me_is_user_organization_and_effective_permissions() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let me = agent.api.get("/api/auth/me").await;
    let me = me.expect(200);
    assert_eq!(me["user"]["id"], agent.id.as_str());
    assert_eq!(me["user"]["email"], agent.email.as_str());
    assert_eq!(me["organization"]["id"], organization.id.as_str());
    assert_eq!(
        me["permissions"],
        json!(["view_deals", "create_deals", "assign_tasks"])
    );
}

#[actix_web::test]
async fn a_changed_name_shows_at_once() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    agent.api.get("/api/auth/me").await.expect(200);
    for name in ["One Name", "Another Name"] {
        let path = format!("/api/users/{}", agent.id);
        organization
            .admin
            .api
            .patch(&path, &json!({"fullName": name}))
            .await
            .expect(200);
        let me = agent.api.get("/api/auth/me").await;
        assert_eq!(me.expect(200)["user"]["fullName"], name);
    }
}

#[actix_web::test]
async fn without_a_token_nobody_is_anybody() {
    crate::support::anybody()
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn a_session_is_kept_for_a_day_and_a_profile_for_an_hour() {
    let admin = Organization::new().await.admin;
    let hour = 60 * 60 * 1_000;
    for (key, most) in [
        (
            format!("session:{}", session_id(&admin.access_token)),
            24 * hour,
        ),
        (format!("profile:{}", admin.id), hour),
    ] {
        let kept_for = eventually("it is kept", async || {
            admin.api.get("/api/auth/me").await.expect(200);
            let kept_for = kept_for_ms(&key).await;
            (kept_for > most / 2 || kept_for == -1).then_some(kept_for)
        })
        .await;
        assert!((0..=most).contains(&kept_for), "{key}: {kept_for}");
    }
}
