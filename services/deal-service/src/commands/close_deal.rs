//! ACTIVE → CLOSED, once the plan is made and every required task is done, or by force.

use anyhow::Context as _;
use domain::deal::{Closing, OpenTasks, PlanState};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::repository::deals::{Deal, SeenDeal};

pub(crate) async fn run(tx: &mut Tx, id: Uuid, open_tasks: OpenTasks) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let closing = closing(tx, &seen.deal, open_tasks).await?;
    let step = seen.deal.status.close(closing, tx.actor().permissions)?;
    status::take(tx, seen, step, None).await
}

#[derive(FromQueryResult)]
struct OpenRequired {
    open_tasks: i64,
    plan_state: Option<String>,
}

/// Reads the tasks themselves, under the deal's lock, and no read model, which could lag behind.
async fn closing(tx: &Tx, deal: &Deal, open_tasks: OpenTasks) -> Result<Closing> {
    let row: Option<OpenRequired> = tx
        .first(
            "SELECT open_tasks, plan_state FROM ctx.open_required_tasks($1)",
            [deal.id.into()],
        )
        .await?;
    let row = row.context("ctx.open_required_tasks gave no row")?;
    let plan = match row.plan_state.as_deref() {
        Some(state) => PlanState::parse(state).context("an unknown state of a plan")?,
        None if deal.template.is_some() => PlanState::Pending,
        None => PlanState::Applied,
    };
    Ok(Closing {
        plan,
        open_required_tasks: row.open_tasks.unsigned_abs(),
        open_tasks,
    })
}
