use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Organization, Response};
use uuid::Uuid;

use super::support::{Raw, administrator, anybody, refusal};

async fn with_request_id(id: &str) -> Response {
    anybody()
        .send(Method::GET, "/api/nothing", &[("X-Request-Id", id)], None)
        .await
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    for (id, reason) in [
        ("a-b.c_D9".to_owned(), "eight characters"),
        ("r".repeat(128), "as many as there may be"),
        (Uuid::now_v7().to_string(), "a UUID"),
    ] {
        let answer = with_request_id(&id).await;
        refusal(&answer, 404, "NOT_FOUND");
        assert_eq!(answer.header("x-request-id"), id, "{reason}");
    }
    for (id, reason) in [
        (String::new(), "empty"),
        ("a-b.c_D".to_owned(), "too short"),
        ("r".repeat(129), "too long"),
        ("no blanks here".to_owned(), "blanks"),
        ("{\"level\":\"error\"}".to_owned(), "looks like a log line"),
        ("request/../id".to_owned(), "a slash"),
        ("requête-0001".to_owned(), "not ASCII"),
    ] {
        let answer = with_request_id(&id).await;
        refusal(&answer, 404, "NOT_FOUND");
        let made = answer.header("x-request-id");
        assert!(made.parse::<Uuid>().is_ok(), "{reason}: {made}");
    }
    assert_ne!(
        anybody().get("/healthz").await.header("x-request-id"),
        anybody().get("/healthz").await.header("x-request-id")
    );
}

#[tokio::test]
async fn the_request_id_is_carried_into_the_audit_log() {
    let admin = administrator().await;
    let id = format!("request-{}", Uuid::now_v7().simple());
    let email = format!("{id}@example.test");
    let body = json!({"email": email, "fullName": "Some Body", "role": "BUYER"});
    let invited = admin
        .send(
            Method::POST,
            "/api/users",
            &[("X-Request-Id", &id)],
            Some(&body),
        )
        .await;
    let user = invited.expect(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let rows = admin.get(&format!("/api/audit?entity={user}")).await;
    let items = rows.expect(200)["items"].as_array().expect("rows").clone();
    assert_eq!(
        items
            .iter()
            .map(|row| &row["requestId"])
            .collect::<Vec<_>>(),
        [id.as_str()]
    );
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    let admin = administrator().await;
    let answers = [
        admin.get("/api/organization").await,
        admin.get("/api/nothing").await,
        admin.get("/api/deals/7").await,
        admin.post("/api/deals", &json!({})).await,
        admin.send(Method::PUT, "/healthz", &[], None).await,
        anybody().get("/api/deals").await,
        anybody().get("/healthz").await,
        anybody().get("/.well-known/jwks.json").await,
        anybody().get("/api/openapi.json").await,
        anybody().get("/api/docs").await,
        anybody().post("/api/auth/login", &json!({})).await,
    ];
    for answer in &answers {
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "{}",
            answer.request
        );
        assert_eq!(
            answer.header("x-frame-options"),
            "DENY",
            "{}",
            answer.request
        );
        assert_eq!(
            answer.header("referrer-policy"),
            "no-referrer",
            "{}",
            answer.request
        );
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'"),
            "{}: {policy}",
            answer.request
        );
        for inside in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(inside), "", "{}", answer.request);
        }
        assert!(
            !answer.header("x-request-id").is_empty(),
            "{}",
            answer.request
        );
    }
}

#[tokio::test]
async fn answers_with_somebodys_data_are_not_kept_by_caches() {
    let organization = Organization::new().await;
    let own = organization.admin.api.get("/api/organization").await;
    assert_eq!(own.header("cache-control"), "private, no-cache");
    let login = json!({"email": organization.admin.email, "password": organization.admin.password});
    let session = anybody().post("/api/auth/login", &login).await;
    session.expect(200);
    assert_eq!(session.header("cache-control"), "no-store");
    let me = organization.admin.api.get("/api/auth/me").await;
    assert_eq!(me.header("cache-control"), "no-store");
}

