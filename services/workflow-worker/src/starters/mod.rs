//! Where workflows are started and signalled.

pub(crate) mod bridge;
mod orders;
