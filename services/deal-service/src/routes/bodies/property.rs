//! Where a property is, and what it costs.

use domain::{
    money::Money,
    rejection::{FieldError, Rejection},
};
use platform::http::Fields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::repository::deals::Address;

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
    #[schema(example = "US", pattern = "^[A-Z]{2}$")]
    pub(crate) country: Option<String>,
}

/// An amount of money, exact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyBody {
    /// A decimal with at most two places, as text.
    #[schema(example = "525000.00", pattern = r"^[0-9]{1,10}(\.[0-9]{1,2})?$")]
    pub(crate) amount: String,
    /// Three capital letters (ISO 4217).
    #[schema(example = "USD", pattern = "^[A-Z]{3}$")]
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

    pub(super) fn check(&self, checked: &mut Fields) -> Address {
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

/// An amount, or `None` when something was noted.
pub(super) fn read_money(checked: &mut Fields, money: &MoneyBody) -> Option<Money> {
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
