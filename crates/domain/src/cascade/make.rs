//! Making tasks of a deal from its template: for a new plan, for what begins to apply, and the next one of a series.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    PlannedDates, PlannedTask, RunningPlan, beside_template, next_instance,
    running::first_of_series,
};
use crate::{
    party::PartyRole,
    plan::require_room,
    rejection::Rejection,
    task::{Change, Details, Due, Moment, NewTask, StoredTask, Task, TaskEdit},
    template::{Instance, Rule, Series, TaskFields, TaskRule},
};

/// What tasks of a deal are made from, beside its plan.
#[derive(Clone, Debug)]
pub struct Making {
    /// The deal.
    pub deal_id: Uuid,
    /// Who makes them.
    pub by: Uuid,
    /// The milestones, by their keys.
    pub milestones: BTreeMap<String, Uuid>,
    /// Whom the tasks of each part are given to at once.
    pub assignees: BTreeMap<PartyRole, Uuid>,
    /// Makes an id.
    pub new_id: fn() -> Uuid,
}

impl Making {
    /// For tasks that need neither milestones nor assignees of the deal.
    #[must_use]
    pub const fn bare(deal_id: Uuid, by: Uuid, new_id: fn() -> Uuid) -> Self {
        Self {
            deal_id,
            by,
            milestones: BTreeMap::new(),
            assignees: BTreeMap::new(),
            new_id,
        }
    }
}

/// Makes the template's tasks of these keys, which may wait for each other and for tasks that are there already.
///
/// # Errors
/// What [`Task::create`] refuses.
pub fn make(
    plan: &RunningPlan,
    planned: &PlannedDates,
    wanted: &BTreeSet<String>,
    making: &Making,
    moment: &Moment<'_>,
) -> Result<Vec<(Change, Details)>, Rejection> {
    let by_key = |stored: &StoredTask| Some((stored.task.key.clone()?, stored.task.id));
    let mut ids: BTreeMap<String, Uuid> = plan.tasks.iter().filter_map(by_key).collect();
    for key in wanted {
        ids.insert(key.clone(), (making.new_id)());
    }
    let is_open = |id: &&Uuid| {
        let there = plan.tasks.iter().find(|stored| stored.task.id == **id);
        there.is_none_or(|stored| !stored.task.status.is_done())
    };
    let waiting = plan.waiting(planned, wanted);
    let mut position = last_position(plan);
    let mut new = Vec::with_capacity(wanted.len());
    for task in planned
        .tasks
        .iter()
        .filter(|task| wanted.contains(&task.key))
    {
        let (Some(rule), Some(id)) = (plan.template.task(&task.key), ids.get(&task.key)) else {
            continue;
        };
        position += 1;
        let depends_on: BTreeSet<Uuid> = waiting
            .prerequisites(&task.key)
            .filter_map(|key| ids.get(key).copied())
            .collect();
        let created = NewTask {
            id: *id,
            deal_id: making.deal_id,
            key: Some(task.key.clone()),
            fields: TaskEdit {
                title: rule.title.clone(),
                description: rule.description.clone(),
                milestone_id: making.milestones.get(&rule.milestone).copied(),
                owner_role: Some(rule.role),
                buyer_visible: rule.buyer_visible,
            },
            due: task.due.map(|date| Due {
                date,
                time_of_day: task.time_of_day,
            }),
            required: rule.required,
            assignee_id: making.assignees.get(&rule.role).copied(),
            open_dependencies: u32::try_from(depends_on.iter().filter(is_open).count())
                .unwrap_or(u32::MAX),
        };
        let details = Details {
            position,
            created_by: making.by,
            depends_on: depends_on.into_iter().collect(),
            ..details(plan, rule, task)
        };
        new.push((Task::create(created, moment)?, details));
    }
    Ok(new)
}

/// What the template says of a task beside its fields; its place, its maker and what it waits for come later.
fn details(plan: &RunningPlan, rule: &TaskRule, planned: &PlannedTask) -> Details {
    Details {
        kind: Some(rule.kind.as_str().to_owned()),
        chased_by: rule.chased_by.map(|role| role.as_str().to_owned()),
        due_rule: planned.rule.clone(),
        est_days: i32::try_from(rule.est_days).unwrap_or(i32::MAX),
        critical: rule.critical,
        licensed_only: rule.licensed_only,
        template_fields: TaskFields::of(&plan.template, rule),
        ..Details::default()
    }
}

/// Makes the next instance of repeating work, once `done` is done; `None` if nothing repeats, the series has ended, or
/// the deal has no room for another task.
///
/// It carries the rule of its series, some days later: it moves with the anchor, and is dropped when the series ends.
/// The deal may be closed without it, for the template requires only the first instance.
///
/// # Errors
/// What [`Task::create`] refuses.
pub fn make_next(
    plan: &RunningPlan,
    planned: &PlannedDates,
    done: &StoredTask,
    making: &Making,
    moment: &Moment<'_>,
) -> Result<Option<(Change, Details)>, Rejection> {
    let task = &done.task;
    let series = done.details.template_fields.series.as_ref();
    let first = first_of_series(done).and_then(|first| plan.template.task(first));
    let (Some(series), Some(first), Some(due)) = (series, first, task.due) else {
        return Ok(None);
    };
    if require_room(beside_template(&plan.tasks)).is_err() {
        return Ok(None);
    }
    let number = series.number() + 1;
    let key = format!("{}_{number}", first.key);
    let next = next_instance(first, due.date, planned);
    let (Some(next), None) = (next, plan.task(&key)) else {
        return Ok(None);
    };
    let (rule, says) = rule_of_series(first, planned, plan);
    let new = NewTask {
        id: (making.new_id)(),
        deal_id: task.deal_id,
        key: Some(key),
        fields: TaskEdit {
            title: task.title.clone(),
            description: task.description.clone(),
            milestone_id: task.milestone_id,
            owner_role: task.owner_role,
            buyer_visible: task.buyer_visible,
        },
        due: Some(Due { date: next, ..due }),
        required: false,
        assignee_id: task.facts.assignee_id,
        open_dependencies: 0,
    };
    let series = Series {
        recurrence: series.recurrence.clone(),
        instance: Some(Instance {
            first: first.key.clone(),
            number,
            days_after: says.map(|says| (next - says).whole_days()),
        }),
    };
    let details = Details {
        due_rule: Some(rule.clone()),
        template_fields: TaskFields {
            series: Some(series),
            ..done.details.template_fields.clone()
        },
        position: last_position(plan) + 1,
        note: None,
        followed: false,
        created_by: making.by,
        depends_on: Vec::new(),
        ..done.details.clone()
    };
    Ok(Some((Task::create(new, moment)?, details)))
}

/// The template's rule for the first of the series that says a date, and that date.
fn rule_of_series<'r>(
    first: &'r TaskRule,
    planned: &PlannedDates,
    plan: &RunningPlan,
) -> (&'r Rule, Option<time::Date>) {
    let says = |rule: &Rule| planned.evaluate(rule, &plan.calendars).ok().flatten();
    std::iter::once(&first.due)
        .chain(&first.fallback_due)
        .find_map(|rule| Some((rule, Some(says(rule)?))))
        .unwrap_or((&first.due, None))
}

/// The last place in the plan that is taken.
fn last_position(plan: &RunningPlan) -> i32 {
    let places = plan.tasks.iter().map(|stored| stored.details.position);
    places.max().unwrap_or_default()
}
