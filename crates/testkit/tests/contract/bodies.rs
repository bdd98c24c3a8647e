use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use testkit::{Organization, Response, random_id, text};

use super::support::{Framing, Raw, anybody, field_refusal, operations, refusal};

/// One route of each service that takes a body from an ADMIN.
const ROUTES: [&str; 3] = ["/api/users", "/api/deals", "/api/tasks"];

#[tokio::test]
async fn json_is_read_strictly_by_every_service() {
    let admin = Organization::new().await.admin;
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let long_name = format!("{{\"{}\": 1}}", "x".repeat(201));
    let values = format!("{{\"x\": [{}0]}}", "0,".repeat(10_000));
    let cases: [(&[u8], &str, &str, &str); 17] = [
        (b"", "body", "required", "nothing at all"),
        (b" \n", "body", "required", "blanks"),
        (b"{\"x\": ", "body", "json", "cut short"),
        (b"{'x': 1}", "body", "json", "no JSON"),
        (b"{\"x\": 1,}", "body", "json", "a comma too many"),
        (b"{} {}", "body", "json", "something behind it"),
        (b"{}\0", "body", "json", "a NUL behind it"),
        (b"\xef\xbb\xbf{}", "body", "json", "a byte order mark"),
        (b"{\"x\": \"\\ud800\"}", "body", "json", "a lone surrogate"),
        (b"{\"x\": \"\xff\"}", "body", "json", "no UTF-8"),
        (b"{\"x\": 1e999}", "body", "json", "a number without end"),
        (deep.as_bytes(), "body", "max_depth", "ten thousand levels"),
        (long_name.as_bytes(), "body", "max_length", "a long name"),
        (
            values.as_bytes(),
            "body",
            "max_items",
            "ten thousand values",
        ),
        (
            b"{\"x\": \"a\\u0000b\"}",
            "x",
            "characters",
            "a NUL in a text",
        ),
        (b"{\"x\": 1, \"x\": 2}", "x", "duplicate", "a key twice"),
        (
            b"{\"x\": [{\"y\": 1, \"y\": 2}]}",
            "x.0.y",
            "duplicate",
            "a key twice, further down",
        ),
    ];
    for route in ROUTES {
        for (body, field, constraint, reason) in cases {
            let answer = Raw::json("POST", route, body)
                .send(Some(&admin.access_token))
                .await;
            assert_eq!(answer.status, 400, "{route}: {reason}: {}", answer.text);
            field_refusal(&answer, field, constraint);
        }
        for (body, reason) in [
            ("[]", "a list"),
            ("null", "null"),
            ("\"{}\"", "a text"),
            ("7", "a number"),
        ] {
            let answer = Raw::json("POST", route, body)
                .send(Some(&admin.access_token))
                .await;
            assert_eq!(answer.status, 400, "{route}: {reason}: {}", answer.text);
            let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
            assert_eq!(details["field"], "body", "{route}: {reason}: {details}");
        }
    }
}

