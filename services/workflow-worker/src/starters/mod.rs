//! Where workflows are started and told of changes.

pub(crate) mod bridge;
mod orders;
