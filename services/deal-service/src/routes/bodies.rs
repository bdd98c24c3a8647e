//! What clients send, and its reading into commands. Everything that is wrong is told at once.

use std::collections::{BTreeMap, HashSet};

use domain::{
    deal::DealType,
    money::Money,
    party::PartyRole,
    rejection::{FieldError, Rejection},
    zone::Zone,
};
use platform::http::validate::Fields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    commands::{add_party::PartyFields, update_deal::DealFields},
    repository::{
        deals::{Address, Deal},
        parties::Party,
    },
};

/// Most facts of a deal.
const FACTS_MAX: usize = 100;
/// Most dates given with a new deal.
const KEY_DATES_MAX: usize = 60;
/// Most parties given with a new deal.
const PARTIES_MAX: usize = 50;
/// Longest name of a fact or a key date.
const KEY_LENGTH_MAX: usize = 64;
/// Longest text of a fact.
const FACT_LENGTH_MAX: usize = 500;
/// The years whose business days can be counted.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// Where the property is. Names follow the RESO Data Dictionary where it has one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PropertyAddress {
    #[schema(example = "48 Alder Street", max_length = 200)]
    pub(crate) street: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2B", max_length = 50)]
    pub(crate) unit: Option<String>,
    #[schema(example = "Albany", max_length = 100)]
    pub(crate) city: String,
    #[schema(example = "NY", max_length = 50)]
    pub(crate) state_or_province: String,
    #[schema(example = "12207", max_length = 20)]
    pub(crate) postal_code: String,
    /// Two capital letters (ISO 3166-1); `US` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "US")]
    pub(crate) country: Option<String>,
}

/// An amount of money, exact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyBody {
    /// A decimal with at most two places, as text.
    #[schema(example = "525000.00")]
    pub(crate) amount: String,
    /// Three capital letters (ISO 4217).
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

impl From<&Money> for MoneyBody {
    fn from(money: &Money) -> Self {
        Self {
            amount: money.amount().to_string(),
            currency: money.currency().to_owned(),
        }
    }
}

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
    #[schema(example = "PURCHASE")]
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
        checked.at_most("parties", self.parties.len(), PARTIES_MAX);
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
    #[schema(example = "PURCHASE")]
    deal_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_price: Option<MoneyBody>,
    /// What the template asks about: texts, numbers and flags.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
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

impl PropertyAddress {
    pub(crate) fn of(address: &Address) -> Self {
        Self {
            street: address.street.clone(),
            unit: address.unit.clone(),
            city: address.city.clone(),
            state_or_province: address.state_or_province.clone(),
            postal_code: address.postal_code.clone(),
            country: Some(address.country.clone()),
        }
    }

