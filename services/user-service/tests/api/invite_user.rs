use reqwest::Method;
use serde_json::json;
use testkit::{Database, Organization, eventually, mails_to};

use crate::support::{
    accept, anybody, event_types, fields_of, fresh_email, invite, log_in, mail_with, service, text,
};

#[actix_web::test]
async fn an_invited_user_is_listed_as_invited_and_gets_a_mail_with_the_token() {
    let organization = Organization::new().await;
    let email = fresh_email();
    let invited = invite(&organization.admin, &email, "BUYER").await;
    let user = invited.expect(201);
    assert_eq!(
        (&user["status"], &user["role"]),
        (&json!("INVITED"), &json!("BUYER"))
    );
    assert_eq!(
        invited.header("location"),
        format!("/api/users/{}", text(&user["id"]))
    );
    assert_eq!(
        event_types(&organization.admin, &text(&user["id"])).await,
        ["users.user.invited"]
    );

    let token = text(&user["invitationToken"]);
    mail_with(&email, &format!("/invitation/{token}")).await;
}

#[actix_web::test]
async fn an_address_of_the_own_organization_is_taken() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    invite(&organization.admin, &agent.email.to_uppercase(), "BUYER")
        .await
        .refuses(409, "EMAIL_TAKEN");
    let email = fresh_email();
    invite(&organization.admin, &email, "BUYER")
        .await
        .expect(201);
    invite(&organization.admin, &email, "BUYER")
        .await
        .refuses(409, "EMAIL_TAKEN");
}

#[actix_web::test]
async fn an_address_of_another_organization_is_answered_as_if_it_were_new_and_its_holder_told() {
    let other = Organization::new().await;
    let organization = Organization::new().await;
    let invited = invite(&organization.admin, &other.admin.email, "BUYER").await;
    let fresh = invite(&organization.admin, &fresh_email(), "BUYER").await;
    let members = |value: &serde_json::Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(members(invited.expect(201)), members(fresh.expect(201)));
    let mail = mail_with(&other.admin.email, "account of another organization").await;
    assert!(!mail.text.contains("/invitation/"), "{}", mail.text);
}

#[actix_web::test]
async fn one_key_invites_once() {
    let organization = Organization::new().await;
    let body = json!({"email": fresh_email(), "fullName": "Once", "role": "BUYER"});
    let send = async || {
        let key = [("Idempotency-Key", "invite-once")];
        organization
            .admin
            .api
            .send(Method::POST, "/api/users", &key, Some(&body))
            .await
    };
    let first = send().await;
    let second = send().await;
    assert_eq!(first.expect(201), second.expect(201));
    assert_eq!(second.header("idempotent-replayed"), "true");
}

#[actix_web::test]
async fn only_those_who_manage_users_invite() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    invite(&coordinator, &fresh_email(), "BUYER")
        .await
        .refuses(403, "FORBIDDEN");
}

#[actix_web::test]
async fn the_system_role_and_unknown_ones_are_refused() {
    let organization = Organization::new().await;
    for role in ["SYSTEM", "KING", "buyer"] {
        let refused = invite(&organization.admin, &fresh_email(), role).await;
        assert_eq!(fields_of(&refused), ["role"], "{role}");
    }
}

#[actix_web::test]
async fn a_disabled_user_is_enabled_again_by_an_invitation_and_not_by_the_old_password() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let agent = organization.agent().await;
    let path = format!("/api/users/{}", agent.id);
    admin.api.delete(&path).await.expect(204);

    let body =
        json!({"email": agent.email, "fullName": "Back Again", "role": "TRANSACTION_COORDINATOR"});
    let invited = admin.api.post("/api/users", &body).await;
    let user = invited.expect(201);
    assert_eq!(user["id"], agent.id.as_str());
    assert_eq!(
        [&user["status"], &user["fullName"], &user["role"]],
        ["INVITED", "Back Again", "TRANSACTION_COORDINATOR"]
    );
    log_in(&agent.email, &agent.password)
        .await
        .refuses(401, "INVALID_CREDENTIALS");
    let token = text(&user["invitationToken"]);
    mail_with(&agent.email, &format!("/invitation/{token}")).await;

    let accepted = accept(&token, "another long password").await;
    assert_eq!(accepted.expect(201)["user"]["status"], "ACTIVE");
    log_in(&agent.email, &agent.password)
        .await
        .refuses(401, "INVALID_CREDENTIALS");
    log_in(&agent.email, "another long password")
        .await
        .expect(200);
    assert_eq!(
        event_types(admin, &agent.id).await,
        [
            "users.user.invited",
            "users.user.joined",
            "users.user.disabled",
            "users.user.invited",
            "users.user.joined",
        ]
    );
}

