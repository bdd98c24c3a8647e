//! JSON text as a value, without duplicate keys, NUL characters or anything behind it.

use std::{cell::RefCell, fmt};

use domain::rejection::{FieldError, Rejection};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::describe::join;

/// Parses JSON text. Refused with the dotted path of what is wrong; `body` where it is no JSON at all.
pub(in crate::http) fn parse(bytes: &[u8]) -> Result<Value, Rejection> {
    let problems = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict {
        path: String::new(),
        problems: &problems,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    let errors = problems.into_inner();
    match parsed {
        Ok(value) if errors.is_empty() => Ok(value),
        Ok(_) => Err(Rejection::Validation { errors }),
        Err(error)
            if bytes.is_empty() || error.is_eof() && bytes.iter().all(u8::is_ascii_whitespace) =>
        {
            Err(Rejection::required("body"))
        }
        Err(error) => Err(Rejection::field(
            "body",
            "json",
            format!(
                "the body is not valid JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        )),
    }
}

/// Builds a [`Value`] and notes duplicate keys and NUL characters on the way.
struct Strict<'a> {
    path: String,
    problems: &'a RefCell<Vec<FieldError>>,
}

impl Strict<'_> {
    fn below(&self, name: &str) -> Self {
        Self {
            path: join(&self.path, name),
            problems: self.problems,
        }
    }

    fn note(&self, field: String, constraint: &str, problem: &str) {
        let message = format!("{field} {problem}");
        self.problems
            .borrow_mut()
            .push(FieldError::new(field, constraint, message));
    }

    fn text(&self, text: String) -> String {
        if text.contains('\0') {
            let field = if self.path.is_empty() {
                "body".to_owned()
            } else {
                self.path.clone()
            };
            self.note(field, "characters", "contains the character NUL");
        }
        text
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(self.text(value.to_owned()).into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(self.text(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self.below(&items.len().to_string()))? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let name = self.text(name);
            let value = entries.next_value_seed(self.below(&name))?;
            if object.contains_key(&name) {
                self.note(join(&self.path, &name), "duplicate", "is given twice");
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
