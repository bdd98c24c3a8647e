//! The tasks of a template in a deal: made for a new plan, and for what begins to apply in a running one.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    cascade::{PlannedDates, PlannedTask, is_due_on_a_date},
    party::PartyRole,
    task::{Change, Due, NewTask, Task, TaskEdit},
    template::{RuleAnchor, TaskRule, Template},
};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::count;
use crate::{
    history::{self, Told},
    planning::{Ground, first_of_each_part},
    repository::{
        deals::Deal,
        dependencies::{self, Dependency},
        milestones::Milestone,
        tasks::{self, Details, StoredTask},
    },
    rules,
    services::PartyInput,
};

/// What tasks are made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'a> {
    pub(super) deal: &'a Deal,
    pub(super) ground: &'a Ground,
    pub(super) planned: &'a PlannedDates,
    pub(super) milestones: &'a [Milestone],
    /// Whom they are given to.
    pub(super) parties: &'a [PartyInput],
}

/// Makes the template's tasks of these keys, which may wait for others that are there already. Writes nothing.
pub(super) async fn make(
    tx: &Tx,
    making: Making<'_>,
    wanted: &BTreeSet<String>,
) -> Result<Vec<(Change, Details)>> {
    let Making {
        deal,
        ground,
        planned,
        ..
    } = making;
    let template = &ground.basis.template;
    let assignees = assignees(tx, ground.key_dates.deal_id, making.parties).await?;
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
    let places = ground.tasks.iter().map(|stored| stored.details.position);
    let mut position = places.max().unwrap_or_default();
    let mut new = Vec::with_capacity(wanted.len());
    let planned_tasks = planned.tasks.iter();
    for task in planned_tasks.filter(|task| wanted.contains(&task.key)) {
        let (Some(rule), Some(id)) = (template.task(&task.key), ids.get(&task.key)) else {
            continue;
        };
        position += 1;
        let depends_on: BTreeSet<Uuid> = waiting
            .prerequisites(&task.key)
            .filter_map(|key| ids.get(key).copied())
            .collect();
        let created = Task::create(
            NewTask {
                id: *id,
                deal_id: ground.key_dates.deal_id,
                key: Some(task.key.clone()),
                fields: fields(rule, making.milestones),
                due: task.due.map(|date| Due {
                    date,
                    time_of_day: task.time_of_day,
                }),
                required: rule.required,
                assignee_id: assignees.get(&rule.role).copied(),
                open_dependencies: count(depends_on.iter().filter(|id| is_open(id)).count()),
            },
            &moment,
        )?;
        let follows = follows_from(rule) || counted_from.contains(task.key.as_str());
        let details = Details {
            position,
            created_by: tx.actor().user_id,
            depends_on: depends_on.into_iter().collect(),
            ..details(rule, task, template.client_role, follows)?
        };
        new.push((created, details));
    }
    Ok(new)
}

/// Adds tasks with what they wait for, and tells of them.
pub(super) async fn insert(
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

fn fields(rule: &TaskRule, milestones: &[Milestone]) -> TaskEdit {
    let mut milestones = milestones.iter();
    let milestone =
        milestones.find(|milestone| milestone.key.as_deref() == Some(rule.milestone.as_str()));
    TaskEdit {
        title: rule.title.clone(),
        description: rule.description.clone(),
        milestone_id: milestone.map(|milestone| milestone.id),
        owner_role: Some(rule.role),
        buyer_visible: rule.buyer_visible,
    }
}

/// What the template says of a task beside its fields; its place, its maker and what it waits for come later.
fn details(
    rule: &TaskRule,
    planned: &PlannedTask,
    client: PartyRole,
    follow_up: bool,
) -> Result<Details> {
    Ok(Details {
        kind: Some(rule.kind.as_str().to_owned()),
        chased_by: rule.chased_by.map(|role| role.as_str().to_owned()),
        due_rule: planned.rule.as_ref().map(rules::to_json),
        est_days: i32::try_from(rule.est_days).map_err(anyhow::Error::from)?,
        critical: rule.critical,
        licensed_only: rule.licensed_only,
        template_fields: template_fields(rule, client, follow_up),
        position: 0,
        note: None,
        followed: false,
        created_by: Uuid::nil(),
        depends_on: Vec::new(),
    })
}

/// Whether dates or further work follow from the end of a task, whatever else counts from it.
fn follows_from(rule: &TaskRule) -> bool {
    rule.sets_anchor.is_some() || rule.recurrence.is_some() || is_due_on_a_date(rule)
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
fn template_fields(rule: &TaskRule, client: PartyRole, follow_up: bool) -> Value {
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
    if let Some(email) = rule.email_template {
        fields["email"] = json!({"template": email.as_str(), "client": client.as_str()});
    }
    let keys = [
        ("notBefore", &rule.not_before),
        ("cancelWhenSet", &rule.cancel_when_set),
        ("setsAnchor", &rule.sets_anchor),
    ];
    for (name, key) in keys {
        if let Some(key) = key {
            fields[name] = json!(key);
        }
    }
    fields
}

/// Whom a task of a role goes to at once: the first party with that part whose login may see the deal.
async fn assignees(
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
