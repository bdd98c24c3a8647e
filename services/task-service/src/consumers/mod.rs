//! Events of the other services → commands, in the transaction that records the event.

use contracts::event::{DealChange, Event, Head, PartyChange, UserChange};
use domain::party::PartyRole;
use platform::{
    db::{Order, Tx},
    error::Result,
    messaging::{Delivery, Outcome, topology::TASK_SERVICE},
};
use uuid::Uuid;

use crate::{
    commands::{apply_plan, assign_role, release_user, shift_due_dates},
    services::{PlanInput, Services},
};

/// Handles one event. Each leads to a command that looks at the present state, so the order in which they
/// come does not matter.
pub(crate) async fn handle(services: &Services, delivery: &Delivery) -> Outcome {
    let Delivery {
        head,
        event,
        envelope,
    } = delivery;
    let applied = services
        .db
        .apply(TASK_SERVICE.queue, Order::Any, head, event, envelope, take)
        .await;
    Outcome::from(applied.map(|_| ()))
}

/// What follows from an event; from most nothing does.
async fn take(tx: &mut Tx, _head: &Head, event: &Event) -> Result<()> {
    match event {
        // Without a template there is nothing to make, and nobody has to be asked.
        Event::Deal(DealChange::Created, deal) if deal.template_key.is_none() => {
            let nothing = PlanInput::nothing();
            match apply_plan::run(tx, id(&deal.deal_id)?, &nothing).await {
                // The deal is gone or over already.
                Err(platform::error::Error::Rejected(_)) => Ok(()),
                applied => applied.map(|_| ()),
            }
        }
        Event::Deal(DealChange::Resumed, deal) if deal.shift_due_dates == Some(true) => {
            let days = deal.held_days.unwrap_or_default();
            match shift_due_dates::run(tx, id(&deal.deal_id)?, days).await {
                Err(platform::error::Error::Rejected(_)) => Ok(()),
                shifted => shifted,
            }
        }
        Event::Party(PartyChange::Added | PartyChange::Updated, party) if !party.removed => {
            let role = PartyRole::parse(&party.role);
            match (role, &party.user_id) {
                (Some(role), Some(user)) => {
                    assign_role::run(tx, id(&party.deal_id)?, role, id(user)?).await
                }
                _ => Ok(()),
            }
        }
        Event::User(UserChange::Disabled, user) => release_user::run(tx, id(&user.user_id)?).await,
        _ => Ok(()),
    }
}

fn id(text: &str) -> Result<Uuid> {
    Ok(contracts::field::uuid("id", text).map_err(anyhow::Error::from)?)
}
