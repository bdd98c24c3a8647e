//! What the caller has to do and follows up, across deals, by urgency: one answer for the page that people work by.

use std::collections::BTreeMap;

use contracts::field::{date_text, instant_text};
use domain::{
    party::PartyRole,
    search::SearchText,
    task::StoredTask,
    work::{Bucket, fills_in_for, week_ends},
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use sea_orm::{FromQueryResult, Value as SqlValue};
use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    repository::{
        chases::{self, Chase},
        task_row::{TaskRow, prefixed_by_t, task_columns, task_table},
    },
    sight::Sight,
    views::{TaskView, created_at},
};

/// Open tasks that one waits for, named at most.
const BLOCKERS_NAMED_MAX: usize = 3;

/// What the list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    /// Items of this bucket alone; the others are counted.
    pub(crate) bucket: Option<Bucket>,
    /// Tasks of this deal.
    pub(crate) deal_id: Option<Uuid>,
    /// Tasks that the closing hangs on, or the others.
    pub(crate) critical: Option<bool>,
    /// Words of a title or a deal's name.
    pub(crate) text: Option<SearchText>,
}

/// What the caller has to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MyWork {
    /// The day in the organization's time zone that the buckets go by.
    #[schema(format = "date")]
    today: String,
    /// overdue, today, week, later and waiting, in this order.
    buckets: Vec<WorkBucket>,
}

/// A part of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WorkBucket {
    /// overdue, today, week (the seven days after), later, or waiting: others' tasks that the caller follows up.
    key: &'static str,
    /// How many there are.
    count: i64,
    /// The first of them by due date; of those that wait for others by the day of the follow-up, where one is set.
    items: Vec<MyTask>,
}

/// A task with what the list says of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MyTask {
    #[serde(flatten)]
    task: TaskView,
    deal_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_name: Option<String>,
    /// Who plays the part that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_name: Option<String>,
    /// Who plays the part that follows it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    chaser_name: Option<String>,
    /// When somebody last asked for it; left out for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_chase: Option<LastChase>,
    /// The first open tasks that it waits for, of those that the caller sees.
    blocked_by: Vec<Blocker>,
}

/// When somebody last asked for a task, and how.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastChase {
    #[schema(format = "date-time")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_name: Option<String>,
    /// PHONE, EMAIL, TEXT, IN_PERSON or OTHER.
    channel: &'static str,
    /// Whether an answer came.
    replied: bool,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// An open task that another one waits for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blocker {
    task_id: Uuid,
    title: String,
    /// Who is to do it: the assigned user, else the one who plays the part that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
}

/// Reads at most `limit` tasks of each bucket.
pub(crate) async fn run(tx: &Tx, filters: &Filters, limit: u32) -> Result<MyWork> {
    let zone = Zone::parse(&tx.actor().time_zone).map_err(|_| {
        anyhow::anyhow!(
            "the organization's time zone {} is unknown",
            tx.actor().time_zone
        )
    })?;
    let today = zone.local_date(tx.now());
    let places = places(tx, filters, limit, today).await?;
    let shown: Vec<&Place> = places
        .iter()
        .filter(|place| {
            filters
                .bucket
                .is_none_or(|wanted| wanted.as_str() == place.bucket)
        })
        .collect();
    let mut items = items(tx, &shown).await?;
    let bucket = |bucket: Bucket| {
        let key = bucket.as_str();
        let of_bucket = |place: &&Place| place.bucket == key;
        let total = places.iter().find(of_bucket).map_or(0, |place| place.total);
        let ids = shown
            .iter()
            .copied()
            .filter(of_bucket)
            .map(|place| place.id);
        WorkBucket {
            key,
            count: total,
            items: ids.filter_map(|id| items.remove(&id)).collect(),
        }
    };
    Ok(MyWork {
        today: date_text(today),
        buckets: Bucket::ALL.map(bucket).into(),
    })
}

/// Where a task is in the list, and how many its bucket has.
#[derive(FromQueryResult)]
struct Place {
    id: Uuid,
    bucket: String,
    total: i64,
    deal_name: String,
    milestone_title: Option<String>,
}

