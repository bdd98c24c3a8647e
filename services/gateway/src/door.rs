//! What every request passes, in this order:
//!
//! 1. it gets its id ([`crate::envelope`]);
//! 2. 429 when its address has sent too many, before the signature of a new token is checked;
//! 3. 404 and 405 when there is no such route;
//! 4. 400 with two `Authorization`, 401 without a valid token, where the route asks for one;
//! 5. 429 when its user has sent too many;
//! 6. 401 when the session is over;
//! 7. 403 when the caller holds none of the route's permissions, for every id alike;
//! 8. 400, 415 and 413 by its head: a query string beyond its bounds, an encoded or too large body;
//! 9. then the service answers.
//!
//! Services check tokens, sessions and permissions again by themselves: nothing behind the gateway relies on it.

use std::{rc::Rc, sync::Arc};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web::{Data, Payload},
};
use domain::{permission::Permission, rejection::Rejection};
use platform::{
    auth::AccessClaims,
    config::Secret,
    error::{Error, Refusal},
    http::{
        Probes,
        context::{REQUEST_ID, one_authorization},
        health, query,
    },
    telemetry::traces::TRACEPARENT,
};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use uuid::Uuid;

use crate::{
    identity,
    limits::{Charge, Standing, seconds, shared::Answer},
    routes::{Match, Requirement, Route},
    session::{Cached, Session},
    state::{Gateway, Worker},
    upstream::Upstream,
    visit::{OwnPage, Target, Visit},
};

/// Answers a request, whatever it is.
pub async fn enter(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
    worker: Data<Worker>,
) -> HttpResponse {
    let Some(visit) = request.extensions().get::<Rc<Visit>>().cloned() else {
        return HttpResponse::InternalServerError().finish();
    };
    let mut standings = Vec::new();
    let door = Door {
        gateway: &gateway,
        worker: &worker,
        visit: &visit,
        request: &request,
    };
    let mut response = match door.answer(payload, &mut standings).await {
        Ok(response) => response,
        Err(error) => {
            error.log();
            error.to_response(&visit.request_id, request.uri().path())
        }
    };
    let headers = response.headers_mut();
    Standing::write(&standings, headers);
    if let Target::Service(Match::OtherMethods { allow }) = &visit.target
        && response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// One request at the door.
struct Door<'request> {
    gateway: &'request Gateway,
    worker: &'request Worker,
    visit: &'request Visit,
    request: &'request HttpRequest,
}

