//! Versions as entity tags: `ETag`, `If-Match`, `If-None-Match`, and the `version` in a body.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName},
};
use anyhow::Context as _;
use domain::rejection::Rejection;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// How much of a fingerprint is part of a tag.
const FINGERPRINT_BYTES: usize = 8;
/// Tags in one `If-None-Match`: a cache may keep that many answers of one address.
pub const TAGS_MAX: usize = 64;
/// Tags in one `If-Match`: nobody means a change for more versions than that.
pub const VERSIONS_MAX: usize = 8;

/// What the client said about versions in its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditional {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The version that a change is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Whatever it is: `If-Match: *`, or a route that asks for none.
    Any,
    /// By `If-Match`: anything but one of these is 412 `VERSION_MISMATCH`.
    Matching(Versions),
    /// By the body's `version`: anything else is 409 `VERSION_CONFLICT`.
    InBody(i64),
}

/// The versions that the tags of an `If-Match` name; a tag that we did not make names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions([Option<i64>; VERSIONS_MAX]);

impl Versions {
    fn of(tags: &[Tag]) -> Self {
        let mut named = tags.iter().filter_map(|tag| tag.version);
        Self(std::array::from_fn(|_| named.next()))
    }

    fn contains(&self, version: i64) -> bool {
        self.0.contains(&Some(version))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    OneOf(Vec<Tag>),
}

/// A well-formed tag as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    /// The whole tag, without the mark of a weak one.
    text: String,
    /// The version it names; `None` if we did not make the tag.
    version: Option<i64>,
}

impl Conditional {
    /// For PUT: `If-Match` decides where there is one, else the body's `version`, else it is 400.
    pub fn expected_version(&self, body_version: Option<i64>) -> Result<ExpectedVersion> {
        match (self.by_header(), body_version) {
            (Some(expected), _) => Ok(expected),
            (None, Some(version)) => Ok(ExpectedVersion::InBody(version)),
            (None, None) => Err(Rejection::required("version").into()),
        }
    }

    /// For DELETE and PATCH: `If-Match` decides where there is one, else the body's `version`, else any will do.
    pub fn expected_or_any(&self, body_version: Option<i64>) -> ExpectedVersion {
        self.by_header()
            .unwrap_or_else(|| body_version.map_or(ExpectedVersion::Any, ExpectedVersion::InBody))
    }

    /// The answer to a GET: 200 with the body and its `ETag`, or 304 to a client that has this version.
    pub fn respond(&self, version: i64, body: &impl Serialize) -> HttpResponse {
        self.respond_tagged(etag(version), body)
    }

    /// As [`Conditional::respond`], for a body that also shows something which changes without a version:
    /// `detail` becomes part of the tag. `If-Match` with such a tag means its version.
    pub fn respond_detailed(
        &self,
        version: i64,
        detail: &str,
        body: &impl Serialize,
    ) -> HttpResponse {
        self.respond_tagged(format!("\"{version}-{detail}\""), body)
    }

    /// As [`Conditional::respond`], for a body that also shows `others`, which change without this version:
    /// their fingerprint becomes part of the tag.
    ///
    /// # Errors
    /// When `others` cannot be written as JSON.
    pub fn respond_beside(
        &self,
        version: i64,
        others: &impl Serialize,
        body: &impl Serialize,
    ) -> Result<HttpResponse> {
        let shown = serde_json::to_vec(others).context("write what a tag represents")?;
        let fingerprint = hex::encode(&Sha256::digest(shown)[..FINGERPRINT_BYTES]);
        Ok(self.respond_detailed(version, &fingerprint, body))
    }

    fn respond_tagged(&self, tag: String, body: &impl Serialize) -> HttpResponse {
        let known = match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::OneOf(tags)) => tags.iter().any(|known| known.text == tag),
        };
        if known {
            return HttpResponse::NotModified()
                .insert_header((header::ETAG, tag))
                .finish();
        }
        HttpResponse::Ok()
            .insert_header((header::ETAG, tag))
            .json(body)
    }

    fn by_header(&self) -> Option<ExpectedVersion> {
        self.if_match.as_ref().map(|tags| match tags {
            Tags::Any => ExpectedVersion::Any,
            Tags::OneOf(tags) => ExpectedVersion::Matching(Versions::of(tags)),
        })
    }
}

