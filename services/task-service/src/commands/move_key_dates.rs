//! Moving key dates: what was previewed, written in one transaction with one reason.

use domain::cascade::revise;
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{apply_dates, change_scope::Scope, require_steering};
use crate::{
    planning::{DateInputs, Ground},
    repository::{deals, key_dates::KeyDates, people},
    services::PlanInput,
};

/// The dates to set.
#[derive(Clone, Debug)]
pub(crate) struct MoveKeyDates {
    pub(crate) deal_id: Uuid,
    /// By key; `None` takes an anchor's date away and lets a computed date follow its rule again.
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
    let deal = deals::lock_exclusively(tx, command.deal_id).await?;
    require_steering(tx, &deal)?;
    deals::permit_dates(tx, command.deal_id).await?;
    let mut ground = Ground::lock(tx, command.deal_id, &deal.zone, input).await?;
    ground.require_known_dates(&command.key_dates)?;
    ground.require_kept_dates(&deal, &command.key_dates)?;
    command.expected.check(ground.key_dates.version)?;
    deal.status.require_open()?;
    apply_dates::store_given(tx, &deal, &mut ground).await?;
    ground.use_present_holidays(tx).await?;
    let by_hand = command.key_dates.iter().filter(|(_, date)| date.is_some());
    ground.moved = by_hand.map(|(key, _)| key.clone()).collect();
    let planned = ground.compute_with(&deal.zone, &command.key_dates);
    let revision = revise(&ground.compute(&deal.zone), &planned);
    // Without a plan there are no tasks that could come or go.
    if revision.is_empty() || input.is_some() {
        return apply_dates::run(tx, &deal, &ground, &planned, &command.reason).await;
    }
    let parties = people::parties(tx, command.deal_id).await?;
    let scope = Scope {
        deal: &deal,
        deal_id: command.deal_id,
        key_dates: &command.key_dates,
        parties: &parties,
        reason: &command.reason,
    };
    Box::pin(scope.follow(tx, &ground, &revision)).await?;
    let (ground, planned) = scope.count(tx).await?;
    apply_dates::run(tx, &deal, &ground, &planned, &command.reason).await
}
