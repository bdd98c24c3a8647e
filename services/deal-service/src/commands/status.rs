//! What all status steps have in common: save the new state and emit its event.

use contracts::event::DealChange;
use domain::deal::{DealEvent, DealTransition};
use platform::{db::Tx, error::Result};

use crate::{
    history::{self, DealTold, Shift},
    repository::deals::{self, Deal, SeenDeal},
};

/// Takes a locked deal one step further. `shift` is what resuming does about the days held.
pub(super) async fn take(
    tx: &mut Tx,
    seen: SeenDeal,
    step: DealTransition,
    shift: Option<Shift>,
) -> Result<SeenDeal> {
    let before = seen.deal;
    let after = Deal {
        status: step.to,
        status_reason: step.reason,
        held_since: (step.event == DealEvent::Held).then(|| tx.now()),
        cancelled_from: (step.event == DealEvent::Cancelled).then_some(step.from),
        version: before.version + 1,
        ..before.clone()
    };
    deals::update(tx, &after).await?;
    let told = DealTold {
        changed: vec!["status".to_owned()],
        shift,
    };
    tx.emit(history::deal_changed(
        change(step.event),
        &before,
        &after,
        told,
    ));
    Ok(SeenDeal {
        deal: after,
        ..seen
    })
}

fn change(event: DealEvent) -> DealChange {
    match event {
        DealEvent::Created => DealChange::Created,
        DealEvent::Updated => DealChange::Updated,
        DealEvent::Activated => DealChange::Activated,
        DealEvent::Held => DealChange::Held,
        DealEvent::Resumed => DealChange::Resumed,
        DealEvent::Closed => DealChange::Closed,
        DealEvent::Cancelled => DealChange::Cancelled,
        DealEvent::Reopened => DealChange::Reopened,
        DealEvent::Deleted => DealChange::Deleted,
    }
}
