//! Following up what others are to do: whose it is, how somebody asked for it, and when to ask again.

use time::{Date, Duration};

use crate::{party::PartyRole, rejection::Rejection, words::upper_snake_enum};

/// The furthest day on which to ask again, in days from today: a year, longer than any deal takes.
pub const FOLLOW_UP_DAYS_MAX: i64 = 366;

upper_snake_enum! {
    /// How somebody was asked.
    Channel {
        /// By a call.
        Phone = "PHONE",
        /// By e-mail.
        Email = "EMAIL",
        /// By a text message.
        Text = "TEXT",
        /// Face to face.
        InPerson = "IN_PERSON",
        /// In another way.
        Other = "OTHER",
    }
}

/// The parts that follow up what others do, the one whose work it is most first.
const FOLLOWING: [PartyRole; 4] = [
    PartyRole::TransactionCoordinator,
    PartyRole::BuyerAgent,
    PartyRole::ListingAgent,
    PartyRole::Broker,
];

/// The part that follows a task up once a person with these parts has: the task's own, else theirs, else the
/// coordinator's.
#[must_use]
pub fn follower(chased_by: Option<&str>, parts: &[PartyRole]) -> String {
    if let Some(part) = chased_by {
        return part.to_owned();
    }
    let own = FOLLOWING.into_iter().find(|part| parts.contains(part));
    own.unwrap_or(PartyRole::TransactionCoordinator)
        .as_str()
        .to_owned()
}

/// A day on which to ask again: after today, so that its reminder lies ahead.
///
/// # Errors
/// `range` of `followUpOn`.
pub fn day(date: Date, today: Date) -> Result<Date, Rejection> {
    let last = today.saturating_add(Duration::days(FOLLOW_UP_DAYS_MAX));
    if date > today && date <= last {
        return Ok(date);
    }
    let message = format!("followUpOn lies after today and within {FOLLOW_UP_DAYS_MAX} days");
    Err(Rejection::field("followUpOn", "range", message))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_task_is_followed_up_by_its_part_else_by_the_callers_else_by_the_coordinator() {
        let agent = [PartyRole::Buyer, PartyRole::BuyerAgent];
        let cases = [
            (Some("broker"), &agent[..], "broker", "its own part"),
            (None, &agent[..], "buyer_agent", "the caller's part"),
            (
                None,
                &[PartyRole::Lender],
                "transaction_coordinator",
                "a part that does not follow up",
            ),
            (None, &[], "transaction_coordinator", "no part"),
        ];
        for (chased_by, parts, expected, why) in cases {
            assert_eq!(follower(chased_by, parts), expected, "{why}");
        }
    }

    #[test]
    fn one_asks_again_after_today_and_within_a_year() {
        let today = date!(2026 - 03 - 10);
        for (date, is_taken) in [
            (date!(2026 - 03 - 09), false),
            (today, false),
            (date!(2026 - 03 - 11), true),
            (date!(2027 - 03 - 11), true),
            (date!(2027 - 03 - 12), false),
        ] {
            assert_eq!(day(date, today).is_ok(), is_taken, "{date}");
        }
    }
}
