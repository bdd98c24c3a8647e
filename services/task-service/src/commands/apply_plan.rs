//! Applying a template to a deal: key dates, milestones, tasks and what waits for what, in one transaction.
//!
//! Applied once, it stays: a second call changes nothing. A plan that cannot be made is recorded with the
//! reason, and may be tried again.

use contracts::{event::PlanChange, v1::PlanCounts};
use domain::{
    cascade::PlannedDates,
    deal::{DealStatus, PlanState},
    rejection::Rejection,
    task::{Change, TaskState},
    template::Template,
};
use platform::{db::Tx, error::Result};
use serde_json::Value;
use uuid::Uuid;

use super::{
    apply_dates, count,
    plan_tasks::{self, Making},
};
use crate::{
    history,
    planning::Ground,
    repository::{
        deals::{self, Deal},
        key_dates,
        milestones::{self, Milestone},
        plans::{self, Plan},
        tasks::{self, Details},
    },
    services::PlanInput,
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
        let runs = match deal.status {
            DealStatus::Active | DealStatus::OnHold => true,
            DealStatus::Draft | DealStatus::Closed | DealStatus::Cancelled => false,
        };
        if !runs {
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
    let mut milestones = new_milestones(tx, deal_id, &ground.basis.template);
    let of_template = planned.tasks.iter().map(|task| task.key.clone());
    let wanted = of_template
        .filter(|key| ground.basis.template.task(key).is_some())
        .collect();
    let making = Making {
        deal,
        ground: &ground,
        planned: &planned,
        milestones: &milestones,
        parties: &input.parties,
    };
    let tasks = plan_tasks::make(tx, making, &wanted).await?;
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
    plan_tasks::insert(tx, deal, deal_id, &tasks).await?;
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
