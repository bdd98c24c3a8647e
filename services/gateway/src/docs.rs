//! The API's description: the OpenAPI document, and pages to browse it that need nothing from elsewhere.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    web::Bytes,
};
use domain::rejection::Rejection;
use platform::error::Error;
use serde_json::Value;
use utoipa_swagger_ui::Config;

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/api/openapi.json";
/// Where the pages are; their parts are one level below.
pub const PAGES_PATH: &str = "/api/docs";

/// What the pages may load: only from here. Their library writes style attributes.
const PAGES_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself. Its parts are named absolutely, since its own path has no trailing slash.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Haushavn API</title>
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
    <link rel="stylesheet" href="/api/docs/index.css">
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/swagger-ui-standalone-preset.js"></script>
    <script src="/api/docs/swagger-initializer.js"></script>
  </body>
</html>
"#;

/// Answers for the document and the pages.
pub struct Docs {
    document: Bytes,
    pages: Arc<Config<'static>>,
}

impl Docs {
    /// The pages for a document.
    pub fn new(document: &Value) -> Self {
        Self {
            document: document.to_string().into(),
            pages: Arc::new(Config::from(DOCUMENT_PATH).validator_url("none")),
        }
    }

    /// The document.
    pub fn document(&self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(self.document.clone())
    }

    /// The page, or the part of it with this name.
    ///
    /// # Errors
    /// 404 for a part that does not exist.
    pub fn page(&self, part: Option<&str>) -> Result<HttpResponse, Error> {
        let mut answer = HttpResponse::Ok();
        answer
            .insert_header((CONTENT_SECURITY_POLICY, PAGES_POLICY))
            .insert_header((CACHE_CONTROL, "max-age=3600"));
        let Some(part) = part else {
            return Ok(answer.content_type("text/html; charset=utf-8").body(PAGE));
        };
        let file = utoipa_swagger_ui::serve(part, Arc::clone(&self.pages))
            .map_err(|error| anyhow::anyhow!("{error}").context("failed to make the API's pages"))?
            .filter(|_| !part.is_empty())
            .ok_or(Rejection::NotFound)?;
        Ok(answer
            .content_type(file.content_type)
            .body(file.bytes.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    async fn text(answer: HttpResponse) -> String {
        String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn every_part_that_the_page_names_is_here_and_nothing_is_elsewhere() {
        let docs = Docs::new(&Value::Null);
        let page = text(docs.page(None).unwrap()).await;
        assert!(!page.contains("://"));
        let parts: Vec<&str> = page
            .split('"')
            .filter_map(|text| text.strip_prefix("/api/docs/"))
            .collect();
        assert_eq!(parts.len(), 6);
        for part in parts {
            assert!(docs.page(Some(part)).is_ok(), "{part}");
        }
    }

    #[actix_web::test]
    async fn the_pages_show_the_merged_document() {
        let docs = Docs::new(&Value::Null);
        let settings = docs.page(Some("swagger-initializer.js")).unwrap();
        assert!(text(settings).await.contains(DOCUMENT_PATH));
    }

    #[test]
    fn an_unknown_part_is_not_found() {
        let docs = Docs::new(&Value::Null);
        for part in ["", "nothing.js", "../Cargo.toml"] {
            let answer = docs.page(Some(part));
            assert!(
                matches!(answer, Err(Error::Rejected(Rejection::NotFound))),
                "{part}"
            );
        }
    }
}
