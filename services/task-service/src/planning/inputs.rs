//! The inputs of a deal's dates, read and checked: dates, facts, and who takes part.

use std::collections::BTreeMap;

use contracts::field;
use domain::{
    cascade::DateInputs,
    dates::is_countable,
    party::PartyRole,
    rejection::{FieldError, Rejection},
    template::{FactValue, Facts, Template},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{services::PartyInput, shipped};

/// Reads dates as clients send them: `YYYY-MM-DD`, in years that can be counted. Wrong ones are refused by
/// `keyDates.<key>`.
pub(crate) fn parse_dates(
    dates: &BTreeMap<String, Option<String>>,
) -> Result<DateInputs, Rejection> {
    let mut inputs = DateInputs::new();
    let mut errors = Vec::new();
    for (key, text) in dates {
        let field = format!("keyDates.{key}");
        match field::optional_date("date", text.as_deref()) {
            Err(_) => {
                let message = format!("{field} must be a date, YYYY-MM-DD");
                errors.push(FieldError::new(field, "format", message));
            }
            Ok(Some(date)) if !is_countable(date) => {
                let message = format!("{field} lies outside the years that can be counted");
                errors.push(FieldError::new(field, "range", message));
            }
            Ok(date) => {
                inputs.insert(key.clone(), date);
            }
        }
    }
    refuse_any(errors)?;
    Ok(inputs)
}

/// Refuses dates that the template does not have, by `keyDates.<key>`.
pub(crate) fn require_known_dates(
    template: &Template,
    inputs: &DateInputs,
) -> Result<(), Rejection> {
    let is_known = |key: &str| template.anchor(key).is_some() || template.date(key).is_some();
    let unknown = inputs.keys().filter(|key| !is_known(key));
    let errors = unknown.map(|key| {
        let field = format!("keyDates.{key}");
        let message = format!("{field} is not a date of this deal's template");
        FieldError::new(field, "unknown", message)
    });
    refuse_any(errors.collect())
}

fn refuse_any(errors: Vec<FieldError>) -> Result<(), Rejection> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Rejection::Validation { errors })
    }
}

/// Facts from JSON: texts, numbers and flags.
pub(crate) fn facts_of(facts: &Map<String, Value>) -> Result<Facts, Rejection> {
    let mut parsed = Facts::new();
    let mut errors = Vec::new();
    for (name, value) in facts {
        let value = match value {
            Value::Null => continue,
            Value::Bool(flag) => Some(FactValue::Flag(*flag)),
            Value::String(text) => Some(FactValue::Text(text.clone())),
            Value::Number(number) => number.to_string().parse().ok().map(FactValue::Number),
            Value::Array(_) | Value::Object(_) => None,
        };
        match value {
            Some(value) => {
                parsed.insert(name.clone(), value);
            }
            None => errors.push(FieldError::new(
                format!("facts.{name}"),
                "type",
                format!("facts.{name} must be a text, a number or a flag"),
            )),
        }
    }
    refuse_any(errors)?;
    Ok(parsed)
}

/// The facts as they were sent, with their words as the template writes them.
pub(crate) fn spelled(sent: &Map<String, Value>, facts: &Facts) -> Map<String, Value> {
    let words = sent.iter().map(|(name, value)| {
        let value = match facts.get(name) {
            Some(FactValue::Text(word)) => Value::String(word.clone()),
            Some(FactValue::Number(_) | FactValue::Flag(_)) | None => value.clone(),
        };
        (name.clone(), value)
    });
    words.collect()
}

/// Refuses facts that neither this template nor any shipped one asks about, and those of a sort that no condition
/// compares them with.
pub(crate) fn require_known_facts(template: &Template, facts: &Facts) -> Result<(), Rejection> {
    let of_template = template.fact_kinds();
    let mut errors = Vec::new();
    for (name, value) in facts {
        let field = format!("facts.{name}");
        let kinds = of_template.get(name.as_str());
        match kinds.or_else(|| shipped::fact_kinds(name)) {
            None => {
                let message = format!("{field} is not a fact that any template asks about");
                errors.push(FieldError::new(field, "unknown", message));
            }
            Some(kinds) if !kinds.contains(&value.kind()) => {
                let words: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                let message = format!("{field} must be {}", words.join(" or "));
                errors.push(FieldError::new(field, "type", message));
            }
            Some(_) => {}
        }
    }
    refuse_any(errors)
}

/// Whom the tasks of each part go to: the first party that plays it with a login that may have them.
pub(crate) fn first_of_each_part(
    parties: &[PartyInput],
    may_have_them: impl Fn(Uuid) -> bool,
) -> BTreeMap<PartyRole, Uuid> {
    let mut users = BTreeMap::new();
    for party in parties {
        let user = party.user_id.filter(|user| may_have_them(*user));
        if let (Some(role), Some(user)) = (PartyRole::parse(&party.role), user) {
            users.entry(role).or_insert(user);
        }
    }
    users
}
