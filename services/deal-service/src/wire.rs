//! How dates are written in JSON: `YYYY-MM-DD`.

use contracts::field::date_text;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use time::Date;

/// A calendar date that may be absent.
pub(crate) mod optional_date {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        date: &Option<Date>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => serializer.serialize_str(&date_text(*date)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Date>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        contracts::field::optional_date("date", text.as_deref()).map_err(D::Error::custom)
    }
}
