use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::http::{Method, StatusCode, header};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{AGENT, BUYER, Service, Setup, TestGateway, problem, serve, unused_address};

#[actix_web::test]
async fn a_service_that_is_away_is_left_alone_for_a_moment_and_found_again() {
    let away = unused_address();
    let gateway = TestGateway::with(Setup {
        deal_service: Some(away),
        ..Setup::default()
    })
    .await;
    let buyer = gateway.sign_in(BUYER);
    let ask = async || {
        gateway
            .get("/api/deals")
            .insert_header(buyer.bearer())
            .send()
            .await
            .unwrap()
    };
    for _ in 0..4 {
        let answer = ask().await;
        assert!(answer.headers().contains_key(header::RETRY_AFTER));
        let body = problem(
            answer,
            StatusCode::SERVICE_UNAVAILABLE,
            "SERVICE_UNAVAILABLE",
        )
        .await;
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
    let ready = gateway
        .get("/readyz")
        .send()
        .await
        .unwrap()
        .body()
        .await
        .unwrap();
    let ready: Value = serde_json::from_slice(&ready).unwrap();
    assert_eq!(ready["dependencies"]["deal-service"], "away");
    assert_eq!(ready["dependencies"]["user-service"], "ok");

    let shutdown = CancellationToken::new();
    serve(Arc::new(Service::default()), away, &shutdown);
    assert_eq!(
        ask().await.status(),
        StatusCode::SERVICE_UNAVAILABLE,
        "still left alone"
    );
    let deadline = Instant::now() + Duration::from_secs(5);
    while ask().await.status() != StatusCode::OK {
        assert!(Instant::now() < deadline, "the service is not found again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shutdown.cancel();
}

#[actix_web::test]
async fn a_service_that_does_not_answer_is_given_up_in_time() {
    let gateway = TestGateway::start().await;
    let answer = gateway.get("/api/slow").send().await.unwrap();
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    problem(answer, StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT").await;
}

#[actix_web::test]
async fn a_service_that_listens_but_is_stuck_is_given_up_in_time() {
    // Takes connections into its queue and never answers.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = TestGateway::with(Setup {
        deal_service: Some(deaf.local_addr().unwrap()),
        ..Setup::default()
    })
    .await;
    let buyer = gateway.sign_in(BUYER);
    let started = Instant::now();
    let answer = gateway
        .get("/api/deals")
        .insert_header(buyer.bearer())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[actix_web::test]
async fn what_a_service_says_of_its_own_troubles_is_passed_on_and_opens_nothing() {
    let gateway = TestGateway::start().await;
    for _ in 0..10 {
        let mut answer = gateway.get("/api/broken").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers().get(header::RETRY_AFTER).unwrap(), "7");
        let body: Value = serde_json::from_slice(&answer.body().await.unwrap()).unwrap();
        assert_eq!(body["message"], "from the service");
    }
}

#[actix_web::test]
async fn clients_that_break_off_or_dawdle_do_not_count_against_a_service() {
    let gateway = TestGateway::start().await;
    let agent = gateway.sign_in(AGENT);
    let (_, bearer) = agent.bearer();
    let head = format!(
        "POST /api/deals HTTP/1.1\r\nHost: gateway\r\nAuthorization: {bearer}\r\nConnection: close\r\n"
    );
    for _ in 0..5 {
        let broken = format!("{head}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n");
        let answer = gateway.raw(&[&broken]).await;
        // The server may also hang up: what follows on this connection cannot be understood.
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
    }
    for _ in 0..2 {
        let dawdling = format!("{head}Content-Length: 100\r\n\r\nonly this");
        let answer = gateway.raw(&[&dawdling]).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("TIMEOUT"), "{answer}");
    }
    let answer = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .send_body("{}")
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}
