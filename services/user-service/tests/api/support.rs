//! What the tests of this service begin with.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Client, Database, Mail, Organization, Response, ServiceToken, User, eventually, mails_to,
    settings_of, stack,
};
pub(crate) use testkit::{base64url, event_types, history, text};
use user_service::secrets::tokens::TokenKey;
use uuid::Uuid;

/// A client at the gateway without a token.
pub(crate) fn anybody() -> Client {
    Client::new(&stack().gateway)
}

/// A client at user-service itself with a token of another service, which acts in this organization.
pub(crate) fn service(name: &str, organization: &Organization) -> Client {
    on_behalf_of(name, organization, None)
}

/// As [`service`], on behalf of a user.
pub(crate) fn on_behalf_of(name: &str, organization: &Organization, user: Option<&User>) -> Client {
    let token = ServiceToken {
        caller: name,
        called: "user-service",
        organization_id: &organization.id,
        user_id: user.map(|user| user.id.as_str()),
    };
    Client::new(&stack().user_service).with_token(&token.sign())
}

/// An address nobody has.
pub(crate) fn fresh_email() -> String {
    format!("somebody-{}@example.test", Uuid::now_v7().simple())
}

pub(crate) async fn log_in(email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password});
    anybody().post("/api/auth/login", &body).await
}

pub(crate) async fn refresh(token: &str) -> Response {
    anybody()
        .post("/api/auth/refresh", &json!({"refreshToken": token}))
        .await
}

/// Signs in at the service itself, as a client in another network.
pub(crate) async fn log_in_from(ip: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password});
    let headers = [("X-Forwarded-For", ip)];
    Client::new(&stack().user_service)
        .send(Method::POST, "/api/auth/login", &headers, Some(&body))
        .await
}

/// The first mail to this address that contains this.
pub(crate) async fn mail_with(email: &str, part: &str) -> Mail {
    eventually(&format!("a mail with {part}"), async || {
        mails_to(email)
            .await
            .into_iter()
            .find(|mail| mail.text.contains(part))
    })
    .await
}

/// Waits until some session of the database waits for a lock that this connection holds.
pub(crate) async fn wait_for_a_waiter(holder: &mut Database) {
    let pid = holder.rows("SELECT pg_backend_pid() AS pid").await[0]["pid"].clone();
    let sql = format!(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))"
    );
    eventually("somebody waits for the lock", async || {
        let waiting = Database::superuser().await.rows(&sql).await;
        (waiting[0]["n"] != 0).then_some(())
    })
    .await;
}

/// Invites somebody and answers with the invitation.
pub(crate) async fn invite(admin: &User, email: &str, role: &str) -> Response {
    let body = json!({"email": email, "fullName": "Invited Person", "role": role});
    admin.api.post("/api/users", &body).await
}

pub(crate) async fn accept(token: &str, password: &str) -> Response {
    let body = json!({"token": token, "fullName": "Joined Person", "password": password});
    anybody().post("/api/auth/accept-invitation", &body).await
}

/// PUT with `If-Match`.
pub(crate) async fn put_if_match(user: &User, path: &str, etag: &str, body: &Value) -> Response {
    user.api
        .send(Method::PUT, path, &[("If-Match", etag)], Some(body))
        .await
}

/// The session that an access token belongs to.
pub(crate) fn session_id(access_token: &str) -> String {
    let payload = access_token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&base64url(payload)).unwrap();
    text(&claims["sid"])
}

/// The names of the fields that a refusal complains about.
#[track_caller]
pub(crate) fn fields_of(refusal: &Response) -> Vec<String> {
    let details = refusal.refuses(400, "VALIDATION_001");
    match details["errors"].as_array() {
        Some(errors) => errors.iter().map(|error| text(&error["field"])).collect(),
        None => vec![text(&details["field"])],
    }
}

/// The running service's own key of tokens and digests.
pub(crate) fn token_key() -> TokenKey {
    let key = &settings_of("user-service")["HAUSHAVN_TOKEN_KEY"];
    TokenKey::new(&key.parse().unwrap(), None)
}
