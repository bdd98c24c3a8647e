//! Bodies: JSON text, then the shape of a body with everything that bodies are made of.

use std::collections::BTreeMap;

use domain::rejection::{FIELD_ERRORS_MAX, Rejection};
use platform::{
    error::Error,
    http::{Body, Fields, body},
};
use serde::Deserialize;
use serde_json::Value;
use time::Date;
use uuid::Uuid;

use crate::cost::Allowance;

/// An answer is no longer, in bytes, whatever was sent.
const ANSWER_BYTES_MAX: usize = 40_000;

/// A list of empty objects is the dearest text: some hundred bytes of memory for three of text.
const PARSING: Allowance = Allowance {
    memory: (100_000, 400),
    steps: (500, 4),
};

/// As parsing, and each misfit is read over with several stand-ins.
const DECODING: Allowance = Allowance {
    memory: (300_000, 400),
    steps: (20_000, 300),
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape is what matters")]
struct Shape {
    name: String,
    address: Address,
    #[serde(default)]
    parties: Vec<Party>,
    #[serde(default)]
    facts: BTreeMap<String, Value>,
    #[serde(default)]
    dates: BTreeMap<String, Option<Date>>,
    assignee_id: Option<Uuid>,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Deserialize)]
struct Address {
    street: String,
    unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the shape is what matters")]
struct Party {
    role: Role,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Buyer,
    Lender,
}

impl Body for Shape {
    fn check(&self) -> Result<(), Rejection> {
        let mut fields = Fields::new();
        fields
            .text("name", &self.name, 1..=200)
            .text("address.street", &self.address.street, 1..=200)
            .optional_text("address.unit", self.address.unit.as_deref(), 1..=50)
            .at_most("parties", self.parties.len(), 50)
            .range("count", self.count, 0..=9);
        for (place, party) in self.parties.iter().enumerate() {
            fields.text(&format!("parties.{place}.name"), &party.name, 1..=200);
        }
        fields.finish()
    }
}

pub(crate) fn run(input: &[u8]) {
    let parsed = PARSING.hold(input, || body::parse(input));
    let value = match parsed {
        Ok(value) => value,
        Err(error) => return check_answer(&error),
    };
    let again = body::parse(value.to_string().as_bytes())
        .expect("what was read is written so that it can be read");
    assert!(is_same(&value, &again), "{value} was read again as {again}");
    let decoded = DECODING.hold(input, || body::decode::<Shape>(&value));
    if let Err(error) = decoded {
        check_answer(&error);
    }
}

/// Equal, but for the last digit of a fraction, which serde_json rounds in its own way.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() => {
            let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
                return false;
            };
            (one - other).abs() <= one.abs() * f64::EPSILON * 4.0
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.all(|(one, other)| one.0 == other.0 && is_same(one.1, other.1))
        }
        _ => one == other,
    }
}

fn check_answer(error: &Error) {
    let Error::Rejected(Rejection::Validation { errors }) = error else {
        panic!("a body is refused by what is wrong with its fields: {error}");
    };
    assert!(!errors.is_empty());
    // Of each part of the reading, one more than are reported.
    assert!(
        errors.len() <= 4 * (FIELD_ERRORS_MAX + 1),
        "{} errors",
        errors.len()
    );
    let answer = serde_json::to_string(&error.problem("request-1", "/")).expect("JSON");
    assert!(
        answer.len() <= ANSWER_BYTES_MAX,
        "an answer of {} bytes",
        answer.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What parsing allocates in all, in bytes.
    fn allocated(name: &str) -> u64 {
        let items = vec!["1"; 5_000].join(",");
        let text = format!("{{\"{name}\": [{items}]}}");
        let measured = allocation_counter::measure(|| {
            body::parse(text.as_bytes()).expect("a body");
        });
        measured.bytes_total
    }

    #[test]
    fn the_path_of_a_list_is_not_copied_for_each_of_its_items() {
        let (short, long) = (allocated("n"), allocated(&"n".repeat(200)));
        assert!(long < short + 50_000, "{short} and {long} bytes");
    }
}