#[tokio::test]
async fn an_unknown_field_is_named_by_every_service() {
    let admin = Organization::new().await.admin.api;
    for route in ROUTES {
        let answer = admin.post(route, &json!({"surprise": 1})).await;
        let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
        let errors = details["errors"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![details.clone()]);
        let unknown = errors.iter().find(|error| error["field"] == "surprise");
        assert_eq!(
            unknown.map(|error| &error["constraint"]),
            Some(&json!("unknown")),
            "{route}: {details}"
        );
        // The first of several is also outside the list.
        assert_eq!(details["field"], errors[0]["field"], "{route}");
        assert_eq!(details["constraint"], errors[0]["constraint"], "{route}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_shape_and_values_is_told_in_one_answer() {
    let admin = Organization::new().await.admin.api;
    let address = json!({"street": "7 Mill Road", "city": "Portland", "stateOrProvince": "ME"});
    let id = random_id();
    for (path, body, expected) in [
        (
            "/api/users".to_owned(),
            json!({"surprise": 1, "email": "nobody", "fullName": ""}),
            vec!["role required", "email format", "fullName required"],
        ),
        (
            "/api/deals".to_owned(),
            json!({
                "surprise": 1, "propertyAddress": address, "dealType": "CASTLE",
                "keyDates": {"closing_date": "soon"}, "parties": "nobody",
            }),
            vec![
                "parties type",
                "propertyAddress.postalCode required",
                "dealType one_of",
                "keyDates.closing_date format",
            ],
        ),
        (
            "/api/tasks".to_owned(),
            json!({"surprise": 1, "title": "", "dueDate": "soon"}),
            vec!["dealId required", "title required", "dueDate format"],
        ),
        (
            format!("/api/deals/{id}/key-dates/preview"),
            json!({"surprise": 1, "keyDates": {"closing_date": "soon"}, "version": "1"}),
            vec![
                "version type",
                "reason required",
                "keyDates.closing_date format",
            ],
        ),
        (
            format!("/api/deals/{id}/cancel"),
            json!({"surprise": 1, "reason": ""}),
            vec!["reason required"],
        ),
    ] {
        let answer = admin.post(&path, &body).await;
        let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
        let told = details["errors"].as_array().into_iter().flatten();
        let told: BTreeSet<String> = told
            .map(|error| format!("{} {}", text(&error["field"]), text(&error["constraint"])))
            .collect();
        let mut expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        expected.insert("surprise unknown".to_owned());
        assert_eq!(told, expected, "{path}");
    }
}

#[tokio::test]
async fn a_body_of_many_errors_is_answered_shortly() {
    let admin = Organization::new().await.admin;
    let name = "k".repeat(200);
    let bodies = [
        format!("{{\"{name}\":{{{}\"a\":0}}}}", "\"a\":0,".repeat(8_000)),
        format!("{{\"{name}\":[{}0]}}", "\"\\u0000\",".repeat(8_000)),
        format!(
            "{{{}\"a\":0}}",
            (0..4_000)
                .map(|n| format!("\"{n:0150}\":0,"))
                .collect::<String>()
        ),
    ];
    for route in ROUTES {
        for body in &bodies {
            let answer = Raw::json("POST", route, body.as_str())
                .send(Some(&admin.access_token))
                .await;
            let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
            assert_eq!(
                details["errors"].as_array().map(Vec::len),
                Some(20),
                "{route}"
            );
            assert_eq!(details["more"], true, "{route}");
            assert!(
                answer.text.len() < 40_000,
                "{route}: {} bytes",
                answer.text.len()
            );
        }
    }
}

#[tokio::test]
async fn a_text_of_which_nothing_is_seen_is_required_by_every_service() {
    let admin = Organization::new().await.admin.api;
    let id = random_id();
    for nothing in [
        "\u{200b}",
        "\u{2060}",
        "\u{3164}",
        "\u{2800}",
        " \u{feff}\u{ad}",
    ] {
        let address = json!({"street": nothing, "city": nothing, "stateOrProvince": nothing, "postalCode": nothing});
        let party =
            json!({"role": "lender", "name": nothing, "company": nothing, "phone": nothing});
        for (path, body, expected) in [
            (
                "/api/users".to_owned(),
                json!({"email": "a@b.example", "fullName": nothing, "role": "BUYER"}),
                vec!["fullName"],
            ),
            (
                "/api/deals".to_owned(),
                json!({"name": nothing, "dealType": "PURCHASE", "propertyAddress": address, "parties": [party]}),
                vec![
                    "name",
                    "parties.0.company",
                    "parties.0.name",
                    "parties.0.phone",
                    "propertyAddress.city",
                    "propertyAddress.postalCode",
                    "propertyAddress.stateOrProvince",
                    "propertyAddress.street",
                ],
            ),
            (
                "/api/tasks".to_owned(),
                json!({"dealId": id, "title": nothing}),
                vec!["title"],
            ),
            (
                format!("/api/deals/{id}/cancel"),
                json!({"reason": nothing}),
                vec!["reason"],
            ),
            (
                format!("/api/tasks/{id}/waive"),
                json!({"reason": nothing}),
                vec!["reason"],
            ),
            (
                format!("/api/deals/{id}/key-dates/preview"),
                json!({"keyDates": {}, "reason": nothing, "version": 1}),
                vec!["reason"],
            ),
            (
                "/api/auth/signup".to_owned(),
                json!({
                    "organizationName": nothing, "fullName": nothing,
                    "email": "a@b.example", "password": "a long password",
                }),
                vec!["fullName", "organizationName"],
            ),
        ] {
            let answer = admin.post(&path, &body).await;
            let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
            let errors = match details["errors"].as_array() {
                Some(errors) => errors.clone(),
                None => vec![details],
            };
            let required: BTreeSet<String> = errors
                .iter()
                .filter(|error| error["constraint"] == "required")
                .map(|error| text(&error["field"]))
                .collect();
            let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(required, expected, "{path} {}", nothing.escape_unicode());
        }
    }
}

async fn typed(token: &str, method: &str, path: &str, content_type: Option<&str>) -> Response {
    let headers: Vec<(&str, &str)> = content_type
        .iter()
        .map(|value| ("Content-Type", *value))
        .collect();
    let request = Raw {
        headers: &headers,
        ..Raw::json(method, path, "{}")
    };
    request.send(Some(token)).await
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    let admin = Organization::new().await.admin;
    let token = admin.access_token.as_str();
    for route in ROUTES {
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/merge-patch+json"),
            Some("application/jsonp"),
        ] {
            let answer = typed(token, "POST", route, content_type).await;
            assert_eq!(
                answer.status, 415,
                "{route} {content_type:?}: {}",
                answer.text
            );
            let body = refusal(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
            assert_eq!(body["error"], "UnsupportedMediaType");
        }
        for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
            refusal(
                &typed(token, "POST", route, Some(content_type)).await,
                400,
                "VALIDATION_001",
            );
        }
    }
    let path = format!("/api/users/{}", admin.id);
    let merge = typed(token, "PATCH", &path, Some("application/merge-patch+json")).await;
    merge.expect(200);
    refusal(
        &typed(token, "PATCH", &path, Some("application/json")).await,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    );
}

#[tokio::test]
async fn an_encoded_body_is_415_whatever_takes_it() {
    let admin = Organization::new().await.admin.api;
    let takes_body = |method: &Method| [Method::POST, Method::PUT, Method::PATCH].contains(method);
    for operation in operations()
        .await
        .iter()
        .filter(|operation| takes_body(&operation.method))
    {
        for encoding in ["gzip", "br", "identity, gzip"] {
            let headers = [("Content-Encoding", encoding)];
            let answer = admin
                .send(
                    operation.method.clone(),
                    &operation.random_path(),
                    &headers,
                    Some(&json!({})),
                )
                .await;
            assert_eq!(
                answer.status,
                415,
                "{} {encoding}: {}",
                operation.name(),
                answer.text
            );
            refusal(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
    }
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_413_announced_or_not() {
    let admin = Organization::new().await.admin;
    for (length, status, code) in [
        (1024 * 1024, 400, "VALIDATION_001"),
        (1024 * 1024 + 1, 413, "PAYLOAD_TOO_LARGE"),
        (3 * 1024 * 1024, 413, "PAYLOAD_TOO_LARGE"),
    ] {
        let body = format!("{{\"x\": \"{}\"}}", "x".repeat(length - 9));
        assert_eq!(body.len(), length);
        for route in ROUTES {
            for framing in [Framing::Length, Framing::Chunks] {
                let request = Raw {
                    framing,
                    ..Raw::json("POST", route, body.clone())
                };
                let answer = request.send(Some(&admin.access_token)).await;
                assert_eq!(
                    answer.status, status,
                    "{route} {length} {framing:?}: {}",
                    answer.text
                );
                refusal(&answer, status, code);
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_idempotency_key_is_named() {
    let admin = Organization::new().await.admin;
    let invitation =
        json!({"email": "somebody@example.test", "fullName": "Some Body", "role": "BUYER"})
            .to_string();
    for (key, reason) in [
        (String::new(), "empty"),
        ("k".repeat(256), "too long"),
        ("k\tk".to_owned(), "a control character"),
        ("clé".to_owned(), "not ASCII"),
    ] {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key.as_str()),
        ];
        let request = Raw {
            headers: &headers,
            ..Raw::json("POST", "/api/users", invitation.clone())
        };
        let answer = request.send(Some(&admin.access_token)).await;
        assert_eq!(answer.status, 400, "{reason}: {}", answer.text);
        let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
        assert_eq!(details["field"], "Idempotency-Key", "{reason}");
    }
    // Nothing of it happened.
    let users = admin.api.get("/api/users").await;
    assert_eq!(users.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn nobody_learns_what_is_wrong_with_a_body_before_signing_in() {
    for route in ROUTES {
        let answer = Raw::json("POST", route, "{ not json").send(None).await;
        refusal(&answer, 401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let login = anybody()
        .post("/api/auth/login", &json!({"email": "x", "password": 7}))
        .await;
    field_refusal(&login, "password", "type");
}
