//! What the types of a handler's arguments say about its operation.
//!
//! The OpenAPI document describes permissions and headers from this and from nothing else, so it cannot say
//! what the code does not do.

use actix_web::{HttpRequest, web};
use domain::permission::Permission;

use super::{
    Authorized, Conditional, Json, JsonOrEmpty, MergePatch, PathId, PathIds, Query, Requires,
};
use crate::{
    auth::service_token::{Callers, InternalCaller},
    db::Idempotency,
};

/// What an operation asks of its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// One of these permissions lets a caller in; an empty list asks for a live session only. `None`: every caller,
    /// signed in or not.
    pub any_of: Option<&'static [Permission]>,
    /// It has parameters in the query.
    pub takes_query: bool,
    /// It takes an `Idempotency-Key`.
    pub takes_key: bool,
    /// It takes `If-None-Match` when it reads, `If-Match` when it changes.
    pub is_conditional: bool,
}

/// One argument of a handler.
pub trait Argument {
    /// Adds what this argument says to the contract.
    fn describe(_contract: &mut Contract) {}
}

/// All arguments of a handler.
pub trait Arguments {
    /// What they say together.
    fn contract() -> Contract;
}

impl<P: Requires> Argument for Authorized<P> {
    fn describe(contract: &mut Contract) {
        contract.any_of = Some(P::ANY_OF);
    }
}

impl<T> Argument for Query<T> {
    fn describe(contract: &mut Contract) {
        contract.takes_query = true;
    }
}

impl Argument for Idempotency {
    fn describe(contract: &mut Contract) {
        contract.takes_key = true;
    }
}

impl Argument for Conditional {
    fn describe(contract: &mut Contract) {
        contract.is_conditional = true;
    }
}

// Bodies and paths are described beside the handler, and services call each other by no document.
impl<T> Argument for Json<T> {}
impl<T> Argument for JsonOrEmpty<T> {}
impl Argument for MergePatch {}
impl Argument for PathId {}
impl Argument for PathIds {}
impl Argument for HttpRequest {}
impl<T: ?Sized> Argument for web::Data<T> {}
impl<C: Callers> Argument for InternalCaller<C> {}

/// A handler without arguments asks for nothing.
impl Arguments for () {
    fn contract() -> Contract {
        Contract::default()
    }
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            fn contract() -> Contract {
                let mut contract = Contract::default();
                $($name::describe(&mut contract);)*
                contract
            }
        }
    };
}

arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);
arguments!(A B C D E F);
arguments!(A B C D E F G);
arguments!(A B C D E F G H);
