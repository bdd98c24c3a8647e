use serde_json::json;
use testkit::Organization;

use crate::support::{log_in, refresh, text};

#[actix_web::test]
async fn the_tokens_of_the_session_stop_working_at_once_and_others_go_on() {
    let admin = Organization::new().await.admin;
    let other = log_in(&admin.email, &admin.password).await;
    let elsewhere = admin
        .api
        .with_token(&text(&other.expect(200)["accessToken"]));
    admin.api.get("/api/auth/me").await.expect(200);

    admin
        .api
        .post("/api/auth/logout", &json!({}))
        .await
        .expect(204);
    admin
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
    admin
        .api
        .get("/api/deals")
        .await
        .refuses(401, "UNAUTHENTICATED");
    refresh(&admin.refresh_token)
        .await
        .refuses(401, "UNAUTHENTICATED");
    elsewhere.get("/api/auth/me").await.expect(200);
}
