//! What must hold of a template as a whole: keys are unique, nothing waits for itself, everything can happen.

use std::collections::BTreeMap;

use super::{
    Anchor, Constraint, DateRule, FactRule, FactValue, Milestone, RuleAnchor, TaskRule,
    counting_graph,
    facts::{contradict, plain},
    yaml::Mistakes,
};
use crate::plan::{Cycle, Graph};

type Lined<T> = [(usize, T)];

/// Anchors and dates share their names; tasks, milestones and constraints have their own.
pub(super) fn keys(
    anchors: &Lined<Anchor>,
    dates: &Lined<DateRule>,
    facts: &Lined<FactRule>,
    constraints: &Lined<Constraint>,
    milestones: &Lined<Milestone>,
    tasks: &Lined<TaskRule>,
    mistakes: &mut Mistakes,
) {
    let fact_keys = facts.iter().map(|(line, item)| (*line, item.key.as_str()));
    unique("fact", fact_keys, mistakes);
    let anchor_keys = anchors
        .iter()
        .map(|(line, item)| (*line, item.key.as_str()));
    let date_keys = dates.iter().map(|(line, item)| (*line, item.key.as_str()));
    unique("date", anchor_keys.chain(date_keys), mistakes);
    unique(
        "constraint",
        constraints
            .iter()
            .map(|(line, item)| (*line, item.key.as_str())),
        mistakes,
    );
    unique(
        "milestone",
        milestones
            .iter()
            .map(|(line, item)| (*line, item.key.as_str())),
        mistakes,
    );
    unique(
        "task",
        tasks.iter().map(|(line, item)| (*line, item.key.as_str())),
        mistakes,
    );
    let mut orders = BTreeMap::new();
    for (line, milestone) in milestones {
        if let Some(other) = orders.insert(milestone.order, &milestone.key) {
            mistakes.add(
                *line,
                format!(
                    "milestones {other} and {} have the same order",
                    milestone.key
                ),
            );
        }
    }
}

fn unique<'a>(what: &str, keys: impl Iterator<Item = (usize, &'a str)>, mistakes: &mut Mistakes) {
    let mut first = BTreeMap::new();
    for (line, key) in keys {
        if let Some(earlier) = first.get(key) {
            mistakes.add(
                line,
                format!("{what} {key} stands already in line {earlier}"),
            );
        } else {
            first.insert(key, line);
        }
    }
}

/// No task waits for itself, and no date is counted from itself, whichever way round.
pub(super) fn waiting(dates: &Lined<DateRule>, tasks: &Lined<TaskRule>, mistakes: &mut Mistakes) {
    let lines: BTreeMap<&str, usize> = tasks
        .iter()
        .map(|(line, task)| (task.key.as_str(), *line))
        .collect();
    let line_of = |key: &String| lines.get(key.as_str()).copied().unwrap_or(1);
    let graph: Graph<String> = tasks
        .iter()
        .map(|(_, task)| (task.key.clone(), task.depends_on.clone()))
        .collect();
    if let Err(Cycle { path }) = graph.order() {
        let line = path.first().map_or(1, line_of);
        mistakes.add(
            line,
            format!("tasks wait for each other: {}", path.join(" → ")),
        );
        for key in graph.unreachable() {
            mistakes.add(
                line_of(&key),
                format!("task {key} can never start: it waits for tasks that wait for each other"),
            );
        }
    }
    let all_dates = dates.iter().map(|(_, date)| date);
    let all_tasks = tasks.iter().map(|(_, task)| task);
    if let Err(Cycle { path }) = counting_graph(all_dates, all_tasks).order() {
        let date_lines: BTreeMap<&str, usize> = dates
            .iter()
            .map(|(line, date)| (date.key.as_str(), *line))
            .collect();
        let line = match path.first() {
            Some(RuleAnchor::KeyDate(key)) => date_lines.get(key.as_str()).copied().unwrap_or(1),
            Some(RuleAnchor::Completion(key)) => line_of(key),
            None => 1,
        };
        let names: Vec<_> = path.iter().map(RuleAnchor::key).collect();
        mistakes.add(
            line,
            format!("dates are counted from each other: {}", names.join(" → ")),
        );
    }
}

/// Everything can apply to some deal.
pub(super) fn conditions(
    dates: &Lined<DateRule>,
    tasks: &Lined<TaskRule>,
    mistakes: &mut Mistakes,
) {
    let of_dates = dates
        .iter()
        .map(|(line, date)| (line, "date", &date.key, &date.applies_when));
    let of_tasks = tasks
        .iter()
        .map(|(line, task)| (line, "task", &task.key, &task.applies_when));
    for (line, what, key, conditions) in of_dates.chain(of_tasks) {
        if contradict(conditions) {
            mistakes.add(
                *line,
                format!("{what} {key} can never apply: its conditions contradict each other"),
            );
        }
    }
}

/// No fact has a word in two spellings: which of them is stored would be chance.
pub(super) fn words(
    facts: &Lined<FactRule>,
    dates: &Lined<DateRule>,
    tasks: &Lined<TaskRule>,
    mistakes: &mut Mistakes,
) {
    let declared = facts.iter().flat_map(|(line, fact)| {
        let words = fact.values.iter();
        words.map(move |word| (*line, fact.key.as_str(), word.as_str()))
    });
    let of_dates = dates.iter().flat_map(|(line, date)| {
        date.applies_when
            .iter()
            .map(move |condition| (*line, condition))
    });
    let of_tasks = tasks.iter().flat_map(|(line, task)| {
        task.applies_when
            .iter()
            .map(move |condition| (*line, condition))
    });
    let compared =
        of_dates
            .chain(of_tasks)
            .filter_map(|(line, condition)| match &condition.value {
                FactValue::Text(word) => Some((line, condition.field.as_str(), word.as_str())),
                FactValue::Number(_) | FactValue::Flag(_) => None,
            });
    let mut spellings: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for (line, fact, word) in declared.chain(compared) {
        let first = *spellings.entry((fact, plain(word))).or_insert(word);
        if first != word {
            mistakes.add(
                line,
                format!("{fact} is spelled both {first:?} and {word:?}"),
            );
        }
    }
}
