//! The strict reading of JSON behind [`super::Json`], and serde's messages in terms of field and
//! constraint.

use std::{cell::RefCell, fmt};

use domain::rejection::{FieldError, Rejection};
use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Number, Value};
use serde_path_to_error::Segment;

/// Parses JSON text. Refused with the dotted path of what is wrong; `body` where it is no JSON at all.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Rejection> {
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

/// How many fields that are missing or of the wrong type are told at once.
const MISFITS_MAX: usize = 10;

/// What stands in for a field that cannot be read, so that what comes behind it can: one of each type.
const STAND_INS: [&str; 7] = [
    r#""""#,
    "null",
    "{}",
    "[]",
    "0",
    "false",
    r#""00000000-0000-0000-0000-000000000000""#,
];

/// Decodes a parsed value. All unknown fields are told at once, by name, and behind them those that are
/// missing or of the wrong type.
pub(super) fn decode<T: DeserializeOwned>(raw: &Value) -> Result<T, Rejection> {
    let Attempt {
        outcome,
        mut unknown,
    } = attempt::<T>(raw);
    let mut next = match outcome {
        Ok(value) if unknown.is_empty() => return Ok(value),
        outcome => outcome.err(),
    };
    let mut mended = raw.clone();
    let mut misfits: Vec<FieldError> = Vec::new();
    for _ in 0..MISFITS_MAX {
        let Some(misfit) = next.take() else { break };
        if let Some(behind) = read_on::<T>(&mut mended, &misfit.field) {
            unknown = behind.unknown;
            next = behind.outcome.err();
        }
        // What is missing in a part that is itself missing goes without saying.
        let is_told = misfits
            .iter()
            .any(|told| is_within(&misfit.field, &told.field));
        if !is_told {
            misfits.push(misfit);
        }
    }
    misfits.retain(|misfit| unknown.iter().all(|known| known.field != misfit.field));
    unknown.append(&mut misfits);
    Err(Rejection::Validation { errors: unknown })
}

/// One reading of a value.
struct Attempt<T> {
    outcome: Result<T, FieldError>,
    /// The unknown fields up to where the reading ended.
    unknown: Vec<FieldError>,
}

/// Reads again with something else in the place of `field`; `None` when nothing fits there.
fn read_on<T: DeserializeOwned>(raw: &mut Value, field: &str) -> Option<Attempt<T>> {
    for stand_in in STAND_INS {
        *place(raw, field)? = serde_json::from_str(stand_in).ok()?;
        let again = attempt::<T>(raw);
        if !matches!(&again.outcome, Err(error) if error.field == field) {
            return Some(again);
        }
    }
    None
}

/// Where a dotted path leads, made where its last part is missing.
fn place<'a>(raw: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(raw, |value, name| match value {
        Value::Object(fields) => Some(fields.entry(name).or_insert(Value::Null)),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_within(field: &str, outer: &str) -> bool {
    field
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn attempt<T: DeserializeOwned>(raw: &Value) -> Attempt<T> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(Plain(raw), &mut track);
    let decoded = serde_ignored::deserialize(tracked, |path| {
        let field = ignored_path(&path);
        let message = format!("{field} is not known");
        unknown.push(FieldError::new(field, "unknown", message));
    });
    Attempt {
        outcome: decoded.map_err(|error| describe(&dotted(&track.path()), &error.to_string())),
        unknown,
    }
}

/// A path of `serde_path_to_error` as it stands in `details.field`.
pub(super) fn dotted(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .fold(String::new(), |path, segment| match segment {
            Segment::Seq { index } => join(&path, &index.to_string()),
            Segment::Map { key } => join(&path, key),
            Segment::Enum { .. } | Segment::Unknown => path,
        })
}

/// Puts one of serde's messages into field, constraint and a sentence that repeats nothing of the value.
pub(super) fn describe(path: &str, message: &str) -> FieldError {
    // Messages end with where in the text, which says nothing here.
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some(name) = message.strip_prefix("missing field ").and_then(quoted) {
        return FieldError::required(join(path, name));
    }
    if let Some(name) = message.strip_prefix("unknown field ").and_then(quoted) {
        let field = below(path, name);
        let sentence = format!("{field} is not known");
        return FieldError::new(field, "unknown", sentence);
    }
    let field = if path.is_empty() { "body" } else { path };
    if message.starts_with("invalid type: null") {
        return FieldError::required(field);
    }
    let must_be = match expected(message) {
        Some(expected) => format!("{field} must be {expected}"),
        None => format!("{field} is not valid"),
    };
    if message.starts_with("unknown variant") {
        return FieldError::new(field, "one_of", must_be);
    }
    if message.starts_with("invalid type") {
        return FieldError::new(field, "type", must_be);
    }
    if message.starts_with("invalid length") {
        return FieldError::new(field, "length", must_be);
    }
    FieldError::new(field, "format", must_be)
}

