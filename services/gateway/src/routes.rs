//! The route table: which paths exist, who answers for them, and what they ask of the caller.
//!
//! Derived from the services' OpenAPI documents, so a route that is not documented is not reachable.
//! Paths are matched literally, on the raw bytes: no decoding, no normalizing. Whatever a service might read
//! as another path than the one checked here is not found.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use actix_web::http::Method;
use domain::permission::Permission;
use serde_json::Value;

use crate::upstream::{ServiceDocument, Upstream};

/// The one path outside `/api` that a service answers for.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Where every other public path begins.
const API_PREFIX: &str = "/api/";
/// Routes under this prefix are limited more strictly.
const AUTH_PREFIX: &str = "/api/auth/";
/// The longest key (such as a key date's) that is looked at as one.
const KEY_LENGTH_MAX: usize = 100;

/// What a route asks of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: also without a token.
    Public,
    /// A live session that holds one of these permissions; an empty list asks for the session only.
    AnyOf(Vec<Permission>),
}

/// One operation of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// Who answers.
    pub upstream: Upstream,
    /// The path with its parameters' names, for metrics and spans.
    pub pattern: String,
    /// What it asks of the caller.
    pub requirement: Requirement,
    /// Whether it belongs to sign-in, where limits are stricter and answers are never stored.
    pub is_auth: bool,
}

/// What the table says about a method and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The operation exists.
    Found(Arc<Route>),
    /// The operation exists, but the path has no valid id where one belongs: 404, which only callers with the
    /// permission get.
    NoSuchId(Arc<Route>),
    /// The path exists with other methods; they are listed as `Allow` wants them.
    OtherMethods {
        /// The value of `Allow`.
        allow: String,
    },
    /// There is no such path.
    Missing,
}

/// Why no table can be made of a document.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{upstream}: {operation}: {problem}")]
pub struct TableError {
    upstream: &'static str,
    operation: String,
    problem: String,
}

/// All operations of the API.
#[derive(Default)]
pub struct RouteTable {
    root: Node,
}

impl RouteTable {
    /// Reads the operations of the documents.
    ///
    /// When an operation lies outside the public paths, says nothing about permissions, names one that does not exist,
    /// or is in two documents: such an API is not served at all.
    pub fn from_documents(documents: &[ServiceDocument]) -> Result<Self, TableError> {
        let mut table = Self::default();
        for document in documents {
            for operation in operations(document) {
                table.add(document.upstream, &operation)?;
            }
        }
        Ok(table)
    }

    /// Looks a request up. `path` is the raw path of the request line, without the query.
    pub fn find(&self, method: &Method, path: &str) -> Match {
        let Some(segments) = path.strip_prefix('/') else {
            return Match::Missing;
        };
        // HEAD is answered by GET, without its body.
        let looked_up = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some(operations) = self.root.find(segments, is_canonical_uuid) else {
            let without_ids = self.root.find(segments, is_key);
            return without_ids
                .and_then(|operations| operations.get(looked_up.as_str()))
                .map_or(Match::Missing, |route| Match::NoSuchId(Arc::clone(route)));
        };
        match operations.get(looked_up.as_str()) {
            Some(route) => Match::Found(Arc::clone(route)),
            None => Match::OtherMethods {
                allow: allow(operations),
            },
        }
    }

    /// Every operation: method and route, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Route>)> {
        let mut all = Vec::new();
        self.root.collect(&mut all);
        all.into_iter()
    }

    fn add(&mut self, upstream: Upstream, operation: &Operation<'_>) -> Result<(), TableError> {
        let Operation { method, path, body } = *operation;
        let error = |problem: String| TableError {
            upstream: upstream.name(),
            operation: format!("{method} {path}"),
            problem,
        };
        if !path.starts_with(API_PREFIX) && path != JWKS_PATH {
            return Err(error("lies outside the public paths".to_owned()));
        }
        let requirement = requirement(body).map_err(error)?;
        let mut node = &mut self.root;
        for segment in path.trim_start_matches('/').split('/') {
            node = node.child(&Segment::of_template(segment, operation).map_err(error)?);
        }
        let route = Route {
            upstream,
            pattern: path.to_owned(),
            requirement,
            is_auth: path.starts_with(AUTH_PREFIX),
        };
        match node.operations.insert(method.to_owned(), Arc::new(route)) {
            None => Ok(()),
            Some(other) => Err(error(format!(
                "{} answers for it already",
                other.upstream.name()
            ))),
        }
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// One operation of a document.
struct Operation<'document> {
    /// In upper case.
    method: &'static str,
    path: &'document str,
    body: &'document Value,
}

