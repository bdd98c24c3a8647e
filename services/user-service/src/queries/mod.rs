//! Reads, one a file.

pub mod profile;