/// The numbers of `"name";r=3;t=2`.
fn parameter(header: &str, name: &str) -> u64 {
    let value = header
        .split(';')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let value = value.unwrap_or_else(|| panic!("no {name} in {header}"));
    value
        .parse()
        .unwrap_or_else(|_| panic!("{name} is no number in {header}"))
}

#[tokio::test]
async fn limits_are_told_in_both_fashions_and_probes_do_not_count() {
    let admin = administrator().await;
    for answer in [
        admin.get("/api/organization").await,
        anybody().get("/api/deals").await,
    ] {
        let told = answer.header("ratelimit");
        let remaining = answer.header("x-ratelimit-remaining").to_owned();
        assert_eq!(
            parameter(told, "r").to_string(),
            remaining,
            "{}",
            answer.request
        );
        assert_eq!(
            parameter(told, "t").to_string(),
            answer.header("x-ratelimit-reset"),
            "{}",
            answer.request
        );
        let limit: u64 = answer
            .header("x-ratelimit-limit")
            .parse()
            .expect("a number");
        assert!(
            remaining.parse::<u64>().expect("a number") < limit,
            "{}",
            answer.request
        );
        for policy in answer.header("ratelimit-policy").split(", ") {
            assert!(
                parameter(policy, "q") > 0 && parameter(policy, "w") > 0,
                "{policy}"
            );
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(anybody().get(path).await.header("ratelimit"), "", "{path}");
    }
}

#[tokio::test]
async fn sign_in_is_limited_more_strictly_than_the_rest() {
    let limit = |answer: &Response| {
        answer
            .header("x-ratelimit-limit")
            .parse::<u64>()
            .expect("a number")
    };
    let general = anybody().get("/api/deals").await;
    let sign_in = anybody().post("/api/auth/login", &json!({})).await;
    assert!(limit(&sign_in) < limit(&general));
}

#[tokio::test]
async fn a_client_cannot_say_who_it_is_or_where_it_comes_from() {
    let organization = Organization::new().await;
    let buyer = organization.buyer().await;
    let headers = [
        ("X-User-Id", organization.admin.id.as_str()),
        ("X-Role", "ADMIN"),
        ("X-Permissions", "*"),
        ("X-Organization-Id", organization.id.as_str()),
        ("X-HTTP-Method-Override", "DELETE"),
    ];
    let me = buyer
        .api
        .send(Method::GET, "/api/auth/me", &headers, None)
        .await;
    assert_eq!(me.expect(200)["user"]["id"], buyer.id.as_str());
    buyer
        .api
        .send(Method::GET, "/api/audit", &headers, None)
        .await
        .refuses(403, "FORBIDDEN");
    for name in ["X-User-Id", "X-Role", "X-Organization-Id"] {
        let answer = anybody()
            .send(Method::GET, "/api/auth/me", &[(name, "ADMIN")], None)
            .await;
        refusal(&answer, 401, "UNAUTHENTICATED");
    }

    let spoofed = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Real-IP", "203.0.113.9"),
        ("Forwarded", "for=203.0.113.9"),
    ];
    let path = format!("/api/users/{}", buyer.id);
    organization
        .admin
        .api
        .send(Method::DELETE, &path, &spoofed, None)
        .await
        .expect(204);
    let rows = organization
        .admin
        .api
        .get(&format!("/api/audit?entity={}", buyer.id))
        .await;
    let items = rows.expect(200)["items"].as_array().expect("rows").clone();
    assert!(items.len() >= 3, "{items:?}");
    for row in items.iter().filter(|row| row["userId"] != Value::Null) {
        assert_ne!(row["ipAddress"], "203.0.113.9", "{row}");
    }
}

#[tokio::test]
async fn the_error_says_where_it_happened_without_the_query() {
    let answer = Raw::get("/api/nothing?token=secret").send(None).await;
    let body = refusal(&answer, 404, "NOT_FOUND");
    assert_eq!(body["instance"], "/api/nothing");
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}
