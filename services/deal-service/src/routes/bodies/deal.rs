//! Deals as clients write them.

use std::collections::{BTreeMap, HashSet};

use domain::{deal::DealType, party::PARTIES_OF_A_DEAL_MAX, rejection::Rejection, zone::Zone};
use platform::http::{Body, Fields, openapi::words::DealTypeWord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Date;
use utoipa::ToSchema;

use super::{MoneyBody, PartyBody, PropertyAddress, property::read_money, unread};
use crate::{
    commands::{add_party::PartyFields, update_deal::DealFields},
    repository::deals::Deal,
};

/// Facts of a deal, at most: the shipped templates ask about a dozen.
const FACTS_MAX: usize = 100;
/// Bytes of all names and texts of a deal's facts together, at most: a page of a hundred deals holds them all.
const FACTS_BYTES_MAX: usize = 16 * 1024;
/// Dates given with a new deal, at most: the shipped templates have two dozen.
const KEY_DATES_MAX: usize = 60;
/// Longest name of a fact or a key date, in bytes.
const KEY_LENGTH_MAX: usize = 64;
/// Longest text of a fact, in characters.
const FACT_LENGTH_MAX: usize = 500;
/// The years whose business days can be counted.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// A new deal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateDealBody {
    /// The street by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    name: Option<String>,
    property_address: PropertyAddress,
    /// PURCHASE, LISTING, REFINANCE or NEW_CONSTRUCTION.
    #[schema(value_type = DealTypeWord, example = "PURCHASE")]
    deal_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_price: Option<MoneyBody>,
    /// The template the plan is made from; no plan without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "us_residential_purchase_buyer")]
    pub(crate) template_key: Option<String>,
    /// What the template asks about: texts, numbers and flags.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"financing_type": "conventional", "hoa": false, "year_built": 1962}))]
    pub(crate) facts: Map<String, Value>,
    /// Anchors by key: `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"effective_date": "2026-03-02", "closing_date": "2026-04-10"}))]
    key_dates: BTreeMap<String, String>,
    /// IANA name of the property's time zone; the organization's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "America/New_York")]
    time_zone: Option<String>,
    #[serde(default)]
    parties: Vec<PartyBody>,
}

impl Body for CreateDealBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

/// What a request for a new deal says, once read.
#[derive(Clone, Debug)]
pub(crate) struct NewDeal {
    pub(crate) fields: DealFields,
    pub(crate) template_key: Option<String>,
    pub(crate) key_dates: BTreeMap<String, Date>,
    pub(crate) time_zone: Option<String>,
    pub(crate) parties: Vec<PartyFields>,
}

impl CreateDealBody {
    pub(crate) fn read(&self) -> Result<NewDeal, Rejection> {
        let mut checked = Fields::new();
        let fields = WritableDeal {
            name: self.name.clone(),
            property_address: self.property_address.clone(),
            deal_type: self.deal_type.clone(),
            purchase_price: self.purchase_price.clone(),
            facts: self.facts.clone(),
        }
        .check(&mut checked);
        checked.optional_text("templateKey", self.template_key.as_deref(), 1..=100);
        let key_dates = read_key_dates(&mut checked, &self.key_dates);
        if let Some(zone) = &self.time_zone {
            let known = Zone::parse(zone).is_ok();
            checked.check(known, "timeZone", "time_zone", "must be an IANA time zone");
        }
        checked.at_most("parties", self.parties.len(), PARTIES_OF_A_DEAL_MAX);
        let parties = read_parties(&mut checked, &self.parties)?;
        checked.finish()?;
        Ok(NewDeal {
            fields: fields.ok_or_else(unread)?,
            template_key: self.template_key.clone(),
            key_dates,
            time_zone: self.time_zone.clone(),
            parties,
        })
    }
}

