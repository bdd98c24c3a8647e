//! Applying a template to a deal: key dates, milestones, tasks and what waits for what, in one transaction.
//!
//! Applied once, it stays: a second call changes nothing. A plan that cannot be made is recorded with the
//! reason, and may be tried again.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{event::PlanChange, v1::PlanCounts};
use domain::{
    cascade::{PlannedDates, PlannedTask, is_due_on_a_date},
    deal::{DealStatus, PlanState},
    party::PartyRole,
    rejection::Rejection,
    task::{Change, Due, NewTask, Task, TaskEdit, TaskState},
    template::{RuleAnchor, TaskRule, Template},
};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::apply_dates;
use crate::{
    history::{self, Told},
    planning::{Ground, first_of_each_part},
    repository::{
        deals::{self, Deal},
        dependencies::{self, Dependency},
        key_dates,
        milestones::{self, Milestone},
        plans::{self, Plan},
        tasks::{self, Details, StoredTask},
    },
    rules,
    services::{PartyInput, PlanInput},
};

/// A plan as it stands after the call.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) plan: Plan,
    pub(crate) milestones: Vec<Milestone>,
    /// Every task with its milestone.
    pub(crate) tasks: Vec<(Uuid, Option<Uuid>)>,
}

/// Applies the plan. Rejections: `NOT_FOUND`, and `DEAL_NOT_ACTIVE` for a deal that does not run. What makes the
/// plan impossible is an `Applied` in the state FAILED.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, input: &PlanInput) -> Result<Applied> {
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    let present = plans::of_deal(tx, deal_id).await?;
    if let Some(plan) = &present
        && plan.state == PlanState::Applied
    {
        return as_it_stands(tx, plan).await;
    }
    // Without a template there is nothing to make, and a draft may have that as well.
    if input.template_id.is_some() || deal.status != DealStatus::Draft {
        deal.status.require_dates_movable()?;
        if deal.status == DealStatus::Draft {
            return Err(Rejection::DealNotActive.into());
        }
    }
    match Ground::lock(tx, deal_id, &deal.zone, Some(input)).await {
        Ok(ground) => make(tx, &deal, deal_id, present, input, ground).await,
        Err(platform::error::Error::Rejected(refused)) => {
            record_failure(tx, deal_id, present, input, refused.message()).await
        }
        Err(error) => Err(error),
    }
}

async fn as_it_stands(tx: &Tx, plan: &Plan) -> Result<Applied> {
    let tasks = tasks::of_deal(tx, plan.deal_id).await?;
    Ok(Applied {
        plan: plan.clone(),
        milestones: milestones::of_deal(tx, plan.deal_id).await?,
        tasks: tasks
            .iter()
            .map(|stored| (stored.task.id, stored.task.milestone_id))
            .collect(),
    })
}

async fn record_failure(
    tx: &mut Tx,
    deal_id: Uuid,
    present: Option<Plan>,
    input: &PlanInput,
    failure: String,
) -> Result<Applied> {
    let plan = Plan {
        id: present.as_ref().map_or_else(|| tx.new_id(), |plan| plan.id),
        deal_id,
        template: None,
        facts: Value::Object(input.facts.clone()),
        deal_version: input.version,
        state: PlanState::Failed,
        failure: Some(failure),
        version: present.as_ref().map_or(1, |plan| plan.version + 1),
    };
    plans::save(tx, &plan).await?;
    let counts = PlanCounts::default();
    history::tell_plan(
        tx,
        PlanChange::Applied,
        present.as_ref(),
        &plan,
        &[],
        counts,
    );
    Ok(Applied {
        plan,
        milestones: Vec::new(),
        tasks: Vec::new(),
    })
}

