//! Who sends a request, as far as the access token and the connection show.
//!
//! Deliberately without role, organization and permissions: those come from the database when the
//! session is opened (`ctx.enter`), never from a token's claims.

use std::net::IpAddr;

use uuid::Uuid;

use crate::config::Secret;

/// The signed-in sender of one request. Made by the middleware from a verified access token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user named by the token (claim `userId`).
    pub user_id: Uuid,
    /// The sign-in session the token belongs to (claim `sid`).
    pub session_id: Uuid,
    /// The request's id: the client's `X-Request-Id` if well-formed, else one of our own.
    pub request_id: String,
    /// The client's address. Behind the gateway it is what the gateway says in `X-Forwarded-For`.
    pub ip: Option<IpAddr>,
    /// W3C trace context of the request's span, where tracing is on.
    pub traceparent: Option<String>,
    /// The access token as it came, to be passed on when this service asks another one for the caller.
    pub token: Secret,
}

/// What opening a session needs to know: who asks, and which permissions would do.
pub trait Access {
    /// Who asks.
    fn caller(&self) -> &Caller;

    /// One of these must be held; an empty list asks for a live session only.
    fn any_of(&self) -> &'static [domain::permission::Permission];
}
