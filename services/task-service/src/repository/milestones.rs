//! Milestones: how many of their tasks are open, and whether that completed or reopened them.

use std::collections::BTreeMap;

use domain::{task::TaskState, zone::Zone};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    task_row::{bare, prefixed_by_r, task_table},
    tasks::{Saved, require_all, save_statement, saved_values},
};

/// A stage of a deal's plan.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(crate) struct Milestone {
    /// The milestone.
    pub(crate) id: Uuid,
    /// The deal.
    pub(crate) deal_id: Uuid,
    /// The template's key.
    pub(crate) key: Option<String>,
    /// What it is called.
    pub(crate) title: String,
    /// What it is called to the client.
    pub(crate) buyer_title: Option<String>,
    /// Its place, for reading.
    pub(crate) position: i32,
    /// Tasks that are neither completed nor waived.
    pub(crate) open_tasks: i32,
    /// All its tasks.
    pub(crate) total_tasks: i32,
    /// When its last task was done.
    pub(crate) completed_at: Option<OffsetDateTime>,
    /// Counts its completions and reopenings.
    pub(crate) version: i64,
}

impl Milestone {
    /// Whether all its tasks are done. A milestone without tasks is never completed by itself.
    pub(crate) fn is_completed(&self) -> bool {
        self.completed_at.is_some()
    }
}

/// How the open and the total number of a milestone's tasks change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    /// By how much the number of open tasks rises.
    pub(crate) open: i32,
    /// By how much the number of all tasks rises.
    pub(crate) total: i32,
}

/// What became of a milestone whose counts were shifted.
#[derive(Clone, Debug)]
pub(crate) struct Shifted {
    /// The milestone before.
    pub(crate) before: Milestone,
    /// The milestone after.
    pub(crate) after: Milestone,
}

impl Shifted {
    /// Whether this shift was the one that completed it.
    pub(crate) fn has_completed(&self) -> bool {
        !self.before.is_completed() && self.after.is_completed()
    }

    /// Whether this shift opened it again.
    pub(crate) fn has_reopened(&self) -> bool {
        self.before.is_completed() && !self.after.is_completed()
    }
}

/// Counts per milestone what changes between two states of tasks. `None` is a task that does not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shifts(BTreeMap<Uuid, Shift>);

impl Shifts {
    /// Takes one task into account.
    pub(crate) fn count(&mut self, before: Option<&TaskState>, after: Option<&TaskState>) {
        self.add(before, -1);
        self.add(after, 1);
    }

    fn add(&mut self, task: Option<&TaskState>, by: i32) {
        let Some((task, milestone_id)) = task.and_then(|task| Some((task, task.milestone_id?)))
        else {
            return;
        };
        let shift = self.0.entry(milestone_id).or_default();
        shift.total += by;
        if !task.status.is_done() {
            shift.open += by;
        }
    }

    /// Those whose counts change.
    fn shifted(&self) -> impl Iterator<Item = (Uuid, Shift)> {
        let all = self.0.iter().map(|(id, shift)| (*id, *shift));
        all.filter(|(_, shift)| *shift != Shift::default())
    }

    fn is_empty(&self) -> bool {
        self.shifted().next().is_none()
    }

    fn ids(&self) -> Vec<Uuid> {
        self.shifted().map(|(id, _)| id).collect()
    }

    fn open(&self) -> Vec<i32> {
        self.shifted().map(|(_, shift)| shift.open).collect()
    }

    fn total(&self) -> Vec<i32> {
        self.shifted().map(|(_, shift)| shift.total).collect()
    }
}

/// A milestone after a shift, with what it was before.
#[derive(FromQueryResult)]
struct ShiftedRow {
    id: Uuid,
    deal_id: Uuid,
    key: Option<String>,
    title: String,
    buyer_title: Option<String>,
    position: i32,
    open_tasks: i32,
    total_tasks: i32,
    completed_at: Option<OffsetDateTime>,
    version: i64,
    open_before: i32,
    total_before: i32,
    completed_before: Option<OffsetDateTime>,
    version_before: i64,
    saved: i64,
}

impl ShiftedRow {
    fn restore(self) -> Shifted {
        let after = Milestone {
            id: self.id,
            deal_id: self.deal_id,
            key: self.key,
            title: self.title,
            buyer_title: self.buyer_title,
            position: self.position,
            open_tasks: self.open_tasks,
            total_tasks: self.total_tasks,
            completed_at: self.completed_at,
            version: self.version,
        };
        Shifted {
            before: Milestone {
                open_tasks: self.open_before,
                total_tasks: self.total_before,
                completed_at: self.completed_before,
                version: self.version_before,
                ..after.clone()
            },
            after,
        }
    }
}

