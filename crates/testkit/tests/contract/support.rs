//! Requests that no well-behaved client sends, and the operations of the document.

use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use testkit::{Client, Organization, Response, stack};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

/// A client at the gateway without a token.
pub(crate) fn anybody() -> Client {
    Client::new(&stack().gateway)
}

/// The ADMIN of a fresh organization.
pub(crate) async fn administrator() -> Client {
    Organization::new().await.admin.api
}

/// A request as its bytes, for what clients normalize or refuse to send.
#[derive(Clone, Debug)]
pub(crate) struct Raw<'request> {
    pub(crate) method: &'request str,
    /// Sent literally.
    pub(crate) path: &'request str,
    pub(crate) headers: &'request [(&'request str, &'request str)],
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
}

/// How the end of the body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `Content-Length`.
    Length,
    /// In chunks, without a length.
    Chunks,
}

impl<'request> Raw<'request> {
    pub(crate) fn get(path: &'request str) -> Self {
        Self {
            method: "GET",
            path,
            headers: &[],
            body: Vec::new(),
            framing: Framing::Length,
        }
    }

    pub(crate) fn json(
        method: &'request str,
        path: &'request str,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            method,
            path,
            headers: &[("Content-Type", "application/json")],
            body: body.into(),
            framing: Framing::Length,
        }
    }

    /// Sends it to the gateway and reads the answer to its end.
    pub(crate) async fn send(&self, token: Option<&str>) -> Response {
        let host = stack().gateway.trim_start_matches("http://").to_owned();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(token) = token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        let body = match self.framing {
            Framing::Length => {
                head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
                self.body.clone()
            }
            Framing::Chunks => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                chunked(&self.body)
            }
        };
        head.push_str("\r\n");
        let stream = TcpStream::connect(host).await.expect("the gateway listens");
        let (mut from, mut to) = stream.into_split();
        let request = [head.into_bytes(), body].concat();
        // The other side may answer and hang up before it has taken all of it.
        let sending = tokio::spawn(async move {
            let _refused = to.write_all(&request).await;
            to
        });
        let mut answer = Vec::new();
        let read = from.read_to_end(&mut answer).await;
        assert!(read.is_ok() || !answer.is_empty(), "{read:?}");
        drop(sending.await);
        parsed(format!("{} {}", self.method, self.path), &answer)
    }
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(64 * 1024) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    chunks
}

fn parsed(request: String, answer: &[u8]) -> Response {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a whole head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head of text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status: StatusCode = status
        .and_then(|status| status.parse().ok())
        .expect("a status");
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| {
            let name: HeaderName = name.to_lowercase().parse().expect("a header's name");
            (
                name,
                HeaderValue::from_str(value).expect("a header's value"),
            )
        })
        .collect();
    assert!(
        !headers.contains_key("transfer-encoding"),
        "{request}: an answer in chunks cannot be read here"
    );
    let text = String::from_utf8(answer[end + 4..].to_vec()).expect("a body of text");
    let json = serde_json::from_str(&text).unwrap_or_default();
    Response {
        request,
        status,
        headers,
        text,
        json,
    }
}

/// One operation of the merged document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// With `{names}`.
    pub(crate) path: String,
    pub(crate) description: Value,
}

impl Operation {
    /// The path with ids that nothing has.
    pub(crate) fn random_path(&self) -> String {
        self.path_with(|| Uuid::now_v7().to_string())
    }

    /// The path with these for ids.
    pub(crate) fn path_with(&self, id: impl Fn() -> String) -> String {
        let parts = self.path.split('/').map(|part| match part {
            "{key}" => "closing_date".to_owned(),
            _ if part.starts_with('{') => id(),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    pub(crate) fn is_public(&self) -> bool {
        self.description["x-public"] == true
    }

    /// Its parameters in the query.
    pub(crate) fn query(&self) -> Vec<String> {
        self.parameters("query")
    }

    /// The headers that it takes.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.parameters("header")
    }

    pub(crate) fn takes_header(&self, name: &str) -> bool {
        self.headers().iter().any(|header| header == name)
    }

    /// Sends it with this path and these headers, and with a body where it takes one.
    pub(crate) async fn send(
        &self,
        api: &Client,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response {
        let mut headers = headers.to_vec();
        if self.method == Method::PATCH {
            headers.push(("Content-Type", "application/merge-patch+json"));
        }
        let has_none = [Method::GET, Method::DELETE].contains(&self.method);
        let body = (!has_none).then_some(body);
        api.send(self.method.clone(), path, &headers, body).await
    }

    fn parameters(&self, place: &str) -> Vec<String> {
        let parameters = self.description["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        parameters
            .iter()
            .filter(|parameter| parameter["in"] == place)
            .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The document, as the gateway serves it.
pub(crate) async fn document() -> Value {
    anybody().get("/api/openapi.json").await.expect(200).clone()
}

/// All operations that it describes.
pub(crate) async fn operations() -> Vec<Operation> {
    let all = operations_of(&document().await);
    assert!(all.len() > 60, "{} operations", all.len());
    all
}

/// Each service by itself, with the operations of the document that it has committed.
pub(crate) fn services() -> [(Client, Vec<Operation>); 4] {
    let stack = stack();
    [
        (
            &stack.user_service,
            include_str!("../../../../services/user-service/openapi.json"),
        ),
        (
            &stack.deal_service,
            include_str!("../../../../services/deal-service/openapi.json"),
        ),
        (
            &stack.task_service,
            include_str!("../../../../services/task-service/openapi.json"),
        ),
        (
            &stack.workflow_worker,
            include_str!("../../../../services/workflow-worker/openapi.json"),
        ),
    ]
    .map(|(base, document)| {
        let document = serde_json::from_str(document).expect("JSON");
        (Client::new(base), operations_of(&document))
    })
}

fn operations_of(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, description) in item.as_object().expect("operations") {
            all.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                description: description.clone(),
            });
        }
    }
    all
}

/// A refusal as every refusal must be: its whole body, and nothing of the inside.
#[track_caller]
pub(crate) fn refusal(answer: &Response, status: u16, code: &str) -> Value {
    answer.refuses(status, code);
    let id = answer.header("x-request-id");
    assert_eq!(answer.json["requestId"], id, "{}", answer.request);
    assert!(answer.json["details"].is_object(), "{}", answer.text);
    for inside in ["127.0.0.1", "sqlx", "SELECT", "panicked", "src/", "_svc"] {
        assert!(
            !answer.text.contains(inside),
            "{}: {}",
            answer.request,
            answer.text
        );
    }
    answer.json.clone()
}

/// As [`refusal`] for one field that is not as it should be.
#[track_caller]
pub(crate) fn field_refusal(answer: &Response, field: &str, constraint: &str) {
    let body = refusal(answer, 400, "VALIDATION_001");
    assert_eq!(body["error"], "ValidationError", "{}", answer.text);
    let found = [&body["details"]["field"], &body["details"]["constraint"]];
    assert_eq!(
        found,
        [field, constraint],
        "{}: {}",
        answer.request,
        answer.text
    );
}
