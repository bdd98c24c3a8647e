//! Events of the other services → commands.
//!
//! Work of bounded size is done in the transaction that records the event. Work that grows with the number of tasks is
//! done in steps, each its own transaction, and the event is recorded after the last: after an interruption it
//! continues where it was.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use contracts::{
    event::{DealChange, Event, Head, PartyChange, UserChange},
    v1::{DealEvent, OrganizationEvent, PartyEvent},
};
use domain::party::PartyRole;
use platform::{
    db::{Inbox, Order, ServiceScope, Tx},
    error::{Error, Result},
    messaging::{self, Delivery, Outcome, topology},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    commands::{Progress, apply_plan, assign_role, leave_deal, revise_plan, shift_due_dates},
    config::Config,
    services::{PlanInput, Services},
};

/// How long an event's steps go on before events of others have their turn.
const TURN: Duration = Duration::from_millis(500);

/// Consumes until `stop` is cancelled.
pub(crate) async fn consume(config: Config, services: Services, stop: CancellationToken) {
    let subscription = topology::TASK_SERVICE;
    let inbox = Inbox::new(services.db.clone(), subscription.queue);
    // Boxed, so that the consumer's future does not contain the types of all commands.
    let handle = async |events: &[Delivery]| {
        let handling: Pin<Box<dyn Future<Output = Outcome> + '_>> =
            Box::pin(handle(&services, &inbox, events));
        handling.await
    };
    let (url, patience) = (config.amqp_url, config.common.event_patience);
    messaging::consume(
        url,
        subscription,
        patience,
        None,
        asks_for_something,
        handle,
        stop,
    )
    .await;
}

/// Handles events of one organization. Commands look at the present state, so the order in which events come does not
/// matter. Events that lead to a command are handled one at a time; the others are recorded together.
pub(crate) async fn handle(services: &Services, inbox: &Inbox, events: &[Delivery]) -> Outcome {
    let (asking, quiet): (Vec<&Delivery>, Vec<&Delivery>) = events
        .iter()
        .partition(|event| asks_for_something(&event.event));
    if let Err(error) = record(inbox, &quiet).await {
        return error.into();
    }
    for event in asking {
        match handle_one(services, inbox, event).await {
            Ok(Progress::Done) => {}
            Ok(Progress::More) => return Outcome::Unfinished,
            Err(error) => return error.into(),
        }
    }
    Outcome::Done
}

/// Records events that need nothing more.
async fn record(inbox: &Inbox, events: &[&Delivery]) -> Result<()> {
    inbox
        .apply(events, |_| Order::Any, async |_, _| Ok(()))
        .await
        .map(drop)
}

async fn handle_one(services: &Services, inbox: &Inbox, delivery: &Delivery) -> Result<Progress> {
    let Delivery { head, event, .. } = delivery;
    if take_steps(inbox, head, event).await? == Progress::More {
        return Ok(Progress::More);
    }
    let input = plan_input(services, head, event).await?;
    inbox
        .apply(
            &[delivery],
            |_| Order::Any,
            // Boxed: what follows is long, and the compiler limits how deep it may be.
            async |tx, _| Box::pin(take(tx, event, &input)).await,
        )
        .await?;
    Ok(Progress::Done)
}

/// Steps of what grows with the tasks there are, until the work or the turn is over.
async fn take_steps(inbox: &Inbox, head: &Head, event: &Event) -> Result<Progress> {
    let began = Instant::now();
    let scope = ServiceScope {
        organization_id: head.organization_id,
        on_behalf_of: Some(head.actor_user_id),
        cause_event_id: Some(head.id),
        request_id: Some(head.request_id.clone()),
        traceparent: head.traceparent.clone(),
    };
    loop {
        let step = inbox.db().service(&scope, async |tx| step(tx, event).await);
        match step.await? {
            Progress::Done => return Ok(Progress::Done),
            Progress::More if began.elapsed() < TURN => {}
            Progress::More => return Ok(Progress::More),
        }
    }
}

/// One step of what follows from an event.
async fn step(tx: &mut Tx, event: &Event) -> Result<Progress> {
    match event {
        Event::Party(change, party) => step_of_parts(tx, *change, party).await,
        Event::User(UserChange::Disabled | UserChange::Updated, user) => {
            leave_deal::step_of_user(tx, id(&user.user_id)?).await
        }
        Event::Organization(_, organization) if changes_grants(organization) => {
            leave_deal::step_of_organization(tx).await
        }
        _ => Ok(Progress::Done),
    }
}

/// Whether anything may follow from an event.
pub(crate) fn asks_for_something(event: &Event) -> bool {
    match event {
        Event::Deal(DealChange::Created, deal) => deal.template_key.is_none(),
        Event::Deal(DealChange::Resumed, deal) => deal.shift_due_dates == Some(true),
        Event::Deal(change, deal) => may_change_facts(*change, deal),
        Event::Party(..) => true,
        Event::User(change, _) => matches!(change, UserChange::Disabled | UserChange::Updated),
        Event::Organization(_, organization) => changes_grants(organization),
        Event::Task(..)
        | Event::Milestone(..)
        | Event::Plan(..)
        | Event::KeyDates(..)
        | Event::Comment(..)
        | Event::Notification(..)
        | Event::Unknown { .. } => false,
    }
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

/// What follows from an event at once; from most nothing does.
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
        _ => Ok(()),
    }
}

/// A user who left a part gives up the tasks that came with it; one who plays a part gets its unassigned tasks.
async fn step_of_parts(tx: &mut Tx, change: PartyChange, party: &PartyEvent) -> Result<Progress> {
    let deal_id = id(&party.deal_id)?;
    for user in [&party.previous_user_id, &party.user_id]
        .into_iter()
        .flatten()
    {
        if leave_deal::step(tx, deal_id, id(user)?).await? == Progress::More {
            return Ok(Progress::More);
        }
    }
    match (PartyRole::parse(&party.role), &party.user_id) {
        (Some(role), Some(user)) if change != PartyChange::Removed && !party.removed => {
            assign_role::step(tx, deal_id, role, id(user)?).await
        }
        _ => Ok(Progress::Done),
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
