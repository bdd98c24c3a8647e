use futures::future::join_all;
use testkit::Organization;

use crate::support::{history, log_in, refresh, session_id, text};

#[actix_web::test]
async fn a_refresh_token_is_spent_for_the_next_one() {
    let admin = Organization::new().await.admin;
    let second = refresh(&admin.refresh_token).await;
    let third = refresh(&text(&second.expect(200)["refreshToken"])).await;
    third.expect(200);
    assert_ne!(second.json["refreshToken"], third.json["refreshToken"]);
    assert_eq!(
        session_id(&admin.access_token),
        session_id(&text(&third.json["accessToken"]))
    );
}

#[actix_web::test]
async fn the_immediate_predecessor_gets_the_same_successor_again() {
    let admin = Organization::new().await.admin;
    let first = refresh(&admin.refresh_token).await;
    let again = refresh(&admin.refresh_token).await;
    assert_eq!(
        first.expect(200)["refreshToken"],
        again.expect(200)["refreshToken"]
    );
}

#[actix_web::test]
async fn the_same_token_sent_many_times_at_once_leads_to_one_successor() {
    let admin = Organization::new().await.admin;
    let answers = join_all((0..20).map(|_| refresh(&admin.refresh_token))).await;
    let mut successors: Vec<String> = answers
        .iter()
        .map(|answer| text(&answer.expect(200)["refreshToken"]))
        .collect();
    successors.dedup();
    assert_eq!(successors.len(), 1, "{successors:?}");
    // It is no reuse, so the session goes on with the successor.
    refresh(&successors[0]).await.expect(200);
}

#[actix_web::test]
async fn any_other_spent_token_ends_the_whole_session_and_is_audited() {
    let admin = Organization::new().await.admin;
    let second = refresh(&admin.refresh_token).await;
    let third = refresh(&text(&second.expect(200)["refreshToken"])).await;
    let newest = text(&third.expect(200)["refreshToken"]);

    refresh(&admin.refresh_token)
        .await
        .refuses(401, "UNAUTHENTICATED");
    refresh(&newest).await.refuses(401, "UNAUTHENTICATED");
    admin
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");

    let session = session_id(&admin.access_token);
    let anew = log_in(&admin.email, &admin.password).await;
    let api = admin
        .api
        .with_token(&text(&anew.expect(200)["accessToken"]));
    let rows = history(&testkit::User { api, ..admin }, &session).await;
    let last = rows.last().unwrap();
    assert_eq!(last["eventType"], "users.session.ended");
    assert_eq!(last["after"]["revokedReason"], "REFRESH_TOKEN_REUSED");
    assert_eq!(last["version"], 4);
}

#[actix_web::test]
async fn a_forged_token_is_refused_and_harms_nobody() {
    let admin = Organization::new().await.admin;
    let forged = admin.refresh_token.replacen(".1.", ".2.", 1);
    refresh(&forged).await.refuses(401, "UNAUTHENTICATED");
    refresh("not a token").await.refuses(401, "UNAUTHENTICATED");
    refresh(&admin.refresh_token).await.expect(200);
}
