//! What holds for every route, whichever service answers: error bodies, paths, bodies, request ids,
//! headers, versions, lists, and the document that describes all of it.
//!
//! What can be generated from the OpenAPI document is, so that a route that is added is checked as well.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

mod contract {
    mod bodies;
    mod document;
    mod envelope;
    mod headers;
    mod lists;
    mod paths;
    mod queries;
    mod support;
    mod versions;
}
