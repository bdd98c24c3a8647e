//! The deal of a command or query: the shared authority says whether it exists, runs and may be seen.

use domain::{
    deal::DealStatus,
    rejection::Rejection,
    task::{Deadlines, Moment},
    zone::Zone,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

/// What commands and queries need to know of a deal. Locked, it keeps its status while the session lasts.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    /// The deal's status.
    pub(crate) status: DealStatus,
    /// The user who created it.
    pub(crate) created_by: Uuid,
    /// The zone in which its deadlines end.
    pub(crate) zone: Zone,
}

/// What `ctx.lock_deal` answers.
#[derive(FromQueryResult)]
pub(super) struct DealRow {
    status: String,
    created_by: Uuid,
    time_zone: String,
}

impl Deal {
    fn restore(status: &str, created_by: Uuid, time_zone: &str) -> Result<Self> {
        let status = DealStatus::parse(status)
            .ok_or_else(|| anyhow::anyhow!("the deal has the unknown status {status}"))?;
        let zone = Zone::parse(time_zone).map_err(anyhow::Error::from)?;
        Ok(Self {
            status,
            created_by,
            zone,
        })
    }

    /// The instant of a step in this deal. Deadlines rest unless the deal is active.
    pub(crate) fn moment(&self, now: OffsetDateTime) -> Moment<'_> {
        let deadlines = match self.status {
            DealStatus::Active => Deadlines::Running,
            DealStatus::Draft | DealStatus::OnHold | DealStatus::Closed | DealStatus::Cancelled => {
                Deadlines::Paused
            }
        };
        Moment {
            now,
            zone: &self.zone,
            deadlines,
        }
    }
}

/// Locks the deal for a change of its plan as a whole: of dependencies, dates, or many tasks at once.
/// `NOT_FOUND` if the caller cannot see it.
pub(crate) async fn lock_exclusively(tx: &Tx, deal_id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT * FROM ctx.lock_deal_exclusively($1)",
            [deal_id.into()],
        )
        .await?;
    of(row)
}

/// `NOT_FOUND` without a row.
pub(super) fn of(row: Option<DealRow>) -> Result<Deal> {
    let row = row.ok_or(Error::Rejected(Rejection::NotFound))?;
    Deal::restore(&row.status, row.created_by, &row.time_zone)
}

#[derive(FromQueryResult)]
struct Assignable {
    may: bool,
}

/// Whether this user is active, belongs to the caller's organization and would see the deal.
pub(crate) async fn may_be_assigned(tx: &Tx, user_id: Uuid, deal_id: Uuid) -> Result<bool> {
    let row: Option<Assignable> = tx
        .first(
            "SELECT ctx.may_be_assigned($1, $2) AS may",
            [user_id.into(), deal_id.into()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.may))
}

#[derive(FromQueryResult)]
struct NameRow {
    name: String,
}

/// What a deal that the caller sees is called now. `NOT_FOUND` otherwise.
pub(crate) async fn name(tx: &Tx, deal_id: Uuid) -> Result<String> {
    let row: Option<NameRow> = tx
        .first(
            "SELECT d.name FROM ctx.deals d
              WHERE d.organization_id = $1 AND d.id = $2 AND d.status <> 'DELETED' AND ctx.sees_deal(d.id)",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    Ok(row.ok_or(Error::Rejected(Rejection::NotFound))?.name)
}

#[derive(FromQueryResult)]
struct Moving {
    due_dates_moving: bool,
}

/// Whether the deal was resumed with due dates that are still to move.
pub(crate) async fn due_dates_move(tx: &Tx, deal_id: Uuid) -> Result<bool> {
    let row: Option<Moving> = tx
        .first(
            "SELECT due_dates_moving FROM ctx.deals WHERE organization_id = $1 AND id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.due_dates_moving))
}

/// Records that they have moved, with this session's commit.
pub(crate) async fn due_dates_moved(tx: &Tx, deal_id: Uuid) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Moved {}
    let _: Option<Moved> = tx
        .first("SELECT ctx.due_dates_moved($1)", [deal_id.into()])
        .await?;
    Ok(())
}

/// A deal that the caller sees, without a lock: for reading. `NOT_FOUND` otherwise.
pub(crate) async fn see(tx: &Tx, deal_id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.status, d.created_by, d.time_zone FROM ctx.deals d
              WHERE d.organization_id = $1 AND d.id = $2 AND d.status <> 'DELETED' AND ctx.sees_deal(d.id)",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    of(row)
}

/// Lets this session see every task of a deal whose dates the caller may move, and move those that it otherwise does not
/// see: the dates follow from all of them. The database looks again whether the caller may.
pub(crate) async fn permit_dates(tx: &Tx, deal_id: Uuid) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Permitted {}
    let _: Option<Permitted> = tx
        .first("SELECT ctx.permit_dates($1)", [deal_id.into()])
        .await?;
    Ok(())
}
