use std::sync::atomic::Ordering;

use actix_web::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{AGENT, BUYER, DEAL, TestGateway, User, problem};

#[actix_web::test]
async fn what_is_no_route_is_not_found_and_inner_paths_are_none() {
    let gateway = TestGateway::start().await;
    let admin = gateway.sign_in(&["*"]);
    let paths = [
        "/",
        "/api",
        "/api/nothing",
        "/api/deals/",
        "/api//deals",
        "/api/deals/7",
        "/api/./deals",
        "/api/%64eals",
        "/internal/sessions/0192f0c4-0000-7000-8000-00000000000a",
        "/metrics",
        "/healthz/",
        "/%68ealthz",
    ];
    for path in paths {
        let answer = gateway
            .get(path)
            .insert_header(admin.bearer())
            .send()
            .await
            .unwrap();
        let body = problem(answer, StatusCode::NOT_FOUND, "NOT_FOUND").await;
        assert_eq!(body["error"], "NotFound");
        assert_eq!(body["instance"], path);
    }
}

#[actix_web::test]
async fn another_method_is_told_which_ones_there_are() {
    let gateway = TestGateway::start().await;
    for (path, allow) in [
        ("/api/deals", "GET, HEAD, POST"),
        ("/api/openapi.json", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ] {
        let answer = gateway.request(Method::PATCH, path).send().await.unwrap();
        assert_eq!(answer.headers().get(header::ALLOW).unwrap(), allow);
        problem(answer, StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED").await;
    }
}

#[actix_web::test]
async fn without_a_valid_token_nobody_passes_whatever_the_body_is() {
    let gateway = TestGateway::start().await;
    let (_, valid) = gateway.sign_in(AGENT).bearer();
    let (head, signature) = valid.rsplit_once('.').unwrap();
    let cases = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer nonsense".to_owned()),
        Some(format!(
            "{head}.{}",
            signature.chars().rev().collect::<String>()
        )),
        Some(valid.replace("Bearer", "Basic")),
    ];
    for authorization in cases {
        let mut request = gateway.request(Method::POST, "/api/deals");
        if let Some(authorization) = authorization {
            request = request.insert_header((header::AUTHORIZATION, authorization));
        }
        let answer = request
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .send_body("{ not json")
            .await
            .unwrap();
        assert_eq!(
            answer.headers().get(header::WWW_AUTHENTICATE).unwrap(),
            "Bearer"
        );
        problem(answer, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED").await;
    }
}

#[actix_web::test]
async fn two_authorization_headers_are_refused_whichever_is_valid() {
    let gateway = TestGateway::start().await;
    let (name, valid) = gateway.sign_in(AGENT).bearer();
    for (method, path) in [
        (Method::GET, "/api/deals"),
        (Method::POST, "/api/auth/login"),
    ] {
        for (first, second) in [
            (valid.as_str(), "Bearer x.y.z"),
            ("Basic eA==", valid.as_str()),
            (valid.as_str(), valid.as_str()),
        ] {
            let answer = gateway
                .request(method.clone(), path)
                .append_header((name.clone(), first))
                .append_header((name.clone(), second))
                .send()
                .await
                .unwrap();
            let body = problem(answer, StatusCode::BAD_REQUEST, "VALIDATION_001").await;
            assert_eq!(
                body["details"],
                json!({"field": "Authorization", "constraint": "duplicate"})
            );
        }
    }
}

#[actix_web::test]
async fn a_query_beyond_its_bounds_reaches_no_service() {
    let gateway = TestGateway::start().await;
    let bearer = gateway.sign_in(AGENT).bearer();
    for (query, constraint) in [
        ("x=".to_owned() + &"y".repeat(4_096), "max_length"),
        ("a=1&".repeat(33), "max_items"),
    ] {
        let path = format!("/api/deals?{query}");
        let answer = gateway
            .get(&path)
            .insert_header(bearer.clone())
            .send()
            .await
            .unwrap();
        let body = problem(answer, StatusCode::BAD_REQUEST, "VALIDATION_001").await;
        assert_eq!(
            body["details"],
            json!({"field": "query", "constraint": constraint})
        );
    }
    let path = format!("/api/deals?{}", "a=1&".repeat(32));
    let answer = gateway
        .get(&path)
        .insert_header(bearer)
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::OK,
        "what it means is for the service to say"
    );
}

#[actix_web::test]
async fn odd_methods_paths_and_hosts_make_no_series_of_their_own() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).unwrap();
    let gateway = TestGateway::start().await;
    let bearer = gateway.sign_in(AGENT).bearer();
    for n in 0..60 {
        let odd = Method::from_bytes(format!("ODD{n}").as_bytes()).unwrap();
        for request in [
            gateway.request(odd, "/api/deals"),
            gateway.get(&format!("/api/nothing/{n}")),
            gateway
                .get(&format!("/api/deals/{n}"))
                .insert_header(bearer.clone()),
            gateway
                .get("/api/deals")
                .insert_header((header::HOST, format!("host{n}.example"))),
            gateway.get(&format!("/api/docs/{n}")),
        ] {
            request.send().await.unwrap();
        }
    }
    let rendered = handle.render();
    let series: Vec<&str> = rendered
        .lines()
        .filter(|line| line.starts_with("api_request_duration_seconds_count"))
        .collect();
    assert_eq!(series.len(), 5, "{series:#?}");
}

