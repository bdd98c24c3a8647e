//! Feeds the read models from what task-service emits, and drops the cached summary of what changed.
//!
//! Each event takes effect once, in the order of its aggregate's versions. Events carry their aggregate as a whole,
//! so of several in one batch the last is written.

use std::collections::BTreeSet;

use contracts::event::Event;
use platform::{
    cache::Cache,
    db::{Inbox, Order, Tx},
    error::Result,
    messaging::{Delivery, Outcome},
};
use uuid::Uuid;

use crate::{
    queries::get_summary,
    repository::{deals, projection::Projection},
};

/// Handles events of one organization: effect and inbox rows in one transaction, then the cache.
pub(crate) async fn handle(inbox: &Inbox, cache: &Cache, events: &[Delivery]) -> Outcome {
    for event in events {
        if let Some(Err(error)) = event.event.deal_id().map(Uuid::try_parse) {
            return Outcome::Poison(format!("invalid deal id: {error}"));
        }
    }
    let events: Vec<&Delivery> = events.iter().collect();
    let applied = inbox.apply(&events, order, async |tx, fresh| project(tx, fresh).await);
    match applied.await {
        Ok(fresh) => {
            let stale = deals_of(&fresh).into_iter().map(get_summary::staff_key);
            cache.delete(&stale.collect::<Vec<_>>()).await;
            Outcome::Done
        }
        Err(error) => error.into(),
    }
}

/// Projected aggregates are applied version by version; other events are only recorded as seen, or drop cached
/// summaries.
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

/// Deals first: a rebuild of the read models locks in this order as well.
async fn project(tx: &Tx, events: &[&Delivery]) -> Result<()> {
    let shown = events.iter().filter(|event| changes_summary(&event.event));
    let shown: Vec<&Delivery> = shown.copied().collect();
    deals::touch_summaries(tx, deals_of(&shown)).await?;
    let mut projection = Projection::default();
    for event in shown {
        projection.add(&event.event);
    }
    projection.write(tx).await
}

/// Deals and parties are this service's own: their commands did everything.
fn changes_summary(event: &Event) -> bool {
    match event {
        Event::Task(..)
        | Event::Milestone(..)
        | Event::Plan(..)
        | Event::KeyDates(..)
        | Event::Comment(..) => true,
        Event::Deal(..)
        | Event::Party(..)
        | Event::User(..)
        | Event::Organization(..)
        | Event::Notification(..)
        | Event::Unknown { .. } => false,
    }
}

/// The deals that the events are about, in id order.
fn deals_of(events: &[&Delivery]) -> Vec<Uuid> {
    let ids = events.iter().filter_map(|event| event.event.deal_id());
    let ids: BTreeSet<Uuid> = ids.filter_map(|id| Uuid::try_parse(id).ok()).collect();
    ids.into_iter().collect()
}
