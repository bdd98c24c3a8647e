//! Feeds the read models from what task-service tells, and drops the cached summary of what changed.
//!
//! Each event takes effect once, in the order of its aggregate's versions.

use contracts::event::{Event, TaskChange};
use platform::{
    cache::Cache,
    db::{Applied, Db, Order, Tx},
    error::Result,
    messaging::{Delivery, Outcome, topology},
};
use uuid::Uuid;

use crate::{
    queries::get_summary,
    repository::{
        deals,
        views::{self, Presence},
    },
};

/// Handles one message: effect and inbox row in one transaction, then the cache.
pub(crate) async fn handle(db: &Db, cache: &Cache, delivery: &Delivery) -> Outcome {
    let Delivery {
        head,
        event,
        envelope,
    } = delivery;
    let deal_id = match event.deal_id().map(Uuid::try_parse) {
        None => None,
        Some(Ok(deal_id)) => Some(deal_id),
        Some(Err(error)) => return Outcome::Poison(format!("the deal's id is none: {error}")),
    };
    let applied = db
        .apply(
            topology::DEAL_SERVICE.queue,
            order(event),
            head,
            event,
            envelope,
            async |tx, _, event| apply(tx, event).await,
        )
        .await;
    if let (Ok(Applied::Done), Some(deal_id)) = (&applied, deal_id) {
        cache.delete(&[get_summary::staff_key(deal_id)]).await;
    }
    applied.map(|_| ()).into()
}

/// What is projected is applied version by version; of the rest only the news counts.
fn order(event: &Event) -> Order {
    match event {
        Event::Task(..) | Event::Milestone(..) | Event::Plan(..) | Event::KeyDates(..) => {
            Order::Gapless
        }
        Event::Comment(..)
        | Event::Deal(..)
        | Event::Party(..)
        | Event::User(..)
        | Event::Organization(..)
        | Event::Notification(..)
        | Event::Unknown { .. } => Order::Any,
    }
}

async fn apply(tx: &Tx, event: &Event) -> Result<()> {
    match event {
        Event::Task(change, task) => {
            let presence = if *change == TaskChange::Deleted {
                Presence::Deleted
            } else {
                Presence::Present
            };
            return views::put_task(tx, task, presence).await;
        }
        Event::Milestone(_, milestone) => views::put_milestone(tx, milestone).await?,
        Event::Plan(_, plan) => views::put_plan(tx, plan).await?,
        Event::KeyDates(_, key_dates) => views::put_key_dates(tx, key_dates).await?,
        Event::Comment(..) => {}
        // Deals and parties are this service's own: their commands did everything.
        Event::Deal(..)
        | Event::Party(..)
        | Event::User(..)
        | Event::Organization(..)
        | Event::Notification(..)
        | Event::Unknown { .. } => return Ok(()),
    }
    match event.deal_id().map(Uuid::try_parse) {
        Some(Ok(deal_id)) => deals::touch_summary(tx, deal_id).await,
        Some(Err(_)) | None => Ok(()),
    }
}