async fn make(
    tx: &mut Tx,
    deal: &Deal,
    deal_id: Uuid,
    present: Option<Plan>,
    input: &PlanInput,
    mut ground: Ground,
) -> Result<Applied> {
    // Also for dates that were moved before: tasks and dates are counted with one calendar.
    ground.use_present_holidays(tx).await?;
    let planned = ground.compute(&deal.zone);
    let plan = Plan {
        id: present.as_ref().map_or_else(|| tx.new_id(), |plan| plan.id),
        deal_id,
        template: ground.basis.reference.clone(),
        facts: Value::Object(input.facts.clone()),
        deal_version: input.version,
        state: PlanState::Applied,
        failure: None,
        version: present.as_ref().map_or(1, |plan| plan.version + 1),
    };
    let assignees = assignees(tx, deal_id, &input.parties).await?;
    let mut milestones = new_milestones(tx, deal_id, &ground.basis.template);
    let of_template = planned.tasks.iter().map(|task| task.key.clone());
    let wanted = of_template
        .filter(|key| ground.basis.template.task(key).is_some())
        .collect();
    let tasks = new_tasks(
        tx,
        deal,
        NewTasks {
            ground: &ground,
            planned: &planned,
            wanted: &wanted,
            milestones: &milestones,
            assignees: &assignees,
        },
    )?;
    for milestone in &mut milestones {
        let its = |(change, _): &&(Change, Details)| change.task.milestone_id == Some(milestone.id);
        milestone.total_tasks =
            i32::try_from(tasks.iter().filter(its).count()).map_err(anyhow::Error::from)?;
        milestone.open_tasks = milestone.total_tasks;
    }

    plans::save(tx, &plan).await?;
    let counts = counts(&milestones, tasks.iter().map(|(change, _)| &*change.task));
    let before = present.as_ref();
    history::tell_plan(tx, PlanChange::Applied, before, &plan, &milestones, counts);
    set_key_dates(tx, deal, &mut ground, &planned).await?;
    milestones::insert(tx, &milestones).await?;
    insert_tasks(tx, deal, deal_id, &tasks).await?;
    let today = deal.zone.local_date(tx.now());
    let mut dates = planned.key_dates.iter().filter_map(|date| date.date);
    if dates.any(|date| date < today) {
        // What was due by then has been missed already.
        let ground = Ground::lock(tx, deal_id, &deal.zone, None).await?;
        let planned = ground.compute(&deal.zone);
        apply_dates::run(tx, deal, &ground, &planned, "the plan was made").await?;
    }
    Ok(Applied {
        plan,
        milestones,
        tasks: tasks
            .iter()
            .map(|(change, _)| (change.task.id, change.task.milestone_id))
            .collect(),
    })
}

/// Dates that were moved before there was a plan stay; the others are set for the first time.
async fn set_key_dates(
    tx: &mut Tx,
    deal: &Deal,
    ground: &mut Ground,
    planned: &PlannedDates,
) -> Result<()> {
    if ground.is_stored {
        let after = ground.dates_as_planned(planned, deal, tx.now());
        if after != ground.key_dates {
            let after = key_dates::KeyDates {
                version: after.version + 1,
                ..after
            };
            key_dates::save(tx, &after).await?;
            history::tell_key_dates(tx, &deal.zone, Some(&ground.key_dates), &after, None);
        }
        return Ok(());
    }
    apply_dates::store_given(tx, deal, ground).await
}

/// Adds tasks with what they wait for, and tells of them.
pub(super) async fn insert_tasks(
    tx: &mut Tx,
    deal: &Deal,
    deal_id: Uuid,
    new: &[(Change, Details)],
) -> Result<()> {
    let rows: Vec<_> = new
        .iter()
        .map(|(change, details)| (&*change.task, details))
        .collect();
    tasks::insert(tx, &deal.zone, &rows).await?;
    let edges: Vec<Dependency> = new
        .iter()
        .flat_map(|(change, details)| {
            details.depends_on.iter().map(|depends_on_id| Dependency {
                task_id: change.task.id,
                depends_on_id: *depends_on_id,
            })
        })
        .collect();
    dependencies::insert(tx, deal_id, &edges).await?;
    for (change, details) in new {
        history::tell_task(tx, &change.transitions, Told::same(&deal.zone, details));
    }
    Ok(())
}

