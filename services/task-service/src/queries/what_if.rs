//! What would be if some dates were others: dates, slack, the critical path. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use contracts::field::date_text;
use domain::{
    cascade::{DateInputs, PlannedDates, PlannedTask, RunningPlan, forecast},
    plan::{Cycle, Schedule, schedule},
    task::may_see,
    template::Template,
    zone::Zone,
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use super::key_dates::{KeyDateView, ViolationView};
use crate::{
    planning::{DateMove, Prepared, Purpose, prepare, work_of},
    services::PlanInput,
    sight::Sight,
    views::{is_staff, task_actor},
};

/// A deal's dates under other assumptions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIf {
    key_dates: Vec<KeyDateView>,
    tasks: Vec<WhatIfTask>,
    /// The open tasks that decide when the last one can be done, in order.
    critical_path: Vec<String>,
    violations: Vec<ViolationView>,
}

/// A task under other assumptions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIfTask {
    /// The task, or its key while the plan is still to be made.
    id: String,
    /// The template's key; null for a task that was added by hand.
    key: Option<String>,
    #[schema(format = "date")]
    due_date: Option<String>,
    /// Due date less earliest finish, in calendar days; negative if it would be late. Null without a due date, and
    /// for finished tasks.
    slack: Option<i64>,
}

/// The dates to imagine, and who does.
#[derive(Clone, Debug)]
pub(crate) struct ImagineDates<'a> {
    pub(crate) deal_id: Uuid,
    /// As in `MoveKeyDates`.
    pub(crate) key_dates: &'a DateInputs,
    pub(crate) reader: &'a Actor,
}

/// Computes it. `tx` sees all tasks of the deal; the reader gets those that it may see. Rejections: `NOT_FOUND`, and of
/// `keyDates.<key>`.
pub(crate) async fn run(
    tx: &Tx,
    query: &ImagineDates<'_>,
    input: Option<&PlanInput>,
) -> Result<WhatIf> {
    let dates = DateMove {
        deal_id: query.deal_id,
        key_dates: query.key_dates,
    };
    let prepared = prepare(tx, Purpose::Imagine, dates, input, |_| Ok(())).await?;
    let settled = prepared.settle(tx, input)?;
    let Prepared { deal, ground, .. } = &prepared;
    let planned = &settled.planned;
    let today = deal.zone.local_date(tx.now());
    let outlook = match input {
        None => of_plan(&ground.plan, planned, &deal.zone, today, query.reader),
        Some(_) => of_template(&ground.plan, planned, today, query.reader),
    };
    let Outlook {
        mut tasks,
        schedule,
    } = outlook.map_err(|cycle| anyhow::anyhow!("the plan waits for itself: {cycle:?}"))?;
    let slack: BTreeMap<&str, Option<i64>> = schedule
        .tasks
        .iter()
        .map(|task| (task.key.as_str(), task.slack_days))
        .collect();
    for task in &mut tasks {
        task.slack = slack.get(task.id.as_str()).copied().flatten();
    }
    let sight = Sight::of_computed(ground, planned, query.reader);
    let seen: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut critical_path = schedule.critical_path;
    critical_path.retain(|id| seen.contains(id.as_str()));
    Ok(WhatIf {
        key_dates: settled
            .plan
            .key_dates
            .iter()
            .filter(|date| date.buyer_visible || is_staff(query.reader))
            .map(|date| KeyDateView::of(date, query.deal_id, &sight))
            .collect(),
        violations: violations(&ground.plan.template, planned, query.reader),
        tasks,
        critical_path,
    })
}

/// The tasks that the reader sees, without their slack, and the schedule of all, by the same ids.
struct Outlook {
    tasks: Vec<WhatIfTask>,
    schedule: Schedule<String>,
}

/// The tasks as they are, with the dependencies they have now, less those that the dates make pointless.
fn of_plan(
    plan: &RunningPlan,
    planned: &PlannedDates,
    zone: &Zone,
    today: Date,
    reader: &Actor,
) -> Result<Outlook, Cycle<String>> {
    let actor = task_actor(reader);
    let mut tasks = Vec::new();
    let mut work = Vec::new();
    for stored in &plan.tasks {
        let name = stored.name();
        if planned.dropped_tasks.contains_key(&name) {
            continue;
        }
        let kept = stored.task.due.map(|due| due.date);
        let due = planned.task(&name).map_or(kept, |task| task.due);
        let date_of = |key: &str| planned.key_date(key).and_then(|date| date.date);
        work.push(work_of(stored, &plan.tasks, due, date_of, zone));
        if may_see(&stored.task, &actor) {
            tasks.push(WhatIfTask {
                id: stored.task.id.to_string(),
                key: stored.task.key.clone(),
                due_date: due.map(date_text),
                slack: None,
            });
        }
    }
    let schedule = schedule(&work, today, &plan.calendars)?;
    Ok(Outlook { tasks, schedule })
}

/// The tasks that a plan would have.
fn of_template(
    plan: &RunningPlan,
    planned: &PlannedDates,
    today: Date,
    reader: &Actor,
) -> Result<Outlook, Cycle<String>> {
    let (template, calendars) = (&plan.template, &plan.calendars);
    let seen = |task: &&PlannedTask| task.buyer_visible || is_staff(reader);
    let tasks = planned.tasks.iter().filter(seen);
    Ok(Outlook {
        tasks: tasks
            .map(|task| WhatIfTask {
                id: task.key.clone(),
                key: Some(task.key.clone()),
                due_date: task.due.map(date_text),
                slack: None,
            })
            .collect(),
        schedule: forecast(template, planned, today, calendars)?,
    })
}

/// What does not fit together, as far as the reader sees what it is about.
pub(super) fn violations(
    template: &Template,
    planned: &PlannedDates,
    reader: &Actor,
) -> Vec<ViolationView> {
    let sees_date = |key: &str| planned.key_date(key).is_some_and(|date| date.buyer_visible);
    let sees = |key: &str| {
        let constraint = template
            .constraints
            .iter()
            .find(|constraint| constraint.key == key);
        constraint.map_or_else(
            || sees_date(key) || planned.task(key).is_some_and(|task| task.buyer_visible),
            |constraint| sees_date(&constraint.before) && sees_date(&constraint.after),
        )
    };
    let told = planned.violations.iter();
    told.filter(|violation| is_staff(reader) || sees(&violation.key))
        .map(ViolationView::from)
        .collect()
}
