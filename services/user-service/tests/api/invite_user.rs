use reqwest::Method;
use serde_json::json;
use testkit::{Organization, eventually, mails_to};

use crate::support::{event_types, fields_of, fresh_email, invite, text};

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
    let mail = eventually("the invitation is mailed", async || {
        mails_to(&email).await.pop()
    })
    .await;
    assert!(mail.text.contains(&token), "{}", mail.text);
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
    let mail = eventually("the holder is told", async || {
        mails_to(&other.admin.email).await.pop()
    })
    .await;
    assert!(
        mail.text.contains("account of another organization"),
        "{}",
        mail.text
    );
    assert!(!mail.text.contains("token="), "{}", mail.text);
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
