use serde_json::json;
use testkit::{Organization, Response, User};

use crate::support::{event_types, fields_of, log_in, text};

const NEW: &str = "a new password of mine";

async fn change(user: &User, current: &str, new: &str) -> Response {
    let body = json!({"currentPassword": current, "newPassword": new});
    user.api.post("/api/auth/password/change", &body).await
}

#[actix_web::test]
async fn a_change_ends_every_session_and_is_audited() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let elsewhere = log_in(&agent.email, &agent.password).await;
    let elsewhere = agent
        .api
        .with_token(&text(&elsewhere.expect(200)["accessToken"]));
    change(&agent, &agent.password, NEW).await.expect(204);

    agent
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
    elsewhere
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
    log_in(&agent.email, NEW).await.expect(200);
    let events = event_types(&organization.admin, &agent.id).await;
    assert_eq!(
        events.last().map(String::as_str),
        Some("users.user.updated")
    );
}

#[actix_web::test]
async fn guessing_the_current_password_is_locked_like_signing_in() {
    let admin = Organization::new().await.admin;
    for _ in 0..5 {
        change(&admin, "a wrong password", NEW)
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    change(&admin, &admin.password, NEW)
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
    log_in(&admin.email, &admin.password)
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
}

#[actix_web::test]
async fn the_new_password_has_12_to_256_characters() {
    let admin = Organization::new().await.admin;
    for new in ["eleven char".to_owned(), "x".repeat(257)] {
        assert_eq!(
            fields_of(&change(&admin, &admin.password, &new).await),
            ["newPassword"]
        );
    }
}