/// The writable fields of a deal: what PUT replaces and PATCH changes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DealFields)]
pub(crate) struct WritableDeal {
    /// The street by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    name: Option<String>,
    property_address: PropertyAddress,
    /// PURCHASE, LISTING, REFINANCE or NEW_CONSTRUCTION.
    #[schema(value_type = DealTypeWord, example = "PURCHASE")]
    deal_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_price: Option<MoneyBody>,
    /// What the template asks about: texts, numbers and flags.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

impl Body for WritableDeal {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl WritableDeal {
    /// The fields of a deal as they are, for a patch to change.
    pub(crate) fn of(deal: &Deal) -> Self {
        Self {
            name: Some(deal.name.clone()),
            property_address: PropertyAddress::of(&deal.address),
            deal_type: deal.deal_type.to_string(),
            purchase_price: deal.purchase_price.as_ref().map(MoneyBody::from),
            facts: deal.facts.clone(),
        }
    }

    /// Any valid deal, to see whether a patch is wrong by itself.
    pub(crate) fn sample() -> Self {
        let word = || "x".to_owned();
        Self {
            name: Some(word()),
            property_address: PropertyAddress {
                street: word(),
                unit: None,
                city: word(),
                state_or_province: word(),
                postal_code: word(),
                country: None,
            },
            deal_type: DealType::Purchase.to_string(),
            purchase_price: Some(MoneyBody {
                amount: "1.00".to_owned(),
                currency: "USD".to_owned(),
            }),
            facts: Map::new(),
        }
    }

    pub(crate) fn read(&self) -> Result<DealFields, Rejection> {
        let mut checked = Fields::new();
        let fields = self.check(&mut checked);
        checked.finish()?;
        fields.ok_or_else(unread)
    }