#[actix_web::test]
async fn a_withdrawn_invitation_is_renewed_for_the_same_user() {
    let organization = Organization::new().await;
    let email = fresh_email();
    let first = invite(&organization.admin, &email, "BUYER").await;
    let path = format!("/api/users/{}", text(&first.expect(201)["id"]));
    organization.admin.api.delete(&path).await.expect(204);
    let second = invite(&organization.admin, &email, "BUYER_AGENT").await;
    assert_eq!(second.expect(201)["id"], first.json["id"]);
    assert_eq!(second.json["role"], "BUYER_AGENT");
}

#[actix_web::test]
async fn an_organization_invites_so_many_a_day_and_no_more() {
    let organization = Organization::new().await;
    for _ in 0..200 {
        invite(&organization.admin, &fresh_email(), "BUYER")
            .await
            .expect(201);
    }
    let refused = invite(&organization.admin, &fresh_email(), "BUYER").await;
    refused.refuses(429, "RATE_LIMITED");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=86_401).contains(&seconds), "{seconds}");
    let other = Organization::new().await;
    invite(&other.admin, &fresh_email(), "BUYER")
        .await
        .expect(201);
}

#[actix_web::test]
async fn a_strangers_address_gets_so_many_mails_a_day_whoever_sends_them() {
    let email = fresh_email();
    let mut last = None;
    for sent in 1..=6 {
        let organization = Organization::new().await;
        // In another spelling each time.
        let spelling = format!("{}{}", email[..sent].to_uppercase(), &email[sent..]);
        let invited = invite(&organization.admin, &spelling, "BUYER").await;
        let user = text(&invited.expect(201)["id"]);
        if sent < 6 {
            eventually("the invitation is mailed", async || {
                (mails_to(&spelling).await.len() == 1).then_some(())
            })
            .await;
        }
        last = Some((organization, spelling, user));
    }
    let (organization, spelling, user) = last.unwrap();
    let sql = format!("SELECT id FROM identity.notifications WHERE user_id = '{user}'");
    let rows = Database::superuser().await.rows(&sql).await;
    let path = format!("/internal/notifications/{}/deliver", text(&rows[0]["id"]));
    service("workflow-worker", &organization)
        .post(&path, &json!({}))
        .await
        .refuses(503, "SERVICE_UNAVAILABLE");
    assert!(mails_to(&spelling).await.is_empty());
}

#[actix_web::test]
async fn nobody_else_is_mailed_until_the_first_administrator_has_confirmed_the_address() {
    let (organization, token) = Organization::unconfirmed().await;
    let admin = &organization.admin;
    mail_with(&admin.email, &format!("/verify/{token}")).await;
    let email = fresh_email();
    let invited = invite(admin, &email, "BUYER").await;
    let user = text(&invited.expect(201)["id"]);
    let sql = format!("SELECT id FROM identity.notifications WHERE user_id = '{user}'");
    let rows = Database::superuser().await.rows(&sql).await;
    let path = format!("/internal/notifications/{}/deliver", text(&rows[0]["id"]));
    let worker = service("workflow-worker", &organization);
    worker
        .post(&path, &json!({}))
        .await
        .refuses(503, "SERVICE_UNAVAILABLE");
    assert!(mails_to(&email).await.is_empty());
    let me = admin.api.get("/api/auth/me").await;
    assert_eq!(me.expect(200)["emailVerified"], false);

    let verify = async |token: &str| {
        anybody()
            .post("/api/auth/verify-email", &json!({"token": token}))
            .await
    };
    verify("nonsense").await.refuses(400, "TOKEN_INVALID");
    let other = Organization::unconfirmed().await.1;
    let mixed = format!(
        "{}.{}",
        token.split('.').next().unwrap(),
        other.split('.').nth(1).unwrap()
    );
    verify(&mixed).await.refuses(400, "TOKEN_INVALID");
    verify(&token).await.expect(204);
    verify(&token).await.expect(204);
    let me = admin.api.get("/api/auth/me").await;
    assert_eq!(me.expect(200)["emailVerified"], true);
    let delivered = worker.post(&path, &json!({})).await;
    assert_eq!(delivered.expect(200)["emailStatus"], "SENT");
    mail_with(&email, "/invitation/").await;
}
