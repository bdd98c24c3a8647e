//! Following the facts of a running deal: the tasks that apply by them, and all dates, which are counted again.

use std::collections::BTreeSet;

use contracts::event::PlanChange;
use domain::{
    cascade::{Because, Follow, WorkingPlan},
    deal::{DealStatus, PlanState},
};
use platform::{db::Tx, error::Result};
use serde_json::Value;
use uuid::Uuid;

use super::{apply_plan, batch::Batch, making, write_dates};
use crate::{
    events,
    planning::{Ground, facts_of},
    repository::{
        deals::{self, Deal},
        key_dates, milestones,
        plans::{self, Plan},
    },
    services::PlanInput,
};

/// Makes the plan follow the facts of `input`, which were read before the session: older ones than the plan has change
/// nothing, nor does a deal that is over. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, input: &PlanInput) -> Result<()> {
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    if deal.status.require_open().is_err() {
        return Ok(());
    }
    let plan = plans::of_deal(tx, deal_id).await?;
    let Some(plan) = plan.filter(|plan| plan.state == PlanState::Applied) else {
        return recount_draft(tx, &deal, deal_id, input).await;
    };
    if plan.template.is_none() || input.version <= plan.deal_version {
        return Ok(());
    }
    if plan.facts.as_object() == Some(&input.facts) {
        return plans::note_deal_version(tx, &plan, input.version).await;
    }
    let reason = reason(&plan.facts, input);
    let mut ground = Ground::lock(tx, deal_id, &deal.zone, None).await?;
    let before = ground.compute(&deal.zone);
    let facts = facts_of(&input.facts)?;
    ground.plan.facts = facts;
    save(tx, &plan, input, &ground).await?;
    ground.use_present_holidays(tx).await?;
    let making = making::of_deal(tx, deal_id, &input.parties).await?;
    let follow = Follow::Template(&making);
    settle(tx, &deal, &ground, &before, follow, &reason).await
}

/// The dates of a draft may have been moved already. Its tasks come with its plan.
async fn recount_draft(tx: &mut Tx, deal: &Deal, deal_id: Uuid, input: &PlanInput) -> Result<()> {
    let stored = key_dates::of_deal(tx, deal_id).await?;
    if stored.is_none() || input.template_id.is_none() {
        return Ok(());
    }
    let mut ground = Ground::lock(tx, deal_id, &deal.zone, Some(input)).await?;
    ground.use_present_holidays(tx).await?;
    let before = ground.compute(&deal.zone);
    let reason = "facts of the deal changed";
    settle(tx, deal, &ground, &before, Follow::Dates, reason).await
}

async fn settle(
    tx: &mut Tx,
    deal: &Deal,
    ground: &Ground,
    before: &domain::cascade::PlannedDates,
    follow: Follow<'_>,
    reason: &str,
) -> Result<()> {
    let because = Because {
        by: tx.actor().user_id,
        reason,
    };
    let working = WorkingPlan::new(ground.plan.clone(), deal.moment(tx.now()));
    let has_begun = deal.status != DealStatus::Draft;
    let settled = working.settle(before, follow, because, has_begun)?;
    let batch = Batch::new(ground.key_dates.deal_id, &deal.zone);
    write_dates::write(tx, deal, ground, settled, batch, reason).await?;
    Ok(())
}

async fn save(tx: &mut Tx, plan: &Plan, input: &PlanInput, ground: &Ground) -> Result<()> {
    let revised = Plan {
        facts: Value::Object(input.facts.clone()),
        deal_version: input.version,
        version: plan.version + 1,
        ..plan.clone()
    };
    plans::save(tx, &revised).await?;
    let milestones = milestones::of_deal(tx, plan.deal_id).await?;
    let tasks = ground.plan.tasks.iter().map(|stored| &*stored.task);
    let counts = apply_plan::counts(&milestones, tasks);
    let change = PlanChange::Revised;
    events::emit_plan(tx, change, Some(plan), &revised, &milestones, counts)
}

/// Which facts changed, by name: their values are confidential.
fn reason(before: &Value, input: &PlanInput) -> String {
    let nothing = serde_json::Map::new();
    let before = before.as_object().unwrap_or(&nothing);
    let names: BTreeSet<&String> = before.keys().chain(input.facts.keys()).collect();
    let changed: Vec<&str> = names
        .into_iter()
        .filter(|name| before.get(*name) != input.facts.get(*name))
        .map(String::as_str)
        .collect();
    format!("facts of the deal changed: {}", changed.join(", "))
}
