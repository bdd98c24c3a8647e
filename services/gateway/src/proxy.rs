//! Passes a request on to a service, and its answer back, both as streams.
//!
//! Nothing is collected and nothing is added that the service did not say: no content type, no length it did
//! not give. A service that cannot be reached is left alone for a moment (see [`crate::breaker`]).

use std::{cell::Cell, error::Error as StdError, rc::Rc, time::Instant};

use actix_tls::connect::{
    ConnectError as TcpConnectError, ConnectInfo, Connection, Connector as TcpConnector,
};
use actix_web::{
    HttpRequest, HttpResponse,
    body::{self, BodyStream, BoxBody, MessageBody as _, SizedStream},
    dev::{Service as _, fn_service},
    error::ParseError,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web::{Bytes, Payload},
};
use awc::{
    Client, ClientResponse, Connector,
    error::{ConnectError, SendRequestError},
};
use domain::rejection::Rejection;
use futures::Stream;
use platform::{
    config::KEEP_ALIVE_BETWEEN_SERVICES,
    error::{Error, Refusal},
    http::{context::REQUEST_ID, paced},
    telemetry::traces::TRACEPARENT,
};

use tokio::net::TcpStream;

use crate::{
    body::{Announced, LimitedBody, Progress},
    breaker::{Admission, Breaker, Outcome},
    config::{Config, Limits},
    headers,
    limits::seconds,
    upstream::Upstream,
    visit::Visit,
};

/// A worker's connections to one service, at most.
pub(crate) const CONNECTIONS_MAX: usize = 512;
/// Answers up to so many bytes leave the service at once, whether the client reads or not: the server's own buffer takes
/// them.
const AT_ONCE: u64 = 16 * 1024;
/// Parts of an answer, of some 64 KiB each at most, that are read ahead of a client.
const PARTS_AHEAD: usize = 4;

/// A worker's connections to the services.
pub struct Proxy {
    clients: [Client; 4],
    limits: Limits,
}

impl Proxy {
    /// Connections are opened when they are needed.
    pub fn new(limits: Limits) -> Self {
        Self {
            clients: Upstream::ALL.map(|_| client(&limits)),
            limits,
        }
    }

    /// Passes a request on.
    ///
    /// # Errors
    /// 413 for a body that turns out to be too large, 400 for one that breaks off, 503 when the service cannot
    /// be reached or does not answer in time.
    pub async fn forward(
        &self,
        upstream: Upstream,
        request: &HttpRequest,
        payload: Payload,
        visit: &Visit,
        (config, breaker): (&Config, &Breaker),
    ) -> Result<HttpResponse, Error> {
        let admission = admit(breaker, upstream)?;
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let url = config.base_url(upstream).join(path);
        let announced = Announced::of(request.headers());
        let answer = match announced {
            Announced::Nothing => {
                let sent = || self.send(upstream, request, &url, visit, body::None::new());
                match sent().await {
                    // The service closed an idle connection just as it was to be used.
                    Err(error) if is_stale(&error) && request.method().is_safe() => sent().await,
                    other => other,
                }
                .map_err(|error| failed(upstream, &error, Progress::Complete))
            }
            Announced::Length(_) | Announced::Chunks => {
                let progress = Rc::new(Cell::new(Progress::Underway));
                let limit = self.limits.body_bytes;
                let body = LimitedBody::new(payload, announced, limit, Rc::clone(&progress));
                self.send(upstream, request, &url, visit, body)
                    .await
                    .map_err(|error| failed(upstream, &error, progress.get()))
            }
        };
        match answer {
            Ok(answer) => {
                admission.finish(Outcome::Reached);
                Ok(self.pass_back(request.method(), answer))
            }
            Err((error, outcome)) => {
                admission.finish(outcome);
                Err(error)
            }
        }
    }

    /// Asks user-service something for the gateway itself, and collects the answer.
    ///
    /// # Errors
    /// 503 when it cannot be reached or does not answer in time.
    pub async fn ask_user_service(
        &self,
        url: String,
        headers: &[(&'static str, &str)],
        breaker: &Breaker,
    ) -> Result<(StatusCode, Bytes), Error> {
        let upstream = Upstream::UserService;
        let admission = admit(breaker, upstream)?;
        let mut request = self.clients[upstream.index()]
            .get(url)
            .timeout(self.limits.session);
        for pair in headers {
            request = request.insert_header(*pair);
        }
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let (error, outcome) = failed(upstream, &error, Progress::Complete);
                admission.finish(outcome);
                // The client's own request has not taken too long: what it needs did not answer.
                return Err(match error {
                    Error::TimedOut => {
                        Error::unavailable(format!("{}: no answer in time", upstream.name()))
                    }
                    other => other,
                });
            }
        };
        admission.finish(Outcome::Reached);
        let status = answer.status();
        let body = answer
            .body()
            .await
            .map_err(|error| Error::unavailable(format!("{}: {error}", upstream.name())))?;
        Ok((status, body))
    }