/// Locks the milestones in id order, shifts their counts, and completes or reopens them where that follows. Of the
/// organization `$1`: their ids, by how much their open and all tasks rise, and the instant. `$first` are expressions
/// before it, `$saved` how many tasks these saved.
///
/// Each row is looked up by its key, one after the other, whatever the statistics say: a sub-select that locks is not
/// merged with the statement around it (see `save_statement` of tasks).
macro_rules! shift_statement {
    ($ids:literal, $open:literal, $total:literal, $now:literal, [$($first:tt)*], $saved:literal) => {
        concat!(
            "WITH ",
            $($first)*
            "shift AS (SELECT * FROM unnest(",
            $ids,
            "::uuid[], ",
            $open,
            "::integer[], ",
            $total,
            "::integer[]) AS s(id, open, total)),
             locked AS (
               SELECT l.* FROM (SELECT i FROM unnest(",
            $ids,
            "::uuid[]) i ORDER BY i) ids
                CROSS JOIN LATERAL (
                  SELECT m.id, m.open_tasks, m.total_tasks, m.completed_at, m.version
                    FROM milestones m
                   WHERE m.organization_id = $1 AND m.id = ids.i FOR UPDATE) l),
             counted AS (
               SELECT l.*, l.open_tasks + s.open AS open_after, l.total_tasks + s.total AS total_after,
                      CASE WHEN l.open_tasks + s.open > 0 THEN NULL
                           WHEN l.completed_at IS NOT NULL THEN l.completed_at
                           WHEN l.total_tasks + s.total > 0 THEN ",
            $now,
            "::timestamptz END AS completed_after
                 FROM locked l JOIN shift s ON s.id = l.id)
             UPDATE milestones m
                SET open_tasks = l.open_after, total_tasks = l.total_after, completed_at = l.completed_after,
                    version = l.version
                      + CASE WHEN (l.completed_at IS NULL) = (l.completed_after IS NULL) THEN 0 ELSE 1 END
               FROM counted l
              WHERE m.organization_id = $1 AND m.id = ANY(",
            $ids,
            ") AND m.id = l.id
             RETURNING m.id, m.deal_id, m.key, m.title, m.buyer_title, m.position, m.open_tasks, m.total_tasks,
                       m.completed_at, m.version, l.open_tasks AS open_before, l.total_tasks AS total_before,
                       l.completed_at AS completed_before, l.version AS version_before, ",
            $saved,
            " AS saved"
        )
    };
}

/// Saves new states of locked tasks and shifts the counts of milestones, in one statement. Fails if the row
/// policies hid one of the tasks or of the milestones.
pub(crate) async fn save_and_shift(
    tx: &Tx,
    zone: &Zone,
    shifts: &Shifts,
    tasks: &[Saved<'_>],
) -> Result<Vec<Shifted>> {
    if shifts.is_empty() {
        super::tasks::save(tx, zone, tasks).await?;
        return Ok(Vec::new());
    }
    let counts = [
        shifts.ids().into(),
        shifts.open().into(),
        shifts.total().into(),
        tx.now().into(),
    ];
    let organization_id = tx.actor().organization_id.into();
    let shifted: Vec<ShiftedRow> = match saved_values(zone, tasks)? {
        None => {
            let values = std::iter::once(organization_id).chain(counts);
            tx.all(
                shift_statement!("$2", "$3", "$4", "$5", [], "0::bigint"),
                values,
            )
            .await?
        }
        Some(saved) => {
            let values = std::iter::once(organization_id).chain(saved).chain(counts);
            let statement = shift_statement!(
                "$4",
                "$5",
                "$6",
                "$7",
                ["saved AS (", save_statement!(), " RETURNING t.id), ",],
                "(SELECT count(*) FROM saved)"
            );
            tx.all(statement, values).await?
        }
    };
    let counted = u64::try_from(shifted.len()).map_err(anyhow::Error::from)?;
    require_all(counted, shifts.ids().len())?;
    for row in &shifted {
        let saved = u64::try_from(row.saved).map_err(anyhow::Error::from)?;
        require_all(saved, tasks.len())?;
    }
    Ok(shifted.into_iter().map(ShiftedRow::restore).collect())
}

/// The ids of milestones by the template's keys.
pub(crate) fn by_key(milestones: &[Milestone]) -> BTreeMap<String, Uuid> {
    let keyed = |milestone: &Milestone| Some((milestone.key.clone()?, milestone.id));
    milestones.iter().filter_map(keyed).collect()
}

/// The milestones of a deal, in their order.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<Milestone>> {
    tx.all(
        "SELECT id, deal_id, key, title, buyer_title, position, open_tasks, total_tasks, completed_at, version
           FROM milestones WHERE organization_id = $1 AND deal_id = $2 ORDER BY position, id",
        [tx.actor().organization_id.into(), deal_id.into()],
    )
    .await
}

/// One milestone, if the caller may see it.
pub(crate) async fn find(tx: &Tx, id: Uuid) -> Result<Option<Milestone>> {
    tx.first(
        "SELECT id, deal_id, key, title, buyer_title, position, open_tasks, total_tasks, completed_at, version
           FROM milestones WHERE organization_id = $1 AND id = $2",
        [tx.actor().organization_id.into(), id.into()],
    )
    .await
}

/// Whether a milestone is what a plan has after the closing: the last one, where there are others.
pub(crate) async fn is_last(tx: &Tx, deal_id: Uuid, id: Uuid) -> Result<bool> {
    let milestones = of_deal(tx, deal_id).await?;
    let last = milestones.last().map(|milestone| milestone.id);
    Ok(milestones.len() > 1 && last == Some(id))
}

/// Adds the milestones of a plan.
pub(crate) async fn insert(tx: &Tx, milestones: &[Milestone]) -> Result<()> {
    if milestones.is_empty() {
        return Ok(());
    }
    let rows: Value = milestones
        .iter()
        .map(|milestone| {
            json!({
                "id": milestone.id, "deal_id": milestone.deal_id, "key": milestone.key,
                "title": milestone.title, "buyer_title": milestone.buyer_title,
                "position": milestone.position, "open_tasks": milestone.open_tasks,
                "total_tasks": milestone.total_tasks, "version": milestone.version,
            })
        })
        .collect();
    let added = tx
        .run(
            "INSERT INTO milestones (id, organization_id, deal_id, key, title, buyer_title, position, open_tasks,
                    total_tasks, version)
             SELECT id, $1, deal_id, key, title, buyer_title, position, open_tasks, total_tasks, version
               FROM jsonb_to_recordset($2::jsonb) AS r(
                    id uuid, deal_id uuid, key text, title text, buyer_title text, position integer,
                    open_tasks integer, total_tasks integer, version bigint)",
            [tx.actor().organization_id.into(), rows.into()],
        )
        .await?;
    require_all(added, milestones.len())
}