fn new_milestones(tx: &Tx, deal_id: Uuid, template: &Template) -> Vec<Milestone> {
    let milestones = template.milestones.iter().zip(1..);
    milestones
        .map(|(milestone, position)| Milestone {
            id: tx.new_id(),
            deal_id,
            key: Some(milestone.key.clone()),
            title: milestone.title.clone(),
            buyer_title: milestone.client_title.clone(),
            position,
            open_tasks: 0,
            total_tasks: 0,
            completed_at: None,
            version: 0,
        })
        .collect()
}

/// The tasks of a template to make in a deal.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewTasks<'a> {
    pub(super) ground: &'a Ground,
    pub(super) planned: &'a PlannedDates,
    /// The keys of those to make; they may wait for others that are there already.
    pub(super) wanted: &'a BTreeSet<String>,
    pub(super) milestones: &'a [Milestone],
    pub(super) assignees: &'a BTreeMap<PartyRole, Uuid>,
}

/// Makes tasks, without writing them.
pub(super) fn new_tasks(
    tx: &Tx,
    deal: &Deal,
    new_tasks: NewTasks<'_>,
) -> Result<Vec<(Change, Details)>> {
    let NewTasks {
        ground,
        planned,
        wanted,
        milestones,
        assignees,
    } = new_tasks;
    let template = &ground.basis.template;
    let by_key = |stored: &StoredTask| Some((stored.task.key.clone()?, stored.task.id));
    let mut ids: BTreeMap<String, Uuid> = ground.tasks.iter().filter_map(by_key).collect();
    for key in wanted {
        ids.insert(key.clone(), tx.new_id());
    }
    let is_open = |id: &Uuid| {
        let there = ground.tasks.iter().find(|stored| stored.task.id == *id);
        there.is_none_or(|stored| !stored.task.status.is_done())
    };
    let waiting = ground.waiting(planned, wanted);
    let counted_from = counted_from(template);
    let moment = deal.moment(tx.now());
    let offset = ground
        .tasks
        .iter()
        .map(|stored| stored.details.position)
        .max();
    let mut position = offset.unwrap_or_default();
    let mut new = Vec::with_capacity(wanted.len());
    for task in planned
        .tasks
        .iter()
        .filter(|task| wanted.contains(&task.key))
    {
        let (Some(rule), Some(id)) = (template.task(&task.key), ids.get(&task.key)) else {
            continue;
        };
        position += 1;
        let milestone = milestones
            .iter()
            .find(|milestone| milestone.key.as_deref() == Some(&rule.milestone));
        let depends_on: BTreeSet<Uuid> = waiting
            .prerequisites(&task.key)
            .filter_map(|key| ids.get(key).copied())
            .collect();
        let created = Task::create(
            NewTask {
                id: *id,
                deal_id: ground.key_dates.deal_id,
                key: Some(task.key.clone()),
                fields: fields(rule, task, milestone.map(|milestone| milestone.id)),
                due_pinned: false,
                required: rule.required,
                assignee_id: assignees.get(&rule.role).copied(),
                open_dependencies: count(depends_on.iter().filter(|id| is_open(id)).count()),
            },
            &moment,
        )?;
        let follow_up = rule.sets_anchor.is_some()
            || rule.recurrence.is_some()
            || is_due_on_a_date(rule)
            || counted_from.contains(task.key.as_str());
        let details = Details {
            kind: Some(rule.kind.as_str().to_owned()),
            chased_by: rule.chased_by.map(|role| role.as_str().to_owned()),
            due_rule: Some(rules::to_json(&task.rule)),
            est_days: i32::try_from(rule.est_days).map_err(anyhow::Error::from)?,
            critical: rule.critical,
            licensed_only: rule.licensed_only,
            template_fields: template_fields(rule, follow_up),
            position,
            note: None,
            created_by: tx.actor().user_id,
            depends_on: depends_on.into_iter().collect(),
        };
        new.push((created, details));
    }
    Ok(new)
}

