use futures::future::join_all;
use testkit::{Database, Organization};
use time::OffsetDateTime;

use crate::support::{accept, event_types, fresh_email, invite, log_in, text, token_key};

const PASSWORD: &str = "a password of mine";

#[actix_web::test]
async fn accepting_makes_the_account_active_and_signs_in() {
    let organization = Organization::new().await;
    let email = fresh_email();
    let invited = invite(&organization.admin, &email, "BUYER_AGENT").await;
    log_in(&email, PASSWORD)
        .await
        .refuses(401, "INVALID_CREDENTIALS");

    let accepted = accept(&text(&invited.expect(201)["invitationToken"]), PASSWORD).await;
    let session = accepted.expect(201);
    assert_eq!(session["user"]["status"], "ACTIVE");
    assert_eq!(session["user"]["fullName"], "Joined Person");
    log_in(&email, PASSWORD).await.expect(200);
    let events = event_types(&organization.admin, &text(&session["user"]["id"])).await;
    assert_eq!(events, ["users.user.invited", "users.user.joined"]);
}

#[actix_web::test]
async fn a_token_works_once_even_when_sent_many_times_at_once() {
    let organization = Organization::new().await;
    let invited = invite(&organization.admin, &fresh_email(), "BUYER").await;
    let token = text(&invited.expect(201)["invitationToken"]);
    let answers = join_all((0..6).map(|_| accept(&token, PASSWORD))).await;
    let joined = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(joined, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refuses(400, "TOKEN_INVALID");
    }
}

#[actix_web::test]
async fn an_address_taken_elsewhere_cannot_accept() {
    let other = Organization::new().await;
    let organization = Organization::new().await;
    let invited = invite(&organization.admin, &other.admin.email, "BUYER").await;
    let token = text(&invited.expect(201)["invitationToken"]);
    accept(&token, PASSWORD).await.refuses(409, "EMAIL_TAKEN");
}

#[actix_web::test]
async fn a_withdrawn_or_forged_invitation_is_refused() {
    let organization = Organization::new().await;
    let invited = invite(&organization.admin, &fresh_email(), "BUYER").await;
    let token = text(&invited.expect(201)["invitationToken"]);
    let other = invite(&organization.admin, &fresh_email(), "BUYER").await;
    let other = text(&other.expect(201)["invitationToken"]);
    // The signature of one invitation under the name of another.
    let mixed = format!(
        "{}.{}",
        token.split('.').next().unwrap(),
        other.split('.').nth(1).unwrap()
    );
    accept(&mixed, PASSWORD).await.refuses(400, "TOKEN_INVALID");
    accept("nonsense", PASSWORD)
        .await
        .refuses(400, "TOKEN_INVALID");

    let path = format!("/api/users/{}", text(&invited.json["id"]));
    organization.admin.api.delete(&path).await.expect(204);
    accept(&token, PASSWORD).await.refuses(400, "TOKEN_INVALID");
}

#[actix_web::test]
async fn a_withdrawn_invitation_keeps_no_address_from_its_owner() {
    let organization = Organization::new().await;
    let email = fresh_email();
    let invited = invite(&organization.admin, &email, "BUYER").await;
    let path = format!("/api/users/{}", text(&invited.expect(201)["id"]));
    organization.admin.api.delete(&path).await.expect(204);
    invite(&organization.admin, &email, "BUYER_AGENT")
        .await
        .expect(201);
}

/// Makes a new invitation that much older than it is; answers its token, which holds for its time alone.
async fn invited_before(organization: &Organization, age: &str) -> String {
    let invited = invite(&organization.admin, &fresh_email(), "BUYER").await;
    let user_id = text(&invited.expect(201)["id"]);
    let older = format!(
        "UPDATE identity.users SET invited_until = invited_until - interval '{age}' WHERE id = '{user_id}'"
    );
    let mut database = Database::superuser().await;
    for sql in [
        "SET session_replication_role = replica",
        &older,
        "RESET session_replication_role",
    ] {
        database.execute(sql).await.unwrap();
    }
    let until = format!(
        "SELECT floor(extract(epoch FROM invited_until))::bigint AS seconds FROM identity.users WHERE id = '{user_id}'"
    );
    let until = database.rows(&until).await[0]["seconds"].as_i64().unwrap();
    let until = OffsetDateTime::from_unix_timestamp(until).unwrap();
    token_key().invitation(user_id.parse().unwrap(), until)
}

#[actix_web::test]
async fn an_invitation_holds_for_a_week() {
    let organization = Organization::new().await;
    let old = invited_before(&organization, "7 days").await;
    accept(&old, PASSWORD).await.refuses(400, "TOKEN_INVALID");
    let younger = invited_before(&organization, "6 days 23 hours").await;
    accept(&younger, PASSWORD).await.expect(201);
}
