use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Database, Organization, Response};

use crate::support::{
    anybody, fields_of, fresh_email, history, log_in, log_in_from, refresh, session_id, text,
    wait_for_a_waiter,
};

/// Everything in an answer by which a client could distinguish one case from another.
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

#[actix_web::test]
async fn an_owner_comes_in_from_where_she_was_before_however_much_strangers_guess() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    for network in 0..4 {
        for host in 1..=5 {
            let ip = format!("203.0.{network}.{host}");
            let guess = log_in_from(&ip, &admin.email, "a wrong password").await;
            assert!(
                [401, 429].contains(&guess.status.as_u16()),
                "{}",
                guess.text
            );
        }
    }
    log_in_from("198.51.100.1", &admin.email, &admin.password)
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
    log_in(&admin.email, &admin.password).await.expect(200);
}

#[actix_web::test]
async fn strangers_share_ten_guesses_an_account_from_however_many_networks() {
    let organization = Organization::new().await;
    let email = &organization.admin.email;
    let mut answers = Vec::new();
    for network in 0..14 {
        let ip = format!("2001:db8:0:{network:x}::1");
        let guess = log_in_from(&ip, email, "a wrong password").await;
        answers.push(guess.status.as_u16());
    }
    assert_eq!(answers, [vec![401; 10], vec![429; 4]].concat());
}

#[actix_web::test]
async fn the_right_password_makes_a_network_known() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let home = "192.0.2.7";
    for _ in 0..12 {
        log_in_from(home, &admin.email, &admin.password)
            .await
            .expect(200);
    }
    for network in 0..12 {
        let ip = format!("203.0.{network}.1");
        log_in_from(&ip, &admin.email, "a wrong password").await;
    }
    // A neighbour in the same network.
    log_in_from("192.0.2.200", &admin.email, &admin.password)
        .await
        .expect(200);
}

#[actix_web::test]
async fn every_spelling_of_an_address_counts_for_the_same_account() {
    let domain = format!("{}.example", uuid::Uuid::now_v7().simple());
    let email = format!("ki@bücher.{domain}");
    let body = json!({"organizationName": "A", "fullName": "B", "email": email, "password": "a long password"});
    anybody().post("/api/auth/signup", &body).await.expect(201);
    for spelling in [
        format!("KI@bücher.{domain}"),
        format!("Ki@BÜCHER.{domain}"),
        format!("ki@xn--bcher-kva.{domain}"),
        format!("\u{212a}i@bücher.{domain}"),
        format!("kI@bu\u{308}cher.{domain}"),
    ] {
        log_in(&spelling, "a wrong password")
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    log_in(&email, "a long password")
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
}

#[actix_web::test]
async fn a_login_that_began_before_a_reset_opens_no_session() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let agent = organization.agent().await;
    // What a reset does, held open before its commit: it has the user's row, and the password is another one.
    let mut reset = Database::superuser().await;
    reset.execute("BEGIN").await.unwrap();
    for sql in [
        format!("SELECT FROM identity.users WHERE id = '{}' FOR UPDATE", admin.id),
        format!(
            "UPDATE identity.credentials SET changed_at = clock_timestamp(), password_hash =
               (SELECT password_hash FROM identity.credentials WHERE user_id = '{}') WHERE user_id = '{}'",
            agent.id, admin.id
        ),
    ] {
        reset.execute(&sql).await.unwrap();
    }
    let (email, password) = (admin.email.clone(), admin.password.clone());
    let login = actix_web::rt::spawn(async move { log_in(&email, &password).await });
    wait_for_a_waiter(&mut reset).await;
    reset.execute("COMMIT").await.unwrap();
    login.await.unwrap().refuses(401, "INVALID_CREDENTIALS");
    log_in(&admin.email, &agent.password).await.expect(200);
}

#[actix_web::test]
async fn the_session_beyond_fifty_ends_the_oldest() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let second = log_in(&admin.email, &admin.password).await;
    let second = text(&second.expect(200)["refreshToken"]);
    for _ in 0..48 {
        log_in(&admin.email, &admin.password).await.expect(200);
    }
    admin.api.get("/api/auth/me").await.expect(200);
    log_in(&admin.email, &admin.password).await.expect(200);
    admin
        .api
        .get("/api/auth/me")
        .await
        .refuses(401, "UNAUTHENTICATED");
    refresh(&second).await.expect(200);
}

#[actix_web::test]
async fn no_refresh_moves_the_end_of_a_session() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let second = refresh(&admin.refresh_token).await;
    refresh(&text(&second.expect(200)["refreshToken"]))
        .await
        .expect(200);
    let rows = history(admin, &session_id(&admin.access_token)).await;
    let ends: Vec<&Value> = rows.iter().map(|row| &row["after"]["expiresAt"]).collect();
    assert_eq!(ends.len(), 3, "{rows:?}");
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}

#[actix_web::test]
async fn a_session_ends_with_its_time_whatever_was_refreshed() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let over = format!(
        "UPDATE identity.sessions SET expires_at = clock_timestamp() WHERE id = '{}'",
        session_id(&admin.access_token)
    );
    // The triggers let nobody write this but the session's own user.
    let mut database = Database::superuser().await;
    for sql in ["SET session_replication_role = replica", &over] {
        database.execute(sql).await.unwrap();
    }
    refresh(&admin.refresh_token)
        .await
        .refuses(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn of_more_than_fifty_networks_of_a_user_the_one_used_longest_ago_is_forgotten() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    // The first one is that of the gateway, where she signed up.
    for network in 0..50 {
        let ip = format!("2001:db8:1:{network:x}::1");
        log_in_from(&ip, &admin.email, &admin.password)
            .await
            .expect(200);
    }
    for network in 0..10 {
        let ip = format!("2001:db8:2:{network:x}::1");
        log_in_from(&ip, &admin.email, "a wrong password")
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    log_in(&admin.email, &admin.password)
        .await
        .refuses(429, "TOO_MANY_ATTEMPTS");
    log_in_from("2001:db8:1:0::1", &admin.email, &admin.password)
        .await
        .expect(200);
}

#[actix_web::test]
async fn a_session_ends_thirty_days_after_its_sign_in() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let signed_in_before = async |age: &str| {
        let signed_in = log_in(&admin.email, &admin.password).await;
        let session = session_id(&text(&signed_in.expect(200)["accessToken"]));
        let older = format!(
            "UPDATE identity.sessions SET expires_at = expires_at - interval '{age}' WHERE id = '{session}'"
        );
        let mut database = Database::superuser().await;
        for sql in ["SET session_replication_role = replica", &older] {
            database.execute(sql).await.unwrap();
        }
        refresh(&text(&signed_in.json["refreshToken"])).await
    };
    let old = signed_in_before("30 days").await;
    old.refuses(401, "UNAUTHENTICATED");
    signed_in_before("29 days 23 hours").await.expect(200);
}