fn operations(document: &ServiceDocument) -> impl Iterator<Item = Operation<'_>> {
    const METHODS: [(&str, &str); 5] = [
        ("get", "GET"),
        ("post", "POST"),
        ("put", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
    ];
    let paths = document.document["paths"].as_object();
    paths.into_iter().flatten().flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |(member, method)| {
            let body = item.get(member)?;
            Some(Operation { method, path, body })
        })
    })
}

fn requirement(operation: &Value) -> Result<Requirement, String> {
    if operation["x-public"] == Value::Bool(true) {
        return Ok(Requirement::Public);
    }
    let permissions = operation["x-permissions"]
        .as_array()
        .ok_or("says neither x-public nor x-permissions")?;
    let permissions: Result<Vec<_>, _> = permissions.iter().map(permission).collect();
    permissions.map(Requirement::AnyOf)
}

fn permission(name: &Value) -> Result<Permission, String> {
    name.as_str()
        .and_then(Permission::parse)
        .ok_or_else(|| format!("asks for the permission {name}, which does not exist"))
}

fn allow(operations: &BTreeMap<String, Arc<Route>>) -> String {
    let mut methods: Vec<&str> = operations.keys().map(String::as_str).collect();
    if operations.contains_key("GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

/// One segment of a path template.
enum Segment {
    Literal(String),
    /// A lower-case hyphenated UUID.
    Id,
    /// A key of letters, digits, `_` and `-`.
    Key,
}

impl Segment {
    fn of_template(segment: &str, operation: &Operation<'_>) -> Result<Self, String> {
        if segment.is_empty() {
            return Err("has an empty segment".to_owned());
        }
        let parameter = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match parameter {
            Some(name) if is_id(name, operation.body) => Ok(Self::Id),
            Some(_) => Ok(Self::Key),
            None if segment.contains(['{', '}']) => {
                Err("has a parameter that is not a whole segment".to_owned())
            }
            None => Ok(Self::Literal(segment.to_owned())),
        }
    }
}

/// Whether a path parameter is an id: by its schema, or by its name.
fn is_id(name: &str, operation: &Value) -> bool {
    let documented = operation["parameters"].as_array().into_iter().flatten();
    let mut formats = documented
        .filter(|parameter| parameter["name"] == name && parameter["in"] == "path")
        .map(|parameter| parameter["schema"]["format"].as_str());
    name == "id" || name.ends_with("Id") || formats.any(|format| format == Some("uuid"))
}

/// One place in the tree of paths. A literal goes before an id, an id before a key.
#[derive(Default)]
struct Node {
    literals: HashMap<String, Node>,
    id: Option<Box<Node>>,
    key: Option<Box<Node>>,
    operations: BTreeMap<String, Arc<Route>>,
}

impl Node {
    fn child(&mut self, segment: &Segment) -> &mut Self {
        match segment {
            Segment::Literal(literal) => self.literals.entry(literal.clone()).or_default(),
            Segment::Id => self.id.get_or_insert_default(),
            Segment::Key => self.key.get_or_insert_default(),
        }
    }

    /// The operations of a path; `is_id` says what passes for an id.
    fn find(
        &self,
        segments: &str,
        is_id: fn(&str) -> bool,
    ) -> Option<&BTreeMap<String, Arc<Route>>> {
        let (segment, rest) = match segments.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (segments, None),
        };
        let literal = self.literals.get(segment);
        let id = self.id.as_deref().filter(|_| is_id(segment));
        let key = self.key.as_deref().filter(|_| is_key(segment));
        [literal, id, key]
            .into_iter()
            .flatten()
            .find_map(|node| match rest {
                Some(rest) => node.find(rest, is_id),
                None => Some(&node.operations).filter(|operations| !operations.is_empty()),
            })
    }

    fn collect<'node>(&'node self, into: &mut Vec<(&'node str, &'node Arc<Route>)>) {
        into.extend(
            self.operations
                .iter()
                .map(|(method, route)| (method.as_str(), route)),
        );
        let literals: BTreeMap<_, _> = self.literals.iter().collect();
        for node in literals.into_values() {
            node.collect(into);
        }
        for node in [&self.id, &self.key].into_iter().flatten() {
            node.collect(into);
        }
    }
}