/// What serde expected, in words for people.
fn expected(message: &str) -> Option<String> {
    if message.starts_with("UUID parsing failed") {
        return Some("a UUID".to_owned());
    }
    // The last one: what comes before may repeat what the client sent.
    let (_, expected) = message.rsplit_once("expected ")?;
    let plain = match expected {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        other => return Some(other.replace('`', "")),
    };
    Some(plain.to_owned())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('`')?.split('`').next()
}

fn below(path: &str, name: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    match path {
        "" => name.to_owned(),
        _ if last == name => path.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

/// A dotted path without the marks that `serde_ignored` sets for optional parts.
fn ignored_path(path: &serde_ignored::Path<'_>) -> String {
    match path {
        serde_ignored::Path::Root => String::new(),
        serde_ignored::Path::Seq { parent, index } => {
            join(&ignored_path(parent), &index.to_string())
        }
        serde_ignored::Path::Map { parent, key } => join(&ignored_path(parent), key),
        serde_ignored::Path::Some { parent }
        | serde_ignored::Path::NewtypeStruct { parent }
        | serde_ignored::Path::NewtypeVariant { parent } => ignored_path(parent),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
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

/// A value as serde_json reads it, but for one thing: an array is no structure.
struct Plain<'de>(&'de Value);

impl Plain<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Other("null"),
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(_) => Unexpected::Other("number"),
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Plain<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> serde::Deserializer<'de> for Plain<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        match self.0 {
            Value::Array(items) => {
                let mut sequence = SeqDeserializer::new(items.iter().map(Plain));
                let value = visitor.visit_seq(&mut sequence)?;
                sequence.end()?;
                Ok(value)
            }
            Value::Object(fields) => {
                let entries = fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), Plain(value)));
                let mut map = MapDeserializer::new(entries);
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        if self.0.is_object() {
            return self.deserialize_any(visitor);
        }
        Err(serde_json::Error::invalid_type(
            self.unexpected(),
            &"an object",
        ))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

/// One text, read as whatever type asks for it: numbers, flags, names of variants.
pub(super) struct Text(pub(super) String);

/// An error of [`Text`], with serde's usual wording.
#[derive(Debug)]
pub(super) struct TextError(String);

impl fmt::Display for TextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for TextError {}

impl serde::de::Error for TextError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl IntoDeserializer<'_, TextError> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads a number or flag out of the text.
macro_rules! parsed {
    ($($method:ident => $visit:ident: $kind:ty, $expected:literal;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
            let value: $kind = self.0.parse().map_err(|_| TextError::custom(concat!("invalid value: expected ", $expected)))?;
            visitor.$visit(value)
        })+
    };
}

