//! Following the facts of a running deal: the tasks that apply by them, and all dates, which are counted again.

use std::collections::BTreeSet;

use contracts::event::PlanChange;
use domain::{cascade::revise, deal::PlanState};
use platform::{db::Tx, error::Result};
use serde_json::Value;
use uuid::Uuid;

use super::{apply_dates, apply_plan, change_scope::Scope};
use crate::{
    history,
    planning::{DateInputs, Ground, facts_of},
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
    let before = Ground::lock(tx, deal_id, &deal.zone, None).await?;
    let mut after = before.clone();
    after.basis.facts = facts_of(&input.facts)?;
    let revision = revise(&before.compute(&deal.zone), &after.compute(&deal.zone));
    save(tx, &plan, input, &before).await?;
    let scope = Scope {
        deal: &deal,
        deal_id,
        key_dates: &DateInputs::new(),
        parties: &input.parties,
        reason: &reason,
    };
    Box::pin(scope.follow(tx, &before, &revision)).await?;
    let (ground, planned) = scope.count(tx).await?;
    apply_dates::run(tx, &deal, &ground, &planned, &reason).await?;
    Ok(())
}

/// The dates of a draft may have been moved already. Its tasks come with its plan.
async fn recount_draft(tx: &mut Tx, deal: &Deal, deal_id: Uuid, input: &PlanInput) -> Result<()> {
    let stored = key_dates::of_deal(tx, deal_id).await?;
    if stored.is_none() || input.template_id.is_none() {
        return Ok(());
    }
    let mut ground = Ground::lock(tx, deal_id, &deal.zone, Some(input)).await?;
    ground.use_present_holidays(tx).await?;
    let planned = ground.compute(&deal.zone);
    apply_dates::run(tx, deal, &ground, &planned, "facts of the deal changed").await?;
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
    let tasks = ground.tasks.iter().map(|stored| &*stored.task);
    let counts = apply_plan::counts(&milestones, tasks);
    history::tell_plan(
        tx,
        PlanChange::Revised,
        Some(plan),
        &revised,
        &milestones,
        counts,
    );
    Ok(())
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