    fn check(&self, checked: &mut Fields) -> Address {
        checked
            .text("propertyAddress.street", &self.street, 1..=200)
            .optional_text("propertyAddress.unit", self.unit.as_deref(), 1..=50)
            .text("propertyAddress.city", &self.city, 1..=100)
            .text(
                "propertyAddress.stateOrProvince",
                &self.state_or_province,
                1..=50,
            )
            .text("propertyAddress.postalCode", &self.postal_code, 1..=20);
        let country = self.country.as_deref().unwrap_or("US");
        let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        checked.check(
            is_code,
            "propertyAddress.country",
            "format",
            "must be two capital letters",
        );
        Address {
            street: self.street.trim().to_owned(),
            unit: self.unit.as_deref().map(|unit| unit.trim().to_owned()),
            city: self.city.trim().to_owned(),
            state_or_province: self.state_or_province.trim().to_owned(),
            postal_code: self.postal_code.trim().to_owned(),
            country: country.to_owned(),
        }
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
    #[schema(example = "PURCHASE")]
    deal_type: String,
    purchase_price: Option<MoneyBody>,
    /// What the template asks about: texts, numbers and flags.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
    /// The version that is replaced; `If-Match` may say it instead.
    pub(crate) version: Option<i64>,
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

/// A party of a deal: a person or a company, with or without a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartyFields)]
pub(crate) struct PartyBody {
    /// The part it plays: `buyer`, `buyer_agent`, `lender` …
    #[schema(example = "lender")]
    role: String,
    #[schema(max_length = 200)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254)]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    company: Option<String>,
    /// The user who is this party.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail; by default so for agents, coordinator, lender and title.
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_contact: Option<bool>,
}

impl PartyBody {
    /// Any valid party, to see whether a patch is wrong by itself.
    pub(crate) fn sample() -> Self {
        Self {
            role: PartyRole::Other.to_string(),
            name: "x".to_owned(),
            email: None,
            phone: None,
            company: None,
            user_id: None,
            buyer_contact: None,
        }
    }

    /// The fields of a party as they are, for a patch to change.
    pub(crate) fn of(party: &Party) -> Self {
        Self {
            role: party.role.to_string(),
            name: party.name.clone(),
            email: party.email.clone(),
            phone: party.phone.clone(),
            company: party.company.clone(),
            user_id: party.user_id,
            buyer_contact: Some(party.buyer_contact),
        }
    }

    pub(crate) fn read(&self) -> Result<PartyFields, Rejection> {
        let mut checked = Fields::new();
        checked
            .text("name", &self.name, 1..=200)
            .optional_text("phone", self.phone.as_deref(), 1..=40)
            .optional_text("company", self.company.as_deref(), 1..=200);
        if let Some(email) = &self.email {
            checked.email("email", email);
        }
        let role = PartyRole::parse(&self.role);
        if role.is_none() {
            let words: Vec<&str> = PartyRole::ALL.iter().map(|role| role.as_str()).collect();
            checked.one_of("role", &self.role, &words);
        }
        checked.finish()?;
        let role = role.ok_or_else(unread)?;
        let trimmed = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
        Ok(PartyFields {
            role,
            name: self.name.trim().to_owned(),
            email: trimmed(&self.email),
            phone: trimmed(&self.phone),
            company: trimmed(&self.company),
            user_id: self.user_id,
            buyer_contact: self
                .buyer_contact
                .unwrap_or(role.is_buyer_contact_by_default()),
        })
    }
}

/// The body of PUT: the party's fields, and the version they are meant to replace unless `If-Match` says it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutPartyBody {
    /// The part it plays: `buyer`, `buyer_agent`, `lender` …
    #[schema(example = "lender")]
    role: String,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254)]
    email: Option<String>,
    #[schema(max_length = 40)]
    phone: Option<String>,
    #[schema(max_length = 200)]
    company: Option<String>,
    /// The user who is this party.
    user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail; by default so for agents, coordinator, lender and title.
    buyer_contact: Option<bool>,
    /// The version that is replaced; `If-Match` may say it instead.
    pub(crate) version: Option<i64>,
}

impl PutPartyBody {
    pub(crate) fn read(&self) -> Result<PartyFields, Rejection> {
        PartyBody {
            role: self.role.clone(),
            name: self.name.clone(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            company: self.company.clone(),
            user_id: self.user_id,
            buyer_contact: self.buyer_contact,
        }
        .read()
    }
}

/// What holding a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct HoldBody {
    /// Why, for the history.
    pub(crate) reason: Option<String>,
}

/// What reopening a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ReopenBody {
    /// Why, for the history.
    pub(crate) reason: Option<String>,
}

/// What resuming a deal says.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumeBody {
    /// Whether open due dates move by the days held; they stay by default.
    #[serde(default)]
    pub(crate) shift_due_dates: bool,
}

/// What closing a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct CloseBody {
    /// Closes although required tasks are open; needs manage_tasks.
    #[serde(default)]
    pub(crate) force: bool,
}

/// What cancelling a deal says.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct CancelBody {
    /// Why, for the history.
    #[schema(max_length = 1000)]
    pub(crate) reason: String,
}

/// What activating a deal says: nothing so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ActivateBody {}

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

/// An amount, or `None` when something was noted.
fn read_money(checked: &mut Fields, money: &MoneyBody) -> Option<Money> {
    match Money::parse("purchasePrice", &money.amount, &money.currency) {
        Ok(money) => Some(money),
        Err(Rejection::Validation { errors }) => {
            for FieldError {
                field, constraint, ..
            } in errors
            {
                let problem = if field.ends_with("amount") {
                    "must be a decimal as text with at most two places, not negative"
                } else {
                    "must be three capital letters"
                };
                checked.refuse(field, &constraint, problem);
            }
            None
        }
        Err(_) => None,
    }
}

/// Something was not read although nothing was noted. Never seen by a client in practice.
fn unread() -> Rejection {
    Rejection::field("body", "format", "the body cannot be read")
}
