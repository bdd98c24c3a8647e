use serde_json::json;
use testkit::{Database, Organization, Response, stack};

use crate::support::{anybody, fields_of, fresh_email, log_in, mail_with, refresh, text};

const NEW: &str = "a new password of mine";

async fn forgot(email: &str) -> Response {
    anybody()
        .post("/api/auth/password/forgot", &json!({"email": email}))
        .await
}

async fn reset(token: &str, password: &str) -> Response {
    anybody()
        .post(
            "/api/auth/password/reset",
            &json!({"token": token, "newPassword": password}),
        )
        .await
}

#[actix_web::test]
async fn a_reset_sets_the_password_once_and_ends_every_session() {
    let admin = Organization::new().await.admin;
    let asked = forgot(&admin.email).await;
    let token = text(&asked.expect(202)["resetToken"]);
    mail_with(&admin.email, &format!("/reset/{token}")).await;

    assert_eq!(
        fields_of(&reset(&token, "too short").await),
        ["newPassword"]
    );
    reset(&token, NEW).await.expect(204);
    reset(&token, NEW).await.refuses(400, "TOKEN_INVALID");
    admin
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
    refresh(&admin.refresh_token)
        .await
        .refuses(401, "UNAUTHENTICATED");
    log_in(&admin.email, &admin.password)
        .await
        .refuses(401, "INVALID_CREDENTIALS");
    log_in(&admin.email, NEW).await.expect(200);
}

#[actix_web::test]
async fn the_token_of_a_mail_is_in_no_log() {
    let services = ["gateway", "user-service", "workflow-worker"];
    let logs = services.map(|service| stack().log_from_now(service));
    let admin = Organization::new().await.admin;
    let token = text(&forgot(&admin.email).await.expect(202)["resetToken"]);
    mail_with(&admin.email, &format!("/reset/{token}")).await;
    reset(&token, "short").await.expect(400);
    reset(&token, NEW).await.expect(204);
    let id = token.split('.').next().unwrap();
    for log in logs {
        assert_eq!(log.lines_with(&[&token[id.len()..]]), Vec::<String>::new());
    }
}

#[actix_web::test]
async fn asking_is_answered_alike_for_every_address() {
    let unknown = forgot(&fresh_email()).await;
    assert_eq!(unknown.expect(202), &json!({}));
    assert_eq!(fields_of(&forgot("nobody").await), ["email"]);
}

#[actix_web::test]
async fn a_reset_lifts_the_lock_of_guessing() {
    let admin = Organization::new().await.admin;
    for _ in 0..5 {
        log_in(&admin.email, "a wrong password").await.expect(401);
    }
    log_in(&admin.email, &admin.password)
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
    let asked = forgot(&admin.email).await;
    reset(&text(&asked.expect(202)["resetToken"]), NEW)
        .await
        .expect(204);
    log_in(&admin.email, NEW).await.expect(200);
}

#[actix_web::test]
async fn one_reset_makes_the_others_useless_and_a_forged_one_is_refused() {
    let admin = Organization::new().await.admin;
    let first = text(&forgot(&admin.email).await.expect(202)["resetToken"]);
    let second = text(&forgot(&admin.email).await.expect(202)["resetToken"]);
    let mixed = format!(
        "{}.{}",
        first.split('.').next().unwrap(),
        second.split('.').nth(1).unwrap()
    );
    reset(&mixed, NEW).await.refuses(400, "TOKEN_INVALID");
    reset(&first, NEW).await.expect(204);
    reset(&second, NEW).await.refuses(400, "TOKEN_INVALID");
}

#[actix_web::test]
async fn not_more_than_five_resets_are_open_at_a_time() {
    let admin = Organization::new().await.admin;
    for _ in 0..5 {
        assert!(forgot(&admin.email).await.expect(202)["resetToken"].is_string());
    }
    assert_eq!(forgot(&admin.email).await.expect(202), &json!({}));
}

/// Makes a reset that much older than it is.
async fn make_older(token: &str, age: &str) {
    let id = token.split('.').next().unwrap();
    let older = format!(
        "UPDATE identity.password_resets SET expires_at = expires_at - interval '{age}' WHERE id = '{id}'"
    );
    let mut database = Database::superuser().await;
    for sql in ["SET session_replication_role = replica", &older] {
        database.execute(sql).await.unwrap();
    }
}

#[actix_web::test]
async fn a_reset_can_be_redeemed_for_thirty_minutes() {
    let admin = Organization::new().await.admin;
    let old = text(&forgot(&admin.email).await.expect(202)["resetToken"]);
    make_older(&old, "30 minutes").await;
    reset(&old, NEW).await.refuses(400, "TOKEN_INVALID");
    let younger = text(&forgot(&admin.email).await.expect(202)["resetToken"]);
    make_older(&younger, "29 minutes").await;
    reset(&younger, NEW).await.expect(204);
}
