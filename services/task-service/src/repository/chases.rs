//! The log of a task's follow-ups.

use domain::{follow_up::Channel, party::PartyRole};
use platform::{db::Tx, error::Result};
use sea_orm::{FromQueryResult, Value as SqlValue};
use time::Date;
use uuid::Uuid;

use super::tasks::require_all;

macro_rules! chase_columns {
    () => {
        "id, deal_id, task_id, author_id, channel, note, replied, follow_up_on"
    };
}

/// That somebody asked for a task. It never changes.
#[derive(Clone, Debug)]
pub(crate) struct Chase {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    pub(crate) task_id: Uuid,
    pub(crate) author_id: Uuid,
    pub(crate) channel: Channel,
    /// What was said.
    pub(crate) note: Option<String>,
    /// Whether an answer came.
    pub(crate) replied: bool,
    /// When to ask again, as it was settled then.
    pub(crate) follow_up_on: Option<Date>,
}

#[derive(FromQueryResult)]
struct ChaseRow {
    id: Uuid,
    deal_id: Uuid,
    task_id: Uuid,
    author_id: Uuid,
    channel: String,
    note: Option<String>,
    replied: bool,
    follow_up_on: Option<Date>,
}

impl ChaseRow {
    fn restore(self) -> Result<Chase> {
        let channel = Channel::parse(&self.channel).ok_or_else(|| {
            anyhow::anyhow!("follow-up {} has the channel {}", self.id, self.channel)
        })?;
        Ok(Chase {
            id: self.id,
            deal_id: self.deal_id,
            task_id: self.task_id,
            author_id: self.author_id,
            channel,
            note: self.note,
            replied: self.replied,
            follow_up_on: self.follow_up_on,
        })
    }
}

/// A page of a task's follow-ups, newest first, as far as the caller may read them.
pub(crate) async fn of_task(
    tx: &Tx,
    task_id: Uuid,
    after: Option<Uuid>,
    fetch: u64,
) -> Result<Vec<Chase>> {
    let limit = i64::try_from(fetch).map_err(anyhow::Error::from)?;
    let values: [SqlValue; 4] = [
        tx.actor().organization_id.into(),
        task_id.into(),
        after.unwrap_or(Uuid::max()).into(),
        limit.into(),
    ];
    let rows: Vec<ChaseRow> = tx
        .all(
            concat!(
                "SELECT ",
                chase_columns!(),
                " FROM chases WHERE organization_id = $1 AND task_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
            ),
            values,
        )
        .await?;
    rows.into_iter().map(ChaseRow::restore).collect()
}

/// The newest follow-up of each of these tasks, as far as the caller may read them.
pub(crate) async fn latest(tx: &Tx, tasks: &[Uuid]) -> Result<Vec<Chase>> {
    let rows: Vec<ChaseRow> = tx
        .all(
            concat!(
                "SELECT c.* FROM unnest($2::uuid[]) wanted(id) JOIN LATERAL (SELECT ",
                chase_columns!(),
                " FROM chases WHERE organization_id = $1 AND task_id = wanted.id ORDER BY id DESC LIMIT 1) c ON true"
            ),
            [tx.actor().organization_id.into(), tasks.to_vec().into()],
        )
        .await?;
    rows.into_iter().map(ChaseRow::restore).collect()
}

/// One follow-up of a task, if the caller may read it.
pub(crate) async fn find(tx: &Tx, task_id: Uuid, id: Uuid) -> Result<Option<Chase>> {
    let row: Option<ChaseRow> = tx
        .first(
            concat!(
                "SELECT ",
                chase_columns!(),
                " FROM chases WHERE organization_id = $1 AND task_id = $2 AND id = $3"
            ),
            [
                Uuid::into(tx.actor().organization_id),
                task_id.into(),
                id.into(),
            ],
        )
        .await?;
    row.map(ChaseRow::restore).transpose()
}

/// Adds a follow-up.
pub(crate) async fn insert(tx: &Tx, chase: &Chase) -> Result<()> {
    let added = tx
        .run(
            "INSERT INTO chases (id, organization_id, deal_id, task_id, author_id, channel, note, replied, follow_up_on)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                chase.id.into(),
                tx.actor().organization_id.into(),
                chase.deal_id.into(),
                chase.task_id.into(),
                chase.author_id.into(),
                chase.channel.as_str().into(),
                chase.note.clone().into(),
                chase.replied.into(),
                chase.follow_up_on.into(),
            ],
        )
        .await?;
    require_all(added, 1)
}

/// The caller's parts in a deal.
pub(crate) async fn own_parts(tx: &Tx, deal_id: Uuid) -> Result<Vec<PartyRole>> {
    #[derive(FromQueryResult)]
    struct Row {
        party_roles: Vec<String>,
    }
    let row: Option<Row> = tx
        .first(
            "SELECT party_roles FROM ctx.deal_access
              WHERE organization_id = $1 AND deal_id = $2 AND user_id = $3",
            [
                Uuid::into(tx.actor().organization_id),
                deal_id.into(),
                tx.actor().user_id.into(),
            ],
        )
        .await?;
    let roles = row.map(|row| row.party_roles).unwrap_or_default();
    Ok(roles
        .iter()
        .filter_map(|role| PartyRole::parse(role))
        .collect())
}
