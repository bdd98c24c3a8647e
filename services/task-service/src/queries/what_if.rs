//! What would be if some dates were others: dates, slack, the critical path. Writes nothing.

use std::collections::BTreeMap;

use contracts::field::date_text;
use domain::cascade::forecast;
use platform::{db::Tx, error::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::key_dates::{KeyDateView, ViolationView};
use crate::{
    planning::{CALENDARS, Ground},
    repository::{deals, key_dates::KeyDate},
    services::PlanInput,
};

/// A deal's dates under other assumptions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIf {
    pub(crate) key_dates: Vec<KeyDateView>,
    pub(crate) tasks: Vec<WhatIfTask>,
    /// The tasks that decide when the last one can be done, in order.
    pub(crate) critical_path: Vec<String>,
    pub(crate) violations: Vec<ViolationView>,
}

/// A task under other assumptions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIfTask {
    /// The task, or its key while the plan is still to be made.
    pub(crate) id: String,
    pub(crate) key: String,
    #[schema(format = "date")]
    pub(crate) due_date: Option<String>,
    /// Due date less earliest finish, in calendar days; negative if it would be late.
    pub(crate) slack: Option<i64>,
}

/// Computes it. Rejections: `NOT_FOUND`, and of `keyDates.<key>`.
pub(crate) async fn run(
    tx: &Tx,
    deal_id: Uuid,
    dates: &BTreeMap<String, Option<String>>,
    input: Option<&PlanInput>,
) -> Result<WhatIf> {
    let deal = deals::see(tx, deal_id).await?;
    let ground = Ground::read(tx, deal_id, &deal.zone, input).await?;
    let inputs = ground.parse_inputs("keyDates", dates)?;
    let planned = ground.compute_with(&deal.zone, &inputs);
    let today = deal.zone.local_date(tx.now());
    let forecast = forecast(&ground.basis.template, &planned, today, &CALENDARS)
        .map_err(|cycle| anyhow::anyhow!("the plan waits for itself: {cycle:?}"))?;
    let ids: BTreeMap<&str, Uuid> = ground
        .tasks
        .iter()
        .filter_map(|stored| Some((stored.task.key.as_deref()?, stored.task.id)))
        .collect();
    let id_of = |key: &str| {
        ids.get(key)
            .map_or_else(|| key.to_owned(), ToString::to_string)
    };
    let slack: BTreeMap<&str, Option<i64>> = forecast
        .tasks
        .iter()
        .map(|task| (task.key.as_str(), task.slack_days))
        .collect();
    Ok(WhatIf {
        key_dates: planned
            .key_dates
            .iter()
            .map(|date| KeyDateView::of(&KeyDate::of(date)))
            .collect(),
        tasks: planned
            .tasks
            .iter()
            .map(|task| WhatIfTask {
                id: id_of(&task.key),
                key: task.key.clone(),
                due_date: task.due.map(date_text),
                slack: slack.get(task.key.as_str()).copied().flatten(),
            })
            .collect(),
        critical_path: forecast.critical_path.iter().map(|key| id_of(key)).collect(),
        violations: planned.violations.iter().map(ViolationView::from).collect(),
    })
}
