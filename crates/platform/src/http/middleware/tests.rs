use actix_web::{App, http::Method, middleware::from_fn, test};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, encode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::{
    auth::{
        AccessClaims,
        jwks::Jwks,
        service_token::tests::{private_pem, public_pem},
        token::{ACCESS_TOKEN_TYPE, ALGORITHM},
    },
    http::{Access as _, Authorized, Body, Json, PathId, Routes, permission},
};

async fn whoami(authorized: Authorized<permission::SignedIn>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "userId": authorized.caller().user_id }))
}

impl Body for Vec<u32> {}

async fn echo(body: Json<Vec<u32>>) -> HttpResponse {
    HttpResponse::Ok().json(body.value)
}

async fn item(id: PathId) -> HttpResponse {
    HttpResponse::Ok().json(id.0)
}

async fn panics() -> HttpResponse {
    panic!("boom")
}

async fn fails() -> Result<HttpResponse, Error> {
    Err(anyhow::anyhow!("relation task.tasks does not exist").into())
}

async fn never() -> HttpResponse {
    std::future::pending().await
}

fn routes() -> Routes {
    Routes::default()
        .get("/api/never", never)
        .get("/api/whoami", whoami)
        .get("/api/items/{id}", item)
        .post("/api/echo", echo)
        .get("/api/panics", panics)
        .get("/api/fails", fails)
}

fn verifier() -> TokenVerifier {
    let key = DecodingKey::from_ed_pem(public_pem().as_bytes()).unwrap();
    TokenVerifier::with_keys(
        Jwks::fixed([("k1".to_owned(), key)]),
        "haushavn",
        "haushavn-api",
    )
}

fn token(user_id: Uuid) -> String {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = AccessClaims {
        user_id,
        org_id: Uuid::nil(),
        role: "BUYER".to_owned(),
        sid: Uuid::nil(),
        iss: "haushavn".to_owned(),
        aud: "haushavn-api".to_owned(),
        exp: now + 60,
        iat: now,
    };
    let mut header = Header::new(ALGORITHM);
    header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
    header.kid = Some("k1".to_owned());
    let key = EncodingKey::from_ed_pem(private_pem().as_bytes()).unwrap();
    encode(&header, &claims, &key).unwrap()
}

