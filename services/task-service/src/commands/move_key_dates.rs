//! Moving key dates: what was previewed, written in one transaction with one reason.

use domain::cascade::{Because, DateInputs, Follow, WorkingPlan};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{batch::Batch, making, write_dates};
use crate::{
    planning::{DateMove, Prepared, Purpose, prepare},
    repository::{key_dates::KeyDates, people},
    services::PlanInput,
};

/// The dates to set.
#[derive(Clone, Debug)]
pub(crate) struct MoveKeyDates {
    pub(crate) deal_id: Uuid,
    /// By key; `None` clears an anchor's date and lets a computed date follow its rule again.
    pub(crate) key_dates: DateInputs,
    pub(crate) reason: String,
    pub(crate) expected: ExpectedVersion,
}

/// Moves the dates. `input` is what deal-service says where there is no plan yet. Rejections: `NOT_FOUND`,
/// `FORBIDDEN`, `VERSION_MISMATCH`, `VERSION_CONFLICT`, `DEAL_STATUS_CONFLICT`, and of `keyDates.<key>`.
pub(crate) async fn run(
    tx: &mut Tx,
    command: &MoveKeyDates,
    input: Option<&PlanInput>,
) -> Result<KeyDates> {
    let dates = DateMove {
        deal_id: command.deal_id,
        key_dates: &command.key_dates,
    };
    let check = |version| command.expected.check(version);
    let mut prepared = prepare(tx, Purpose::Apply, dates, input, check).await?;
    write_dates::store_given(tx, &prepared.deal, &mut prepared.ground).await?;
    // Without a plan there are no tasks that could come or go.
    let making = if input.is_none() {
        let parties = people::parties(tx, command.deal_id).await?;
        Some(making::of_deal(tx, command.deal_id, &parties).await?)
    } else {
        None
    };
    let follow = making.as_ref().map_or(Follow::Dates, Follow::Template);
    let has_begun = prepared.has_begun();
    let Prepared {
        deal,
        ground,
        before,
    } = prepared;
    let because = Because {
        by: tx.actor().user_id,
        reason: &command.reason,
    };
    let working = WorkingPlan::new(ground.plan.clone(), deal.moment(tx.now()));
    let settled = working.settle(&before, follow, because, has_begun)?;
    let batch = Batch::new(command.deal_id, &deal.zone);
    let (key_dates, _) =
        write_dates::write(tx, &deal, &ground, settled, batch, &command.reason).await?;
    Ok(key_dates)
}
