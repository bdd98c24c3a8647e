//! A service for tests of the gateway, tokens that the gateway accepts, and a Redis server of one's own.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{Method, StatusCode, header},
    web::{self, Bytes, Data, Payload},
};
use awc::{Client, ClientRequest};
use deadpool_redis::redis;
use futures::StreamExt as _;
use gateway::{
    NAME,
    breaker::BreakerSettings,
    config::{Config, Limits},
    server::{listen, readiness},
    state::Gateway,
    upstream::{ServiceDocument, Upstream},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use platform::{
    auth::{
        AccessClaims, ServiceKeys,
        token::{ACCESS_TOKEN_TYPE, ALGORITHM},
    },
    config::{Common, Env, Environment, Secret},
};
use serde_json::{Value, json};
use testkit::{KeyFiles, ed25519_private_key};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const DEAL: &str = "0192f0c4-0000-7000-8000-00000000000a";
pub(crate) const BUYER: &[&str] = &["view_own_deals", "complete_own_tasks"];
pub(crate) const AGENT: &[&str] = &["view_deals", "create_deals", "assign_tasks"];
const ISSUER: &str = "haushavn";
const AUDIENCE: &str = "haushavn-api";
/// What the service behind the gateway knows and has seen.
#[derive(Default)]
pub(crate) struct Service {
    pub(crate) sessions: Mutex<HashMap<Uuid, Value>>,
    pub(crate) sessions_asked: AtomicUsize,
    /// How often the public keys of access tokens were asked for.
    pub(crate) keys_asked: AtomicUsize,
    /// Lets a stream that waits go on.
    pub(crate) go_on: Notify,
    /// Notified when nobody wants the rest of an endless answer any more.
    pub(crate) left: Notify,
    /// Notified when the first part of an upload has come.
    pub(crate) first_part_came: Notify,
}

/// A gateway, and the service behind it.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    pub(crate) service: Arc<Service>,
    shutdown: CancellationToken,
}

/// How a gateway of a test differs from others.
pub(crate) struct Setup {
    pub(crate) environment: Environment,
    pub(crate) redis_url: String,
    pub(crate) rate_limit_scale: &'static str,
    pub(crate) cors_origins: &'static str,
    pub(crate) trusted_proxies: &'static str,
    pub(crate) limits: Limits,
    /// Where the deal service is, if not with all others.
    pub(crate) deal_service: Option<SocketAddr>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            environment: Environment::Development,
            redis_url: "redis://127.0.0.1:1".to_owned(),
            rate_limit_scale: "1000",
            cors_origins: "",
            trusted_proxies: "192.0.2.0/24",
            limits: Limits {
                request: Duration::from_millis(500),
                breaker: BreakerSettings {
                    failures_to_open: 3,
                    open_for: Duration::from_millis(500),
                },
                ..Limits::default()
            },
            deal_service: None,
        }
    }
}

