use domain::rejection::{FIELD_ERRORS_MAX, Rejection};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    parse::{DEPTH_MAX, NAME_BYTES_MAX, VALUES_MAX},
    *,
};
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
    assert_eq!(one(&deep), is("body", "max_depth"));
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

/// Texts that are costly to read for what they are, each of about so many bytes.
fn costly(bytes: usize) -> Vec<(&'static str, String)> {
    let long = "k".repeat(bytes / 4);
    let times = |text: &str, around: usize| text.repeat((bytes - around) / text.len());
    vec![
        (
            "a long name above many duplicates",
            format!(
                r#"{{"{long}":{{{}"a":0}}}}"#,
                times(r#""a":0,"#, long.len())
            ),
        ),
        (
            "names as long as may be, above many duplicates",
            format!(
                r#"{{"{0}":{{"{0}":{{"{0}":{{{1}"a":0}}}}}}}}"#,
                "k".repeat(NAME_BYTES_MAX),
                times(r#""a":0,"#, 1_000)
            ),
        ),
        (
            "duplicates of a long name",
            format!(
                "{{{}\"a\":0}}",
                times(&format!(r#""{}":0,"#, "n".repeat(NAME_BYTES_MAX)), 0)
            ),
        ),
        (
            "texts with NULs",
            format!("[{}0]", times(r#""\u0000","#, 0)),
        ),
        ("a text of NULs", format!(r#"["{}"]"#, times(r"\u0000", 0))),
        ("a list", format!("[{}0]", times("0,", 0))),
        ("a list of lists", format!("[{}0]", times("[0],", 0))),
        (
            "a list of objects",
            format!("[{}0]", times(r#"{"a":0},"#, 0)),
        ),
        (
            "unknown members",
            (0..bytes / 12)
                .map(|n| format!(r#","u{n}":0"#))
                .collect::<String>()
                .replacen(',', "{", 1)
                + "}",
        ),
        ("many levels", "[".repeat(bytes)),
        ("many levels of objects", times(r#"{"a":"#, 0)),
        (
            "a long text",
            format!(r#"{{"name":"{}"}}"#, "x".repeat(bytes - 20)),
        ),
        (
            "a long text for a number",
            format!(r#"{{"count":"{}"}}"#, "x".repeat(bytes - 20)),
        ),
        (
            "parties of no kind",
            format!(r#"{{"parties":[{}0]}}"#, times(r#"{"role":1},"#, 20)),
        ),
    ]
}

/// What reading costs: bytes allocated at once, and allocations.
fn cost(text: &str) -> (u64, u64) {
    let mut outcome = None;
    let measured = allocation_counter::measure(|| {
        let read = parse(text.as_bytes()).and_then(|raw| decode::<Deal>(&raw));
        outcome =
            Some(read.map_err(|rejection| crate::error::Error::from(rejection).problem("r", "/")));
    });
    let answer = serde_json::to_vec(&outcome.unwrap().unwrap_err()).unwrap();
    assert!(answer.len() < 40_000, "an answer of {} bytes", answer.len());
    (measured.bytes_max, measured.count_total)
}

#[test]
fn memory_is_a_small_multiple_of_the_body_and_of_the_values_it_may_have() {
    for bytes in [1_000, 48_000, 1_048_576] {
        for (what, text) in costly(bytes) {
            let (memory, _) = cost(&text);
            let bound = 8 * text.len() + 1_000 * VALUES_MAX.min(text.len() / 2) + 100_000;
            assert!(
                memory < bound as u64,
                "{what}, {bytes} bytes: {memory} of {bound} bytes"
            );
        }
    }
}

#[test]
fn reading_costs_in_proportion_to_the_body() {
    for (small, large) in costly(2_000).into_iter().zip(costly(16_000)) {
        let (memory, allocations) = cost(&small.1);
        let (memory_8, allocations_8) = cost(&large.1);
        assert!(
            allocations_8 <= 10 * allocations + 500,
            "{}: {allocations}, {allocations_8}",
            small.0
        );
        assert!(
            memory_8 <= 10 * memory + 50_000,
            "{}: {memory}, {memory_8}",
            small.0
        );
    }
}

#[test]
fn what_is_beyond_a_bound_is_refused_with_the_bound() {
    let cases = [
        (
            format!("[{}0]", "0,".repeat(VALUES_MAX)),
            is("body", "max_items"),
        ),
        (
            format!(r#"{{"{}":0}}"#, "n".repeat(NAME_BYTES_MAX + 1)),
            is("body", "max_length"),
        ),
        ("[".repeat(DEPTH_MAX + 1), is("body", "max_depth")),
    ];
    for (text, expected) in cases {
        assert_eq!(one(&text), expected);
    }
    assert!(parse(format!("[{}0]", "0,".repeat(VALUES_MAX - 2)).as_bytes()).is_ok());
    let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    assert!(parse(deepest.as_bytes()).is_ok());
}

#[test]
fn more_errors_than_are_reported_are_not_kept() {
    let twice = format!(r#"{{{}"a":0}}"#, r#""a":0,"#.repeat(1_000));
    assert_eq!(refused(twice.as_bytes()).len(), FIELD_ERRORS_MAX + 1);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_within_the_bounds(text in "[\\[\\]{}\",:0a\u{0}\\\\ u]{0,400}") {
        let measured = allocation_counter::measure(|| {
            let _ = parse(text.as_bytes());
        });
        proptest::prop_assert!(measured.bytes_max < (1_000 * text.len() + 100_000) as u64);
        proptest::prop_assert!(measured.count_total < (20 * text.len() + 500) as u64);
    }
}
