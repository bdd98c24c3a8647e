//! What a completion should be checked against without being refused: waiting times, earliest dates, papers,
//! licences.

use domain::{
    calendar::Calendars,
    dates::resolve,
    permission::Role,
    plan::Lag,
    task::{Details, StoredTask, TaskState},
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use time::Date;
use uuid::Uuid;

use crate::repository::holidays;

/// The dates around a completion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances {
    /// The deal's first anchor date: nothing was done before it.
    pub(crate) first_anchor: Option<Date>,
    /// The date before which the task should not start.
    pub(crate) not_before: Option<Date>,
    /// When the tasks that it waited for were finished, by their keys.
    pub(crate) prerequisites_finished: Vec<(String, Date)>,
    /// What waiting times after them are counted with.
    pub(crate) calendars: Calendars,
}

#[derive(FromQueryResult)]
struct DatesRow {
    first_anchor: Option<Date>,
    not_before: Option<Date>,
}

#[derive(FromQueryResult)]
struct FinishedRow {
    key: String,
    completed_on: Date,
}

/// Reads what this completion depends on; most completions depend on none of it and read nothing.
pub(crate) async fn circumstances(
    tx: &Tx,
    stored: &StoredTask,
    completed_on: Option<Date>,
) -> Result<Circumstances> {
    let fields = &stored.details.template_fields;
    let not_before = fields.not_before.as_deref();
    let mut circumstances = Circumstances::default();
    if completed_on.is_some() || not_before.is_some() {
        let row: Option<DatesRow> = tx
            .first(
                "SELECT min(date) FILTER (WHERE is_anchor) AS first_anchor,
                        min(date) FILTER (WHERE key = $3) AS not_before
                   FROM key_dates WHERE organization_id = $1 AND deal_id = $2",
                [
                    tx.actor().organization_id.into(),
                    stored.task.deal_id.into(),
                    not_before.unwrap_or_default().into(),
                ],
            )
            .await?;
        if let Some(row) = row {
            circumstances.first_anchor = row.first_anchor;
            circumstances.not_before = row.not_before;
        }
    }
    if !fields.lags.is_empty() {
        circumstances.prerequisites_finished = finished(tx, &stored.details.depends_on).await?;
        let holidays = holidays::of_deal(tx, stored.task.deal_id).await?;
        circumstances.calendars = holidays.calendars().clone();
    }
    Ok(circumstances)
}

async fn finished(tx: &Tx, depends_on: &[Uuid]) -> Result<Vec<(String, Date)>> {
    let rows: Vec<FinishedRow> = tx
        .all(
            "SELECT key, completed_on FROM tasks
              WHERE organization_id = $1 AND id = ANY ($2) AND key IS NOT NULL AND completed_on IS NOT NULL",
            [
                tx.actor().organization_id.into(),
                depends_on.to_vec().into(),
            ],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.key, row.completed_on))
        .collect())
}

/// What somebody should look at, in sentences.
pub(crate) fn warnings(
    task: &TaskState,
    details: &Details,
    circumstances: &Circumstances,
    actor: &Actor,
) -> Vec<String> {
    let on = task
        .facts
        .completed
        .as_ref()
        .map(|completion| completion.on);
    let fields = &details.template_fields;
    let mut warnings = Vec::new();
    if let (Some(on), Some(not_before)) = (on, circumstances.not_before)
        && on < not_before
    {
        warnings.push(format!("it was not to start before {not_before}"));
    }
    for lag in &fields.lags {
        if let (Some(on), Some(free)) = (on, free_after(lag, circumstances))
            && on < free
        {
            warnings.push(format!("it was to wait until {free} after an earlier task"));
        }
    }
    if details.licensed_only && actor.role == Role::TransactionCoordinator {
        warnings.push("it is for a licensed person".to_owned());
    }
    if let Some(document) = fields.document.as_ref().filter(|it| it.required) {
        let kind = document.kind.replace('_', " ");
        warnings.push(format!("it needs the document {kind}"));
    }
    warnings
}

/// The first day on which a waiting time after a prerequisite is over.
fn free_after(lag: &Lag<String>, circumstances: &Circumstances) -> Option<Date> {
    let (_, finished_on) = circumstances
        .prerequisites_finished
        .iter()
        .find(|(key, _)| *key == lag.after)?;
    resolve(*finished_on, &lag.counting, &circumstances.calendars).ok()
}
