//! What the gateway knows of a request from the outset: its id, its sender's address, and what it is for.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, dev::ServiceRequest, http::Method};
use platform::http::context::request_id;

use crate::{
    docs,
    routes::{Match, RouteTable},
    trusted_proxies::TrustedProxies,
};

/// One request.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The client's `X-Request-Id` if well-formed, else one of our own.
    pub request_id: String,
    /// Where the request comes from. What the client says about itself is not believed.
    pub address: IpAddr,
    /// Whether somebody who is no trusted proxy says where the request comes from.
    pub is_told_by_a_stranger: bool,
    /// What the request is for.
    pub target: Target,
    /// W3C trace context of the request's span, or what came with the request where there is no tracing.
    pub traceparent: Option<String>,
}

impl Visit {
    /// Looks at a request's head.
    pub fn of(request: &ServiceRequest, table: &RouteTable, proxies: &TrustedProxies) -> Self {
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
        Self {
            request_id: request_id(request.headers()),
            address: proxies.client(peer, request.headers()),
            is_told_by_a_stranger: proxies.is_told_by_a_stranger(peer, request.headers()),
            target: Target::of(request.request(), table),
            traceparent: None,
        }
    }
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A page that the gateway answers itself.
    Own(OwnPage),
    /// A route of a service, or none.
    Service(Match),
}

/// What the gateway answers itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnPage {
    /// Whether the process lives.
    Health,
    /// Whether it can do its work.
    Readiness,
    /// The merged OpenAPI document.
    Document,
    /// The page to browse it, or a part of that page.
    Docs(Option<String>),
}

impl Target {
    fn of(request: &HttpRequest, table: &RouteTable) -> Self {
        let path = request.uri().path();
        let own = match path {
            "/healthz" => Some(OwnPage::Health),
            "/readyz" => Some(OwnPage::Readiness),
            docs::DOCUMENT_PATH => Some(OwnPage::Document),
            docs::PAGES_PATH => Some(OwnPage::Docs(None)),
            _ => path
                .strip_prefix(docs::PAGES_PATH)
                .and_then(|rest| rest.strip_prefix('/'))
                .filter(|part| !part.is_empty())
                .map(|part| OwnPage::Docs(Some(part.to_owned()))),
        };
        match own {
            Some(page) if matches!(*request.method(), Method::GET | Method::HEAD) => {
                Self::Own(page)
            }
            Some(_) => Self::Service(Match::OtherMethods {
                allow: "GET, HEAD".to_owned(),
            }),
            None => Self::Service(table.find(request.method(), path)),
        }
    }

    /// What metrics and spans call it: never a path with ids.
    pub fn label(&self) -> &str {
        match self {
            Self::Own(OwnPage::Health) => "/healthz",
            Self::Own(OwnPage::Readiness) => "/readyz",
            Self::Own(OwnPage::Document) => docs::DOCUMENT_PATH,
            Self::Own(OwnPage::Docs(_)) => docs::PAGES_PATH,
            Self::Service(Match::Found(route) | Match::NoSuchId(route)) => &route.pattern,
            Self::Service(Match::OtherMethods { .. } | Match::Missing) => "unmatched",
        }
    }

    /// Whether limits do not count it: probes must not fail because of them.
    pub fn is_probe(&self) -> bool {
        matches!(self, Self::Own(OwnPage::Health | OwnPage::Readiness))
    }

    /// Whether it belongs to sign-in.
    pub fn is_auth(&self) -> bool {
        matches!(self, Self::Service(Match::Found(route) | Match::NoSuchId(route)) if route.is_auth)
    }
}
