//! Moves the traffic of HTTPRoutes to a new version step by step, watches error rate and latency in Prometheus between
//! the steps, and moves it back on a breach.
//!
//! The new version is a second release of the charts beside the present one. What changes is the `backendRefs` of the
//! routes and nothing else: the pods of both versions are there from the first step to the last.

pub mod bounds;
pub mod drive;
pub mod kubernetes;
pub mod prometheus;
pub mod steps;