fn fields(rule: &TaskRule, planned: &PlannedTask, milestone_id: Option<Uuid>) -> TaskEdit {
    TaskEdit {
        title: rule.title.clone(),
        description: rule.description.clone(),
        milestone_id,
        owner_role: Some(rule.role),
        due: planned.due.map(|date| Due {
            date,
            time_of_day: planned.time_of_day,
        }),
        buyer_visible: rule.buyer_visible,
    }
}

/// The keys of the tasks from whose completion a date is counted.
fn counted_from(template: &Template) -> BTreeSet<&str> {
    let of_dates = template
        .dates
        .iter()
        .flat_map(|date| std::iter::once(&date.due).chain(&date.fallback_due));
    let of_tasks = template
        .tasks
        .iter()
        .flat_map(|task| std::iter::once(&task.due).chain(&task.fallback_due));
    of_dates
        .chain(of_tasks)
        .filter_map(|rule| match &rule.anchor {
            RuleAnchor::Completion(key) => Some(key.as_str()),
            RuleAnchor::KeyDate(_) => None,
        })
        .collect()
}

/// What the template says about a task that has no column of its own.
fn template_fields(rule: &TaskRule, follow_up: bool) -> Value {
    let mut fields = json!({});
    if follow_up {
        fields["followUp"] = json!(true);
    }
    if let Some(document) = &rule.document {
        fields["document"] = json!({
            "type": document.kind,
            "required": document.required,
            "review": document.review.map(PartyRole::as_str),
        });
    }
    if !rule.lags.is_empty() {
        fields["lags"] = rule
            .lags
            .iter()
            .map(|lag| {
                json!({
                    "after": lag.after,
                    "offsetDays": lag.counting.offset_days,
                    "calendar": lag.counting.day_count.as_str(),
                    "businessCalendar": lag.counting.business_calendar,
                })
            })
            .collect();
    }
    if let Some(recurrence) = &rule.recurrence {
        fields["recurrence"] =
            json!({"everyDays": recurrence.every_days, "until": recurrence.until});
    }
    let keys = [
        ("notBefore", &rule.not_before),
        ("cancelWhenSet", &rule.cancel_when_set),
        ("setsAnchor", &rule.sets_anchor),
        ("emailTemplate", &rule.email_template),
    ];
    for (name, key) in keys {
        if let Some(key) = key {
            fields[name] = json!(key);
        }
    }
    fields
}

/// Whom a task of a role goes to at once: the first party with that part whose login may see the deal.
pub(super) async fn assignees(
    tx: &Tx,
    deal_id: Uuid,
    parties: &[PartyInput],
) -> Result<BTreeMap<PartyRole, Uuid>> {
    #[derive(FromQueryResult)]
    struct MayRow {
        user_id: Uuid,
    }
    let logins: Vec<Uuid> = parties.iter().filter_map(|party| party.user_id).collect();
    if logins.is_empty() {
        return Ok(BTreeMap::new());
    }
    let may: Vec<MayRow> = tx
        .all(
            "SELECT u AS user_id FROM unnest($1::uuid[]) u WHERE ctx.may_be_assigned(u, $2)",
            [logins.into(), deal_id.into()],
        )
        .await?;
    Ok(first_of_each_part(parties, |user| {
        may.iter().any(|row| row.user_id == user)
    }))
}

/// How much there is in a plan.
pub(super) fn counts<'a>(
    milestones: &[Milestone],
    tasks: impl Iterator<Item = &'a TaskState> + Clone,
) -> PlanCounts {
    PlanCounts {
        milestones: count(milestones.len()),
        tasks: count(tasks.clone().count()),
        required_tasks: count(tasks.filter(|task| task.required).count()),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The tasks of a milestone, in the order of the plan.
pub(crate) fn tasks_of(applied: &Applied, milestone_id: Uuid) -> Vec<Uuid> {
    applied
        .tasks
        .iter()
        .filter(|(_, milestone)| *milestone == Some(milestone_id))
        .map(|(task, _)| *task)
        .collect()
}
