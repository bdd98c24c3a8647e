use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use futures::StreamExt as _;
use gateway::config::Limits;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{AGENT, BUYER, DEAL, Setup, TestGateway};

#[actix_web::test]
async fn an_answer_is_passed_on_as_it_comes() {
    let gateway = TestGateway::start().await;
    let admin = gateway.sign_in(&["*"]);
    let mut answer = gateway
        .get("/api/audit/export")
        .insert_header(admin.bearer())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!answer.headers().contains_key(header::CONTENT_LENGTH));
    assert_eq!(answer.next().await.unwrap().unwrap(), "first\n");
    // Only now does the service say more: the first line has not waited for it.
    gateway.service.go_on.notify_one();
    assert_eq!(answer.next().await.unwrap().unwrap(), "second\n");
    assert!(answer.next().await.is_none());
}

#[actix_web::test]
async fn a_client_that_does_not_read_holds_no_connection_to_the_service() {
    let setup = Setup {
        limits: Limits {
            reader: Duration::from_millis(100),
            ..Setup::default().limits
        },
        ..Setup::default()
    };
    let gateway = TestGateway::with(setup).await;
    let (name, bearer) = gateway.sign_in(&["*"]).bearer();
    let mut client = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!(
        "GET /api/audit/export?format=csv HTTP/1.1\r\nHost: gateway\r\n{name}: {bearer}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    gateway.service.left.notified().await;
    drop(client);
}

#[actix_web::test]
async fn a_body_is_passed_on_as_it_comes() {
    let gateway = TestGateway::start().await;
    let agent = gateway.sign_in(AGENT);
    let service = gateway.service.clone();
    // Client and gateway gather small parts up to some kilobytes, so the first one is larger.
    let first = vec![b'x'; 256 * 1024];
    let second = async move {
        // Sent only after the service has some of the first part.
        service.first_part_came.notified().await;
        Ok::<_, std::io::Error>("second".into())
    };
    let parts = futures::stream::iter([Ok(first.into())]).chain(futures::stream::once(second));
    let mut answer = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .send_stream(parts.boxed_local())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(
        answer.headers().get(header::LOCATION).unwrap(),
        &format!("/api/deals/{DEAL}")
    );
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["length"], 256 * 1024 + "second".len());
}

#[actix_web::test]
async fn a_body_of_exactly_the_limit_passes() {
    let gateway = TestGateway::start().await;
    let agent = gateway.sign_in(AGENT);
    let mut answer = gateway
        .request(Method::POST, "/api/deals")
        .insert_header(agent.bearer())
        .send_body(vec![b'x'; 1024 * 1024])
        .await
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["length"], 1024 * 1024);
}

#[actix_web::test]
async fn an_answer_keeps_its_length_and_gets_no_type_that_it_has_not() {
    let gateway = TestGateway::start().await;
    let buyer = gateway.sign_in(BUYER);
    let mut answer = gateway
        .get(&format!("/api/deals/{DEAL}"))
        .insert_header(buyer.bearer())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers().get(header::CONTENT_LENGTH).unwrap(), "5");
    assert_eq!(answer.headers().get(header::ETAG).unwrap(), "\"1\"");
    assert!(!answer.headers().contains_key(header::CONTENT_TYPE));
    assert_eq!(answer.body().await.unwrap(), " deal");
}

/// Sends a request and then another one on the same connection, so that bytes too many or too few of the first
/// answer would show.
async fn two_on_one_connection(gateway: &TestGateway, first: &str, bearer: &str) -> String {
    let first = format!(
        "{first} HTTP/1.1\r\nHost: gateway\r\nAuthorization: {bearer}\r\nIf-None-Match: \"1\"\r\n\r\n"
    );
    let second = "GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";
    gateway.raw(&[&first, second]).await
}

fn split(answers: &str) -> (String, String, &str) {
    assert!(answers.matches("HTTP/1.1").count() == 2, "{answers}");
    let (head, rest) = answers.split_once("\r\n\r\n").unwrap();
    let (second_head, second_body) = rest.split_once("\r\n\r\n").unwrap();
    (
        head.to_ascii_lowercase(),
        second_head.to_owned(),
        second_body,
    )
}

#[actix_web::test]
async fn an_answer_to_head_has_the_length_and_no_body() {
    let gateway = TestGateway::start().await;
    let (_, bearer) = gateway.sign_in(BUYER).bearer();
    let answers = two_on_one_connection(&gateway, "HEAD /api/deals", &bearer).await;
    let (head, second, body) = split(&answers);
    assert!(head.starts_with("http/1.1 200"), "{answers}");
    assert!(head.contains("\r\ncontent-length: "), "{answers}");
    assert!(!head.contains("\r\ncontent-length: 0"), "{answers}");
    assert!(second.starts_with("HTTP/1.1 200"), "{answers}");
    assert_eq!(body, r#"{"status":"ok"}"#);
}

#[actix_web::test]
async fn answers_204_have_no_body_and_no_length() {
    let gateway = TestGateway::start().await;
    let (_, bearer) = gateway.sign_in(AGENT).bearer();
    let answers =
        two_on_one_connection(&gateway, &format!("DELETE /api/deals/{DEAL}"), &bearer).await;
    let (head, second, _) = split(&answers);
    assert!(head.starts_with("http/1.1 204"), "{answers}");
    assert!(
        !head.contains("content-length") && !head.contains("transfer-encoding"),
        "{answers}"
    );
    assert!(second.starts_with("HTTP/1.1 200"), "{answers}");
}

#[actix_web::test]
async fn answers_304_have_no_body_and_keep_the_etag() {
    let gateway = TestGateway::start().await;
    let (_, bearer) = gateway.sign_in(BUYER).bearer();
    let answers = two_on_one_connection(&gateway, &format!("GET /api/deals/{DEAL}"), &bearer).await;
    let (head, second, _) = split(&answers);
    assert!(head.starts_with("http/1.1 304"), "{answers}");
    assert!(head.contains("\r\netag: \"1\""), "{answers}");
    assert!(!head.contains("transfer-encoding"), "{answers}");
    assert!(second.starts_with("HTTP/1.1 200"), "{answers}");
}
