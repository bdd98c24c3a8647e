//! A notification's way.

use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions};
use uuid::Uuid;
use workflow_worker::workflows::{
    NOTIFICATION_QUEUE, Notification,
    notification::{self, NotificationInput, NotificationOutcome},
};

use crate::{
    support::{ORGANIZATION, with_workers},
    world::{World, count},
};

/// The notification of every test.
const NOTIFICATION: Uuid = Uuid::from_u128(7);

/// Its workflow.
pub(crate) fn run(world: &World) -> WorkflowHandle<Client, Notification> {
    let id = notification::workflow_id(NOTIFICATION, 1);
    world.client.get_workflow_handle(id)
}

/// Starts it and waits for its end.
pub(crate) async fn delivered(world: &World) -> NotificationOutcome {
    let input = NotificationInput {
        notification_id: NOTIFICATION,
        organization_id: ORGANIZATION,
    };
    let id = notification::workflow_id(NOTIFICATION, 1);
    let run = world
        .client
        .start_workflow(
            Notification::run,
            input,
            WorkflowStartOptions::new(NOTIFICATION_QUEUE, id).build(),
        )
        .await
        .unwrap();
    let ended = run.get_result(WorkflowGetResultOptions::default());
    tokio::pin!(ended);
    // The clock goes on until the workflow ends, however far it ran ahead of an attempt.
    loop {
        tokio::select! {
            outcome = &mut ended => return outcome.unwrap(),
            () = world.sleep_hours(6) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_is_tried_until_the_mail_server_is_back() {
    let world = World::new().await;
    world.services.answers().delivery_failures = 20;
    with_workers(&world.client, &world.services, async {
        assert_eq!(delivered(&world).await.email_status, "SENT");
        assert_eq!(world.services.answers().delivered, ["SENT"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_that_is_refused_is_given_up_at_once() {
    let world = World::new().await;
    world.services.answers().delivery_refused = true;
    with_workers(&world.client, &world.services, async {
        assert_eq!(delivered(&world).await.email_status, "DEAD");
        let answers = world.services.answers();
        assert_eq!(
            (answers.delivered.as_slice(), count(&answers, "/deliver")),
            (&["DEAD".to_owned()][..], 1)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_that_fails_for_a_day_is_given_up() {
    let world = World::new().await;
    world.services.answers().delivery_failures = u32::MAX;
    with_workers(&world.client, &world.services, async {
        assert_eq!(delivered(&world).await.email_status, "DEAD");
        assert_eq!(world.services.answers().delivered, ["DEAD"]);
    })
    .await;
}
