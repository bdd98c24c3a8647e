//! The routes of a service: where each request goes, and what is known of a path beside its handlers.
//!
//! Handlers are plain functions. What a route asks of its callers is read from the types of their arguments, and
//! a route whose handler takes no [`Query`] refuses any parameter.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, Handler, HttpRequest, Responder,
    dev::Payload,
    http::{Method, header::HeaderValue},
    web::{self, ServiceConfig},
};
use serde::Deserialize;

use super::{
    Query,
    contract::{Arguments, Contract},
};
use crate::error::{Error, Result};

/// Routes in the order in which they were added, with what their handlers work with.
#[derive(Default)]
pub struct Routes {
    all: Vec<Route>,
    data: Vec<AddData>,
}

type AddData = Box<dyn FnOnce(&mut ServiceConfig)>;

/// One method of one path.
pub(super) struct Route {
    pub(super) method: Method,
    /// With `{names}`.
    pub(super) path: &'static str,
    pub(super) contract: Contract,
    handler: actix_web::Route,
}

impl Routes {
    /// Adds a GET.
    #[must_use]
    pub fn get<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        self.add(Method::GET, path, handler)
    }

    /// Adds a POST.
    #[must_use]
    pub fn post<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        self.add(Method::POST, path, handler)
    }

    /// Adds a PUT.
    #[must_use]
    pub fn put<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        self.add(Method::PUT, path, handler)
    }

    /// Adds a PATCH.
    #[must_use]
    pub fn patch<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        self.add(Method::PATCH, path, handler)
    }

    /// Adds a DELETE.
    #[must_use]
    pub fn delete<F, Args>(self, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        self.add(Method::DELETE, path, handler)
    }

    /// Adds something that handlers take as [`web::Data`].
    #[must_use]
    pub fn data<T: ?Sized + 'static>(mut self, data: web::Data<T>) -> Self {
        self.data.push(Box::new(|config| {
            config.app_data(data);
        }));
        self
    }

    /// These routes and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.all.extend(others.all);
        self.data.extend(others.data);
        self
    }

    /// Makes them the routes of a server. The methods of the paths become application data too. `nothing_here` answers
    /// other methods of a path without parameters: else they would reach a path with a parameter in the same place.
    pub(super) fn register(
        self,
        config: &mut ServiceConfig,
        nothing_here: impl Fn() -> actix_web::Route,
    ) {
        config.app_data(web::Data::new(Methods::of(&self)));
        for add in self.data {
            add(config);
        }
        let (fixed, with_parameters): (Vec<Route>, Vec<Route>) = self
            .all
            .into_iter()
            .partition(|route| !route.path.contains('{'));
        let paths: BTreeSet<&str> = fixed.iter().map(|route| route.path).collect();
        for Route { path, handler, .. } in fixed {
            config.route(path, handler);
        }
        for path in paths {
            config.route(path, nothing_here());
        }
        for Route { path, handler, .. } in with_parameters {
            config.route(path, handler);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.all.iter()
    }

    fn add<F, Args>(mut self, method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Responder + 'static>,
        Args: FromRequest + Arguments + 'static,
    {
        let contract = Args::contract();
        let route = web::method(method.clone());
        let handler = if contract.takes_query {
            route.to(handler)
        } else {
            // The handler's own arguments are looked at first: who is asking comes before what.
            route.to(move |arguments: Args, NoParameters {}| handler.call(arguments))
        };
        self.all.push(Route {
            method,
            path,
            contract,
            handler,
        });
        self
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.iter();
        let names = routes.map(|route| format!("{} {}", route.method, route.path));
        formatter.debug_list().entries(names).finish()
    }
}

/// The query of a route that takes none.
#[derive(Deserialize)]
struct NoParameters {}

impl FromRequest for NoParameters {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Query::parse(request.query_string()))
    }
}

/// The value of `Allow` for each path, for the answer to any other method: actix-web keeps no such table.
#[derive(Clone, Debug)]
pub(super) struct Methods(HashMap<String, HeaderValue>);

impl Methods {
    fn of(routes: &Routes) -> Self {
        let mut methods: HashMap<String, BTreeSet<&str>> = HashMap::new();
        for route in routes.iter() {
            let known = methods.entry(unnamed(route.path)).or_default();
            known.insert(route.method.as_str());
        }
        let values = methods.into_iter().filter_map(|(path, methods)| {
            let methods: Vec<&str> = methods.into_iter().collect();
            Some((path, methods.join(", ").parse().ok()?))
        });
        Self(values.collect())
    }

    /// The methods of a path, given as the pattern that it matches.
    pub(super) fn allowed(&self, pattern: &str) -> Option<&HeaderValue> {
        self.0.get(&unnamed(pattern))
    }
}

/// The pattern without the names of its parameters: two handlers of one path may call them differently.
fn unnamed(pattern: &str) -> String {
    let segments = pattern.split('/');
    let segments = segments.map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;

    use super::*;
    use crate::http::{Authorized, PathId, PathIds, permission::ManageTasks};

    async fn nothing() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    async fn one(_: Authorized<ManageTasks>, _: PathId) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    async fn two(_: PathIds) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[test]
    fn a_path_has_the_methods_of_its_routes() {
        let routes = Routes::default()
            .put("/api/deals/{id}", one)
            .post("/api/deals", nothing)
            .and(Routes::default().get("/api/deals/{dealId}", two));
        let methods = Methods::of(&routes);
        assert_eq!(methods.allowed("/api/deals/{dealId}").unwrap(), "GET, PUT");
        assert_eq!(methods.allowed("/api/deals").unwrap(), "POST");
        assert_eq!(methods.allowed("/internal/deals"), None);
    }
}
