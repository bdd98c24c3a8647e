//! Calls from one service to another: short timeouts, the caller's token or the service's own, the
//! request's id and its trace.
//!
//! Deliberately without retries: only the caller knows whether repeating is harmless.

use std::{fmt, time::Duration};

use anyhow::Context as _;
use domain::{
    permission::Permission,
    rejection::{FieldError, Rejection},
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    auth::ServiceKeys,
    config::{KEEP_ALIVE_BETWEEN_SERVICES, Secret},
    error::Error,
    http::Caller,
    telemetry::{self, traces::call_span},
};

/// Connecting takes no longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A call takes no longer in all.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Another service, by its address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    name: &'static str,
    base_url: String,
    client: Client,
}

/// The calls that are made for one request, event or activity.
#[derive(Clone, Debug)]
pub struct Calls<'a> {
    to: &'a ServiceClient,
    token: Secret,
    request_id: String,
    idempotency_key: Option<String>,
    timeout: Option<Duration>,
}

/// On whose account a service calls another one's `/internal` routes.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The organization to act in.
    pub organization_id: Uuid,
    /// The user whose action led to the call, where there is one.
    pub on_behalf_of: Option<Uuid>,
    /// The request that led to the call; a new id where there is none.
    pub request_id: Option<String>,
}

/// Why a call gave no result.
#[derive(Debug)]
pub enum CallError {
    /// The other service refused: 4xx with a code.
    Refused(RemoteProblem),
    /// The other service is unavailable, overloaded or too slow. It may nevertheless have done what was asked.
    Unavailable(String),
    /// The other service failed, or answered something that makes no sense.
    Unexpected(anyhow::Error),
}

/// The error body of another service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteProblem {
    /// The status of the answer.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// The details of the code.
    #[serde(default)]
    pub details: Value,
}

impl ServiceClient {
    /// A client for the service called `name`, which is also whom its tokens are for, at `base_url`, such as `http://127.0.0.1:18083`.
    pub fn new(name: &'static str, base_url: &str) -> anyhow::Result<Self> {
        crate::tls::ensure_provider();
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_idle_timeout(KEEP_ALIVE_BETWEEN_SERVICES)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .with_context(|| format!("failed to make the client of {name}"))?;
        Ok(Self {
            name,
            base_url: base_url.trim_end_matches('/').to_owned(),
            client,
        })
    }

    /// Calls with the caller's own token.
    pub fn for_caller(&self, caller: &Caller) -> Calls<'_> {
        Calls {
            to: self,
            token: caller.token.clone(),
            request_id: caller.request_id.clone(),
            idempotency_key: None,
            timeout: None,
        }
    }

    /// Calls in this service's own name, for `/internal` routes.
    pub fn for_service(&self, keys: &ServiceKeys, errand: &Errand) -> anyhow::Result<Calls<'_>> {
        let request_id = errand
            .request_id
            .clone()
            .unwrap_or_else(|| Uuid::now_v7().to_string());
        let token = keys.sign(self.name, errand.organization_id, errand.on_behalf_of)?;
        Ok(Calls {
            to: self,
            token,
            request_id,
            idempotency_key: None,
            timeout: None,
        })
    }
}

impl Calls<'_> {
    /// The same calls with an idempotency key.
    #[must_use]
    pub fn idempotent(self, key: impl Into<String>) -> Self {
        Self {
            idempotency_key: Some(key.into()),
            ..self
        }
    }

    /// The same calls with another limit on their time than the usual three seconds.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// GET. `path` begins with a slash and is encoded already.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.call(Method::GET, path, |request| request).await
    }

    /// POST with a JSON body.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        self.call(Method::POST, path, |request| request.json(body))
            .await
    }

    /// PUT with a JSON body.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        self.call(Method::PUT, path, |request| request.json(body))
            .await
    }

    /// Makes the request inside its span, so that the other service's span hangs on it.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, CallError> {
        let span = call_span(self.to.name, method.as_str());
        async { self.send(complete(self.request(method, path))).await }
            .instrument(span)
            .await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self
            .to
            .client
            .request(method, format!("{}{path}", self.to.base_url))
            .bearer_auth(self.token.expose())
            .header("x-request-id", &self.request_id);
        if let Some(traceparent) = telemetry::current_traceparent() {
            request = request.header(telemetry::traces::TRACEPARENT, traceparent);
        }
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let away = |error: reqwest::Error| {
            CallError::Unavailable(format!("{}: {}", self.to.name, chain(&error)))
        };
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        if status.is_success() {
            return self.decode(response).await;
        }
        if matches!(status.as_u16(), 502..=504) {
            return Err(CallError::Unavailable(format!(
                "{} answered {status}",
                self.to.name
            )));
        }
        let body = response.bytes().await.map_err(away)?;
        match serde_json::from_slice::<RemoteProblem>(&body) {
            Ok(problem) if status.is_client_error() => Err(CallError::Refused(problem)),
            _ => Err(CallError::Unexpected(anyhow::anyhow!(
                "{} answered {status}",
                self.to.name
            ))),
        }
    }

    /// The body of a success; an empty one is read as `null`.
    async fn decode<T: DeserializeOwned>(&self, response: Response) -> Result<T, CallError> {
        let empty = response.status() == StatusCode::NO_CONTENT;
        let body = response.bytes().await.map_err(|error| {
            CallError::Unavailable(format!("{}: {}", self.to.name, chain(&error)))
        })?;
        let text: &[u8] = if empty || body.is_empty() {
            b"null"
        } else {
            &body
        };
        serde_json::from_slice(text)
            .with_context(|| format!("failed to read the answer of {}", self.to.name))
            .map_err(CallError::Unexpected)
    }
}

