//! What a change of facts or dates does to the tasks of a running plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dropped, PlannedDates};
use crate::task::TaskState;

/// The template's tasks that begin and that cease to apply, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Those that did not apply and now do.
    pub begun: BTreeSet<String>,
    /// Those that applied and no longer do, and why.
    pub ceased: BTreeMap<String, Dropped>,
}

impl Revision {
    /// Whether the same tasks apply as before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.ceased.is_empty()
    }
}

/// Compares which tasks apply before and after a change.
///
/// Finished tasks apply in any case. Whether somebody deleted a task is not checked here.
#[must_use]
pub fn revise(before: &PlannedDates, after: &PlannedDates) -> Revision {
    let begun = before
        .dropped_tasks
        .keys()
        .filter(|key| !after.dropped_tasks.contains_key(*key));
    let ceased = after
        .dropped_tasks
        .iter()
        .filter(|(key, _)| !before.dropped_tasks.contains_key(*key));
    Revision {
        begun: begun.cloned().collect(),
        ceased: ceased
            .map(|(key, why)| (key.clone(), why.clone()))
            .collect(),
    }
}

/// Whether the task was waived because it ceased to apply, or was made pointless by a date; such a task comes back when
/// that reason is gone.
#[must_use]
pub fn has_ceased(task: &TaskState) -> bool {
    let waiver = task.facts.waived.as_ref();
    waiver.is_some_and(|waiver| Dropped::is_reason(&waiver.reason))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::{
        calendar::Calendars,
        cascade::{Circumstances, compute},
        template::{Facts, shipped::shipped},
    };

    fn facts(financing: &str, hoa: bool) -> Facts {
        Facts::from([
            ("financing_type".to_owned(), financing.into()),
            ("hoa".to_owned(), hoa.into()),
        ])
    }

    /// What these facts make of a purchase.
    fn planned(facts: Facts) -> PlannedDates {
        let circumstances = Circumstances {
            facts,
            ..Circumstances::default()
        };
        compute(&shipped("purchase"), &circumstances, &Calendars::standard())
    }

    #[test]
    fn a_loan_that_becomes_cash_swaps_the_loan_tasks_for_the_proof_of_funds() {
        let revision = revise(
            &planned(facts("conventional", true)),
            &planned(facts("cash", true)),
        );
        assert_eq!(
            revision.begun,
            BTreeSet::from(["proof_of_funds".to_owned()])
        );
        assert!(revision.ceased.contains_key("loan_application"));
        assert!(!revision.ceased.contains_key("hoa_docs_ordered"));
    }

    #[test]
    fn what_decides_nothing_changes_nothing() {
        let revision = revise(
            &planned(facts("conventional", false)),
            &planned(facts("fha", false)),
        );
        assert!(revision.is_empty());
    }

    #[test]
    fn an_accepted_offer_takes_a_task_away_and_one_that_falls_through_brings_it_back() {
        let listed = |effective_date| {
            let mut circumstances = Circumstances::default();
            let anchors = [
                ("listing_agreement_date", Some(date!(2026 - 03 - 02))),
                ("on_market_date", Some(date!(2026 - 03 - 16))),
                ("listing_expiration_date", Some(date!(2026 - 09 - 01))),
                ("effective_date", effective_date),
            ];
            for (key, date) in anchors {
                if let Some(date) = date {
                    circumstances.anchors.insert(key.to_owned(), date);
                }
            }
            compute(&shipped("listing"), &circumstances, &Calendars::standard())
        };
        let (on_market, sold) = (listed(None), listed(Some(date!(2026 - 04 - 01))));
        let why = Dropped::Pointless {
            anchor: "effective_date".to_owned(),
        };
        assert!(Dropped::is_reason(&why.to_string()));
        let accepted = revise(&on_market, &sold);
        assert_eq!(
            accepted.ceased,
            BTreeMap::from([("expiration_decision".to_owned(), why)])
        );
        let back = revise(&sold, &on_market);
        assert_eq!(
            back.begun,
            BTreeSet::from(["expiration_decision".to_owned()])
        );
        assert!(!Dropped::is_reason("the seller is away"));
    }
}
