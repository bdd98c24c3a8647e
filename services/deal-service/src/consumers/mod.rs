//! Events in, read models out.

pub(crate) mod project;
