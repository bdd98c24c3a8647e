//! Whatever may come from outside, given to what reads it: one function a target, each with a bound on memory and on
//! steps that grows with the input and with nothing else.
//!
//! Called by `tests/targets.rs` with the corpus and with generated inputs, in every run of the tests, and by
//! `scripts/fuzz` with inputs that follow coverage, for as long as one likes. A target panics when a bound or a
//! promise is broken; it refuses nothing else.

#![expect(
    clippy::expect_used,
    reason = "a target reports what it finds by a panic"
)]

mod cost;
mod cursors;
mod dates;
mod events;
mod json;
mod query;
mod tokens;
mod yaml;

/// A reader of something from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its corpus and of its binary.
    pub name: &'static str,
    /// Reads one input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("json", json::run),
    target("yaml", yaml::run),
    target("cursors", cursors::run),
    target("tokens", tokens::run),
    target("query", query::run),
    target("events", events::run),
    target("dates", dates::run),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Runs a target by its name.
///
/// # Panics
/// When there is none, and when the target finds something.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}