/// Sends one request through the whole stack, and answers status, body and the request id's header.
async fn answer(request: test::TestRequest) -> (u16, Value, String) {
    let app = test::init_service(
        App::new()
            .app_data(web::Data::new(verifier()))
            .configure(|config| routes().register(config, || web::to(nothing_here)))
            .default_service(web::to(nothing_here))
            .wrap(from_fn(identify))
            .wrap(from_fn(limit))
            .wrap(from_fn(observe)),
    )
    .await;
    let response = match test::try_call_service(&app, request.to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let header = response
        .headers()
        .get(REQUEST_ID)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let status = response.status().as_u16();
    let body = actix_web::body::to_bytes(response.into_body())
        .await
        .ok()
        .unwrap();
    (
        status,
        serde_json::from_slice(&body).unwrap_or_default(),
        header,
    )
}

fn get(path: &str) -> test::TestRequest {
    test::TestRequest::get().uri(path)
}

#[actix_web::test]
async fn every_error_has_the_agreed_body_and_the_request_id() {
    let big = vec![b' '; BODY_BYTES_MAX + 1];
    let json_type = || (header::CONTENT_TYPE, "application/json");
    let post = || test::TestRequest::post().uri("/api/echo");
    let odd_id = "/api/items/0190A5C0-7B7E-7CC0-8000-00000000ABCD";
    let cases = [
        (get("/api/nothing"), 404, "NOT_FOUND"),
        (get("/api/whoami/"), 404, "NOT_FOUND"),
        (get("/api//whoami"), 404, "NOT_FOUND"),
        (get(odd_id), 404, "NOT_FOUND"),
        (get("/api/echo"), 405, "METHOD_NOT_ALLOWED"),
        (
            get("/api/whoami").method(Method::DELETE),
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (get("/api/whoami"), 401, "UNAUTHENTICATED"),
        (
            get("/api/whoami").insert_header((header::AUTHORIZATION, "Bearer x.y.z")),
            401,
            "UNAUTHENTICATED",
        ),
        (post().set_payload("[1]"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            post().insert_header(json_type()).set_payload("[1"),
            400,
            "VALIDATION_001",
        ),
        (
            post()
                .insert_header(json_type())
                .insert_header((header::CONTENT_ENCODING, "gzip")),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            post()
                .insert_header(json_type())
                .insert_header((header::CONTENT_LENGTH, 2_000_000)),
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (
            post().insert_header(json_type()).set_payload(big),
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (get("/api/whoami?x=1"), 401, "UNAUTHENTICATED"),
        (get("/api/fails?x=1"), 400, "VALIDATION_001"),
        (post().uri("/api/echo?x=1"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            post()
                .uri("/api/echo?x=1")
                .insert_header(json_type())
                .set_payload("[1"),
            400,
            "VALIDATION_001",
        ),
        (get("/api/panics"), 500, "INTERNAL_ERROR"),
        (get("/api/fails"), 500, "INTERNAL_ERROR"),
    ];
    for (request, status, code) in cases {
        let sent = request.insert_header((REQUEST_ID, "request-1"));
        let (answered, body, header) = answer(sent).await;
        assert_eq!(
            (answered, body["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        assert_eq!(
            (body["requestId"].as_str(), header.as_str()),
            (Some("request-1"), "request-1")
        );
        assert!(body["instance"].as_str().unwrap().starts_with("/api/"));
        assert!(!body.to_string().contains("task.tasks"));
    }
}

#[actix_web::test]
async fn two_authorization_headers_are_refused_whoever_sent_them() {
    let bearer = format!("Bearer {}", token(Uuid::now_v7()));
    for second in [bearer.as_str(), "Bearer x.y.z", "Basic eA=="] {
        let request = get("/api/whoami")
            .append_header((header::AUTHORIZATION, bearer.clone()))
            .append_header((header::AUTHORIZATION, second));
        let (status, body, _) = answer(request).await;
        assert_eq!(status, 400, "{second}");
        assert_eq!(
            body["details"],
            json!({"field": "Authorization", "constraint": "duplicate"})
        );
    }
}

#[actix_web::test]
async fn odd_methods_paths_and_hosts_make_no_series_of_their_own() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = ::metrics::set_default_local_recorder(&recorder);
    for n in 0..100 {
        let method = Method::from_bytes(format!("ODD{n}").as_bytes()).unwrap();
        let host = (header::HOST, format!("host{n}.example"));
        let everywhere = [
            get("/api/whoami").method(method),
            get(&format!("/api/items/{n}")).insert_header(host.clone()),
            get(&format!("/api/nothing/{n}")),
            get(&format!("/api/whoami?x{n}=1")).insert_header(host),
            get("/api/whoami").insert_header((header::AUTHORIZATION, format!("Bearer {n}"))),
        ];
        for request in everywhere {
            answer(request).await;
        }
    }
    let rendered = handle.render();
    let series: Vec<&str> = rendered
        .lines()
        .filter(|line| line.starts_with("api_request_duration_seconds_count"))
        .collect();
    assert_eq!(series.len(), 4, "{series:#?}");
}

#[actix_web::test]
async fn a_valid_token_makes_a_caller() {
    let user_id = Uuid::now_v7();
    let request = get("/api/whoami")
        .insert_header((header::AUTHORIZATION, format!("Bearer {}", token(user_id))));
    let (status, body, header) = answer(request).await;
    assert_eq!((status, body), (200, json!({ "userId": user_id })));
    assert!(Uuid::try_parse(&header).is_ok());
}

#[actix_web::test]
async fn a_request_that_takes_more_than_thirty_seconds_is_given_up() {
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let answering = answer(get("/api/never"));
    let answered = tokio::time::timeout(Duration::from_hours(1), answering).await;
    let (status, body, _) = answered.expect("it is not waited for without end");
    assert_eq!((status, &body["code"]), (503, &json!("TIMEOUT")));
    assert_eq!(began.elapsed().as_secs(), REQUEST_TIMEOUT.as_secs());
}