impl Door<'_> {
    async fn answer(
        &self,
        payload: Payload,
        standings: &mut Vec<Standing>,
    ) -> Result<HttpResponse, Error> {
        if self.visit.target.is_probe() {
            return self.probe().await;
        }
        let known = self.known();
        let answer = self.count(known.as_deref(), standings).await;
        within(standings.first())?;
        let route = match &self.visit.target {
            Target::Own(page) => return self.own_page(page),
            Target::Service(Match::Missing) => return Err(Rejection::NotFound.into()),
            Target::Service(Match::OtherMethods { .. }) => {
                return Err(Refusal::MethodNotAllowed.into());
            }
            Target::Service(Match::Found(route) | Match::NoSuchId(route)) => route,
        };
        one_authorization(self.request.headers())?;
        if let Requirement::AnyOf(required) = &route.requirement {
            let (claims, answer) = match known {
                Some(claims) => (claims, answer),
                None => self.meet(standings).await?,
            };
            within(standings.get(1))?;
            let session = self.session(&claims, answer.as_ref()).await?;
            Span::current().record("organizationId", session.organization_id.to_string());
            permit(&session, required)?;
        }
        self.check_head()?;
        if matches!(self.visit.target, Target::Service(Match::NoSuchId(_))) {
            return Err(Rejection::NotFound.into());
        }
        self.forward(route, payload).await
    }

    /// Who sends the request, where its token was verified a moment ago and the route asks.
    fn known(&self) -> Option<Arc<AccessClaims>> {
        let Target::Service(Match::Found(route) | Match::NoSuchId(route)) = &self.visit.target
        else {
            return None;
        };
        if route.requirement == Requirement::Public {
            return None;
        }
        let claims = identity::known(&self.gateway.verifier, self.request.headers())?;
        Span::current().record("userId", claims.user_id.to_string());
        Some(claims)
    }

    /// Verifies a token that is new here, and counts the request against its user's limit.
    async fn meet(
        &self,
        standings: &mut Vec<Standing>,
    ) -> Result<(Arc<AccessClaims>, Option<Answer>), Error> {
        let claims = identity::identify(&self.gateway.verifier, self.request.headers()).await?;
        Span::current().record("userId", claims.user_id.to_string());
        let of_user = self
            .gateway
            .policies
            .of_user(self.visit.target.is_auth(), claims.user_id);
        let answer = self.charge(Some(claims.sid), &[of_user], standings).await;
        Ok((claims, answer))
    }

    /// Counts the request against its limits, and asks for the session on the same way.
    async fn count(
        &self,
        claims: Option<&AccessClaims>,
        standings: &mut Vec<Standing>,
    ) -> Option<Answer> {
        let policies = &self.gateway.policies;
        let is_auth = self.visit.target.is_auth();
        let of_address = policies.of_address(is_auth, self.visit.address);
        let of_user = claims.map(|claims| policies.of_user(is_auth, claims.user_id));
        let charges: Vec<Charge> = [of_address].into_iter().chain(of_user).collect();
        self.charge(claims.map(|claims| claims.sid), &charges, standings)
            .await
    }

    async fn charge(
        &self,
        session_id: Option<Uuid>,
        charges: &[Charge],
        standings: &mut Vec<Standing>,
    ) -> Option<Answer> {
        let mut answer = self.worker.shared.ask(session_id, charges).await;
        standings.extend(match &mut answer {
            Some(answer) => std::mem::take(&mut answer.standings),
            None => self.gateway.local_limits.count(charges),
        });
        answer
    }

    async fn session(
        &self,
        claims: &AccessClaims,
        answer: Option<&Answer>,
    ) -> Result<Session, Error> {
        let cached = match answer {
            None => Cached::Away,
            Some(answer) => answer
                .session
                .as_deref()
                .map_or(Cached::Miss, Cached::Entry),
        };
        let ask = self.ask_for_session(claims);
        self.gateway.sessions.find(claims, cached, ask).await
    }

    /// Asks user-service; `None` for a session that does not live.
    async fn ask_for_session(&self, claims: &AccessClaims) -> Result<Option<Session>, Error> {
        let upstream = Upstream::UserService;
        let token = self
            .gateway
            .keys
            .sign(upstream.name(), claims.org_id, Some(claims.user_id))?;
        let authorization = Secret::new(format!("Bearer {}", token.expose()));
        let url = self
            .gateway
            .config
            .base_url(upstream)
            .join(&format!("/internal/sessions/{}", claims.sid));
        let mut headers = vec![
            ("authorization", authorization.expose()),
            (REQUEST_ID, &self.visit.request_id),
        ];
        headers.extend(
            self.visit
                .traceparent
                .as_deref()
                .map(|value| (TRACEPARENT, value)),
        );
        let breaker = &self.gateway.breakers[upstream.index()];
        let (status, body) = self
            .worker
            .proxy
            .ask_user_service(url, &headers, breaker)
            .await?;
        match status {
            StatusCode::OK => Session::parse(&body).map(Some).map_err(|error| {
                Error::Unexpected(anyhow::anyhow!(
                    "user-service's session cannot be read: {error}"
                ))
            }),
            StatusCode::NOT_FOUND => Ok(None),
            other => Err(Error::unavailable(format!(
                "user-service answered {other} about a session"
            ))),
        }
    }

    async fn forward(&self, route: &Route, payload: Payload) -> Result<HttpResponse, Error> {
        let breaker = &self.gateway.breakers[route.upstream.index()];
        let route_to = (&self.gateway.config, breaker);
        self.worker
            .proxy
            .forward(route.upstream, self.request, payload, self.visit, route_to)
            .await
    }

    fn check_head(&self) -> Result<(), Error> {
        let headers = self.request.headers();
        query::within_bounds(self.request.query_string())?;
        if is_encoded(headers) {
            return Err(Refusal::UnsupportedMediaType.into());
        }
        let limit = self.gateway.config.limits.body_bytes;
        let is_too_large = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit));
        if is_too_large {
            return Err(Refusal::PayloadTooLarge.into());
        }
        Ok(())
    }

    fn own_page(&self, page: &OwnPage) -> Result<HttpResponse, Error> {
        match page {
            OwnPage::Document => Ok(self.gateway.docs.document()),
            OwnPage::Docs(part) => self.gateway.docs.page(part.as_deref()),
            OwnPage::Health | OwnPage::Readiness => Err(Rejection::NotFound.into()),
        }
    }

    async fn probe(&self) -> Result<HttpResponse, Error> {
        if self.visit.target == Target::Own(OwnPage::Health) {
            return Ok(health::healthz().await);
        }
        let data = (
            self.request.app_data::<Data<Probes>>().cloned(),
            self.request.app_data::<Data<CancellationToken>>().cloned(),
        );
        match data {
            (Some(probes), Some(shutdown)) => Ok(health::readyz(probes, shutdown).await),
            _ => Err(
                anyhow::anyhow!("the readiness checks are not part of the application data").into(),
            ),
        }
    }
}

/// 429 when the limit refuses the request.
fn within(standing: Option<&Standing>) -> Result<(), Error> {
    match standing.and_then(|standing| standing.retry_after) {
        None => Ok(()),
        Some(wait) => Err(Rejection::RateLimited {
            retry_after_seconds: seconds(wait).max(1),
        }
        .into()),
    }
}

/// 403 when the session holds none of the permissions; an empty list asks for the session only.
fn permit(session: &Session, required: &[Permission]) -> Result<(), Error> {
    if required.is_empty() || session.permissions.has_any(required) {
        Ok(())
    } else {
        Err(Rejection::forbidden(required).into())
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
