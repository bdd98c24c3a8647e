//! Adding a task to a deal by hand.

use std::collections::BTreeSet;

use contracts::records::DueRule;
use domain::{
    cascade::{Step, beside_template},
    party::PartyRole,
    plan::require_room,
    rejection::Rejection,
    task::{Details, Due, NewTask, StoredTask, Task, TaskEdit},
    template::{Rule, RuleAnchor},
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use time::{Date, Duration};
use uuid::Uuid;

use super::{
    Outcome, assign_task::require_assignee, batch::Batch, require_assigning, require_milestone,
    unknown_reference,
};
use crate::{
    planning::Ground,
    repository::{deals, tasks},
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
    /// As before.
    Keep,
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
        DueInput::Keep | DueInput::Never => (None, None),
        DueInput::On(date) => (Some(Due::on(*date)), None),
        DueInput::Rule(rule) => {
            let followed = follow(tx, command.deal_id, &deal.zone, rule, None).await?;
            (followed.date.map(Due::on), Some(followed.rule))
        }
    };
    deal.status.require_active()?;
    require_room(beside_template(&siblings))?;

    let open = prerequisites
        .iter()
        .filter(|task| !task.task.status.is_done())
        .count();
    let new = NewTask {
        id: tx.new_id(),
        deal_id: command.deal_id,
        key: None,
        fields: edit(&command.fields),
        due,
        required: true,
        assignee_id: command.assignee_id,
        open_dependencies: u32::try_from(open).map_err(anyhow::Error::from)?,
    };
    let created = Task::create(new, &deal.moment(tx.now()))?;
    let details = Details {
        due_rule,
        position: tasks::last_position(tx, command.deal_id).await? + 1,
        created_by: tx.actor().user_id,
        depends_on: prerequisites.iter().map(|task| task.task.id).collect(),
        ..Details::default()
    };
    let mut batch = Batch::new(command.deal_id, &deal.zone);
    let step = Step {
        before: None,
        change: created.clone(),
        details: details.clone(),
    };
    batch.add(step, None);
    batch.save(tx).await?;
    Outcome::of(tx, &deal.zone, &created, &details).await
}

/// The fields as the domain edits them.
pub(super) fn edit(fields: &TaskFields) -> TaskEdit {
    TaskEdit {
        title: fields.title.clone(),
        description: fields.description.clone(),
        milestone_id: fields.milestone_id,
        owner_role: fields.owner_role,
        buyer_visible: fields.buyer_visible,
    }
}

/// A rule that somebody gives a task.
pub(super) struct Followed {
    /// What it says now, if it says anything yet.
    pub(super) date: Option<Date>,
    /// The rule, counting from what it names.
    pub(super) rule: Rule,
}

/// Reads a rule for a task of the deal, or for one that is still to be made. The deal is locked exclusively: the task
/// from whose completion it counts is marked, so that the date follows when that is completed.
pub(super) async fn follow(
    tx: &Tx,
    deal_id: Uuid,
    zone: &domain::zone::Zone,
    rule: &DueRule,
    of_task: Option<&StoredTask>,
) -> Result<Followed> {
    let ground = Ground::read(tx, deal_id, zone, None).await?;
    let plan = &ground.plan;
    let planned = ground.compute(zone);
    let rule = rule.parse(|name, is_date| {
        if is_date {
            planned.key_date(name).is_some()
        } else {
            plan.task(name).is_some()
        }
    })?;
    if let Some(stored) = of_task {
        let graph = plan.counting_graph(zone);
        let itself = RuleAnchor::Completion(stored.name());
        if graph.cycle_closed_by(&itself, &rule.anchor).is_some() {
            let message = "dueRule.anchor counts from this task itself";
            return Err(Rejection::field("dueRule.anchor", "cycle", message).into());
        }
    }
    let says = planned
        .evaluate(&rule, &plan.calendars)
        .map_err(|error| Rejection::field("dueRule.offsetDays", "range", error.to_string()))?;
    let days_after = of_task.and_then(|stored| plan.days_after(stored, &rule));
    let days_after = Duration::days(days_after.unwrap_or_default());
    let date = says.and_then(|date| date.checked_add(days_after));
    if let RuleAnchor::Completion(name) = &rule.anchor
        && let Some(anchor) = plan.task(name)
    {
        tasks::mark_followed(tx, anchor).await?;
    }
    Ok(Followed { date, rule })
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
