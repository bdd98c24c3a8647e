//! Tasks of a deal that its template does not know, and rules that somebody gave a task by hand.
//!
//! They are counted in the same pass as the template's, so that each may count from the completion of any other.

use std::collections::BTreeMap;

use time::{Date, Duration, Time};

use super::{Circumstances, Dropped, PlannedDates, PlannedTask};
use crate::{
    dates::is_countable,
    plan::Graph,
    template::{Rule, RuleAnchor, Template},
};

/// A task that is not in the template: added by hand, or an instance of repeating work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTask {
    /// Its name among the tasks of the deal.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The rule that it follows, if it follows one.
    pub rule: Option<Rule>,
    /// Calendar days after what the rule says: where an instance is in its series.
    pub days_after: i64,
    /// The date that it has, and keeps without a rule.
    pub due: Option<Date>,
    /// The time of day at which it is due, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// The key of the template's task that it repeats, if it does.
    pub series: Option<String>,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

/// What counts from what, in a deal.
#[must_use]
pub fn counting_graph(template: &Template, circumstances: &Circumstances) -> Graph<RuleAnchor> {
    let of_template = template.counting_graph();
    let nodes = of_template.nodes().map(|node| {
        let by_hand = match node {
            RuleAnchor::Completion(key) => circumstances.task_rules.get(key),
            RuleAnchor::KeyDate(_) => None,
        };
        let counts_from = match by_hand {
            Some(rule) => vec![rule.anchor.clone()],
            None => of_template.prerequisites(node).cloned().collect(),
        };
        (node.clone(), counts_from)
    });
    let own = circumstances.own_tasks.iter().map(|task| {
        let counts_from = task.rule.iter().map(|rule| rule.anchor.clone()).collect();
        (RuleAnchor::Completion(task.name.clone()), counts_from)
    });
    nodes.chain(own).collect()
}

/// A date so many days later, or earlier; `None` outside the years that can be counted.
pub(super) fn moved(date: Date, days: i64) -> Option<Date> {
    date.checked_add(Duration::days(days))
        .filter(|date| is_countable(*date))
}

/// Drops open instances of a series that has ended before they are due, or that has become pointless.
pub(super) fn end_series(
    template: &Template,
    circumstances: &Circumstances,
    planned: &mut PlannedDates,
) {
    let mut ended: BTreeMap<String, Dropped> = BTreeMap::new();
    for own in &circumstances.own_tasks {
        let rule = own.series.as_ref().and_then(|key| template.task(key));
        let task = planned.task(&own.name).filter(|task| !task.is_finished());
        let (Some(rule), Some(task)) = (rule, task) else {
            continue;
        };
        let cancelled = rule.cancel_when_set.as_ref();
        let cancelled = cancelled.filter(|key| circumstances.anchors.contains_key(*key));
        let until = rule
            .recurrence
            .as_ref()
            .map(|recurrence| &recurrence.until)
            .filter(|key| {
                let until = planned.key_date(key).and_then(|date| date.date);
                until.is_some_and(|until| task.due.is_some_and(|due| due >= until))
            });
        if let Some(anchor) = cancelled.or(until) {
            let why = Dropped::Pointless {
                anchor: anchor.clone(),
            };
            ended.insert(own.name.clone(), why);
        }
    }
    planned
        .tasks
        .retain(|task: &PlannedTask| !ended.contains_key(&task.key));
    planned.dropped_tasks.extend(ended);
}
