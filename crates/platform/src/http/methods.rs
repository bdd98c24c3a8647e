//! Which methods the documented paths of a service have, for the answer to any other method.
//!
//! actix-web keeps no such table, but the service's own OpenAPI document is one. Paths that are not in it, such
//! as those under `/internal`, are answered without the list.

use std::collections::HashMap;

use actix_web::http::header::HeaderValue;
use anyhow::Context as _;
use serde_json::Value;

/// The value of `Allow` for each documented path. Part of the service's application data.
#[derive(Clone, Debug, Default)]
pub struct Methods(HashMap<String, HeaderValue>);

impl Methods {
    /// Reads the paths of an OpenAPI document.
    ///
    /// # Errors
    /// When the document is not JSON.
    pub fn of_document(document: &str) -> anyhow::Result<Self> {
        let document: Value =
            serde_json::from_str(document).context("failed to read the service's own document")?;
        let paths = document["paths"].as_object().into_iter().flatten();
        paths
            .map(|(path, item)| {
                let methods = item.as_object().into_iter().flatten();
                let mut methods: Vec<String> =
                    methods.map(|(method, _)| method.to_uppercase()).collect();
                methods.sort_unstable();
                Ok((unnamed(path), methods.join(", ").parse()?))
            })
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }

    /// The methods of a path, given as the pattern that it matches.
    pub fn allowed(&self, pattern: &str) -> Option<&HeaderValue> {
        self.0.get(&unnamed(pattern))
    }
}

/// The pattern without the names of its parameters: two handlers of one path may call them differently.
fn unnamed(pattern: &str) -> String {
    let segments = pattern.split('/');
    let segments = segments.map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_methods_of_its_document() {
        let document =
            r#"{"paths": {"/api/deals/{id}": {"put": {}, "get": {}}, "/api/deals": {"post": {}}}}"#;
        let methods = Methods::of_document(document).unwrap();
        assert_eq!(methods.allowed("/api/deals/{dealId}").unwrap(), "GET, PUT");
        assert_eq!(methods.allowed("/api/deals").unwrap(), "POST");
        assert_eq!(methods.allowed("/internal/deals"), None);
    }
}
