use serde_json::json;
use testkit::{Database, Organization, Response, User};

use crate::support::{event_types, fields_of, log_in, refresh, text, wait_for_a_waiter};

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

#[actix_web::test]
async fn ending_all_sessions_is_one_event_whatever_their_number() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let mut tokens = vec![agent.refresh_token.clone()];
    for _ in 0..10 {
        let session = log_in(&agent.email, &agent.password).await;
        tokens.push(text(&session.expect(200)["refreshToken"]));
    }
    let recorded = async || {
        let sql = format!(
            "SELECT count(*) AS n FROM audit.audit_log WHERE organization_id = '{}' AND user_id = '{}'",
            organization.id, agent.id
        );
        let rows = Database::superuser().await.rows(&sql).await;
        rows[0]["n"].as_i64().unwrap()
    };
    let before = recorded().await;
    change(&agent, &agent.password, NEW).await.expect(204);
    assert_eq!(recorded().await, before + 1);
    for token in &tokens {
        refresh(token).await.refuses(401, "UNAUTHENTICATED");
    }
}

#[actix_web::test]
async fn a_change_that_began_before_a_reset_changes_nothing() {
    let organization = Organization::new().await;
    let (one, other) = (organization.agent().await, organization.agent().await);
    let mut reset = Database::superuser().await;
    reset.execute("BEGIN").await.unwrap();
    for sql in [
        format!("SELECT FROM identity.users WHERE id = '{}' FOR UPDATE", one.id),
        format!(
            "UPDATE identity.credentials SET changed_at = clock_timestamp(), password_hash =
               (SELECT password_hash FROM identity.credentials WHERE user_id = '{}') WHERE user_id = '{}'",
            other.id, one.id
        ),
    ] {
        reset.execute(&sql).await.unwrap();
    }
    let user = one.clone();
    let changing = actix_web::rt::spawn(async move { change(&user, &user.password, NEW).await });
    wait_for_a_waiter(&mut reset).await;
    reset.execute("COMMIT").await.unwrap();
    changing.await.unwrap().refuses(401, "INVALID_CREDENTIALS");
    log_in(&one.email, &other.password).await.expect(200);
}
