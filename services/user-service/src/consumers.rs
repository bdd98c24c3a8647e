//! Events that this service consumes: its own, of users and organizations, to drop their cache entries a second time.
//! The first time is right after the commit; a process that died in between did not.

use contracts::event::Event;
use platform::{
    db::{Inbox, Order, ServiceScope},
    error::Result,
    messaging::{self, Delivery, Outcome, topology::USER_SERVICE},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    config::Config,
    repository::{sessions, users},
    services::Services,
};

/// Consumes until `stop` is cancelled.
pub(crate) async fn consume(config: Config, services: Services, stop: CancellationToken) {
    let inbox = Inbox::new(services.db.clone(), USER_SERVICE.queue);
    messaging::consume(
        config.amqp_url,
        USER_SERVICE,
        config.common.event_patience,
        None,
        |_| false,
        async |events: &[Delivery]| handle(&services, &inbox, events).await,
        stop,
    )
    .await;
}

/// Handles events of one organization.
async fn handle(services: &Services, inbox: &Inbox, events: &[Delivery]) -> Outcome {
    for event in events {
        if let Err(error) = drop_caches(services, event).await {
            return error.into();
        }
    }
    let events: Vec<&Delivery> = events.iter().collect();
    let recorded = inbox.apply(&events, |_| Order::Any, async |_, _| Ok(()));
    recorded.await.map(drop).into()
}

/// Dropping does no harm twice, so it needs no inbox.
async fn drop_caches(services: &Services, delivery: &Delivery) -> Result<()> {
    let Delivery { head, event, .. } = delivery;
    let scope = ServiceScope {
        organization_id: head.organization_id,
        ..ServiceScope::default()
    };
    match event {
        Event::User(..) => {
            let user_id = head.subject;
            let stale = services
                .db
                .service(&scope, async |tx| sessions::recent_of(tx, user_id).await)
                .await?;
            services.cache.drop_sessions(&stale).await;
            services.cache.drop_profiles(&[user_id]).await;
        }
        Event::Organization(..) => {
            let (stale, members): (Vec<Uuid>, Vec<Uuid>) = services
                .db
                .service(&scope, async |tx| {
                    Ok((
                        sessions::running_of_all(tx).await?,
                        users::active_ids(tx).await?,
                    ))
                })
                .await?;
            services.cache.drop_sessions(&stale).await;
            services.cache.drop_profiles(&members).await;
        }
        Event::Deal(..)
        | Event::Party(..)
        | Event::Task(..)
        | Event::Milestone(..)
        | Event::Plan(..)
        | Event::KeyDates(..)
        | Event::Comment(..)
        | Event::Notification(..)
        | Event::Unknown { .. } => {}
    }
    Ok(())
}
