use actix_web::http::{Method, StatusCode, header};
use platform::config::Environment;
use serde_json::Value;

use crate::support::{Setup, TestGateway, problem};

const ORIGIN: &str = "https://app.example.com";

#[actix_web::test]
async fn the_merged_document_and_pages_to_browse_it_are_served() {
    let gateway = TestGateway::start().await;
    let mut document = gateway.get("/api/openapi.json").send().await.unwrap();
    assert_eq!(document.status(), StatusCode::OK);
    let document: Value = document.json().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/deals/{id}"]["get"].is_object());

    let mut page = gateway.get("/api/docs").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.to_str().unwrap().contains("script-src 'self'"));
    assert!(page.body().await.unwrap().starts_with(b"<!doctype html>"));
    let script = gateway
        .get("/api/docs/swagger-ui-bundle.js")
        .send()
        .await
        .unwrap();
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(
        script.headers().get(header::CONTENT_TYPE).unwrap(),
        "text/javascript"
    );

    let missing = gateway.get("/api/docs/").send().await.unwrap();
    problem(missing, StatusCode::NOT_FOUND, "NOT_FOUND").await;
}

#[actix_web::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    for environment in [Environment::Development, Environment::Production] {
        let gateway = TestGateway::with(Setup {
            environment,
            ..Setup::default()
        })
        .await;
        for path in [
            "/api/nothing",
            "/healthz",
            "/api/broken",
            "/api/openapi.json",
        ] {
            let answer = gateway.get(path).send().await.unwrap();
            let told = |name: &str| {
                answer
                    .headers()
                    .get(name)
                    .map(|value| value.to_str().unwrap())
            };
            assert_eq!(told("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(told("x-frame-options"), Some("DENY"), "{path}");
            assert!(told("content-security-policy").is_some(), "{path}");
            assert_eq!(
                told("strict-transport-security").is_some(),
                environment == Environment::Production,
                "{path}"
            );
        }
    }
}

#[actix_web::test]
async fn pages_of_allowed_origins_may_read_answers_and_others_may_not() {
    let gateway = TestGateway::with(Setup {
        cors_origins: ORIGIN,
        ..Setup::default()
    })
    .await;
    let preflight = async |origin: &'static str| {
        gateway
            .request(Method::OPTIONS, "/api/deals")
            .insert_header((header::ORIGIN, origin))
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
            .insert_header((
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization,idempotency-key",
            ))
            .send()
            .await
            .unwrap()
    };
    let allowed = preflight(ORIGIN).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(
        allowed
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .unwrap(),
        ORIGIN
    );
    assert!(allowed.headers().contains_key("x-request-id"));
    let refused = preflight("https://evil.example.com").await;
    problem(refused, StatusCode::BAD_REQUEST, "VALIDATION_001").await;

    let answer = gateway
        .get("/api/openapi.json")
        .insert_header((header::ORIGIN, ORIGIN))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .unwrap(),
        ORIGIN
    );
    let exposed = answer
        .headers()
        .get(header::ACCESS_CONTROL_EXPOSE_HEADERS)
        .unwrap();
    assert!(exposed.to_str().unwrap().contains("etag"));
}

#[actix_web::test]
async fn without_origins_nothing_is_said_to_other_pages() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .get("/api/openapi.json")
        .insert_header((header::ORIGIN, ORIGIN))
        .send()
        .await
        .unwrap();
    assert!(
        !answer
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
}