impl ExpectedVersion {
    /// Compares with the version that is there.
    pub fn check(self, current: i64) -> Result<(), Rejection> {
        match self {
            Self::Any => Ok(()),
            Self::Matching(versions) if versions.contains(current) => Ok(()),
            Self::InBody(version) if version == current => Ok(()),
            Self::Matching(_) => Err(Rejection::VersionMismatch { current }),
            Self::InBody(_) => Err(Rejection::VersionConflict { current }),
        }
    }
}

impl FromRequest for Conditional {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request.headers()))
    }
}

/// The entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

fn read(headers: &HeaderMap) -> Result<Conditional> {
    let if_match = tags(headers, &header::IF_MATCH, "If-Match")?;
    if matches!(&if_match, Some(Tags::OneOf(tags)) if tags.len() > VERSIONS_MAX) {
        return Err(malformed("If-Match"));
    }
    Ok(Conditional {
        if_match,
        if_none_match: tags(headers, &header::IF_NONE_MATCH, "If-None-Match")?,
    })
}

fn tags(headers: &HeaderMap, name: &HeaderName, shown: &'static str) -> Result<Option<Tags>> {
    let mut tags = Vec::new();
    let mut is_any = false;
    let mut lines = headers.get_all(name).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    for line in lines {
        let mut rest = line.to_str().map_err(|_| malformed(shown))?.trim();
        is_any |= rest == "*";
        if rest == "*" {
            continue;
        }
        loop {
            let (tag, behind) = next_tag(rest).ok_or_else(|| malformed(shown))?;
            tags.push(tag);
            match behind.trim_start().strip_prefix(',') {
                Some(next) if tags.len() < TAGS_MAX => rest = next.trim_start(),
                None if behind.trim().is_empty() => break,
                _ => return Err(malformed(shown)),
            }
        }
    }
    match (is_any, tags.len()) {
        (true, 0) => Ok(Some(Tags::Any)),
        (false, 1..=TAGS_MAX) => Ok(Some(Tags::OneOf(tags))),
        _ => Err(malformed(shown)),
    }
}

/// The tag that a text begins with, and what is behind it; `None` where it begins with no tag.
fn next_tag(text: &str) -> Option<(Tag, &str)> {
    // A weak tag, as a proxy may make of ours, names the same version.
    let strong = text.strip_prefix("W/").unwrap_or(text);
    let (inner, behind) = strong.strip_prefix('"')?.split_once('"')?;
    Some((tag_of(inner), behind))
}

/// A tag and the version it names, with or without a detail behind.
fn tag_of(inner: &str) -> Tag {
    let number = match inner.split_once('-') {
        Some((number, _)) if !number.is_empty() => number,
        _ => inner,
    };
    let version = number
        .parse()
        .ok()
        .filter(|version: &i64| version.to_string() == number);
    Tag {
        text: format!("\"{inner}\""),
        version,
    }
}

