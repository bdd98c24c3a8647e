//! Rows of this service's tables, and back. No rule of the domain is decided here.

pub(crate) mod access;
pub(crate) mod deals;
pub(crate) mod parties;
pub(crate) mod projection;
pub(crate) mod views;
