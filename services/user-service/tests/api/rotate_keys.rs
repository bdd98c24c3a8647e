use std::{collections::BTreeMap, env, path::Path, time::Duration};

use serde_json::{Value, json};
use testkit::{Client, Instance, Organization, User, eventually_within, settings_of, stack};
use tokio::process::Command;

use crate::support::{anybody, base64url, log_in, refresh, text};

/// A new key is published half a minute before it signs, and found by a running process within ten seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `user-service rotate-keys` as an operator would; answers the new key's id.
async fn rotate_keys() -> String {
    let home = env::var("HAUSHAVN_HOME").unwrap();
    let told = std::fs::read_to_string(Path::new(&home).join("env/user-service.env")).unwrap();
    let binaries = env::var("HAUSHAVN_BIN_DIR").unwrap();
    let rotated = Command::new(Path::new(&binaries).join("user-service"))
        .arg("rotate-keys")
        .env_clear()
        .envs(told.lines().filter_map(|line| line.split_once('=')))
        .output()
        .await
        .unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    String::from_utf8(rotated.stdout).unwrap().trim().to_owned()
}

fn key_of(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&base64url(token.split('.').next().unwrap())).unwrap();
    text(&header["kid"])
}

/// Asks every service, and the gateway, whether it knows whose token this is.
async fn is_known_everywhere(token: &str) {
    let stack = stack();
    for (base, path) in [
        (&stack.gateway, "/api/auth/me"),
        (&stack.user_service, "/api/auth/me"),
        (&stack.deal_service, "/api/deals"),
        (&stack.task_service, "/api/tasks"),
    ] {
        Client::new(base)
            .with_token(token)
            .get(path)
            .await
            .expect(200);
    }
}

#[actix_web::test]
async fn after_a_rotation_new_tokens_bear_the_new_key_and_old_ones_still_hold() {
    let organization = Organization::new().await;
    // Somebody else signs in again and again: a user has so many sessions, and the oldest ends.
    let agent = organization.agent().await;
    let admin = organization.admin;
    let old = key_of(&admin.access_token);
    let new = rotate_keys().await;
    assert_ne!(old, new);

    eventually_within(LIMIT, "both keys are published", async || {
        let keys = anybody().get("/.well-known/jwks.json").await;
        let keys = keys.expect(200)["keys"].as_array().unwrap().clone();
        let is_there = |kid: &str| keys.iter().any(|key| key["kid"] == kid);
        assert!(is_there(&old), "{keys:?}");
        is_there(&new).then_some(())
    })
    .await;
    let token = eventually_within(LIMIT, "the new key signs", async || {
        let session = log_in(&agent.email, &agent.password).await;
        let token = text(&session.expect(200)["accessToken"]);
        // Whichever key signed it, and at whatever moment: it is good at once and everywhere.
        is_known_everywhere(&token).await;
        (key_of(&token) != old).then_some(token)
    })
    .await;
    assert_eq!(key_of(&token), new);
    is_known_everywhere(&admin.access_token).await;
    let refreshed = refresh(&admin.refresh_token).await;
    let refreshed = text(&refreshed.expect(200)["accessToken"]);
    assert_eq!(key_of(&refreshed), new);
    is_known_everywhere(&refreshed).await;
}

/// As in `deploy/README.md`: all replicas take the next key first, then all make tokens with it.
#[actix_web::test]
async fn sessions_go_on_while_the_token_key_and_the_key_encryption_key_are_replaced() {
    let settings = settings_of("user-service");
    let next = "5a".repeat(32);
    let with = |own: &dyn Fn(&str) -> String, also: &dyn Fn(&str) -> String| {
        let names = ["HAUSHAVN_TOKEN_KEY", "HAUSHAVN_KEY_ENCRYPTION_KEY"];
        names
            .iter()
            .flat_map(|name| {
                [
                    ((*name).to_owned(), own(name)),
                    (format!("{name}_ALSO"), also(name)),
                ]
            })
            .collect::<BTreeMap<String, String>>()
    };
    let former = |name: &str| settings[name].clone();
    let new = |_: &str| next.clone();
    let first = Instance::start_with("user-service", &with(&former, &new)).await;
    let second = Instance::start_with("user-service", &with(&new, &former)).await;

    let mut token = Organization::new().await.admin.refresh_token;
    // In a rolling restart a client meets both, in any order.
    for replica in [&first, &second, &first, &second] {
        let body = json!({ "refreshToken": token });
        let refreshed = Client::new(&replica.url)
            .post("/api/auth/refresh", &body)
            .await;
        token = text(&refreshed.expect(200)["refreshToken"]);
        is_known_everywhere(&text(&refreshed.json["accessToken"])).await;
    }
    // Made with the next key: a replica that does not know it yet takes it for forged.
    refresh(&token).await.refuses(401, "UNAUTHENTICATED");
}

/// As in `deploy/README.md`: all replicas take passwords of the next pepper, then it makes the hashes.
#[actix_web::test]
async fn passwords_hold_while_the_pepper_is_replaced() {
    const PEPPER: &str = "HAUSHAVN_PASSWORD_PEPPER";
    let former = settings_of("user-service")[PEPPER].clone();
    let next = "5a".repeat(32);
    let with = |own: &str, also: Option<&str>| {
        let mut settings = BTreeMap::from([(PEPPER.to_owned(), own.to_owned())]);
        settings.extend(also.map(|also| (format!("{PEPPER}_ALSO"), also.to_owned())));
        settings
    };
    let start = async |settings| Instance::start_with("user-service", &settings).await;
    let first = start(with(&former, Some(&next))).await;
    let second = start(with(&next, Some(&former))).await;
    let last = start(with(&next, None)).await;
    let log_in_at = async |replica: &Instance, user: &User, password: &str| {
        let body = json!({"email": user.email, "password": password});
        let client = Client::new(&replica.url);
        client.post("/api/auth/login", &body).await
    };
    let organization = Organization::new().await;
    let absent = organization.agent().await;
    let user = &organization.admin;

    // In a rolling restart a client meets both, in any order; a wrong password stays wrong.
    for replica in [&first, &second, &first, &second] {
        log_in_at(replica, user, &user.password).await.expect(200);
        log_in_at(replica, user, "a wrong password")
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
    log_in_at(&last, user, &user.password).await.expect(200);
    // Has not signed in since: the hash is still of the former pepper.
    for (user, password) in [
        (user, "a wrong password"),
        (&absent, absent.password.as_str()),
    ] {
        log_in_at(&last, user, password)
            .await
            .refuses(401, "INVALID_CREDENTIALS");
    }
}