/// Whether this is a UUID in the one spelling that counts: lower case, hyphenated.
fn is_canonical_uuid(segment: &str) -> bool {
    segment.len() == 36
        && segment
            .bytes()
            .enumerate()
            .all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            })
}

fn is_key(segment: &str) -> bool {
    !segment.is_empty()
        && segment.len() <= KEY_LENGTH_MAX
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::upstream::committed_documents;

    const ID: &str = "0192f0c4-0000-7000-8000-00000000000a";

    fn document(upstream: Upstream, paths: Value) -> ServiceDocument {
        ServiceDocument {
            upstream,
            document: json!({ "openapi": "3.1.0", "paths": paths }),
        }
    }

    fn table() -> RouteTable {
        let view = json!({ "x-permissions": ["view_deals", "manage_tasks"] });
        let signed_in = json!({ "x-permissions": [] });
        RouteTable::from_documents(&[
            document(
                Upstream::UserService,
                json!({
                    "/.well-known/jwks.json": { "get": { "x-public": true } },
                    "/api/auth/login": { "post": { "x-public": true } },
                    "/api/notifications/preferences": { "get": signed_in, "put": signed_in },
                    "/api/notifications/read-all": { "post": signed_in },
                    "/api/notifications/{id}/read": { "post": signed_in },
                }),
            ),
            document(
                Upstream::DealService,
                json!({ "/api/deals/{id}": { "get": view, "delete": view } }),
            ),
            document(
                Upstream::TaskService,
                json!({
                    "/api/deals/{dealId}/key-dates/{key}/explain": { "get": view },
                    "/api/deals/{dealId}/key-dates/preview": { "post": view },
                }),
            ),
        ])
        .unwrap()
    }

    fn found(table: &RouteTable, method: Method, path: &str) -> Option<String> {
        match table.find(&method, path) {
            Match::Found(route) => Some(format!("{} {}", route.upstream.name(), route.pattern)),
            Match::NoSuchId(_) | Match::OtherMethods { .. } | Match::Missing => None,
        }
    }

    #[test]
    fn a_route_is_found_with_its_service_and_requirement() {
        let table = table();
        let path = format!("/api/deals/{ID}");
        let Match::Found(route) = table.find(&Method::GET, &path) else {
            panic!("the route is in the document");
        };
        assert_eq!(route.upstream, Upstream::DealService);
        assert_eq!(
            route.requirement,
            Requirement::AnyOf(vec![Permission::ViewDeals, Permission::ManageTasks])
        );
        assert_eq!(
            found(&table, Method::HEAD, &path),
            found(&table, Method::GET, &path)
        );
    }

    #[test]
    fn services_share_a_prefix_and_literals_go_before_parameters() {
        let table = table();
        let cases = [
            (
                Method::GET,
                format!("/api/deals/{ID}/key-dates/closing_date/explain"),
                "task-service /api/deals/{dealId}/key-dates/{key}/explain",
            ),
            (
                Method::POST,
                format!("/api/deals/{ID}/key-dates/preview"),
                "task-service /api/deals/{dealId}/key-dates/preview",
            ),
            (
                Method::GET,
                format!("/api/deals/{ID}/key-dates/preview/explain"),
                "task-service /api/deals/{dealId}/key-dates/{key}/explain",
            ),
            (
                Method::POST,
                format!("/api/notifications/{ID}/read"),
                "user-service /api/notifications/{id}/read",
            ),
            (
                Method::POST,
                "/api/notifications/read-all".to_owned(),
                "user-service /api/notifications/read-all",
            ),
            (
                Method::GET,
                "/.well-known/jwks.json".to_owned(),
                "user-service /.well-known/jwks.json",
            ),
        ];
        for (method, path, expected) in cases {
            assert_eq!(
                found(&table, method, &path).as_deref(),
                Some(expected),
                "{path}"
            );
        }
    }

    #[test]
    fn paths_are_matched_literally() {
        let table = table();
        let cases = [
            (format!("/api/deals/{ID}/"), "trailing slash"),
            (format!("/api//deals/{ID}"), "double slash"),
            (format!("//api/deals/{ID}"), "double slash in front"),
            (format!("/api/./deals/{ID}"), "dot segment"),
            (format!("/api/x/../deals/{ID}"), "dot segments"),
            (format!("/api/%64eals/{ID}"), "encoded letter"),
            (format!("/api%2Fdeals/{ID}"), "encoded slash"),
            (format!("/api/deals/{ID}%00"), "encoded NUL"),
            (format!("/API/deals/{ID}"), "other case"),
            (format!("/api/deals/{{{ID}}}"), "id in braces"),
            (
                format!("/api/deals/{ID}/key-dates/clos%69ng/explain"),
                "encoded key",
            ),
            (
                format!("/api/deals/{ID}/key-dates/../explain"),
                "dots for a key",
            ),
            (
                format!("/api/deals/{ID}/key-dates//explain"),
                "nothing for a key",
            ),
            (format!("/api/deals/{ID};v=1"), "path parameter"),
            ("/api".to_owned(), "no route"),
            ("/api/".to_owned(), "no route"),
            ("/".to_owned(), "no route"),
            (String::new(), "no path"),
            ("*".to_owned(), "asterisk form"),
            ("/internal/sessions".to_owned(), "internal"),
            ("/metrics".to_owned(), "metrics"),
        ];
        for (path, reason) in cases {
            assert_eq!(
                table.find(&Method::GET, &path),
                Match::Missing,
                "{reason}: {path}"
            );
        }
    }

    #[test]
    fn an_operation_is_known_by_a_path_whose_id_is_none() {
        let table = table();
        for id in ["7", "me", &ID.to_uppercase(), &ID.replace('-', "")] {
            let path = format!("/api/deals/{id}");
            let Match::NoSuchId(route) = table.find(&Method::GET, &path) else {
                panic!("{path} is a path of the document but for its id");
            };
            assert_eq!(route.pattern, "/api/deals/{id}");
            assert_eq!(table.find(&Method::PATCH, &path), Match::Missing);
        }
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        let path = format!("/api/deals/{ID}");
        let allow = "DELETE, GET, HEAD".to_owned();
        assert_eq!(
            table().find(&Method::PATCH, &path),
            Match::OtherMethods { allow }
        );
    }

    #[test]
    fn documents_that_leave_a_route_open_are_refused() {
        let cases = [
            (
                json!({ "/api/x": { "get": {} } }),
                "says neither x-public nor x-permissions",
            ),
            (
                json!({ "/api/x": { "get": { "x-permissions": ["fly"] } } }),
                "asks for the permission \"fly\", which does not exist",
            ),
            (
                json!({ "/internal/x": { "get": { "x-public": true } } }),
                "lies outside the public paths",
            ),
            (
                json!({ "/api/x/": { "get": { "x-public": true } } }),
                "has an empty segment",
            ),
            (
                json!({ "/api/x{y}": { "get": { "x-public": true } } }),
                "has a parameter that is not a whole segment",
            ),
        ];
        for (paths, problem) in cases {
            let error =
                RouteTable::from_documents(&[document(Upstream::DealService, paths)]).unwrap_err();
            assert_eq!(error.problem, problem);
        }
    }

    #[test]
    fn two_services_cannot_answer_for_one_operation() {
        let paths = |name| json!({ format!("/api/x/{{{name}}}"): { "get": { "x-public": true } } });
        let error = RouteTable::from_documents(&[
            document(Upstream::DealService, paths("id")),
            document(Upstream::TaskService, paths("taskId")),
        ])
        .unwrap_err();
        assert_eq!(error.problem, "deal-service answers for it already");
    }

    #[test]
    fn a_table_can_be_made_of_the_committed_documents() {
        let table = RouteTable::from_documents(&committed_documents().unwrap()).unwrap();
        for (method, route) in table.iter() {
            let path = route.pattern.replace("{key}", "closing_date");
            let path: Vec<&str> = path
                .split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        ID
                    } else {
                        segment
                    }
                })
                .collect();
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(
                table.find(&method, &path.join("/")),
                Match::Found(Arc::clone(route)),
                "{method}"
            );
        }
    }

    #[test]
    fn a_segment_of_more_than_a_hundred_characters_is_no_key() {
        let table = table();
        let found = |length| {
            let key = "k".repeat(length);
            let path = format!("/api/deals/{ID}/key-dates/{key}/explain");
            matches!(table.find(&Method::GET, &path), Match::Found(_))
        };
        assert!(found(100));
        assert!(!found(101));
    }
}
