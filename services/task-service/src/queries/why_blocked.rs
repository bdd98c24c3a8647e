//! Why a task waits: its open predecessors back to those that somebody could work on now.

use std::collections::{BTreeMap, BTreeSet};

use contracts::field::{date_text, instant_text};
use domain::{
    calendar::Calendars,
    holdup,
    party::PartyRole,
    plan::{Work, schedule},
    rejection::Rejection,
    task::TaskStatus,
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::get_task::Neighbour;
use crate::{
    repository::{
        deals, dependencies,
        people::{self, People},
        tasks,
    },
    views::created_at,
};

/// Why a task waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhyBlocked {
    pub(crate) task_id: Uuid,
    pub(crate) is_blocked: bool,
    /// Who holds it up, in one sentence.
    #[schema(
        example = "\"Clear to close\" is held up by Rosa Lind (lender) with \"Appraisal\" since 3 March, due 10 March."
    )]
    pub(crate) sentence: String,
    /// The open tasks that it waits for directly.
    pub(crate) blocked_by: Vec<Holdup>,
    /// The tasks at the beginning of the chain, which wait for nothing themselves.
    pub(crate) frontier: Vec<FrontierTask>,
    /// The first day on which it could be free, if all goes as estimated; null if it is free.
    #[schema(format = "date")]
    pub(crate) earliest_unblock: Option<String>,
}

/// A task that holds another one up. Of one that the caller may not see only the part that owns it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holdup {
    #[serde(flatten)]
    pub(crate) task: Neighbour,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub(crate) due_date: Option<String>,
    /// Since when somebody could have worked on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    pub(crate) since: Option<String>,
}

/// A task at the beginning of the chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontierTask {
    #[serde(flatten)]
    pub(crate) task: Holdup,
    /// Who holds what up since when, down to the person, in one sentence.
    #[schema(
        example = "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up since 3 March, due 10 March."
    )]
    pub(crate) sentence: String,
}

#[derive(FromQueryResult)]
struct TaskRow {
    other_id: Uuid,
    owner_role: Option<String>,
    other_status: String,
    id: Option<Uuid>,
    title: Option<String>,
    assignee_id: Option<Uuid>,
    due_date: Option<Date>,
    est_days: Option<i32>,
    completed_at: Option<OffsetDateTime>,
    waived_at: Option<OffsetDateTime>,
}

/// Walks back from the task. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, id: Uuid) -> Result<WhyBlocked> {
    let stored = tasks::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    let deal = deals::see(tx, stored.task.deal_id).await?;
    let waits_for = dependencies::waits_for(tx, stored.task.deal_id).await?;
    let behind = predecessors(id, &waits_for);
    let rows = read(tx, &behind).await?;
    let by_id: BTreeMap<Uuid, &TaskRow> = rows.iter().map(|row| (row.other_id, row)).collect();
    let is_open = |id: &Uuid| by_id.get(id).is_some_and(|row| !is_done(row));
    // Only the way through open tasks counts: what waits behind a finished one holds nothing up.
    let open_graph: BTreeMap<Uuid, BTreeSet<Uuid>> = waits_for
        .iter()
        .map(|(task, others)| (*task, others.iter().copied().filter(is_open).collect()))
        .collect();
    let empty = BTreeSet::new();
    let direct = open_graph.get(&id).unwrap_or(&empty);
    let reached = predecessors(id, &open_graph);
    let frontier: Vec<&TaskRow> = reached
        .iter()
        .filter(|other| open_graph.get(other).is_none_or(BTreeSet::is_empty))
        .filter_map(|other| by_id.get(other).copied())
        .collect();
    let assignees = frontier.iter().filter_map(|row| row.assignee_id).collect();
    let people = people::of_deal(tx, stored.task.deal_id, assignees).await?;
    let today = deal.zone.local_date(tx.now());
    let since = |row: &TaskRow| row.since(&waits_for, &by_id);
    let told: Vec<holdup::Holdup<'_>> = frontier
        .iter()
        .map(|row| row.told(since(row), &people, &deal.zone))
        .collect();
    let direct_rows = direct.iter().filter_map(|other| by_id.get(other));
    Ok(WhyBlocked {
        task_id: id,
        is_blocked: stored.task.is_blocked(),
        sentence: holdup::summary(&stored.task.title, &told, today),
        blocked_by: direct_rows.map(|row| row.holdup(since(row))).collect(),
        frontier: frontier
            .iter()
            .zip(&told)
            .map(|(row, told)| FrontierTask {
                task: row.holdup(since(row)),
                sentence: told.sentence(today),
            })
            .collect(),
        earliest_unblock: earliest(direct, &reached, &open_graph, &by_id, today).map(date_text),
    })
}

