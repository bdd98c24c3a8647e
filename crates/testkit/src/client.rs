//! A client of the HTTP API that keeps what it was answered, and fails with all of it.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::described;

/// Talks to one base address, with or without an access token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// What was asked, for messages.
    pub request: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; `Null` if it is not JSON.
    pub json: Value,
}

impl Client {
    /// A client without a token.
    pub fn new(base: &str) -> Self {
        crate::stack();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(40))
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            token: None,
        }
    }

    /// The same client with an access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same token at another address: a service by itself.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a request with any headers and an optional JSON body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Response {
        self.try_send(method.clone(), path, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
    }

    /// As [`Client::send`], for tests in which the other side may be gone.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Response> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        let answer = Response {
            request: format!("{method} {path}"),
            status,
            headers,
            text,
            json,
        };
        described::check(&method, path, &answer);
        Ok(answer)
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], None).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Response {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    /// PATCH with a JSON merge patch.
    pub async fn patch(&self, path: &str, body: &Value) -> Response {
        self.send(
            Method::PATCH,
            path,
            &[("Content-Type", "application/merge-patch+json")],
            Some(body),
        )
        .await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Response {
        self.send(Method::DELETE, path, &[], None).await
    }
}

impl Response {
    /// The body, when the status is the expected one.
    ///
    /// # Panics
    /// When it is another, with the whole answer.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}: {} {}",
            self.request,
            self.status,
            self.text
        );
        &self.json
    }

    /// As [`Response::expect`], for a refusal with this code. Checks the error body's shape as well.
    ///
    /// # Panics
    /// When status, code or shape differ.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) -> &Value {
        self.expect(status);
        assert_eq!(self.json["code"], code, "{}: {}", self.request, self.text);
        assert_eq!(
            self.json["status"], status,
            "{}: {}",
            self.request, self.text
        );
        for member in ["error", "message", "requestId", "type", "title", "instance"] {
            assert!(
                self.json[member].is_string(),
                "{}: no {member} in {}",
                self.request,
                self.text
            );
        }
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.request
        );
        &self.json["details"]
    }

    /// A header's value, empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Decodes the base64url of a token's part.
///
/// # Panics
/// When it is no base64url.
pub fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}
