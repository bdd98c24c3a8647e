//! Tokens of services among each other, made with the keys of the running stack.

use std::{env, fs, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// For how long a token holds, in seconds: as long as one may.
const LIFETIME_SECONDS: i64 = 60;

/// What a service token says.
#[derive(Clone, Copy, Debug)]
pub struct ServiceToken<'a> {
    /// The calling service.
    pub caller: &'a str,
    /// The called service.
    pub called: &'a str,
    /// The organization it acts in.
    pub organization_id: &'a str,
    /// The user on whose behalf.
    pub user_id: Option<&'a str>,
}

impl ServiceToken<'_> {
    /// The token, signed with the caller's key.
    ///
    /// # Panics
    /// When the stack has no key of that name.
    pub fn sign(&self) -> String {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let header = json!({"alg": "EdDSA", "typ": "service+jwt", "kid": self.caller});
        let claims = json!({
            "iss": self.caller,
            "aud": self.called,
            "orgId": self.organization_id,
            "onBehalfOf": self.user_id,
            "jti": Uuid::now_v7(),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = key_of(self.caller).sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn key_of(service: &str) -> Ed25519KeyPair {
    let home = env::var("HAUSHAVN_HOME").expect("HAUSHAVN_HOME is set");
    let file = Path::new(&home).join("keys").join(format!("{service}.pem"));
    let pem = fs::read_to_string(file).expect("a service's key");
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(base64).expect("PEM holds base64");
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).expect("an Ed25519 key")
}
