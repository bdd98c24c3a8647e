//! The HTTP servers of a service: its API, and beside it the admin port with metrics and health.

use std::time::Duration;

use actix_web::{App, HttpServer, http::KeepAlive, middleware::from_fn, web};
use anyhow::Context as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Routes,
    health::{self, Probes, Readiness},
    middleware,
    underway::none_left,
};
use crate::{auth::TokenVerifier, config::Common};

/// Threads that answer requests.
const WORKERS: usize = 2;
/// An idle connection is kept so long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client must have sent its request's head within this time.
const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that disconnects gets this long to do so.
const CLIENT_DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// At the end, requests under way get this long.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 30;

/// Serves until `shutdown` is cancelled and connections are drained, then lets requests under way finish.
///
/// `routes` builds the service's routes and their data. `serve` adds request ids, tracing, metrics, limits, the
/// caller's identity, and error bodies for everything, also for unknown paths.
pub async fn serve(
    name: &'static str,
    common: &Common,
    readiness: Readiness,
    routes: impl Fn() -> Routes + Clone + Send + 'static,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let verifier = web::Data::new(TokenVerifier::new(common)?);
    let probes = web::Data::new(Probes::new(readiness));
    let api = api_server(common, verifier, probes.clone(), routes, shutdown.clone())?;
    let admin = admin_server(common, probes, shutdown)?;
    tracing::info!(listen = %common.listen, adminListen = %common.admin_listen, "{name} listens");
    futures::try_join!(api, admin).context("failed to serve")?;
    tracing::info!("{name} has stopped listening");
    Ok(())
}

/// Waits until the process is asked to end, and then until its clients use other connections. Until then it serves on
/// and closes each connection with its next answer: a server that stops closes idle connections at once, and a request
/// that is on its way over one of them is lost.
pub async fn drained(shutdown: CancellationToken, drain: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(drain).await;
}

fn api_server(
    common: &Common,
    verifier: web::Data<TokenVerifier>,
    probes: web::Data<Probes>,
    routes: impl Fn() -> Routes + Clone + Send + 'static,
    shutdown: CancellationToken,
) -> anyhow::Result<actix_web::dev::Server> {
    let draining = web::Data::new(shutdown.clone());
    let underway = TaskTracker::new();
    let counted = web::Data::new(underway.clone());
    let drained = drained(shutdown, common.drain);
    let finished = async move {
        drained.await;
        let finished = tokio::time::timeout(
            Duration::from_secs(SHUTDOWN_TIMEOUT_SECONDS),
            none_left(&underway),
        );
        if finished.await.is_err() {
            tracing::warn!("requests under way have not finished and are cut off");
        }
    };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(counted.clone())
            .app_data(verifier.clone())
            .app_data(probes.clone())
            .app_data(draining.clone())
            .configure(|config| {
                health::routes()
                    .and(routes())
                    .register(config, || web::to(middleware::nothing_here))
            })
            .default_service(web::to(middleware::nothing_here))
            .wrap(from_fn(middleware::identify))
            .wrap(from_fn(middleware::limit))
            .wrap(from_fn(middleware::observe))
    })
    .workers(WORKERS)
    .tcp_nodelay(true)
    .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
    .client_request_timeout(CLIENT_REQUEST_TIMEOUT)
    .client_disconnect_timeout(CLIENT_DISCONNECT_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
    .shutdown_signal(finished)
    .bind(common.listen)
    .with_context(|| format!("failed to listen on {}", common.listen))?;
    Ok(server.run())
}

/// The server of the admin port: metrics and health. Ends when `shutdown` is cancelled.
///
/// # Errors
/// When the address is taken.
pub fn admin_server(
    common: &Common,
    probes: web::Data<Probes>,
    shutdown: CancellationToken,
) -> anyhow::Result<actix_web::dev::Server> {
    let draining = web::Data::new(shutdown.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(probes.clone())
            .app_data(draining.clone())
            .configure(|config| {
                health::admin_routes().register(config, || web::to(middleware::nothing_here))
            })
            .default_service(web::to(middleware::nothing_here))
            .wrap(from_fn(middleware::observe))
    })
    .workers(1)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
    .shutdown_signal(drained(shutdown, common.drain))
    .bind(common.admin_listen)
    .with_context(|| format!("failed to listen on {}", common.admin_listen))?;
    Ok(server.run())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;
    use crate::config::Env;

    #[actix_web::test]
    async fn a_client_that_does_not_end_its_head_within_ten_seconds_loses_its_connection() {
        let unused = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = unused.local_addr().unwrap();
        drop(unused);
        let mut env = Env::from_pairs([
            ("HAUSHAVN_LISTEN", address.to_string()),
            ("HAUSHAVN_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("HAUSHAVN_JWKS_URL", "http://127.0.0.1:1/".to_owned()),
            ("HAUSHAVN_JWT_ISSUER", "haushavn".to_owned()),
            ("HAUSHAVN_JWT_AUDIENCE", "haushavn-api".to_owned()),
        ]);
        let common = Common::read(&mut env).unwrap();
        let verifier = web::Data::new(TokenVerifier::new(&common).unwrap());
        let probes = web::Data::new(Probes::new(Vec::new()));
        let shutdown = CancellationToken::new();
        let server = api_server(&common, verifier, probes, Routes::default, shutdown.clone());
        let served = actix_web::rt::spawn(server.unwrap());
        let mut connection = TcpStream::connect(address).await.unwrap();
        let beginning = b"GET /healthz HTTP/1.1\r\nHost: serv";
        connection.write_all(beginning).await.unwrap();
        let mut answer = String::new();
        let reading = connection.read_to_string(&mut answer);
        let ended = tokio::time::timeout(Duration::from_secs(50), reading).await;
        assert!(ended.is_ok(), "the connection is still there");
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        shutdown.cancel();
        served.await.unwrap().unwrap();
    }
}
