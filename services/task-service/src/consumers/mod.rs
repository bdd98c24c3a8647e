//! Events of the other services → commands, in the transaction that records the event.

use contracts::{
    event::{DealChange, Event, Head, PartyChange, UserChange},
    v1::{DealEvent, OrganizationEvent, PartyEvent},
};
use domain::party::PartyRole;
use platform::{
    db::{Order, Tx},
    error::{Error, Result},
    messaging::{Delivery, Outcome, topology::TASK_SERVICE},
};
use uuid::Uuid;

use crate::{
    commands::{Progress, apply_plan, assign_role, leave_deal, revise_plan, shift_due_dates},
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
    let input = match plan_input(services, head, event).await {
        Ok(input) => input,
        Err(error) => return error.into(),
    };
    let applied = services
        .db
        .apply(
            TASK_SERVICE.queue,
            Order::Any,
            head,
            event,
            envelope,
            // Boxed: what follows is long, and the compiler limits how deep it may be.
            async |tx, _, event| Box::pin(take(tx, event, &input)).await,
        )
        .await;
    Outcome::from(applied.map(|_| ()))
}

/// A new deal without a template may bring dates all the same, and events do not carry facts. Asked before the
/// transaction.
async fn plan_input(services: &Services, head: &Head, event: &Event) -> Result<PlanInput> {
    let deal = match event {
        Event::Deal(DealChange::Created, deal) if deal.template_key.is_none() => deal,
        Event::Deal(change, deal) if may_change_facts(*change, deal) => deal,
        _ => return Ok(PlanInput::nothing()),
    };
    let asked = services.plan_input(
        head.organization_id,
        id(&deal.deal_id)?,
        Some(&head.request_id),
    );
    match asked.await {
        // The deal is gone already.
        Err(Error::Rejected(_)) => Ok(PlanInput::nothing()),
        asked => asked,
    }
}

/// What follows from an event; from most nothing does.
async fn take(tx: &mut Tx, event: &Event, input: &PlanInput) -> Result<()> {
    match event {
        // Without a template there is nothing to make but the dates that were given.
        Event::Deal(DealChange::Created, deal) if deal.template_key.is_none() => {
            match apply_plan::run(tx, id(&deal.deal_id)?, input).await {
                // The deal is gone or over already.
                Err(Error::Rejected(_)) => Ok(()),
                applied => applied.map(|_| ()),
            }
        }
        Event::Deal(change, deal) if may_change_facts(*change, deal) => {
            match revise_plan::run(tx, id(&deal.deal_id)?, input).await {
                // The deal is gone already.
                Err(Error::Rejected(_)) => Ok(()),
                revised => revised,
            }
        }
        Event::Deal(DealChange::Resumed, deal) if deal.shift_due_dates == Some(true) => {
            let days = deal.held_days.unwrap_or_default();
            match shift_due_dates::run(tx, id(&deal.deal_id)?, days).await {
                Err(Error::Rejected(_)) => Ok(()),
                shifted => shifted,
            }
        }
        Event::Party(change, party) => change_parts(tx, *change, party).await,
        Event::User(UserChange::Disabled | UserChange::Updated, user) => {
            let user_id = id(&user.user_id)?;
            while leave_deal::step_of_user(tx, user_id).await? == Progress::More {}
            Ok(())
        }
        Event::Organization(_, organization) if changes_grants(organization) => {
            while leave_deal::step_of_organization(tx).await? == Progress::More {}
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Who left a part gives up what came with it; who plays one gets what is nobody's.
async fn change_parts(tx: &mut Tx, change: PartyChange, party: &PartyEvent) -> Result<()> {
    let deal_id = id(&party.deal_id)?;
    for user in [&party.previous_user_id, &party.user_id]
        .into_iter()
        .flatten()
    {
        let user_id = id(user)?;
        while leave_deal::step(tx, deal_id, user_id).await? == Progress::More {}
    }
    match (PartyRole::parse(&party.role), &party.user_id) {
        (Some(role), Some(user)) if change != PartyChange::Removed && !party.removed => {
            assign_role::run(tx, deal_id, role, id(user)?).await
        }
        _ => Ok(()),
    }
}

/// Whether roles may do more or less than before.
fn changes_grants(organization: &OrganizationEvent) -> bool {
    organization
        .changed
        .iter()
        .any(|field| field == "roleGrants")
}

/// Whether the deal's facts may differ from those that its plan follows. What changed while the deal was over is
/// taken up when it is reopened.
fn may_change_facts(change: DealChange, deal: &DealEvent) -> bool {
    match change {
        DealChange::Updated => deal.changed.iter().any(|field| field == "facts"),
        DealChange::Reopened => true,
        DealChange::Created
        | DealChange::Activated
        | DealChange::Held
        | DealChange::Resumed
        | DealChange::Closed
        | DealChange::Cancelled
        | DealChange::Deleted => false,
    }
}

fn id(text: &str) -> Result<Uuid> {
    Ok(contracts::field::uuid("id", text).map_err(anyhow::Error::from)?)
}