#[actix_web::test]
async fn public_routes_take_no_token_and_do_not_mind_a_bad_one() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .request(Method::POST, "/api/auth/login")
        .insert_header((header::AUTHORIZATION, "Bearer nonsense"))
        .send_body("{}")
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers().get(header::CACHE_CONTROL).unwrap(),
        "no-store"
    );
    let keys = gateway.get("/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(keys.status(), StatusCode::OK);
}

#[actix_web::test]
async fn a_session_that_is_over_is_refused_though_the_token_still_holds() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .get("/api/deals")
        .insert_header(User::new().bearer())
        .send()
        .await
        .unwrap();
    problem(answer, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED").await;
    assert_eq!(gateway.service.sessions_asked.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn whoever_lacks_the_permission_is_refused_before_body_and_id_are_looked_at() {
    let gateway = TestGateway::start().await;
    let buyer = gateway.sign_in(BUYER);
    let cases = [
        (Method::POST, "/api/deals".to_owned()),
        (Method::DELETE, format!("/api/deals/{DEAL}")),
        (
            Method::DELETE,
            format!("/api/deals/{}", uuid::Uuid::now_v7()),
        ),
    ];
    for (method, path) in cases {
        let answer = gateway
            .request(method, &path)
            .insert_header(buyer.bearer())
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .send_body("{ not json")
            .await
            .unwrap();
        let body = problem(answer, StatusCode::FORBIDDEN, "FORBIDDEN").await;
        assert_eq!(body["details"], json!({ "required": ["create_deals"] }));
    }
}

#[actix_web::test]
async fn bodies_that_are_too_large_are_refused_announced_or_not() {
    let gateway = TestGateway::start().await;
    let agent = gateway.sign_in(AGENT);
    let one_too_many = vec![b'x'; 1024 * 1024 + 1];
    let announced = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .send_body(one_too_many.clone())
        .await
        .unwrap();
    problem(
        announced,
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
    )
    .await;

    let parts: Vec<Result<actix_web::web::Bytes, std::io::Error>> = one_too_many
        .chunks(64 * 1024)
        .map(|part| Ok(part.to_vec().into()))
        .collect();
    let chunked = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .send_stream(futures::stream::iter(parts))
        .await
        .unwrap();
    problem(chunked, StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE").await;
}

#[actix_web::test]
async fn encoded_bodies_are_refused() {
    let gateway = TestGateway::start().await;
    let agent = gateway.sign_in(AGENT);
    let answer = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .insert_header((header::CONTENT_ENCODING, "gzip"))
        .send_body("{}")
        .await
        .unwrap();
    problem(
        answer,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
    )
    .await;
}

#[actix_web::test]
async fn a_client_cannot_say_who_it_is_and_the_gateway_says_where_it_comes_from() {
    let gateway = TestGateway::start().await;
    let buyer = gateway.sign_in(BUYER);
    let bearer = buyer.bearer();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut answer = gateway
        .get("/api/deals?limit=5&q=a%20b")
        .insert_header(bearer.clone())
        .insert_header(("X-Request-Id", "request-0001"))
        .insert_header(("traceparent", traceparent))
        .insert_header(("X-Forwarded-For", "203.0.113.9"))
        .insert_header(("Forwarded", "for=203.0.113.9"))
        .insert_header(("X-User-Id", "somebody"))
        .insert_header(("X-Organization-Id", "another"))
        .insert_header(("X-Role", "ADMIN"))
        .insert_header(("If-None-Match", "\"9\""))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.headers().get("x-request-id").unwrap(),
        "request-0001"
    );
    let body: Value = answer.json().await.unwrap();
    let came = &body["headers"];
    assert_eq!(body["query"], "limit=5&q=a%20b");
    assert_eq!(came["x-request-id"], "request-0001");
    assert_eq!(came["x-forwarded-for"], "127.0.0.1");
    assert_eq!(came["if-none-match"], "\"9\"");
    assert_eq!(came["authorization"], bearer.1.as_str());
    assert!(
        came["traceparent"]
            .as_str()
            .unwrap()
            .contains("0af7651916cd43dd8448eb211c80319c")
    );
    for name in ["forwarded", "x-user-id", "x-organization-id", "x-role"] {
        assert_eq!(came[name], Value::Null, "{name}");
    }
}

#[actix_web::test]
async fn an_odd_request_id_is_replaced() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .get("/api/nothing")
        .insert_header(("X-Request-Id", "no spaces, please"))
        .send()
        .await
        .unwrap();
    let body = problem(answer, StatusCode::NOT_FOUND, "NOT_FOUND").await;
    assert!(uuid::Uuid::try_parse(body["requestId"].as_str().unwrap()).is_ok());
}
