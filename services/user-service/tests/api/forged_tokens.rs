//! Access tokens that nobody should have been able to make, at the gateway and at every service past it.

use std::{collections::HashMap, env, fs, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde_json::{Value, json};
use testkit::{Client, Database, Organization, ed25519_private_key, stack};

use crate::support::{anybody, base64url, text};

/// The gateway and every service, each with a route that any signed-in user may ask.
fn doors() -> [(Client, &'static str); 5] {
    let stack = stack();
    [
        (anybody(), "/api/auth/me"),
        (Client::new(&stack.user_service), "/api/auth/me"),
        (Client::new(&stack.deal_service), "/api/deals"),
        (Client::new(&stack.task_service), "/api/tasks"),
        (
            Client::new(&stack.workflow_worker),
            "/api/deals/0192f0c4-0000-7000-8000-00000000000a/workflow",
        ),
    ]
}

/// Asks everywhere with this token; nobody lets it in.
async fn is_refused_everywhere(token: &str, reason: &str) {
    for (door, path) in doors() {
        let answer = door.with_token(token).get(path).await;
        assert_eq!(answer.status, 401, "{reason}: {path}: {}", answer.text);
        answer.refuses(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{reason}");
    }
}

/// Asks everywhere with this token; everybody knows who that is.
async fn is_known_everywhere(token: &str) {
    for (door, path) in doors() {
        let answer = door.with_token(token).get(path).await;
        let expected = if path.ends_with("/workflow") {
            404
        } else {
            200
        };
        assert_eq!(answer.status, expected, "{path}: {}", answer.text);
    }
}

/// A part of a token, as JSON.
fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&base64url(token.split('.').nth(index).unwrap())).unwrap()
}

fn header(kid: &str, algorithm: Algorithm) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(kid.to_owned());
    header
}

/// The private key with this id, opened with the running service's own key encryption key.
async fn real_key(kid: &str) -> EncodingKey {
    let home = env::var("HAUSHAVN_HOME").unwrap();
    let told = fs::read_to_string(Path::new(&home).join("env/user-service.env")).unwrap();
    let told: HashMap<&str, &str> = told
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let sealing: platform::config::Key32 = told["HAUSHAVN_KEY_ENCRYPTION_KEY"].parse().unwrap();
    let rows = Database::superuser()
        .await
        .rows(&format!(
            "SELECT encode(private_key_encrypted, 'base64') AS sealed FROM identity.signing_keys WHERE kid = '{kid}'"
        ))
        .await;
    let sealed = STANDARD
        .decode(text(&rows[0]["sealed"]).replace('\n', ""))
        .unwrap();
    let (nonce, sealed) = sealed.split_at(NONCE_LEN);
    let mut seed = sealed.to_vec();
    let key = UnboundKey::new(&CHACHA20_POLY1305, sealing.expose()).unwrap();
    let seed = LessSafeKey::new(key)
        .open_in_place(
            Nonce::try_assume_unique_for_key(nonce).unwrap(),
            Aad::from(kid),
            &mut seed,
        )
        .unwrap();
    EncodingKey::from_ed_der(&ed25519_private_key(seed.try_into().unwrap()))
}

#[actix_web::test]
async fn the_right_key_makes_no_good_token_of_wrong_claims() {
    let token = Organization::new().await.admin.access_token;
    let (kid, claims) = (text(&part(&token, 0)["kid"]), part(&token, 1));
    let key = real_key(&kid).await;
    let sign = |change: &dyn Fn(&mut Value)| {
        let mut changed = claims.clone();
        change(&mut changed);
        encode(&header(&kid, Algorithm::EdDSA), &changed, &key).unwrap()
    };
    is_known_everywhere(&sign(&|_| ())).await;
    let issued_at = claims["iat"].as_i64().unwrap();
    let without = |name: &'static str| {
        sign(&move |claims: &mut Value| {
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    for (reason, token) in [
        (
            "for another audience",
            sign(&|claims| claims["aud"] = json!("somebody-else")),
        ),
        (
            "of another issuer",
            sign(&|claims| claims["iss"] = json!("https://issuer.example")),
        ),
        (
            "expired",
            sign(&|claims| claims["exp"] = json!(issued_at - 1)),
        ),
        ("without an end", without("exp")),
        ("without an audience", without("aud")),
        ("without an issuer", without("iss")),
        ("without a session", without("sid")),
        (
            "of a session that does not live",
            sign(&|claims| claims["sid"] = json!("0192f0c4-0000-7000-8000-00000000000a")),
        ),
    ] {
        is_refused_everywhere(&token, reason).await;
    }
}

#[actix_web::test]
async fn right_claims_are_not_believed_without_the_right_key() {
    let token = Organization::new().await.admin.access_token;
    let (kid, claims) = (text(&part(&token, 0)["kid"]), part(&token, 1));
    let keys = anybody().get("/.well-known/jwks.json").await;
    let published = keys.expect(200)["keys"].as_array().unwrap().clone();
    let public = published.iter().find(|key| key["kid"] == kid).unwrap();
    let public = text(&public["x"]);
    let foreign = EncodingKey::from_ed_der(&ed25519_private_key([9; 32]));
    let signed = |kid: &str, algorithm, key: &EncodingKey| {
        encode(&header(kid, algorithm), &claims, key).unwrap()
    };
    let unsigned = |algorithm: &str| {
        let mut head = part(&token, 0);
        head["alg"] = json!(algorithm);
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encoded(&head), encoded(&claims))
    };
    for (reason, token) in [
        ("not signed", unsigned("none")),
        ("not signed, in another spelling", unsigned("NoNe")),
        ("not signed, though it says so", unsigned("EdDSA")),
        (
            "signed with the public key as a secret",
            signed(
                &kid,
                Algorithm::HS256,
                &EncodingKey::from_secret(&base64url(&public)),
            ),
        ),
        (
            "signed with the public key's text as a secret",
            signed(
                &kid,
                Algorithm::HS256,
                &EncodingKey::from_secret(public.as_bytes()),
            ),
        ),
        (
            "signed with a foreign key under the right key's id",
            signed(&kid, Algorithm::EdDSA, &foreign),
        ),
        (
            "signed with a foreign key under an id of its own",
            signed("nobody", Algorithm::EdDSA, &foreign),
        ),
    ] {
        is_refused_everywhere(&token, reason).await;
    }
}