impl TestGateway {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let service = Arc::new(Service::default());
        let shutdown = CancellationToken::new();
        let behind = serve(Arc::clone(&service), unused_address(), &shutdown);
        let url = |address: SocketAddr| format!("http://{address}").parse().unwrap();
        let config = Config {
            common: Common {
                environment: setup.environment,
                listen: "127.0.0.1:0".parse().unwrap(),
                admin_listen: "127.0.0.1:0".parse().unwrap(),
                log: "off".parse().unwrap(),
                log_file: None,
                otlp_endpoint: None,
                jwks_url: format!("http://{behind}/.well-known/jwks.json")
                    .parse()
                    .unwrap(),
                jwt_issuer: ISSUER.to_owned(),
                jwt_audience: AUDIENCE.to_owned(),
                event_patience: Duration::from_secs(1),
                drain: Duration::ZERO,
            },
            service_keys: service_keys(),
            redis_url: Secret::new(setup.redis_url),
            upstreams: [
                url(behind),
                url(setup.deal_service.unwrap_or(behind)),
                url(behind),
                url(behind),
            ],
            rate_limit_scale: setup.rate_limit_scale.parse().unwrap(),
            cors_origins: setup.cors_origins.parse().unwrap(),
            trusted_proxies: setup.trusted_proxies.parse().unwrap(),
            limits: setup.limits,
        };
        let gateway = Arc::new(Gateway::new(config, &documents()).unwrap());
        let readiness = Data::new(readiness(&gateway));
        let (address, server) = listen(&gateway, readiness, shutdown.clone()).unwrap();
        actix_web::rt::spawn(server);
        Self {
            address,
            service,
            shutdown,
        }
    }

    /// A request through the gateway.
    pub(crate) fn request(&self, method: Method, path: &str) -> ClientRequest {
        let client = Client::builder()
            .disable_redirects()
            .disable_timeout()
            .finish();
        client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> ClientRequest {
        self.request(Method::GET, path)
    }

    /// A user with these permissions, signed in: user-service knows the session.
    pub(crate) fn sign_in(&self, permissions: &[&str]) -> User {
        let user = User::new();
        let mut sessions = self.service.sessions.lock().unwrap();
        sessions.insert(user.session_id, user.session(permissions));
        user
    }

    /// Sends requests as they are on one connection, each after the head of the answer before it, and reads
    /// until the gateway closes or has nothing more to say.
    pub(crate) async fn raw(&self, requests: &[&str]) -> String {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let mut answers = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            connection.write_all(request.as_bytes()).await.unwrap();
            let is_last = index + 1 == requests.len();
            let heads = index + 1;
            loop {
                let reading = connection.read_buf(&mut answers);
                let read = tokio::time::timeout(Duration::from_secs(2), reading).await;
                let text = String::from_utf8_lossy(&answers);
                let ended = !matches!(read, Ok(Ok(1..)));
                if ended || (!is_last && text.matches("\r\n\r\n").count() >= heads) {
                    break;
                }
            }
        }
        String::from_utf8(answers).unwrap()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Somebody with a token.
pub(crate) struct User {
    pub(crate) user_id: Uuid,
    pub(crate) session_id: Uuid,
}

impl User {
    pub(crate) fn new() -> Self {
        Self {
            user_id: Uuid::now_v7(),
            session_id: Uuid::now_v7(),
        }
    }

    /// The value of `Authorization`. The role in the claims is always ADMIN: it must not count.
    pub(crate) fn bearer(&self) -> (header::HeaderName, String) {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = AccessClaims {
            user_id: self.user_id,
            org_id: Uuid::from_u128(7),
            role: "ADMIN".to_owned(),
            sid: self.session_id,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: now + 60,
            iat: now,
        };
        let mut head = Header::new(ALGORITHM);
        head.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        head.kid = Some("k1".to_owned());
        let token = encode(&head, &claims, &signing_key()).unwrap();
        (header::AUTHORIZATION, format!("Bearer {token}"))
    }

    /// What user-service says of the session.
    pub(crate) fn session(&self, permissions: &[&str]) -> Value {
        let expires_at = OffsetDateTime::now_utc() + Duration::from_secs(60);
        json!({
            "userId": self.user_id,
            "organizationId": Uuid::from_u128(7),
            "role": "BUYER",
            "permissions": permissions,
            "expiresAt": expires_at.format(&Rfc3339).unwrap(),
        })
    }
}

/// Asserts that an answer is a problem with this status and code, and gives its body.
pub(crate) async fn problem<S>(
    mut answer: awc::ClientResponse<S>,
    status: StatusCode,
    code: &str,
) -> Value
where
    S: futures::Stream<Item = Result<Bytes, actix_web::error::PayloadError>> + Unpin,
{
    assert_eq!(answer.status(), status);
    let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
    assert_eq!(content_type.unwrap(), "application/problem+json");
    let request_id = answer.headers().get("x-request-id").cloned().unwrap();
    let body: Value = serde_json::from_slice(&answer.body().await.unwrap()).unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["requestId"], request_id.to_str().unwrap());
    body
}

