//! Amounts of money: an exact decimal and a currency, never a float.

use std::fmt;

use rust_decimal::Decimal;

use crate::rejection::{FieldError, Rejection};

/// The largest amount that is believed: 9999999999.99.
const AMOUNT_MAX: Decimal = Decimal::from_parts(3_567_587_327, 232, 0, false, 2);

/// A non-negative amount in a currency, with at most two decimal places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: String,
}

impl Money {
    /// Reads an amount such as `525000.00` and a currency code such as `USD`. `field` names the pair in errors.
    ///
    /// # Errors
    /// A validation rejection of `<field>.amount` or `<field>.currency`.
    pub fn parse(field: &str, amount: &str, currency: &str) -> Result<Self, Rejection> {
        let is_plain = !amount.is_empty()
            && amount
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let amount = is_plain
            .then(|| Decimal::from_str_exact(amount).ok())
            .flatten();
        Self::new(field, amount, currency)
    }

    /// The amount from storage or from a request, checked like [`Money::parse`].
    ///
    /// # Errors
    /// A validation rejection of `<field>.amount` or `<field>.currency`.
    pub fn from_decimal(field: &str, amount: Decimal, currency: &str) -> Result<Self, Rejection> {
        Self::new(field, Some(amount), currency)
    }

    fn new(field: &str, amount: Option<Decimal>, currency: &str) -> Result<Self, Rejection> {
        let mut errors = Vec::new();
        let amount = amount.filter(|amount| {
            amount.normalize().scale() <= 2 && !amount.is_sign_negative() && *amount <= AMOUNT_MAX
        });
        if amount.is_none() {
            let message = "an amount is a decimal string with at most two places, not negative";
            errors.push(FieldError::new(
                format!("{field}.amount"),
                "format",
                message,
            ));
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = "a currency is a code of three capital letters";
            errors.push(FieldError::new(
                format!("{field}.currency"),
                "format",
                message,
            ));
        }
        match amount {
            Some(mut amount) if errors.is_empty() => {
                amount.rescale(2);
                Ok(Self {
                    amount,
                    currency: currency.to_owned(),
                })
            }
            _ => Err(Rejection::Validation { errors }),
        }
    }

    /// The amount, with exactly two decimal places.
    #[must_use]
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency's code.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for amount in [
            "",
            "-1",
            "+1",
            "1e5",
            "1,000",
            "NaN",
            "1.005",
            " 1",
            "1_0",
            ".",
            "10000000000",
        ] {
            assert!(
                Money::parse("purchasePrice", amount, "USD").is_err(),
                "{amount:?} was accepted"
            );
        }
        assert!(Money::parse("purchasePrice", "1", "usd").is_err());
        assert!(Money::parse("purchasePrice", "9999999999.99", "USD").is_ok());
    }

    proptest! {
        #[test]
        fn every_amount_of_cents_survives_exactly(cents in 0..999_999_999_999_i64) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            let money = Money::parse("purchasePrice", &text, "USD").unwrap();
            prop_assert_eq!(money.amount().to_string(), text);
        }
    }
}
