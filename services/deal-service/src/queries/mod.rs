//! What can be asked, one question a file, straight from SQL into what the answer needs.

pub(crate) mod list_deals;
