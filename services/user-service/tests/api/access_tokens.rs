use serde_json::{Value, json};
use testkit::Organization;

use crate::support::{anybody, base64url};

fn encoded(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The token with its header or claims changed, and the signature it had.
fn changed(token: &str, part: usize, change: impl Fn(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut value: Value = serde_json::from_slice(&base64url(&parts[part])).unwrap();
    change(&mut value);
    parts[part] = encoded(&value);
    parts.join(".")
}

#[actix_web::test]
async fn a_token_names_user_organization_role_and_session() {
    let organization = Organization::new().await;
    let token = &organization.admin.access_token;
    let header: Value =
        serde_json::from_slice(&base64url(token.split('.').next().unwrap())).unwrap();
    let claims: Value =
        serde_json::from_slice(&base64url(token.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(header["alg"], "EdDSA");
    assert_eq!(claims["userId"], organization.admin.id.as_str());
    assert_eq!(claims["orgId"], organization.id.as_str());
    assert_eq!(claims["role"], "ADMIN");
    for name in ["sid", "iss", "aud"] {
        assert!(claims[name].is_string(), "{name}");
    }
    let keys = anybody().get("/.well-known/jwks.json").await;
    let keys = keys.expect(200)["keys"].as_array().unwrap().clone();
    assert!(
        keys.iter()
            .any(|key| key["kid"] == header["kid"] && key["crv"] == "Ed25519"),
        "{keys:?}"
    );
}

#[actix_web::test]
async fn a_changed_token_is_refused() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let token = &agent.access_token;
    let unsigned = changed(token, 0, |header| header["alg"] = json!("none"));
    let tokens = [
        (
            "another role",
            changed(token, 1, |claims| claims["role"] = json!("ADMIN")),
        ),
        (
            "another user",
            changed(token, 1, |claims| {
                claims["userId"] = json!(organization.admin.id)
            }),
        ),
        (
            "a longer life",
            changed(token, 1, |claims| claims["exp"] = json!(4_102_444_800_i64)),
        ),
        (
            "another algorithm",
            changed(token, 0, |header| header["alg"] = json!("HS256")),
        ),
        (
            "another type",
            changed(token, 0, |header| header["typ"] = json!("JWT")),
        ),
        (
            "an unknown key",
            changed(token, 0, |header| header["kid"] = json!("nobody")),
        ),
        (
            "no signature",
            format!("{}.", unsigned.rsplit_once('.').unwrap().0),
        ),
        ("a refresh token", agent.refresh_token.clone()),
        ("no token", "nonsense".to_owned()),
    ];
    for (reason, token) in tokens {
        let answer = agent.api.with_token(&token).get("/api/auth/me").await;
        assert_eq!(answer.status, 401, "{reason}: {}", answer.text);
    }
}

#[actix_web::test]
async fn an_access_token_says_that_it_holds_for_fifteen_minutes() {
    let admin = Organization::new().await.admin;
    let claims = admin.access_token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&base64url(claims)).unwrap();
    let (from, until) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    assert_eq!(until.unwrap() - from.unwrap(), 15 * 60);
}
