use serde_json::json;
use testkit::{Organization, eventually, history, kept_for_ms, patch_at, refuses_field};

use crate::support::{log_in, session_id, text};

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

#[actix_web::test]
async fn one_changes_ones_own_name_language_and_theme_and_finds_them_in_every_session() {
    let organization = Organization::new().await;
    let user = organization.buyer().await;
    let before = user.api.get("/api/auth/me").await;
    assert_eq!(before.expect(200)["locale"], json!(null));
    assert_eq!(before.json["theme"], "system");
    let elsewhere = log_in(&user.email, &user.password).await;
    let elsewhere = user
        .api
        .with_token(&text(&elsewhere.expect(200)["accessToken"]));
    elsewhere.get("/api/auth/me").await.expect(200);

    let change = json!({"fullName": " Rosa Ruiz ", "locale": "es", "theme": "dark"});
    let changed = user.api.patch("/api/users/me", &change).await;
    changed.expect(200);
    for answer in [changed, elsewhere.get("/api/auth/me").await] {
        let me = answer.expect(200);
        assert_eq!(me["user"]["fullName"], "Rosa Ruiz");
        assert_eq!(me["locale"], "es");
        assert_eq!(me["theme"], "dark");
        assert_eq!(
            me["permissions"],
            json!(["view_own_deals", "complete_own_tasks"])
        );
    }
    let one = json!({"locale": null});
    let me = user.api.patch("/api/users/me", &one).await;
    assert_eq!(me.expect(200)["locale"], json!(null));
    assert_eq!(me.json["theme"], "dark", "what is not named stays");
    let others = organization.admin.api.get("/api/auth/me").await;
    assert_eq!(others.expect(200)["theme"], "system");
}

#[actix_web::test]
async fn a_change_of_ones_own_profile_is_in_the_history_and_none_is_not() {
    let organization = Organization::new().await;
    let user = organization.agent().await;
    let theme = json!({"theme": "light"});
    for _ in 0..2 {
        let answer = user.api.patch("/api/users/me", &theme).await;
        assert_eq!(answer.expect(200)["user"]["version"], 3);
    }
    let rows = history(&organization.admin, &user.id).await;
    let last = rows.last().unwrap();
    assert_eq!(last["eventType"], "users.user.updated");
    assert_eq!(last["version"], 3);
    assert_eq!(last["userId"], user.id.as_str());
    assert_eq!(last["before"]["theme"], "system");
    assert_eq!(last["after"]["theme"], "light");
}

#[actix_web::test]
async fn what_is_not_ones_own_to_change_is_refused_by_name() {
    let user = Organization::new().await.agent().await;
    for (change, field, constraint) in [
        (json!({"locale": "fr"}), "locale", "one_of"),
        (json!({"theme": "sepia"}), "theme", "one_of"),
        (json!({"theme": null}), "theme", "required"),
        (json!({"fullName": "  "}), "fullName", "required"),
        (
            json!({"fullName": "n".repeat(201)}),
            "fullName",
            "max_length",
        ),
        (json!({"role": "ADMIN"}), "role", "unknown"),
        (json!({"email": "else@example.test"}), "email", "unknown"),
    ] {
        let answer = user.api.patch("/api/users/me", &change).await;
        refuses_field(&answer, field, constraint);
    }
    let theme = json!({"theme": "dark"});
    patch_at(&user, "/api/users/me", &json!(1), &theme)
        .await
        .refuses(412, "VERSION_MISMATCH");
    patch_at(&user, "/api/users/me", &json!(2), &theme)
        .await
        .expect(200);
}
