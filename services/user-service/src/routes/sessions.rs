//! The caller's own sessions: where somebody is signed in, and the end of it.

use actix_web::{HttpRequest, HttpResponse, http::header::USER_AGENT, web};
use platform::{
    error::Result,
    http::{
        Access as _, Authorized, Cut, Page, PathId, Query as Parameters, Routes,
        permission::SignedIn as AnySession,
    },
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    commands::end_session,
    queries::list_sessions::{self, OwnSession},
    services::Services,
};

/// Longest name of a client that is kept, in bytes: browsers use some 120.
const CLIENT_LENGTH_MAX: usize = 256;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/auth/sessions", list)
        .delete("/api/auth/sessions/{id}", end)
}

/// How a request's client calls itself, cut to what is kept.
pub(super) fn client_of(request: &HttpRequest) -> Option<String> {
    let named = request.headers().get(USER_AGENT)?.to_str().ok()?.trim();
    let kept = &named[..named.len().min(CLIENT_LENGTH_MAX)];
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// How the list is cut.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    /// 1 to 100, 25 unless given.
    pub limit: Option<u32>,
    /// Where the page begins: `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// The caller's running sessions, newest first. The answer holds no token.
#[utoipa::path(
    get,
    path = "/api/auth/sessions",
    operation_id = "listSessions",
    tag = "identity",
    params(SessionsQuery),
    responses((status = 200, description = "A page of sessions", body = Page<OwnSession>))
)]
pub(crate) async fn list(
    caller: Authorized<AnySession>,
    query: Parameters<SessionsQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (limit, cursor) = (query.0.limit, query.0.cursor.as_deref());
    let current = caller.caller().session_id;
    let page = services
        .db
        .read(&caller, async |tx| {
            let user_id = tx.actor().user_id;
            let cut: Cut<Uuid> = services
                .cursors
                .cut(tx, "sessions", &user_id, limit, cursor)?;
            let running = list_sessions::run(tx, cut.after, cut.fetch()).await?;
            cut.page(running, |session| session.id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(|session| OwnSession::of(session, current))))
}

/// Ends one of the caller's sessions. Its tokens stop working at once.
///
/// Rejections: `NOT_FOUND` where it is over, or not the caller's.
#[utoipa::path(
    delete,
    path = "/api/auth/sessions/{id}",
    operation_id = "endSession",
    tag = "identity",
    params(("id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "Ended"))
)]
pub(crate) async fn end(
    caller: Authorized<AnySession>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .write(&caller, async |tx| end_session::run(tx, id.0).await)
        .await?;
    services.cache.drop_sessions(&[id.0]).await;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_clients_name_is_cut_to_256_bytes_and_may_be_absent() {
        let client = |name: &str| {
            let request = TestRequest::default().insert_header((USER_AGENT, name));
            client_of(&request.to_http_request())
        };
        assert_eq!(client("Browser 1.0"), Some("Browser 1.0".to_owned()));
        let long = "b".repeat(CLIENT_LENGTH_MAX + 1);
        assert_eq!(client(&long), Some("b".repeat(CLIENT_LENGTH_MAX)));
        assert_eq!(client(""), None);
        assert_eq!(client_of(&TestRequest::default().to_http_request()), None);
    }
}
