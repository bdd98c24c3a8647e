//! Applying a template to a deal: key dates, milestones, tasks and what waits for what, in one transaction.
//!
//! Applied once, it stays: a second call changes nothing. A plan that cannot be made is recorded with the
//! reason, and may be tried again.

use contracts::{event::PlanChange, v1::PlanCounts};
use domain::{
    cascade::{Because, Follow, Making, WorkingPlan, make},
    deal::{DealStatus, PlanState},
    rejection::Rejection,
    task::TaskState,
    template::Template,
};
use platform::{db::Tx, error::Result};
use serde_json::Value;
use uuid::Uuid;

use super::{batch::Batch, count, making, write_dates};
use crate::{
    events,
    planning::Ground,
    repository::{
        deals::{self, Deal},
        milestones::{self, Milestone},
        plans::{self, Plan},
        tasks,
    },
    services::PlanInput,
};

/// A plan as it is after the call.
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
        let runs = match deal.status {
            DealStatus::Active | DealStatus::OnHold => true,
            DealStatus::Draft | DealStatus::Closed | DealStatus::Cancelled => false,
        };
        if !runs {
            return Err(Rejection::DealNotActive.into());
        }
    }
    match Ground::lock(tx, deal_id, &deal.zone, Some(input)).await {
        Ok(ground) => make_plan(tx, &deal, deal_id, present, input, ground).await,
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
    let change = PlanChange::Applied;
    events::emit_plan(tx, change, present.as_ref(), &plan, &[], counts)?;
    Ok(Applied {
        plan,
        milestones: Vec::new(),
        tasks: Vec::new(),
    })
}

async fn make_plan(
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
        template: ground.reference.clone(),
        facts: Value::Object(input.facts.clone()),
        deal_version: input.version,
        state: PlanState::Applied,
        failure: None,
        version: present.as_ref().map_or(1, |plan| plan.version + 1),
    };
    let milestones = new_milestones(tx, deal_id, &ground.plan.template);
    let of_template = planned.tasks.iter().map(|task| task.key.clone());
    let wanted = of_template
        .filter(|key| ground.plan.template.task(key).is_some())
        .collect();
    let making = Making {
        deal_id,
        by: tx.actor().user_id,
        milestones: milestones::by_key(&milestones),
        assignees: making::assignees(tx, deal_id, &input.parties).await?,
        new_id: Uuid::now_v7,
    };
    let moment = deal.moment(tx.now());
    let new = make(&ground.plan, &planned, &wanted, &making, &moment)?;
    let tasks: Vec<(Uuid, Option<Uuid>)> = new
        .iter()
        .map(|(change, _)| (change.task.id, change.task.milestone_id))
        .collect();

    plans::save(tx, &plan).await?;
    let counts = counts(&milestones, new.iter().map(|(change, _)| &*change.task));
    let (change, before) = (PlanChange::Applied, present.as_ref());
    events::emit_plan(tx, change, before, &plan, &milestones, counts)?;
    milestones::insert(tx, &milestones).await?;
    write_dates::store_given(tx, deal, &mut ground).await?;
    let reason = "the plan was made";
    let because = Because {
        by: tx.actor().user_id,
        reason,
    };
    let mut working = WorkingPlan::new(ground.plan.clone(), moment);
    for (change, details) in new {
        working.take(None, change, details);
    }
    // What was due by now has been missed already.
    let settled = working.settle(&planned, Follow::Dates, because, true)?;
    let batch = Batch::new(deal_id, &deal.zone);
    write_dates::write(tx, deal, &ground, settled, batch, reason).await?;
    Ok(Applied {
        plan,
        milestones,
        tasks,
    })
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

/// The tasks of a milestone, in the order of the plan.
pub(crate) fn tasks_of(applied: &Applied, milestone_id: Uuid) -> Vec<Uuid> {
    applied
        .tasks
        .iter()
        .filter(|(_, milestone)| *milestone == Some(milestone_id))
        .map(|(task, _)| *task)
        .collect()
}
