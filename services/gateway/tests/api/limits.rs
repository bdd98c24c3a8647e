use std::{sync::atomic::Ordering, time::Duration};

use actix_web::http::{Method, StatusCode, header};
use time::OffsetDateTime;

use crate::support::{BUYER, Redis, Setup, TestGateway, problem};

/// A tenth of all limits: 2 sign-ins at once from an address, 24 requests of a user.
async fn gateway_with_few_requests(redis_url: Option<String>) -> TestGateway {
    let default = Setup::default();
    TestGateway::with(Setup {
        rate_limit_scale: "0.1",
        redis_url: redis_url.unwrap_or(default.redis_url),
        ..Setup::default()
    })
    .await
}

async fn sign_in_is_limited(gateway: &TestGateway) {
    for left in ["1", "0"] {
        let answer = gateway
            .request(Method::POST, "/api/auth/login")
            .send_body("{}")
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let told = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(told("x-ratelimit-limit"), "2");
        assert_eq!(told("x-ratelimit-remaining"), left);
        assert_eq!(told("ratelimit-policy"), "\"auth-address\";q=2;w=20");
    }
    let refused = gateway
        .request(Method::POST, "/api/auth/login")
        .send_body("{}")
        .await
        .unwrap();
    let headers = refused.headers().clone();
    let number = |name: &str| -> u64 {
        headers
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!((1..=10).contains(&number("retry-after")));
    assert_eq!(number("x-ratelimit-remaining"), 0);
    assert!(headers.contains_key("ratelimit"));
    let body = problem(refused, StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED").await;
    assert_eq!(body["error"], "TooManyRequests");
    // Other routes have limits of their own.
    let other = gateway.get("/api/openapi.json").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

async fn users_are_limited_each_for_himself(gateway: &TestGateway) {
    let (busy, other) = (gateway.sign_in(BUYER), gateway.sign_in(BUYER));
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let answer = gateway
            .get("/api/deals")
            .insert_header(busy.bearer())
            .send()
            .await
            .unwrap();
        statuses.push(answer.status());
    }
    assert_eq!(statuses[0], StatusCode::OK);
    assert_eq!(statuses[29], StatusCode::TOO_MANY_REQUESTS);
    let answer = gateway
        .get("/api/deals")
        .insert_header(other.bearer())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[actix_web::test]
async fn limits_hold_with_redis() {
    let redis = Redis::start().await;
    let gateway = gateway_with_few_requests(Some(redis.url())).await;
    sign_in_is_limited(&gateway).await;
    users_are_limited_each_for_himself(&gateway).await;
}

#[actix_web::test]
async fn limits_hold_without_redis() {
    let gateway = gateway_with_few_requests(None).await;
    sign_in_is_limited(&gateway).await;
    users_are_limited_each_for_himself(&gateway).await;
}

#[actix_web::test]
async fn two_gateways_count_together() {
    let redis = Redis::start().await;
    let gateways = [
        gateway_with_few_requests(Some(redis.url())).await,
        gateway_with_few_requests(Some(redis.url())).await,
    ];
    let mut statuses = Vec::new();
    for gateway in gateways.iter().cycle().take(3) {
        let answer = gateway
            .request(Method::POST, "/api/auth/login")
            .send_body("{}")
            .await
            .unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[actix_web::test]
async fn probes_are_not_limited() {
    let gateway = TestGateway::with(Setup {
        rate_limit_scale: "0.001",
        ..Setup::default()
    })
    .await;
    for _ in 0..5 {
        let answer = gateway.get("/healthz").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!answer.headers().contains_key("ratelimit"));
    }
}

/// The keys are not even asked for, which the first signature needs.
#[actix_web::test]
async fn no_signature_is_checked_for_an_address_over_its_limit() {
    let gateway = TestGateway::with(Setup {
        // One request, and the next after twenty seconds.
        rate_limit_scale: "0.001",
        ..Setup::default()
    })
    .await;
    let document = gateway.get("/api/openapi.json").send().await.unwrap();
    assert_eq!(document.status(), StatusCode::OK);
    let user = gateway.sign_in(BUYER);
    for _ in 0..3 {
        let request = gateway.get("/api/deals").insert_header(user.bearer());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(gateway.service.keys_asked.load(Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn sessions_are_read_from_redis_and_a_change_counts_at_once() {
    let redis = Redis::start().await;
    let gateway = TestGateway::with(Setup {
        redis_url: redis.url(),
        ..Setup::default()
    })
    .await;
    let user = crate::support::User::new();
    let status = async || {
        let request = gateway.get("/api/deals").insert_header(user.bearer());
        request.send().await.unwrap().status()
    };
    redis
        .keep_session(&user, BUYER, OffsetDateTime::now_utc())
        .await;
    assert_eq!(status().await, StatusCode::OK);
    redis
        .keep_session(&user, &["complete_own_tasks"], OffsetDateTime::now_utc())
        .await;
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    assert_eq!(gateway.service.sessions_asked.load(Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn an_outage_of_redis_is_survived_and_what_is_older_is_not_believed() {
    let mut redis = Redis::start().await;
    let gateway = TestGateway::with(Setup {
        redis_url: redis.url(),
        ..Setup::default()
    })
    .await;
    let user = gateway.sign_in(BUYER);
    let before = OffsetDateTime::now_utc();
    redis.keep_session(&user, BUYER, before).await;
    let status = async || {
        let request = gateway.get("/api/deals").insert_header(user.bearer());
        request.send().await.unwrap().status()
    };
    let asked = || gateway.service.sessions_asked.load(Ordering::SeqCst);
    assert_eq!((status().await, asked()), (StatusCode::OK, 0));

    redis.stop();
    assert_eq!((status().await, asked()), (StatusCode::OK, 1));
    let ready = gateway
        .get("/readyz")
        .send()
        .await
        .unwrap()
        .body()
        .await
        .unwrap();
    let ready: serde_json::Value = serde_json::from_slice(&ready).unwrap();
    assert_eq!(
        (&ready["status"], &ready["dependencies"]["redis"]),
        (&"ok".into(), &"away".into())
    );

    // While Redis was unavailable the session ended, and nobody could drop its entry.
    gateway
        .service
        .sessions
        .lock()
        .unwrap()
        .remove(&user.session_id);
    redis.start_again().await;
    redis.keep_session(&user, BUYER, before).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while status().await == StatusCode::OK {
        assert!(
            std::time::Instant::now() < deadline,
            "the ended session still works"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    let answer = gateway
        .get("/api/deals")
        .insert_header(user.bearer())
        .send()
        .await
        .unwrap();
    assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
}

#[actix_web::test]
async fn behind_an_ingress_each_client_has_a_limit_of_its_own() {
    let gateway = TestGateway::with(Setup {
        rate_limit_scale: "0.1",
        trusted_proxies: "127.0.0.0/8",
        ..Setup::default()
    })
    .await;
    let sign_in = async |told: &str| {
        let request = gateway
            .request(Method::POST, "/api/auth/login")
            .insert_header(("X-Forwarded-For", told));
        request.send_body("{}").await.unwrap().status().as_u16()
    };
    // What a client writes in front of what the ingress appends changes nothing.
    let one = [
        "203.0.113.9",
        "1.2.3.4, 203.0.113.9",
        "1.2.3.5, 203.0.113.9",
    ];
    let mut statuses = Vec::new();
    for told in one {
        statuses.push(sign_in(told).await);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(sign_in("203.0.113.10").await, 200);
}
