//! How records and messages spell dates, instants and the domain's enums in JSON, for `#[serde(with = …)]`: each has a
//! module, and within it one for a value that may be absent.

use domain::{
    cascade::KeyDateState, deal::PlanState, party::PartyRole, task::TaskStatus,
    template::EmailTemplate,
};
use time::{Date, OffsetDateTime, Time, macros::format_description};

use crate::field::{self, Malformed};

/// Declares a module that writes a type with one function and reads it with another.
macro_rules! spelled {
    ($(#[$doc:meta])* $module:ident, $type:ty, $write:expr, $read:expr) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;
            use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

            /// Writes it.
            pub fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$write(*value))
            }

            /// Reads it.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                $read(&text).map_err(D::Error::custom)
            }

            /// As the module around it, for a value that may be absent: `null`.
            pub mod option {
                use super::*;

                /// Writes it.
                pub fn serialize<S: Serializer>(value: &Option<$type>, serializer: S) -> Result<S::Ok, S::Error> {
                    match value {
                        Some(value) => super::serialize(value, serializer),
                        None => serializer.serialize_none(),
                    }
                }

                /// Reads it.
                pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<$type>, D::Error> {
                    let text = Option::<std::borrow::Cow<str>>::deserialize(deserializer)?;
                    text.map(|text| $read(&text).map_err(D::Error::custom)).transpose()
                }
            }
        }
    };
}

spelled! {
    /// A calendar date, `YYYY-MM-DD`.
    date, Date, field::date_text, |text: &str| field::date("date", text)
}
spelled! {
    /// An instant: RFC 3339 in UTC with milliseconds.
    instant, OffsetDateTime, field::instant_text, |text: &str| field::instant("instant", text)
}
spelled! {
    /// A time of day, `HH:MM`.
    time_of_day, Time, time_text, time
}
spelled! {
    /// The status of a task.
    task_status, TaskStatus, TaskStatus::as_str, known(TaskStatus::parse)
}
spelled! {
    /// The state of a plan.
    plan_state, PlanState, PlanState::as_str, known(PlanState::parse)
}
spelled! {
    /// The state of a key date.
    key_date_state, KeyDateState, KeyDateState::as_str, known(KeyDateState::parse)
}
spelled! {
    /// The part that somebody plays in a deal.
    party_role, PartyRole, PartyRole::as_str, known(PartyRole::parse)
}
spelled! {
    /// An e-mail that goes with a task.
    email_template, EmailTemplate, EmailTemplate::as_str, known(EmailTemplate::parse)
}

/// Writes a time of day, `HH:MM`.
pub fn time_text(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Reads a time of day, `HH:MM`.
pub fn time(text: &str) -> Result<Time, Malformed> {
    Time::parse(text, format_description!("[hour]:[minute]"))
        .map_err(|error| Malformed::new("time", error))
}

/// A reader that refuses what `parse` does not know.
fn known<T>(parse: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, Malformed> {
    move |text| parse(text).ok_or_else(|| Malformed::new("word", format!("unknown: {text}")))
}