impl<'de> serde::Deserializer<'de> for Text {
    type Error = TextError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TextError> {
        let text: StrDeserializer<'_, TextError> = self.0.as_str().into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    parsed! {
        deserialize_bool => visit_bool: bool, "true or false";
        deserialize_i8 => visit_i8: i8, "a whole number";
        deserialize_i16 => visit_i16: i16, "a whole number";
        deserialize_i32 => visit_i32: i32, "a whole number";
        deserialize_i64 => visit_i64: i64, "a whole number";
        deserialize_u8 => visit_u8: u8, "a whole number";
        deserialize_u16 => visit_u16: u16, "a whole number";
        deserialize_u32 => visit_u32: u32, "a whole number";
        deserialize_u64 => visit_u64: u64, "a whole number";
        deserialize_f32 => visit_f32: f32, "a number";
        deserialize_f64 => visit_f64: f64, "a number";
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Deal {
        name: String,
        property_address: Address,
        #[serde(default)]
        parties: Vec<Party>,
        assignee_id: Option<Uuid>,
        #[serde(default)]
        count: u32,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Address {
        street: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Party {
        role: Side,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Side {
        Buyer,
        Seller,
    }

    fn refused(text: &[u8]) -> Vec<(String, String)> {
        let outcome = parse(text).and_then(|raw| decode::<Deal>(&raw));
        match outcome {
            Err(Rejection::Validation { errors }) => errors
                .into_iter()
                .map(|error| (error.field, error.constraint))
                .collect(),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    fn one(text: &str) -> (String, String) {
        refused(text.as_bytes()).remove(0)
    }

    fn is(field: &str, constraint: &str) -> (String, String) {
        (field.to_owned(), constraint.to_owned())
    }

    #[test]
    fn a_good_body_is_read() {
        let raw = parse(
            br#"{"name":"A","propertyAddress":{"street":"1 Elm St"},"parties":[{"role":"buyer"}]}"#,
        )
        .unwrap();
        let deal: Deal = decode(&raw).unwrap();
        assert_eq!(deal.parties, [Party { role: Side::Buyer }]);
    }

    #[test]
    fn each_problem_names_field_and_constraint() {
        let cases = [
            (
                r#"{"propertyAddress":{"street":"x"}}"#,
                is("name", "required"),
            ),
            (
                r#"{"name":null,"propertyAddress":{"street":"x"}}"#,
                is("name", "required"),
            ),
            (
                r#"{"name":"A","propertyAddress":{}}"#,
                is("propertyAddress.street", "required"),
            ),
            (
                r#"{"name":1,"propertyAddress":{"street":"x"}}"#,
                is("name", "type"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x"},"parties":[{"role":"owner"}]}"#,
                is("parties.0.role", "one_of"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x"},"assigneeId":"7"}"#,
                is("assigneeId", "format"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x"},"count":-1}"#,
                is("count", "format"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x","strete":"y"}}"#,
                is("propertyAddress.strete", "unknown"),
            ),
            (
                r#"{"name":"A","name":"B","propertyAddress":{"street":"x"}}"#,
                is("name", "duplicate"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x","street":"x"}}"#,
                is("propertyAddress.street", "duplicate"),
            ),
            (
                r#"{"name":"A\u0000","propertyAddress":{"street":"x"}}"#,
                is("name", "characters"),
            ),
            (
                r#"{"name":"\ud800","propertyAddress":{"street":"x"}}"#,
                is("body", "json"),
            ),
            (
                r#"{"name":"A","propertyAddress":{"street":"x"}} {}"#,
                is("body", "json"),
            ),
            ("\u{feff}{}", is("body", "json")),
            ("{", is("body", "json")),
            ("", is("body", "required")),
            ("[]", is("body", "type")),
            (
                r#"{"name":"A","propertyAddress":["x"]}"#,
                is("propertyAddress", "type"),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_nested_too_deep_is_refused_and_does_not_crash() {
        let deep = "[".repeat(100_000);
        assert_eq!(one(&deep), is("body", "json"));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(refused(b"{\"name\":\"\xff\"}"), [is("body", "json")]);
    }

    #[test]
    fn all_unknown_fields_are_told_at_once() {
        let found = refused(br#"{"a":1,"name":"A","propertyAddress":{"street":"x","b":2},"assigneeId":null,"c":{"d":1}}"#);
        assert_eq!(
            found,
            [
                is("a", "unknown"),
                is("c", "unknown"),
                is("propertyAddress.b", "unknown")
            ]
        );
    }

    #[test]
    fn messages_do_not_repeat_what_was_sent() {
        let raw = json!({ "name": "A", "propertyAddress": { "street": { "secret": "hunter2" } } });
        let Err(Rejection::Validation { errors }) = decode::<Deal>(&raw) else {
            panic!("it should be refused")
        };
        assert!(!errors[0].message.contains("hunter2"));
        assert_eq!(errors[0].message, "propertyAddress.street must be a text");
    }

    #[test]
    fn messages_are_in_words_for_people() {
        let raw = json!({"name": 1, "parties": "nobody", "assigneeId": "7", "count": -1, "propertyAddress": "x"});
        let Err(Rejection::Validation { errors }) = decode::<Deal>(&raw) else {
            panic!("it should be refused")
        };
        let mut messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        messages.sort_unstable();
        assert_eq!(
            messages,
            [
                "assigneeId must be a UUID",
                "count must be a whole number, not negative",
                "name must be a text",
                "parties must be a list",
                "propertyAddress must be an object",
            ]
        );
    }

    #[test]
    fn missing_and_mistyped_fields_are_told_with_the_unknown_ones() {
        assert_eq!(
            refused(br#"{"parties":"nobody","count":"many","zone":1}"#),
            [
                is("zone", "unknown"),
                is("count", "type"),
                is("parties", "type"),
                is("name", "required"),
                is("propertyAddress", "required"),
            ]
        );
        assert_eq!(
            refused(br#"{"propertyAddress":{"number":7},"assigneeId":"7"}"#),
            [
                is("propertyAddress.number", "unknown"),
                is("assigneeId", "format"),
                is("propertyAddress.street", "required"),
                is("name", "required"),
            ]
        );
    }
}
