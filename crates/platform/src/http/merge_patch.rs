//! JSON merge patches (RFC 7386): PATCH as a change to what a PUT would take.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::rejection::Rejection;
use futures::{FutureExt as _, future::LocalBoxFuture};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    body::{Body, has_type, read},
    strict_json,
};
use crate::error::{Error, Refusal, Result};

/// The patch of a request, `application/merge-patch+json`. `null` clears a field.
#[derive(Clone, Debug)]
pub struct MergePatch {
    raw: Value,
}

impl MergePatch {
    /// A patch that has been parsed already. It must be an object.
    pub fn new(raw: Value) -> Result<Self, Rejection> {
        if raw.is_object() {
            Ok(Self { raw })
        } else {
            Err(Rejection::field("body", "type", "body must be an object"))
        }
    }

    /// The patch as it was parsed, for [`crate::db::Db::once`].
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    /// The body's `version`, where the patch names one. [`MergePatch::apply`] leaves it out.
    pub fn version(&self) -> Result<Option<i64>, Rejection> {
        match self.raw.get("version") {
            None => Ok(None),
            Some(version) => match version.as_i64() {
                Some(version) => Ok(Some(version)),
                None => Err(Rejection::field(
                    "version",
                    "type",
                    "version must be a whole number",
                )),
            },
        }
    }

    /// Applies the patch to the writable fields as they are, and reads the result as strictly as a PUT.
    pub fn apply<T: Serialize + Body>(&self, current: &T) -> Result<T> {
        let mut target = serde_json::to_value(current).map_err(anyhow::Error::from)?;
        let mut patch = self.raw.clone();
        if let Value::Object(fields) = &mut patch {
            fields.remove("version");
        }
        merge(&mut target, &patch);
        Ok(strict_json::decode(&target)?)
    }
}

impl FromRequest for MergePatch {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = has_type(request.headers(), "application/merge-patch+json");
        let payload = payload.take();
        async move {
            if !typed {
                return Err(Refusal::UnsupportedMediaType.into());
            }
            let raw = strict_json::parse(&read(payload).await?)?;
            Ok(Self::new(raw)?)
        }
        .boxed_local()
    }
}

/// RFC 7386, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_merges_as_the_rfc_says() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    struct Writable {
        name: String,
        note: Option<String>,
    }

    impl Body for Writable {}

    #[test]
    fn a_patched_resource_is_read_as_strictly_as_a_put() {
        let current = Writable {
            name: "A".to_owned(),
            note: Some("n".to_owned()),
        };
        let patched = |raw| MergePatch::new(raw).unwrap().apply(&current);
        assert_eq!(
            patched(json!({"note": null, "version": 3})).unwrap().note,
            None
        );
        let refused = |raw: Value| match patched(raw) {
            Err(Error::Rejected(Rejection::Validation { errors })) => {
                (errors[0].field.clone(), errors[0].constraint.clone())
            }
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(
            refused(json!({"name": null})),
            ("name".to_owned(), "required".to_owned())
        );
        assert_eq!(
            refused(json!({"status": "CLOSED"})),
            ("status".to_owned(), "unknown".to_owned())
        );
        assert!(MergePatch::new(json!([])).is_err());
    }
}