/// The first of each bucket in their order; of a bucket that is not wanted one, for its count.
async fn places(tx: &Tx, filters: &Filters, limit: u32, today: Date) -> Result<Vec<Place>> {
    let stood_in: Vec<String> = fills_in_for(tx.actor().role)
        .iter()
        .map(|part| part.as_str().to_owned())
        .collect();
    let values: Vec<SqlValue> = vec![
        tx.actor().organization_id.into(),
        tx.actor().user_id.into(),
        today.into(),
        week_ends(today).into(),
        stood_in.into(),
        filters.deal_id.into(),
        filters.critical.into(),
        filters
            .text
            .as_ref()
            .map(SearchText::patterns)
            .unwrap_or_default()
            .into(),
        filters
            .bucket
            .map(|bucket| bucket.as_str().to_owned())
            .into(),
        i64::from(limit).into(),
    ];
    tx.all(
        "WITH own AS (
           SELECT t.id, t.deal_id, t.milestone_id, t.title, t.critical, t.due_sort,
                  CASE WHEN t.due_passed OR t.due_sort < $3 THEN 'overdue' WHEN t.due_sort = $3 THEN 'today'
                       WHEN t.due_sort <= $4 THEN 'week' ELSE 'later' END AS bucket
             FROM tasks t
            WHERE t.organization_id = $1 AND t.deleted_at IS NULL AND t.assignee_id = $2
              AND t.status NOT IN ('COMPLETED', 'WAIVED')),
         chased AS (
           SELECT t.id, t.deal_id, t.milestone_id, t.title, t.critical,
                  coalesce(t.follow_up_on, t.due_sort) AS due_sort, 'waiting' AS bucket
             FROM tasks t
            WHERE t.organization_id = $1 AND t.deleted_at IS NULL AND t.status NOT IN ('COMPLETED', 'WAIVED')
              AND t.assignee_id IS DISTINCT FROM $2 AND t.open_dependencies = 0
              AND t.chased_by = ANY ($5::text[] || ARRAY(SELECT r FROM ctx.deal_access a, unnest(a.party_roles) r
                    WHERE a.organization_id = $1 AND a.user_id = $2))
              AND (EXISTS (SELECT FROM ctx.deal_access a
                     WHERE a.organization_id = $1 AND a.deal_id = t.deal_id AND a.user_id = $2
                       AND t.chased_by = ANY (a.party_roles))
                OR (t.chased_by = ANY ($5) AND NOT EXISTS (SELECT FROM ctx.deal_access a
                     WHERE a.organization_id = $1 AND a.deal_id = t.deal_id AND t.chased_by = ANY (a.party_roles))))),
         open AS (
           SELECT w.id, w.bucket, w.due_sort, w.milestone_id, d.name AS deal_name
             FROM (SELECT * FROM own UNION ALL SELECT * FROM chased) w
             JOIN ctx.deals d ON d.organization_id = $1 AND d.id = w.deal_id AND d.status IN ('ACTIVE', 'ON_HOLD')
            WHERE ($6::uuid IS NULL OR w.deal_id = $6) AND ($7::boolean IS NULL OR w.critical = $7)
              AND ' ' || w.title || ' ' || d.name ILIKE ALL ($8)),
         placed AS (
           SELECT *, count(*) OVER (PARTITION BY bucket) AS total,
                  row_number() OVER (PARTITION BY bucket ORDER BY due_sort, id) AS place
             FROM open)
         SELECT p.id, p.bucket, p.total, p.deal_name, m.title AS milestone_title
           FROM placed p
           LEFT JOIN LATERAL (SELECT m.title FROM milestones m
             WHERE m.organization_id = $1 AND m.id = p.milestone_id LIMIT 1) m ON true
          WHERE p.place <= CASE WHEN p.bucket = coalesce($9, p.bucket) THEN $10 ELSE 1 END
          ORDER BY p.place",
        values,
    )
    .await
}

