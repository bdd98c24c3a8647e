//! What somebody has to do, by when: the buckets of the list that people work by.

use time::{Date, Duration};

use crate::{party::PartyRole, permission::Role};

/// The days after today that are near.
const WEEK: Duration = Duration::days(7);

/// A part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// One's own, and late.
    Overdue,
    /// One's own, due today.
    Today,
    /// One's own, due within seven days.
    Week,
    /// One's own, due after that or on no day.
    Later,
    /// Others', which one follows up.
    Waiting,
}

impl Bucket {
    /// Every bucket, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Overdue,
        Self::Today,
        Self::Week,
        Self::Later,
        Self::Waiting,
    ];

    /// The bucket as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Today => "today",
            Self::Week => "week",
            Self::Later => "later",
            Self::Waiting => "waiting",
        }
    }

    /// Reads a bucket.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == text)
    }
}

/// The last day that is near on this one.
#[must_use]
pub fn week_ends(today: Date) -> Date {
    today.saturating_add(WEEK)
}

/// The parts that a user of this role follows up for, in deals in which no user plays them.
#[must_use]
pub fn fills_in_for(role: Role) -> &'static [PartyRole] {
    match role {
        Role::TransactionCoordinator => &[PartyRole::TransactionCoordinator],
        Role::Admin => &[PartyRole::TransactionCoordinator, PartyRole::Broker],
        Role::Buyer | Role::BuyerAgent | Role::System => &[],
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_bucket_is_read_as_it_is_sent() {
        for bucket in Bucket::ALL {
            assert_eq!(Bucket::parse(bucket.as_str()), Some(bucket));
        }
        assert_eq!(Bucket::parse("someday"), None);
    }

    #[test]
    fn the_week_is_the_seven_days_after_today() {
        assert_eq!(week_ends(date!(2026 - 12 - 28)), date!(2027 - 01 - 04));
        assert_eq!(week_ends(Date::MAX), Date::MAX);
    }

    #[test]
    fn administrators_fill_in_for_coordinators_and_nobody_for_clients() {
        assert!(fills_in_for(Role::Admin).contains(&PartyRole::TransactionCoordinator));
        assert_eq!(fills_in_for(Role::Buyer), []);
    }
}
