//! How many connections there are, and how long one may take to say what it wants.

use std::time::Duration;

use actix_web::http::StatusCode;
use gateway::config::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{BUYER, Setup, TestGateway, problem};

/// The workers of a gateway, each with its own connections.
const WORKERS: usize = 2;

async fn gateway_with(limits: impl FnOnce(Limits) -> Limits) -> TestGateway {
    let setup = Setup::default();
    TestGateway::with(Setup {
        limits: limits(setup.limits),
        ..setup
    })
    .await
}

/// Asks whether the gateway is alive and answers what comes back, up to the end of the head.
async fn alive(connection: &mut TcpStream) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0);
    }
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn a_client_that_does_not_end_its_head_in_time_loses_its_connection() {
    let gateway = gateway_with(|limits| Limits {
        head: Duration::from_millis(100),
        ..limits
    })
    .await;
    let mut connection = TcpStream::connect(gateway.address).await.unwrap();
    let beginning = b"GET /healthz HTTP/1.1\r\nHost: gate";
    connection.write_all(beginning).await.unwrap();
    let mut answer = String::new();
    let reading = connection.read_to_string(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(4), reading).await;
    assert!(ended.is_ok(), "the connection is still there");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[actix_web::test]
async fn a_connection_beyond_the_bound_is_served_when_another_one_ends() {
    let gateway = gateway_with(|limits| Limits {
        client_connections: 1,
        ..limits
    })
    .await;
    let mut served = Vec::new();
    for _ in 0..WORKERS {
        let mut connection = TcpStream::connect(gateway.address).await.unwrap();
        assert!(alive(&mut connection).await.starts_with("HTTP/1.1 200"));
        served.push(connection);
    }
    let mut waiting = TcpStream::connect(gateway.address).await.unwrap();
    let mut answer = Box::pin(alive(&mut waiting));
    // Were it served, it would be so before these.
    for _ in 0..100 {
        assert!(futures::poll!(answer.as_mut()).is_pending());
        for connection in &mut served {
            alive(connection).await;
        }
    }
    drop(served.pop());
    assert!(answer.await.starts_with("HTTP/1.1 200"));
}

#[actix_web::test]
async fn a_request_that_gets_no_connection_to_its_service_in_time_is_given_up() {
    let gateway = gateway_with(|limits| Limits {
        service_connections: 1,
        ..limits
    })
    .await;
    let auditor = gateway.sign_in(&["*"]);
    let export = async || {
        let request = gateway.get("/api/audit/export");
        request
            .insert_header(auditor.bearer())
            .send()
            .await
            .unwrap()
    };
    let mut under_way = Vec::new();
    let refused = loop {
        assert!(under_way.len() <= WORKERS, "there are more connections");
        let answer = export().await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        under_way.push(answer);
    };
    problem(refused, StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT").await;
    for mut answer in under_way {
        gateway.service.go_on.notify_one();
        assert_eq!(answer.body().await.unwrap(), "first\nsecond\n");
    }
    let buyer = gateway.sign_in(BUYER);
    let later = gateway.get("/api/deals").insert_header(buyer.bearer());
    assert_eq!(later.send().await.unwrap().status(), StatusCode::OK);
}