    /// `None` when something was noted.
    fn check(&self, checked: &mut Fields) -> Option<DealFields> {
        checked.optional_text("name", self.name.as_deref(), 1..=200);
        let address = self.property_address.check(checked);
        let deal_type = DealType::parse(&self.deal_type);
        if deal_type.is_none() {
            let words: Vec<&str> = DealType::ALL.iter().map(|kind| kind.as_str()).collect();
            checked.one_of("dealType", &self.deal_type, &words);
        }
        let purchase_price = self
            .purchase_price
            .as_ref()
            .and_then(|price| read_money(checked, price));
        check_facts(checked, &self.facts);
        Some(DealFields {
            name: self
                .name
                .as_deref()
                .unwrap_or(&address.street)
                .trim()
                .to_owned(),
            address,
            deal_type: deal_type?,
            purchase_price,
            facts: self.facts.clone(),
        })
    }
}

/// The body of PUT: the writable fields, and the version they are meant to replace unless `If-Match` says it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutDealBody {
    /// The street by default.
    #[schema(max_length = 200)]
    name: Option<String>,
    property_address: PropertyAddress,
    /// PURCHASE, LISTING, REFINANCE or NEW_CONSTRUCTION.
    #[schema(value_type = DealTypeWord, example = "PURCHASE")]
    deal_type: String,
    purchase_price: Option<MoneyBody>,
    /// What the template asks about: texts, numbers and flags.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
    /// The version that is replaced; `If-Match` may say it instead.
    pub(crate) version: Option<i64>,
}

impl Body for PutDealBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl PutDealBody {
    pub(crate) fn read(&self) -> Result<DealFields, Rejection> {
        WritableDeal {
            name: self.name.clone(),
            property_address: self.property_address.clone(),
            deal_type: self.deal_type.clone(),
            purchase_price: self.purchase_price.clone(),
            facts: self.facts.clone(),
        }
        .read()
    }
}

fn read_key_dates(
    checked: &mut Fields,
    dates: &BTreeMap<String, String>,
) -> BTreeMap<String, Date> {
    checked.at_most("keyDates", dates.len(), KEY_DATES_MAX);
    let mut read = BTreeMap::new();
    for (key, text) in dates {
        let field = format!("keyDates.{key}");
        check_key(checked, &field, key);
        match contracts::field::date("keyDates", text) {
            Ok(date) if YEARS.contains(&date.year()) => {
                read.insert(key.clone(), date);
            }
            Ok(_) => {
                let problem = format!("must be in the years {} to {}", YEARS.start(), YEARS.end());
                checked.refuse(field, "range", problem);
            }
            Err(_) => {
                checked.refuse(field, "format", "must be a date, YYYY-MM-DD");
            }
        }
    }
    read
}

fn check_facts(checked: &mut Fields, facts: &Map<String, Value>) {
    checked.at_most("facts", facts.len(), FACTS_MAX);
    let bytes: usize = facts
        .iter()
        .map(|(key, value)| key.len() + text_bytes(value))
        .sum();
    checked.check(
        bytes <= FACTS_BYTES_MAX,
        "facts",
        "max_length",
        "must have at most 16384 bytes of names and texts together",
    );
    for (key, value) in facts {
        let field = format!("facts.{key}");
        check_key(checked, &field, key);
        match value {
            Value::String(text) => {
                checked.prose(&field, text, 0..=FACT_LENGTH_MAX);
            }
            Value::Bool(_) | Value::Number(_) => {}
            Value::Null | Value::Array(_) | Value::Object(_) => {
                checked.refuse(field, "type", "must be a text, a number or a flag");
            }
        }
    }
}

fn text_bytes(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

fn check_key(checked: &mut Fields, field: &str, key: &str) {
    let is_word = (1..=KEY_LENGTH_MAX).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    checked.check(
        is_word,
        field,
        "format",
        "must be named by letters, digits and underscores",
    );
}

fn read_parties(
    checked: &mut Fields,
    parties: &[PartyBody],
) -> Result<Vec<PartyFields>, Rejection> {
    let mut read = Vec::with_capacity(parties.len());
    let mut parts = HashSet::new();
    for (place, party) in parties.iter().enumerate() {
        let path = format!("parties.{place}");
        let Some(party) = checked.nested(&path, party.read())? else {
            continue;
        };
        if let Some(user_id) = party.user_id {
            checked.check(
                parts.insert((user_id, party.role)),
                format!("{path}.userId"),
                "unique",
                "plays this part already",
            );
        }
        read.push(party);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is wrong with a new deal that has these members beside what every deal has.
    fn wrong(more: Value) -> Vec<(String, String)> {
        let mut body = json!({
            "dealType": "PURCHASE",
            "propertyAddress": {
                "street": "12 Harbour Lane", "city": "Boston", "stateOrProvince": "MA", "postalCode": "02110",
            },
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let body: CreateDealBody = serde_json::from_value(body).unwrap();
        match body.check() {
            Ok(()) => Vec::new(),
            Err(Rejection::Validation { errors }) => errors
                .into_iter()
                .map(|error| (error.field, error.constraint))
                .collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn named(count: usize, value: &Value) -> Value {
        let pairs = (0..count).map(|number| (format!("k{number}"), value.clone()));
        Value::Object(pairs.collect())
    }

    #[test]
    fn facts_and_dates_are_bounded_in_number_and_in_length() {
        let (long, too_long) = ("k".repeat(64), "k".repeat(65));
        let day = json!("2026-03-02");
        let date = |key: &str| json!({"keyDates": {key: day}});
        let fact = |key: &str, value: Value| json!({"facts": {key: value}});
        for (why, within, beyond, field, constraint) in [
            (
                "a hundred facts",
                json!({"facts": named(100, &json!(true))}),
                json!({"facts": named(101, &json!(true))}),
                "facts".to_owned(),
                "max_items",
            ),
            (
                "sixty dates",
                json!({"keyDates": named(60, &day)}),
                json!({"keyDates": named(61, &day)}),
                "keyDates".to_owned(),
                "max_items",
            ),
            (
                "the name of a fact",
                fact(&long, json!(true)),
                fact(&too_long, json!(true)),
                format!("facts.{too_long}"),
                "format",
            ),
            (
                "the name of a date",
                date(&long),
                date(&too_long),
                format!("keyDates.{too_long}"),
                "format",
            ),
            (
                "the text of a fact",
                fact("note", json!("é".repeat(500))),
                fact("note", json!("é".repeat(501))),
                "facts.note".to_owned(),
                "max_length",
            ),
        ] {
            assert_eq!(wrong(within), [], "{why}");
            assert_eq!(wrong(beyond), [(field, constraint.to_owned())], "{why}");
        }
    }
}
