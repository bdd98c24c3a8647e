//! The next one of repeating work, once one of it is done.
//!
//! It carries the rule of its series, some days later: it moves when the anchor moves, and goes when the series ends.
//! The deal may be closed without it, for only the first one is asked for by the template.

use domain::{
    cascade::{PlannedDates, next_instance},
    plan::require_room,
    task::{Due, NewTask, Task, TaskEdit, TaskState},
    template::{Rule, TaskRule},
};
use platform::{db::Tx, error::Result};

use crate::{
    history::{self, Told},
    planning::{Ground, Series, beside_template},
    repository::{
        deals::Deal,
        tasks::{self, Details},
    },
    rules,
};

/// Makes it; `None` where nothing repeats, or no more, or the deal has no room for it. The milestone is the caller's to count.
pub(super) async fn make(
    tx: &mut Tx,
    deal: &Deal,
    task: &TaskState,
    details: &Details,
) -> Result<Option<Task>> {
    let (Some(series), Some(due)) = (Series::of(task, details), task.due) else {
        return Ok(None);
    };
    let ground = Ground::lock(tx, task.deal_id, &deal.zone, None).await?;
    let planned = ground.compute(&deal.zone);
    let Some(rule) = ground.basis.template.task(&series.first) else {
        return Ok(None);
    };
    if require_room(beside_template(&ground.tasks)).is_err() {
        return Ok(None);
    }
    let instance = series.instance + 1;
    let key = format!("{}_{instance}", series.first);
    let next = next_instance(rule, due.date, &planned);
    let (Some(next), None) = (next, ground.task(&key)) else {
        return Ok(None);
    };
    let (of_series, says) = rule_of_series(rule, &planned, &ground);
    let new = NewTask {
        id: tx.new_id(),
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
    let created = Task::create(new, &deal.moment(tx.now()))?;
    let mut template_fields = details.template_fields.clone();
    let recurrence = &mut template_fields["recurrence"];
    recurrence["first"] = rule.key.clone().into();
    recurrence["instance"] = instance.into();
    recurrence["daysAfter"] = says.map(|says| (next - says).whole_days()).into();
    let details = Details {
        due_rule: Some(rules::to_json(of_series)),
        template_fields,
        position: tasks::last_position(tx, task.deal_id).await? + 1,
        note: None,
        followed: false,
        created_by: tx.actor().user_id,
        depends_on: Vec::new(),
        ..details.clone()
    };
    tasks::insert(tx, &deal.zone, &[(&created.task, &details)]).await?;
    history::tell_task(tx, &created.transitions, Told::same(&deal.zone, &details));
    Ok(Some(created.task))
}

/// The template's rule for the first of the series that says a date, and that date.
fn rule_of_series<'r>(
    first: &'r TaskRule,
    planned: &PlannedDates,
    ground: &Ground,
) -> (&'r Rule, Option<time::Date>) {
    let calendars = ground.holidays.calendars();
    let says = |rule: &Rule| planned.evaluate(rule, calendars).ok().flatten();
    std::iter::once(&first.due)
        .chain(&first.fallback_due)
        .find_map(|rule| Some((rule, Some(says(rule)?))))
        .unwrap_or((&first.due, None))
}
