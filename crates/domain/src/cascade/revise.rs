//! What a change of facts does to the tasks of a running plan.

use std::collections::BTreeSet;

use super::Dropped;
use crate::{
    task::TaskState,
    template::{Facts, TaskRule, Template},
};

/// The template's tasks that begin and that cease to apply, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Those that did not apply and now do.
    pub begun: BTreeSet<String>,
    /// Those that applied and no longer do.
    pub ceased: BTreeSet<String>,
}

/// Compares which tasks apply before and after the facts change.
///
/// Whether a task is still wanted otherwise, because somebody deleted, finished or waived it, is not asked here.
#[must_use]
pub fn revise(template: &Template, before: &Facts, after: &Facts) -> Revision {
    let applies = |task: &TaskRule, facts: &Facts| {
        let conditions = task.applies_when.iter();
        conditions
            .into_iter()
            .all(|condition| condition.holds(facts))
    };
    let mut revision = Revision::default();
    for task in &template.tasks {
        match (applies(task, before), applies(task, after)) {
            (false, true) => revision.begun.insert(task.key.clone()),
            (true, false) => revision.ceased.insert(task.key.clone()),
            (true, true) | (false, false) => continue,
        };
    }
    revision
}

/// Whether the task was waived because the facts ceased to ask for it; such a task comes back with them.
#[must_use]
pub fn has_ceased(task: &TaskState) -> bool {
    let waiver = task.facts.waived.as_ref();
    waiver.is_some_and(|waiver| waiver.reason == Dropped::DoesNotApply.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::shipped::shipped;

    fn facts(financing: &str, hoa: bool) -> Facts {
        Facts::from([
            ("financing_type".to_owned(), financing.into()),
            ("hoa".to_owned(), hoa.into()),
        ])
    }

    #[test]
    fn a_loan_that_becomes_cash_swaps_the_loan_tasks_for_the_proof_of_funds() {
        let template = shipped("purchase");
        let revision = revise(
            &template,
            &facts("conventional", true),
            &facts("cash", true),
        );
        assert_eq!(
            revision.begun,
            BTreeSet::from(["proof_of_funds".to_owned()])
        );
        assert!(revision.ceased.contains("loan_application"));
        assert!(!revision.ceased.contains("hoa_docs_ordered"));
    }

    #[test]
    fn what_decides_nothing_changes_nothing() {
        let template = shipped("purchase");
        let revision = revise(
            &template,
            &facts("conventional", false),
            &facts("fha", false),
        );
        assert_eq!(revision, Revision::default());
    }
}