/// The tasks with what the list says of them.
async fn items(tx: &Tx, places: &[&Place]) -> Result<BTreeMap<Uuid, MyTask>> {
    let ids: Vec<Uuid> = places.iter().map(|place| place.id).collect();
    let stored = tasks(tx, &ids).await?;
    let blockers = blockers(tx, &ids).await?;
    let assigned = stored.iter().filter_map(|one| one.task.facts.assignee_id);
    let holding = blockers.iter().filter_map(|blocker| blocker.assignee_id);
    let chases = chases::latest(tx, &ids).await?;
    let chasing = chases.iter().map(|chase| chase.author_id);
    let named = assigned.chain(holding).chain(chasing);
    let users = user_names(tx, named.collect()).await?;
    let parties = parties(tx, stored.iter().map(|one| one.task.deal_id)).await?;
    let sight = Sight::of(tx, stored.iter().map(|one| one.task.deal_id)).await?;
    let player = |deal_id: Uuid, part: Option<&str>| {
        let key = (deal_id, part?.to_owned());
        parties.get(&key).cloned()
    };
    let mut items = BTreeMap::new();
    for one in &stored {
        let (id, deal_id) = (one.task.id, one.task.deal_id);
        let Some(place) = places.iter().find(|place| place.id == id) else {
            continue;
        };
        let blocked_by = blockers.iter().filter(|blocker| blocker.task_id == id);
        let blocked_by = blocked_by.take(BLOCKERS_NAMED_MAX).map(|blocker| {
            let user = blocker
                .assignee_id
                .and_then(|user| users.get(&user).cloned());
            Blocker {
                task_id: blocker.id,
                title: blocker.title.clone(),
                holder: user.or_else(|| player(deal_id, blocker.owner_role.as_deref())),
            }
        });
        let assignee = one.task.facts.assignee_id;
        let item = MyTask {
            task: TaskView::stored(one, tx.actor(), &sight),
            deal_name: place.deal_name.clone(),
            milestone_title: place.milestone_title.clone(),
            assignee_name: assignee.and_then(|user| users.get(&user).cloned()),
            owner_name: player(deal_id, one.task.owner_role.map(PartyRole::as_str)),
            chaser_name: player(deal_id, one.details.chased_by.as_deref()),
            last_chase: last_chase(&chases, id, &users),
            blocked_by: blocked_by.collect(),
        };
        items.insert(id, item);
    }
    Ok(items)
}

fn last_chase(chases: &[Chase], task: Uuid, users: &BTreeMap<Uuid, String>) -> Option<LastChase> {
    let chase = chases.iter().find(|chase| chase.task_id == task)?;
    Some(LastChase {
        created_at: created_at(chase.id).map(instant_text),
        author_name: users.get(&chase.author_id).cloned(),
        channel: chase.channel.as_str(),
        replied: chase.replied,
        note: chase.note.clone(),
    })
}

/// Each is looked up by itself: asked for all of them with their organization, PostgreSQL may read every task that the
/// organization has.
async fn tasks(tx: &Tx, ids: &[Uuid]) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM unnest($2::uuid[]) wanted(id)
                  JOIN LATERAL (SELECT * FROM tasks o
                    WHERE o.organization_id = $1 AND o.id = wanted.id LIMIT 1) t ON true"
            ),
            [tx.actor().organization_id.into(), ids.to_vec().into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// An open task in front of another.
#[derive(FromQueryResult)]
struct BlockerRow {
    task_id: Uuid,
    id: Uuid,
    title: String,
    owner_role: Option<String>,
    assignee_id: Option<Uuid>,
}

/// The row policies leave out what the caller does not see.
async fn blockers(tx: &Tx, ids: &[Uuid]) -> Result<Vec<BlockerRow>> {
    tx.all(
        "SELECT d.task_id, t.id, t.title, t.owner_role, t.assignee_id
           FROM unnest($2::uuid[]) wanted(id)
           JOIN dependencies d ON d.organization_id = $1 AND d.task_id = wanted.id
           JOIN LATERAL (SELECT * FROM tasks o
             WHERE o.organization_id = $1 AND o.id = d.depends_on_id AND o.deleted_at IS NULL
               AND o.status NOT IN ('COMPLETED', 'WAIVED') LIMIT 1) t ON true
          ORDER BY t.due_sort, t.id",
        [tx.actor().organization_id.into(), ids.to_vec().into()],
    )
    .await
}

async fn user_names(tx: &Tx, users: Vec<Uuid>) -> Result<BTreeMap<Uuid, String>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        full_name: String,
    }
    let rows: Vec<Row> = tx
        .all(
            "SELECT id, full_name FROM ctx.user_names($1)",
            [users.into()],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.full_name))
        .collect())
}

/// The first who plays each part in these deals, by name.
async fn parties(
    tx: &Tx,
    deals: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<(Uuid, String), String>> {
    #[derive(FromQueryResult)]
    struct Row {
        deal_id: Uuid,
        role: String,
        name: String,
    }
    let mut deals: Vec<Uuid> = deals.collect();
    deals.sort_unstable();
    deals.dedup();
    let rows: Vec<Row> = tx
        .all(
            "SELECT d AS deal_id, p.role, p.name FROM unnest($1::uuid[]) d, ctx.party_names(d) p",
            [deals.into()],
        )
        .await?;
    let mut named = BTreeMap::new();
    for row in rows {
        named.entry((row.deal_id, row.role)).or_insert(row.name);
    }
    Ok(named)
}
