//! `GET /api/auth/sessions` and the end of one of them.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Organization, User, history, random_id, stack};

use crate::support::{anybody, log_in, refresh, session_id, text};

/// Another session of a user, from a browser with this name.
async fn elsewhere(user: &User, name: &str) -> (Client, Value) {
    let body = json!({"email": user.email, "password": user.password});
    let answer = anybody()
        .send(
            Method::POST,
            "/api/auth/login",
            &[("User-Agent", name)],
            Some(&body),
        )
        .await;
    let session = answer.expect(200).clone();
    let api = Client::new(&stack().gateway).with_token(&text(&session["accessToken"]));
    (api, session)
}

async fn sessions(api: &Client) -> Vec<Value> {
    let page = api.get("/api/auth/sessions").await;
    page.expect(200)["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn one_sees_where_one_is_signed_in_and_which_session_is_this_one() {
    let user = Organization::new().await.agent().await;
    let (phone, session) = elsewhere(&user, "A phone/1.0").await;
    let listed = sessions(&phone).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    let (newest, oldest) = (&listed[0], &listed[1]);
    assert_eq!(newest["client"], "A phone/1.0");
    assert_eq!(newest["isCurrent"], true);
    assert_eq!(oldest["isCurrent"], false);
    assert_eq!(oldest["id"], session_id(&user.access_token).as_str());
    assert_eq!(newest["address"], "127.0.0.1");
    for member in ["startedAt", "lastUsedAt", "expiresAt"] {
        assert!(newest[member].is_string(), "{member}: {newest}");
    }
    let answered = newest.to_string();
    for secret in ["accessToken", "refreshToken"] {
        assert!(!answered.contains(&text(&session[secret])), "{answered}");
    }
    assert_eq!(
        sessions(&user.api).await[0]["isCurrent"],
        false,
        "for the other one it is the other way round"
    );
}

#[actix_web::test]
async fn a_refresh_counts_as_use() {
    let user = Organization::new().await.agent().await;
    let before = sessions(&user.api).await[0].clone();
    refresh(&user.refresh_token).await.expect(200);
    let after = sessions(&user.api).await[0].clone();
    assert_eq!(before["startedAt"], after["startedAt"]);
    assert!(text(&before["lastUsedAt"]) < text(&after["lastUsedAt"]));
}

#[actix_web::test]
async fn a_session_that_is_ended_from_another_stops_at_once_and_the_other_goes_on() {
    let organization = Organization::new().await;
    let user = organization.agent().await;
    let (phone, session) = elsewhere(&user, "A phone/1.0").await;
    phone.get("/api/auth/me").await.expect(200);
    phone.get("/api/deals").await.expect(200);
    let id = session_id(&text(&session["accessToken"]));
    let path = format!("/api/auth/sessions/{id}");
    user.api.delete(&path).await.expect(204);
    for route in ["/api/auth/me", "/api/deals"] {
        phone.get(route).await.refuses(401, "UNAUTHENTICATED");
    }
    refresh(&text(&session["refreshToken"]))
        .await
        .refuses(401, "UNAUTHENTICATED");
    user.api.get("/api/auth/me").await.expect(200);
    assert_eq!(sessions(&user.api).await.len(), 1);
    user.api.delete(&path).await.refuses(404, "NOT_FOUND");
    let rows = history(&organization.admin, &id).await;
    let last = rows.last().unwrap();
    assert_eq!(last["eventType"], "users.session.ended");
    assert_eq!(last["after"]["revokedReason"], "ENDED_BY_USER");
}

#[actix_web::test]
async fn ones_own_session_can_be_ended_as_well() {
    let user = Organization::new().await.agent().await;
    let path = format!("/api/auth/sessions/{}", session_id(&user.access_token));
    user.api.delete(&path).await.expect(204);
    user.api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn nobody_sees_or_ends_the_sessions_of_somebody_else() {
    let organization = Organization::new().await;
    let (user, other) = (organization.agent().await, Organization::new().await.admin);
    let path = format!("/api/auth/sessions/{}", session_id(&user.access_token));
    for stranger in [&organization.admin, &other] {
        stranger.api.delete(&path).await.refuses(404, "NOT_FOUND");
        assert_eq!(sessions(&stranger.api).await.len(), 1);
    }
    let unknown = format!("/api/auth/sessions/{}", random_id());
    user.api.delete(&unknown).await.refuses(404, "NOT_FOUND");
    user.api.get("/api/auth/me").await.expect(200);
    anybody()
        .get("/api/auth/sessions")
        .await
        .refuses(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn sessions_come_in_pages_and_ended_ones_do_not() {
    let user = Organization::new().await.agent().await;
    let mut expected = vec![session_id(&user.access_token)];
    for _ in 0..3 {
        let signed_in = log_in(&user.email, &user.password).await;
        expected.insert(0, session_id(&text(&signed_in.expect(200)["accessToken"])));
    }
    let ended = expected.remove(1);
    let path = format!("/api/auth/sessions/{ended}");
    user.api.delete(&path).await.expect(204);
    let listed = testkit::all_items(&user, "/api/auth/sessions?limit=2").await;
    assert_eq!(testkit::ids(&listed), expected);
}
