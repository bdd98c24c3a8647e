use serde_json::json;
use testkit::Organization;

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
