use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Organization, Response};

use crate::support::{anybody, fields_of, fresh_email, log_in};

/// What of an answer could tell one case from another.
fn shown(answer: &Response) -> (u16, Value, Vec<String>) {
    let mut body = answer.json.clone();
    body["requestId"] = Value::Null;
    let unlike = [
        // In no fixed order, for browsers alone.
        "access-control-expose-headers",
        "x-request-id",
        "date",
        "ratelimit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ];
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !unlike.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (answer.status.as_u16(), body, headers)
}

#[actix_web::test]
async fn the_right_password_signs_in_whatever_the_case_of_the_address() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let answer = log_in(&admin.email.to_uppercase(), &admin.password).await;
    assert_eq!(answer.expect(200)["user"]["id"], admin.id.as_str());
}

#[actix_web::test]
async fn unknown_wrong_and_disabled_cannot_be_told_apart() {
    let organization = Organization::new().await;
    let disabled = organization.agent().await;
    let path = format!("/api/users/{}", disabled.id);
    organization.admin.api.delete(&path).await.expect(204);

    let unknown = log_in(&fresh_email(), "a wrong password").await;
    let wrong = log_in(&organization.admin.email, "a wrong password").await;
    let gone = log_in(&disabled.email, &disabled.password).await;
    unknown.refuses(401, "INVALID_CREDENTIALS");
    assert_eq!(shown(&unknown), shown(&wrong));
    assert_eq!(shown(&unknown), shown(&gone));
}

#[actix_web::test]
async fn a_password_is_checked_exactly_as_sent_up_to_256_characters() {
    let email = fresh_email();
    let password = format!(" {}é", "x".repeat(254));
    let body = json!({"organizationName": "Long", "fullName": "Long", "email": email, "password": password});
    anybody().post("/api/auth/signup", &body).await.expect(201);
    log_in(&email, &password).await.expect(200);
    for (other, reason) in [
        (password.trim().to_owned(), "without its blank"),
        (password.replace('é', "e"), "with another last character"),
        (password.replacen('x', "X", 1), "in another case"),
    ] {
        let refused = log_in(&email, &other).await;
        assert_eq!(refused.status, 401, "{reason}: {}", refused.text);
    }
    let too_long = log_in(&email, &format!("{password}x")).await;
    assert_eq!(fields_of(&too_long), ["password"]);
}

#[actix_web::test]
async fn two_long_passwords_that_differ_in_the_last_character_are_two_passwords() {
    let email = fresh_email();
    let password = |last: char| format!("{}{last}", "p".repeat(199));
    let body = json!({"organizationName": "Long", "fullName": "Long", "email": email, "password": password('a')});
    anybody().post("/api/auth/signup", &body).await.expect(201);
    log_in(&email, &password('b'))
        .await
        .refuses(401, "INVALID_CREDENTIALS");
    log_in(&email, &password('a')).await.expect(200);
}

#[actix_web::test]
async fn after_five_failures_the_address_is_locked_for_the_right_password_too() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    for _ in 0..5 {
        log_in(&admin.email, "a wrong password")
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    let locked = log_in(&admin.email, &admin.password).await;
    locked.refuses(429, "TOO_MANY_ATTEMPTS");
    let seconds: u64 = locked.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // The running session goes on.
    admin.api.get("/api/auth/me").await.expect(200);
}

#[actix_web::test]
async fn an_address_without_an_account_is_locked_alike() {
    let email = fresh_email();
    for _ in 0..5 {
        log_in(&email, "a wrong password")
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    log_in(&email, "a wrong password")
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
}

#[actix_web::test]
async fn guesses_sent_at_once_count_as_many() {
    let organization = Organization::new().await;
    let email = &organization.admin.email;
    let guesses = (0..20).map(|n| async move {
        log_in(email, &format!("guess number {n}"))
            .await
            .status
            .as_u16()
    });
    let mut answers = join_all(guesses).await;
    answers.sort_unstable();
    assert_eq!(answers, [vec![401; 5], vec![429; 15]].concat());
}

#[actix_web::test]
async fn right_passwords_sent_at_once_all_sign_in() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let attempts = (0..12).map(|_| log_in(&admin.email, &admin.password));
    for answer in join_all(attempts).await {
        answer.expect(200);
    }
}

#[actix_web::test]
async fn a_success_forgets_the_failures_before() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    for _ in 0..3 {
        for _ in 0..4 {
            log_in(&admin.email, "a wrong password").await.expect(401);
        }
        log_in(&admin.email, &admin.password).await.expect(200);
    }
}
