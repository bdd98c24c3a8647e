//! JSON text as a value, without duplicate keys, NUL characters or anything behind it.
//!
//! Its cost grows with the length of the text and with nothing else: a path is made only for an error that is
//! reported, and depth, number of values, length of names and number of errors are bounded.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use domain::rejection::{FIELD_ERRORS_MAX, FieldError, Rejection};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Lists and objects inside each other, in levels. No body of the contract has ten.
pub(super) const DEPTH_MAX: usize = 32;
/// Members and items of a whole body, in values: each takes up to some hundred bytes of memory, whatever its text.
pub(super) const VALUES_MAX: usize = 10_000;
/// A member's name, in bytes: it comes back in errors. The longest of the contract has 40.
pub(super) const NAME_BYTES_MAX: usize = 200;

/// Parses JSON text. Refused with the dotted path of what is wrong; `body` where it is no JSON at all.
pub(in crate::http) fn parse(bytes: &[u8]) -> Result<Value, Rejection> {
    let reading = Reading::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict {
        place: Place::Root,
        depth: 0,
        reading: &reading,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    if let Some(error) = reading.beyond.into_inner() {
        return Err(Rejection::Validation {
            errors: vec![error],
        });
    }
    let errors = reading.errors.into_inner();
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

/// Where a value is. A chain on the stack: nothing is copied on the way down.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// The dotted path; `body` at the root.
    fn dotted(&self) -> String {
        let mut path = String::new();
        self.write(&mut path);
        if path.is_empty() {
            path.push_str("body");
        }
        path
    }

    fn write(&self, path: &mut String) {
        let (outer, name) = match self {
            Self::Root => return,
            Self::Member(outer, name) => (outer, (*name).to_owned()),
            Self::Item(outer, index) => (outer, index.to_string()),
        };
        outer.write(path);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&name);
    }
}

/// What is known of the whole body so far.
#[derive(Default)]
struct Reading {
    values: Cell<usize>,
    /// At most one more than are reported.
    errors: RefCell<Vec<FieldError>>,
    /// The bound at which the reading ended.
    beyond: RefCell<Option<FieldError>>,
}

impl Reading {
    fn note(&self, place: &Place<'_>, constraint: &str, problem: &str) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() <= FIELD_ERRORS_MAX {
            let field = place.dotted();
            let message = format!("{field} {problem}");
            errors.push(FieldError::new(field, constraint, message));
        }
    }

    /// Ends the reading.
    fn end<E: serde::de::Error>(&self, field: String, constraint: &str, problem: String) -> E {
        let message = format!("{field} {problem}");
        *self.beyond.borrow_mut() = Some(FieldError::new(field, constraint, message));
        E::custom("beyond a bound")
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let values = self.values.get() + 1;
        self.values.set(values);
        if values > VALUES_MAX {
            let problem = format!("has more than {VALUES_MAX} values");
            return Err(self.end("body".to_owned(), "max_items", problem));
        }
        Ok(())
    }
}

/// Builds a [`Value`] and notes duplicate keys and NUL characters on the way.
struct Strict<'a> {
    place: Place<'a>,
    /// How many lists and objects are around it.
    depth: usize,
    reading: &'a Reading,
}

impl Strict<'_> {
    fn text(&self, text: String) -> String {
        if text.contains('\0') {
            self.reading
                .note(&self.place, "characters", "contains the character NUL");
        }
        text
    }

    /// The depth of what is inside.
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth == DEPTH_MAX {
            let problem = format!("has more than {DEPTH_MAX} lists and objects inside each other");
            return Err(self.reading.end("body".to_owned(), "max_depth", problem));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reading.count()?;
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
        let depth = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(Strict {
            place: Place::Item(&self.place, items.len()),
            depth,
            reading: self.reading,
        })? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name.len() > NAME_BYTES_MAX {
                let problem = format!("has a name of more than {NAME_BYTES_MAX} bytes");
                return Err(self.reading.end(self.place.dotted(), "max_length", problem));
            }
            let name = self.text(name);
            let place = Place::Member(&self.place, &name);
            let value = entries.next_value_seed(Strict {
                place,
                depth,
                reading: self.reading,
            })?;
            if object.contains_key(&name) {
                self.reading.note(&place, "duplicate", "is given twice");
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