/// A Redis server of one's own, that can be stopped.
pub(crate) struct Redis {
    port: u16,
    process: Option<Child>,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        let mut redis = Self {
            port: unused_address().port(),
            process: None,
        };
        redis.start_again().await;
        redis
    }

    pub(crate) async fn start_again(&mut self) {
        let port = self.port.to_string();
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < deadline, "redis-server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Writes a session as user-service does.
    pub(crate) async fn keep_session(
        &self,
        user: &User,
        permissions: &[&str],
        written_at: OffsetDateTime,
    ) {
        let entry = json!({
            "writtenAt": written_at.unix_timestamp() * 1_000 + i64::from(written_at.millisecond()),
            "value": user.session(permissions),
        });
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let key = format!("session:{}", user.session_id);
        let mut set = redis::cmd("SET");
        set.arg(key).arg(entry.to_string());
        set.query_async::<()>(&mut connection).await.unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An address that nobody listens on at the moment.
pub(crate) fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Starts to answer for all services.
pub(crate) fn serve(
    service: Arc<Service>,
    address: SocketAddr,
    shutdown: &CancellationToken,
) -> SocketAddr {
    let service = Data::from(service);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(service.clone())
            .route("/.well-known/jwks.json", web::get().to(jwks))
            .route("/internal/sessions/{id}", web::get().to(session))
            .route("/api/auth/login", web::post().to(login))
            .route("/api/deals", web::get().to(echo))
            .route("/api/deals", web::post().to(take))
            .route("/api/deals/{id}", web::get().to(deal))
            .route("/api/deals/{id}", web::delete().to(HttpResponse::NoContent))
            .route("/api/audit/export", web::get().to(export))
            .route("/api/slow", web::get().to(slow))
            .route("/api/broken", web::get().to(broken))
    })
    .workers(1)
    .disable_signals()
    .shutdown_signal(shutdown.clone().cancelled_owned())
    .shutdown_timeout(0)
    .bind(address)
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

/// The documents that the gateway of a test is made of.
fn documents() -> Vec<ServiceDocument> {
    let view = json!({ "x-permissions": ["view_own_deals", "view_deals", "view_all_deals"] });
    let create = json!({ "x-permissions": ["create_deals"] });
    let public = json!({ "x-public": true });
    let of = |upstream, paths| ServiceDocument {
        upstream,
        document: json!({ "openapi": "3.1.0", "paths": paths }),
    };
    vec![
        of(
            Upstream::UserService,
            json!({
                "/.well-known/jwks.json": { "get": public },
                "/api/auth/login": { "post": public },
            }),
        ),
        of(
            Upstream::DealService,
            json!({
                "/api/deals": { "get": view, "post": create },
                "/api/deals/{id}": { "get": view, "delete": create },
                "/api/audit/export": { "get": { "x-permissions": ["view_audit"] } },
            }),
        ),
        of(
            Upstream::TaskService,
            json!({ "/api/slow": { "get": public }, "/api/broken": { "get": public } }),
        ),
    ]
}

async fn jwks(service: Data<Service>) -> HttpResponse {
    service.keys_asked.fetch_add(1, Ordering::SeqCst);
    let mut jwk = Jwk::from_encoding_key(&signing_key(), Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some("k1".to_owned());
    HttpResponse::Ok().json(json!({ "keys": [jwk] }))
}

async fn session(
    service: Data<Service>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> HttpResponse {
    service.sessions_asked.fetch_add(1, Ordering::SeqCst);
    assert!(request.headers().contains_key(header::AUTHORIZATION));
    match service.sessions.lock().unwrap().get(&id) {
        Some(session) => HttpResponse::Ok().json(session),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn login() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "accessToken": "t" }))
}

/// Answers with the request that came.
async fn echo(request: HttpRequest) -> HttpResponse {
    let headers: HashMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    HttpResponse::Ok().json(json!({ "query": request.query_string(), "headers": headers }))
}

/// Reads a body and answers with its length.
async fn take(service: Data<Service>, mut body: Payload) -> HttpResponse {
    let mut length = 0;
    while let Some(Ok(part)) = body.next().await {
        length += part.len();
        service.first_part_came.notify_one();
    }
    HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/deals/{DEAL}")))
        .json(json!({ "length": length }))
}

/// A deal without a content type, which has not changed for a caller who knows its version.
async fn deal(request: HttpRequest) -> HttpResponse {
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        return HttpResponse::NotModified()
            .insert_header((header::ETAG, "\"1\""))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header((header::ETAG, "\"1\""))
        .body(actix_web::body::SizedStream::new(
            5,
            futures::stream::iter([
                Ok::<_, std::io::Error>(Bytes::from("a deal")).map(|all| all.slice(1..))
            ]),
        ))
}

/// Notifies when it is dropped.
struct Leaving(Data<Service>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.notify_one();
    }
}

/// One line at once, and another one when the test says so; as CSV without end.
async fn export(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    if request.query_string() == "format=csv" {
        let leaving = Leaving(service);
        let lines = futures::stream::repeat_with(move || {
            let _leaving = &leaving;
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 * 1024]))
        });
        return HttpResponse::Ok().streaming(lines);
    }
    let second = async move {
        service.go_on.notified().await;
        Ok::<_, std::io::Error>(Bytes::from("second\n"))
    };
    let first = futures::stream::iter([Ok(Bytes::from("first\n"))]);
    let lines = first.chain(futures::stream::once(second));
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines)
}

async fn slow() -> HttpResponse {
    tokio::time::sleep(Duration::from_secs(20)).await;
    HttpResponse::Ok().finish()
}

/// A service's answer when its database is unavailable.
async fn broken() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, "7"))
        .content_type("application/problem+json")
        .body(r#"{"code":"SERVICE_UNAVAILABLE","message":"from the service"}"#)
}

/// The gateway's own key, and no trusted services.
fn service_keys() -> ServiceKeys {
    let files = KeyFiles::new();
    ServiceKeys::read(&mut Env::from_pairs(files.variables()), NAME).unwrap()
}

fn signing_key() -> EncodingKey {
    EncodingKey::from_ed_der(&ed25519_private_key([7; 32]))
}
