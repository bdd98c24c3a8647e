use domain::rejection::Rejection;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::http::{Body, Fields};

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

impl Body for Deal {
    fn check(&self) -> Result<(), Rejection> {
        let mut fields = Fields::new();
        fields
            .text("name", &self.name, 1..=5)
            .text(
                "propertyAddress.street",
                &self.property_address.street,
                1..=5,
            )
            .range("count", self.count, 0..=9);
        fields.finish()
    }
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

#[test]
fn wrong_values_are_told_with_what_is_wrong_with_the_shape() {
    assert_eq!(
        refused(br#"{"name":"much too long","propertyAddress":{},"count":10,"zone":1}"#),
        [
            is("zone", "unknown"),
            is("propertyAddress.street", "required"),
            is("name", "max_length"),
            is("count", "range"),
        ]
    );
    // Of a part that is missing nothing more is said.
    assert_eq!(
        refused(br#"{"name":"much too long","count":3}"#),
        [is("propertyAddress", "required"), is("name", "max_length")]
    );
}