async fn read(tx: &Tx, ids: &BTreeSet<Uuid>) -> Result<Vec<TaskRow>> {
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    tx.all(
        "SELECT o.id AS other_id, o.owner_role, o.status AS other_status, t.id, t.title, t.assignee_id,
                t.due_date, t.est_days, t.completed_at, t.waived_at
           FROM ctx.task_owners($2) o
           LEFT JOIN tasks t ON t.organization_id = $1 AND t.id = o.id",
        [tx.actor().organization_id.into(), ids.into()],
    )
    .await
}

/// When the last of the direct blockers could be done.
fn earliest(
    direct: &BTreeSet<Uuid>,
    reached: &BTreeSet<Uuid>,
    waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>,
    by_id: &BTreeMap<Uuid, &TaskRow>,
    today: Date,
) -> Option<Date> {
    let work: Vec<Work<Uuid>> = reached
        .iter()
        .map(|id| Work {
            key: *id,
            waits_for: waits_for.get(id).cloned().unwrap_or_default(),
            lags: Vec::new(),
            not_before: None,
            est_days: by_id
                .get(id)
                .and_then(|row| u32::try_from(row.est_days?).ok())
                .unwrap_or_default(),
            finished_on: None,
            due: None,
        })
        .collect();
    let scheduled = schedule(&work, today, &Calendars::standard()).ok()?;
    let of_direct = scheduled
        .tasks
        .iter()
        .filter(|task| direct.contains(&task.key));
    of_direct.map(|task| task.earliest_finish).max()
}

/// Everything that a task waits for, directly or not.
fn predecessors(id: Uuid, waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::new();
    let mut frontier = vec![id];
    while let Some(next) = frontier.pop() {
        for other in waits_for.get(&next).into_iter().flatten() {
            if found.insert(*other) {
                frontier.push(*other);
            }
        }
    }
    found
}

fn is_done(row: &TaskRow) -> bool {
    TaskStatus::parse(&row.other_status).is_some_and(TaskStatus::is_done)
}

impl TaskRow {
    /// Since when somebody could have worked on it; `None` if the caller may not see it.
    fn since(
        &self,
        waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>,
        by_id: &BTreeMap<Uuid, &Self>,
    ) -> Option<OffsetDateTime> {
        let finished = waits_for
            .get(&self.other_id)
            .into_iter()
            .flatten()
            .filter_map(|other| by_id.get(other))
            .filter_map(|row| row.completed_at.or(row.waived_at))
            .max();
        finished.or_else(|| created_at(self.id?))
    }

    fn holdup(&self, since: Option<OffsetDateTime>) -> Holdup {
        Holdup {
            task: Neighbour {
                id: self.id,
                title: self.title.clone(),
                owner_role: self.owner_role.clone(),
                status: self.id.map(|_| self.other_status.clone()),
                assignee_id: self.assignee_id,
            },
            due_date: self.due_date.map(date_text),
            since: since.filter(|_| self.id.is_some()).map(instant_text),
        }
    }

    /// What a sentence tells of it.
    fn told<'a>(
        &'a self,
        since: Option<OffsetDateTime>,
        people: &'a People,
        zone: &Zone,
    ) -> holdup::Holdup<'a> {
        let owner_role = self.owner_role.as_deref().and_then(PartyRole::parse);
        match &self.title {
            None => holdup::Holdup::Hidden { owner_role },
            Some(title) => holdup::Holdup::Shown {
                title,
                holder: people.holder(self.assignee_id, owner_role),
                since: since.map(|instant| zone.local_date(instant)),
                due: self.due_date,
            },
        }
    }
}