fn malformed(header: &'static str) -> Error {
    Rejection::field(
        header,
        "format",
        format!("{header} is * or versions in quotes, as in the ETag, with commas between"),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use actix_web::{http::StatusCode, test::TestRequest};

    use super::*;

    fn conditional(name: HeaderName, value: &str) -> Result<Conditional> {
        read(
            TestRequest::default()
                .insert_header((name, value))
                .to_http_request()
                .headers(),
        )
    }

    fn if_match(value: &str) -> Result<ExpectedVersion> {
        conditional(header::IF_MATCH, value)?.expected_version(Some(9))
    }

    fn matching(versions: &[i64]) -> ExpectedVersion {
        let mut versions = versions.iter().copied();
        ExpectedVersion::Matching(Versions(std::array::from_fn(|_| versions.next())))
    }

    #[test]
    fn an_if_match_list_is_matched_by_any_of_its_versions() {
        for list in [
            "\"x\", \"2\"",
            "\"2\",\"x\"",
            "\"a,b\" , W/\"2\"",
            "\"1\", \"2-detail\"",
        ] {
            let expected = if_match(list).unwrap();
            assert_eq!(expected.check(2), Ok(()), "{list}");
            let mismatch = Err(Rejection::VersionMismatch { current: 3 });
            assert_eq!(expected.check(3), mismatch, "{list}");
        }
    }

    #[test]
    fn an_if_match_list_has_a_bound() {
        let list = |count: usize| vec!["\"x\""; count].join(",");
        assert!(if_match(&list(VERSIONS_MAX)).is_ok());
        assert!(if_match(&list(VERSIONS_MAX + 1)).is_err());
        assert!(conditional(header::IF_NONE_MATCH, &list(TAGS_MAX)).is_ok());
        assert!(conditional(header::IF_NONE_MATCH, &list(TAGS_MAX + 1)).is_err());
    }

    #[test]
    fn if_match_goes_before_the_body() {
        assert_eq!(if_match("\"3\"").unwrap(), matching(&[3]));
        assert_eq!(if_match("*").unwrap(), ExpectedVersion::Any);
        assert_eq!(if_match("\"abc\"").unwrap(), matching(&[]));
        assert_eq!(
            Conditional::default().expected_version(Some(9)).unwrap(),
            ExpectedVersion::InBody(9)
        );
    }

    #[test]
    fn without_either_the_version_is_required() {
        let refused = Conditional::default().expected_version(None);
        assert!(
            matches!(refused, Err(Error::Rejected(Rejection::Validation { errors })) if errors[0].field == "version")
        );
        assert_eq!(
            Conditional::default().expected_or_any(None),
            ExpectedVersion::Any
        );
    }

    #[test]
    fn a_detailed_tag_means_its_version_but_is_known_only_whole() {
        assert_eq!(if_match("\"3-2026-12-15\"").unwrap(), matching(&[3]));
        let status = |value: &str| {
            conditional(header::IF_NONE_MATCH, value)
                .unwrap()
                .respond_detailed(3, "2026-12-15", &"deal")
                .status()
        };
        assert_eq!(status("\"3-2026-12-15\""), StatusCode::NOT_MODIFIED);
        for other in ["\"3\"", "\"3-2026-12-16\"", "\"4-2026-12-15\""] {
            assert_eq!(status(other), StatusCode::OK, "{other}");
        }
    }

    #[test]
    fn a_tag_of_what_shows_others_changes_with_them_and_means_its_version() {
        let tag = |version: i64, others: &[&str]| {
            let answer = Conditional::default().respond_beside(version, &others, &"task");
            let tag = answer.unwrap().headers().get(header::ETAG).cloned();
            tag.unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(tag(3, &["PENDING"]), tag(3, &["PENDING"]));
        assert_ne!(tag(3, &["PENDING"]), tag(3, &["COMPLETED"]));
        assert_ne!(tag(3, &["PENDING"]), tag(4, &["PENDING"]));
        assert_eq!(if_match(&tag(3, &["PENDING"])).unwrap(), matching(&[3]));
    }

    #[test]
    fn a_malformed_if_match_is_refused() {
        for value in [
            "3",
            "\"3",
            "3\"",
            "\"3\" \"4\"",
            "",
            "\"3\",",
            "*, \"3\"",
            "\"3\", *",
        ] {
            assert!(if_match(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_stale_header_is_a_mismatch_and_a_stale_body_a_conflict() {
        assert_eq!(
            matching(&[2]).check(3),
            Err(Rejection::VersionMismatch { current: 3 })
        );
        assert_eq!(
            matching(&[]).check(3),
            Err(Rejection::VersionMismatch { current: 3 })
        );
        assert_eq!(
            ExpectedVersion::InBody(2).check(3),
            Err(Rejection::VersionConflict { current: 3 })
        );
        assert_eq!(matching(&[3]).check(3), Ok(()));
        assert_eq!(ExpectedVersion::Any.check(3), Ok(()));
    }

    #[test]
    fn a_client_that_has_the_version_gets_304() {
        let status = |value: &str| {
            conditional(header::IF_NONE_MATCH, value)
                .unwrap()
                .respond(3, &"deal")
                .status()
        };
        assert_eq!(status("\"3\""), StatusCode::NOT_MODIFIED);
        assert_eq!(status("\"1\", W/\"3\""), StatusCode::NOT_MODIFIED);
        assert_eq!(status("\"2\""), StatusCode::OK);
        let fresh = Conditional::default().respond(3, &"deal");
        assert_eq!(fresh.headers().get(header::ETAG).unwrap(), "\"3\"");
    }
}