    async fn send(
        &self,
        upstream: Upstream,
        request: &HttpRequest,
        url: &str,
        visit: &Visit,
        body: impl body::MessageBody + 'static,
    ) -> Result<ClientResponse, SendRequestError> {
        // HEAD is answered by GET, whose body then stays here.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            other => other.clone(),
        };
        let mut outgoing = self.clients[upstream.index()].request(method, url);
        headers::copy_request(request.headers(), outgoing.headers_mut());
        add_own_headers(outgoing.headers_mut(), visit);
        outgoing.send_body(body).await
    }

    fn pass_back(&self, method: &Method, answer: ClientResponse) -> HttpResponse {
        let status = answer.status();
        let length = content_length(answer.headers());
        let mut response = HttpResponse::with_body(status, BoxBody::new(()));
        headers::copy_answer(answer.headers(), response.headers_mut());
        if status == StatusCode::NOT_MODIFIED
            && let Some(value) = answer.headers().get(header::CONTENT_LENGTH)
        {
            let value = value.clone();
            response.headers_mut().insert(header::CONTENT_LENGTH, value);
        }
        let has_no_body = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let body = match (has_no_body, method == Method::HEAD, length) {
            (true, ..) | (false, true, None) => body::None::new().boxed(),
            (false, true, Some(length)) => {
                let nothing = futures::stream::empty::<Result<Bytes, std::convert::Infallible>>();
                SizedStream::new(length, nothing).boxed()
            }
            (false, false, Some(length)) if length <= AT_ONCE => {
                SizedStream::new(length, answer.timeout(self.limits.answer)).boxed()
            }
            (false, false, Some(length)) => SizedStream::new(length, self.paced(answer)).boxed(),
            (false, false, None) => BodyStream::new(self.paced(answer)).boxed(),
        };
        response.set_body(body)
    }

    /// The rest of an answer, read ahead of the client by a few parts: a client that does not read holds these, and no
    /// connection to the service.
    fn paced(
        &self,
        answer: ClientResponse,
    ) -> impl Stream<Item = Result<Bytes, Box<dyn StdError>>> + use<> {
        let answer = answer.timeout(self.limits.answer);
        paced(answer, PARTS_AHEAD, self.limits.reader)
    }
}

fn client(limits: &Limits) -> Client {
    let connector = Connector::new()
        .connector(fn_service(connect))
        .timeout(limits.connect)
        .limit(limits.service_connections)
        .conn_keep_alive(KEEP_ALIVE_BETWEEN_SERVICES);
    Client::builder()
        .connector(connector)
        .timeout(limits.request)
        .no_default_headers()
        .disable_redirects()
        .finish()
}

/// Connects without Nagle's algorithm: the second part of a body must not wait until the first is acknowledged.
async fn connect(target: ConnectInfo<Uri>) -> Result<Connection<Uri, TcpStream>, TcpConnectError> {
    let connection = TcpConnector::default().service().call(target).await?;
    connection
        .io_ref()
        .set_nodelay(true)
        .map_err(TcpConnectError::Io)?;
    Ok(connection)
}

fn admit(breaker: &Breaker, upstream: Upstream) -> Result<Admission<'_>, Error> {
    breaker
        .admit(Instant::now())
        .map_err(|wait| Error::Unavailable {
            retry_after_s: seconds(wait).max(1),
            reason: format!(
                "{} could not be reached several times in a row",
                upstream.name()
            ),
        })
}

/// What the gateway says of a request; services believe it.
fn add_own_headers(headers: &mut HeaderMap, visit: &Visit) {
    let own = [
        (REQUEST_ID, Some(visit.request_id.clone())),
        ("x-forwarded-for", Some(visit.address.to_string())),
        (TRACEPARENT, visit.traceparent.clone()),
    ];
    for (name, value) in own {
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Whether the connection was gone before the service can have begun to work.
fn is_stale(error: &SendRequestError) -> bool {
    matches!(
        error,
        SendRequestError::Connect(ConnectError::Disconnected)
            | SendRequestError::Send(_)
            | SendRequestError::Response(ParseError::Io(_))
    )
}

/// What a failure means for the client, and what it says about the service.
fn failed(upstream: Upstream, error: &SendRequestError, progress: Progress) -> (Error, Outcome) {
    match (progress, error) {
        (Progress::TooLarge, _) => (Refusal::PayloadTooLarge.into(), Outcome::Unknown),
        (Progress::Broken, _) => {
            let rejection = Rejection::field("body", "format", "the body cannot be read");
            (rejection.into(), Outcome::Unknown)
        }
        (Progress::Underway, SendRequestError::Timeout) => (Error::TimedOut, Outcome::Unknown),
        (_, SendRequestError::Timeout) => (Error::TimedOut, Outcome::Failed),
        _ => (
            Error::unavailable(format!("{}: {error}", upstream.name())),
            Outcome::Failed,
        ),
    }
}
