//! The permission is in the handler's type: `Authorized<permission::ManageTasks>`.
//!
//! The extractor refuses requests without a valid token. It does not decide on the permission: that
//! happens when the session is opened, with the permissions the database gives.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use domain::{permission::Permission, rejection::Rejection};

use super::{
    caller::{Access, Caller},
    middleware::IdentityUnavailable,
};
use crate::error::Error;

/// What a route asks of its caller. Implemented by the unit types in [`super::permission`].
pub trait Requires: 'static {
    /// One of these must be held; an empty list asks for a live session only.
    const ANY_OF: &'static [Permission];
}

/// The caller of a route that asks for `P`. Without a valid access token: 401 `UNAUTHENTICATED`.
#[derive(Clone, Debug)]
pub struct Authorized<P: Requires> {
    caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Requires> Access for Authorized<P> {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn any_of(&self) -> &'static [Permission] {
        P::ANY_OF
    }
}

impl<P: Requires> FromRequest for Authorized<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        ready(match extensions.get::<Caller>() {
            Some(caller) => Ok(Self {
                caller: caller.clone(),
                permission: PhantomData,
            }),
            None if extensions.contains::<IdentityUnavailable>() => Err(Error::unavailable(
                "the public keys of access tokens cannot be had",
            )),
            None => Err(Rejection::Unauthenticated.into()),
        })
    }
}
