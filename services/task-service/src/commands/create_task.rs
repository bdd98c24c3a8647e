//! Adding a task to a deal by hand.

use std::collections::BTreeSet;

use domain::{
    party::PartyRole,
    plan::require_room,
    rejection::Rejection,
    task::{Due, NewTask, Task, TaskEdit},
    template::RuleAnchor,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use serde_json::{Value, json};
use time::Date;
use uuid::Uuid;

use super::{
    Outcome, assign_task::require_assignee, require_assigning, require_milestone, shift_milestones,
    unknown_reference,
};
use crate::{
    history::{self, Told},
    planning::Ground,
    repository::{
        deals,
        dependencies::{self, Dependency},
        milestones::Shifts,
        tasks::{self, Details, StoredTask},
    },
    rules::{self, DueRule},
};

/// The fields of a task that people write, read but not yet checked against the deal.
#[derive(Clone, Debug)]
pub(crate) struct TaskFields {
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) milestone_id: Option<Uuid>,
    pub(crate) owner_role: Option<PartyRole>,
    pub(crate) due: DueInput,
    pub(crate) buyer_visible: bool,
}

/// When a task is to be due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DueInput {
    /// Whenever.
    Never,
    /// On this day.
    On(Date),
    /// As a rule says.
    Rule(DueRule),
}

/// A task to add.
#[derive(Clone, Debug)]
pub(crate) struct CreateTask {
    pub(crate) deal_id: Uuid,
    pub(crate) fields: TaskFields,
    pub(crate) assignee_id: Option<Uuid>,
    pub(crate) depends_on: Vec<Uuid>,
}

/// Adds the task. Rejections: `FORBIDDEN`, `DEAL_NOT_ACTIVE`, of the fields, and `UNKNOWN_REFERENCE` of whatever
/// names something that the caller cannot see.
pub(crate) async fn run(tx: &mut Tx, command: &CreateTask) -> Result<Outcome> {
    // Exclusively: a prerequisite that finishes meanwhile would not see the new task waiting for it.
    let deal = match deals::lock_exclusively(tx, command.deal_id).await {
        Err(Error::Rejected(Rejection::NotFound)) => return Err(unknown_reference("dealId")),
        locked => locked?,
    };
    require_assigning(tx, &deal)?;
    require_milestone(tx, command.deal_id, command.fields.milestone_id).await?;
    require_assignee(tx, command.deal_id, command.assignee_id).await?;
    let siblings = tasks::of_deal(tx, command.deal_id).await?;
    let prerequisites = prerequisites(&siblings, &command.depends_on)?;
    let (due, due_rule) = match &command.fields.due {
        DueInput::Never => (None, None),
        DueInput::On(date) => (Some(Due::on(*date)), None),
        DueInput::Rule(rule) => {
            let (due, rule) = follow(tx, command.deal_id, &deal.zone, rule).await?;
            (due, Some(rule))
        }
    };
    deal.status.require_active()?;
    require_room(siblings.len())?;

    let open = prerequisites
        .iter()
        .filter(|task| !task.task.status.is_done())
        .count();
    let new = NewTask {
        id: tx.new_id(),
        deal_id: command.deal_id,
        key: None,
        fields: edit(&command.fields, due),
        due_pinned: false,
        required: true,
        assignee_id: command.assignee_id,
        open_dependencies: u32::try_from(open).map_err(anyhow::Error::from)?,
    };
    let created = Task::create(new, &deal.moment(tx.now()))?;
    let details = Details {
        kind: None,
        chased_by: None,
        due_rule,
        est_days: 0,
        critical: false,
        licensed_only: false,
        template_fields: json!({}),
        position: tasks::last_position(tx, command.deal_id).await? + 1,
        note: None,
        created_by: tx.actor().user_id,
        depends_on: prerequisites.iter().map(|task| task.task.id).collect(),
    };
    tasks::insert(tx, &deal.zone, &[(&created.task, &details)]).await?;
    let edges: Vec<Dependency> = details
        .depends_on
        .iter()
        .map(|depends_on_id| Dependency {
            task_id: created.task.id,
            depends_on_id: *depends_on_id,
        })
        .collect();
    dependencies::insert(tx, command.deal_id, &edges).await?;
    let told = Told::same(&deal.zone, &details);
    history::tell_task(tx, &created.transitions, told);
    let mut shifts = Shifts::default();
    shifts.count(None, Some(&created.task));
    shift_milestones(tx, &shifts).await?;
    Ok(Outcome::of(tx, &deal.zone, &created, &details))
}

/// The fields as the domain edits them.
pub(super) fn edit(fields: &TaskFields, due: Option<Due>) -> TaskEdit {
    TaskEdit {
        title: fields.title.clone(),
        description: fields.description.clone(),
        milestone_id: fields.milestone_id,
        owner_role: fields.owner_role,
        due,
        buyer_visible: fields.buyer_visible,
    }
}

/// When a task is due that follows a rule, and the rule as it is stored.
pub(super) async fn follow(
    tx: &Tx,
    deal_id: Uuid,
    zone: &domain::zone::Zone,
    rule: &DueRule,
) -> Result<(Option<Due>, Value)> {
    let ground = Ground::read(tx, deal_id, zone, None).await?;
    let planned = ground.compute(zone);
    let rule = rule.parse(|key| {
        if planned.key_date(key).is_some() {
            Some(RuleAnchor::KeyDate(key.to_owned()))
        } else {
            let task = planned.task(key)?;
            Some(RuleAnchor::Completion(task.key.clone()))
        }
    })?;
    let date = planned
        .evaluate(&rule, ground.holidays.calendars())
        .map_err(|error| Rejection::field("dueRule.offsetDays", "range", error.to_string()))?;
    Ok((date.map(Due::on), rules::to_json(&rule)))
}

/// The tasks to wait for, each once, in id order.
fn prerequisites<'a>(
    siblings: &'a [StoredTask],
    depends_on: &[Uuid],
) -> Result<Vec<&'a StoredTask>> {
    let mut found = Vec::new();
    let wanted: BTreeSet<Uuid> = depends_on.iter().copied().collect();
    for (place, id) in depends_on.iter().enumerate() {
        if !siblings.iter().any(|sibling| sibling.task.id == *id) {
            return Err(unknown_reference(format!("dependsOn.{place}")));
        }
    }
    found.extend(
        siblings
            .iter()
            .filter(|sibling| wanted.contains(&sibling.task.id)),
    );
    found.sort_by_key(|sibling| sibling.task.id);
    Ok(found)
}
