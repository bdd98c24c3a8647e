use std::{env, time::Duration};

use platform::{cache::Cache, config::Secret};
use serde_json::{Value, json};
use testkit::{Organization, kept_for_ms, stack};
use uuid::Uuid;

use crate::support::{on_behalf_of, session_id};

#[actix_web::test]
async fn the_gateway_learns_what_a_live_session_may_do_and_nothing_of_one_that_is_over() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let gateway = on_behalf_of("gateway", &organization, Some(&agent));
    let path = format!("/internal/sessions/{}", session_id(&agent.access_token));
    let state = gateway.get(&path).await;
    let state = state.expect(200);
    assert_eq!(state["userId"], agent.id.as_str());
    assert_eq!(state["organizationId"], organization.id.as_str());
    assert_eq!(
        state["permissions"],
        json!(["view_deals", "create_deals", "assign_tasks"])
    );

    agent
        .api
        .post("/api/auth/logout", &json!({}))
        .await
        .expect(204);
    gateway.get(&path).await.refuses(404, "NOT_FOUND");
    let unknown = format!("/internal/sessions/{}", Uuid::now_v7());
    gateway.get(&unknown).await.refuses(404, "NOT_FOUND");
}

#[actix_web::test]
async fn people_do_not_get_at_internal_routes() {
    let admin = Organization::new().await.admin;
    let path = format!("/internal/sessions/{}", session_id(&admin.access_token));
    let direct = admin.api.at(&stack().user_service);
    direct.get(&path).await.refuses(401, "UNAUTHENTICATED");
    admin.api.get(&path).await.refuses(404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_session_read_before_it_was_dropped_is_not_kept_however_late() {
    let address = env::var("HAUSHAVN_REDIS_URL").unwrap();
    let cache = Cache::connect(&Secret::new(address)).unwrap();
    let ttl = Duration::from_secs(60);
    let key = format!("session:{}", Uuid::now_v7());
    let kept = async || cache.get_json::<Value>(&key).await;

    let early = cache.lease(&key).await;
    cache.delete(std::slice::from_ref(&key)).await;
    let late = cache.lease(&key).await;
    cache.fill(early, &"before the drop", ttl).await;
    assert_eq!(kept().await, None);
    cache.fill(late, &"after the drop", ttl).await;
    assert_eq!(kept().await, Some(json!("after the drop")));

    let (one, other) = (cache.lease(&key).await, cache.lease(&key).await);
    assert_eq!(kept().await, None);
    cache.fill(other, &"read by one of two", ttl).await;
    cache.fill(one, &"read by the other", ttl).await;
    assert_eq!(kept().await, Some(json!("read by one of two")));
    cache.delete(std::slice::from_ref(&key)).await;
    assert_eq!(kept().await, None);
}

#[actix_web::test]
async fn the_right_to_fill_a_key_ends_after_ten_seconds() {
    let address = env::var("HAUSHAVN_REDIS_URL").unwrap();
    let cache = Cache::connect(&Secret::new(address)).unwrap();
    let key = format!("session:{}", Uuid::now_v7());
    let _lease = cache.lease(&key).await;
    let kept_for = kept_for_ms(&key).await;
    assert!((1..=10_000).contains(&kept_for), "{kept_for}");
}