impl RemoteProblem {
    /// The same refusal as one of ours, where it may be passed on to the client.
    pub fn rejection(&self) -> Option<Rejection> {
        Some(match self.code.as_str() {
            "VALIDATION_001" => Rejection::Validation {
                errors: self.field_errors(),
            },
            "UNKNOWN_REFERENCE" => Rejection::UnknownReference {
                field: self.text("field").to_owned(),
            },
            "UNAUTHENTICATED" => Rejection::Unauthenticated,
            "FORBIDDEN" => Rejection::Forbidden {
                required: self.required(),
            },
            "NOT_FOUND" => Rejection::NotFound,
            "DEAL_NOT_ACTIVE" => Rejection::DealNotActive,
            "DEAL_NOT_DRAFT" => Rejection::DealNotDraft,
            "PLAN_PENDING" => Rejection::PlanPending,
            _ => return None,
        })
    }

    fn field_errors(&self) -> Vec<FieldError> {
        let listed = self.details["errors"].as_array().into_iter().flatten();
        let errors: Vec<FieldError> = listed
            .filter_map(|error| {
                let text = |name: &str| error[name].as_str();
                Some(FieldError::new(
                    text("field")?,
                    text("constraint")?,
                    text("message")?,
                ))
            })
            .collect();
        if errors.is_empty() {
            return vec![FieldError::new(
                self.text("field"),
                self.text("constraint"),
                self.message.clone(),
            )];
        }
        errors
    }

    fn required(&self) -> Vec<Permission> {
        let names = self.details["required"].as_array().into_iter().flatten();
        names
            .filter_map(Value::as_str)
            .filter_map(Permission::parse)
            .collect()
    }

    fn text(&self, name: &str) -> &str {
        self.details[name].as_str().unwrap_or_default()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(problem) => write!(
                formatter,
                "refused with {} {}: {}",
                problem.status, problem.code, problem.message
            ),
            Self::Unavailable(reason) => write!(formatter, "not available: {reason}"),
            Self::Unexpected(error) => write!(formatter, "{error:#}"),
        }
    }
}

impl std::error::Error for CallError {}

/// What the other service refused is refused here alike where it may be passed on; else it is a fault of
/// ours to have asked.
impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable(reason) => Self::unavailable(reason),
            CallError::Unexpected(error) => Self::Unexpected(error),
            CallError::Refused(problem) => match problem.rejection() {
                Some(rejection) => rejection.into(),
                None => Self::Unexpected(CallError::Refused(problem).into()),
            },
        }
    }
}

/// reqwest's own text leaves out the causes, which say what really happened.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::{
        net::{TcpListener, TcpSocket, TcpStream},
        time::{Instant, timeout},
    };

    use super::*;

    fn problem(error: &Error) -> RemoteProblem {
        let body = serde_json::to_value(error.problem("r", "/internal/plans/preview")).unwrap();
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_refusal_is_passed_on_as_it_was() {
        let cases = [
            Rejection::Validation {
                errors: vec![
                    FieldError::required("keyDates.closing_date"),
                    FieldError::new("templateKey", "one_of", "templateKey is unknown"),
                ],
            },
            Rejection::required("facts"),
            Rejection::UnknownReference {
                field: "templateKey".to_owned(),
            },
            Rejection::forbidden(&[Permission::ManageTasks]),
            Rejection::NotFound,
        ];
        for rejection in cases {
            assert_eq!(
                problem(&rejection.clone().into()).rejection(),
                Some(rejection)
            );
        }
    }

    #[test]
    fn what_makes_no_sense_to_the_client_is_a_fault_of_ours() {
        let refused = CallError::Refused(problem(&Rejection::EmailTaken.into()));
        assert!(matches!(Error::from(refused), Error::Unexpected(_)));
    }

    fn calls(client: &ServiceClient) -> Calls<'_> {
        Calls {
            to: client,
            token: Secret::new("t"),
            request_id: "request-1".to_owned(),
            idempotency_key: None,
            timeout: None,
        }
    }

    #[actix_web::test]
    async fn a_service_that_is_away_is_unavailable() {
        let client = ServiceClient::new("task-service", "http://127.0.0.1:1/").unwrap();
        let outcome = calls(&client).get::<Value>("/healthz").await;
        assert!(matches!(outcome, Err(CallError::Unavailable(_))));
    }

    /// How many seconds a call to the service at this address lasts until it is given up.
    async fn given_up_after(listener: &TcpListener) -> u64 {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = ServiceClient::new("task-service", &url).unwrap();
        tokio::time::pause();
        let began = Instant::now();
        let calls = calls(&client);
        let calling = calls.get::<Value>("/healthz");
        let outcome = timeout(Duration::from_hours(1), calling).await;
        assert!(
            matches!(outcome, Ok(Err(CallError::Unavailable(_)))),
            "{outcome:?}"
        );
        began.elapsed().as_secs()
    }

    #[actix_web::test]
    async fn a_service_that_does_not_answer_within_three_seconds_is_unavailable() {
        // Takes connections into its queue and never answers.
        let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(given_up_after(&deaf).await, 3);
    }

    #[actix_web::test]
    async fn a_service_that_takes_no_connection_within_a_second_is_unavailable() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        // Fills its queue: the system leaves a further connection unanswered.
        let mut taken = Vec::new();
        while let Ok(connection) =
            timeout(Duration::from_millis(200), TcpStream::connect(address)).await
        {
            taken.push(connection.unwrap());
        }
        assert_eq!(given_up_after(&listener).await, 1);
    }
}
