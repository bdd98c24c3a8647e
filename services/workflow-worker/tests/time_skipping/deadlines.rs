//! Reminders, overdue, escalation, holds.

use serde_json::json;
use workflow_worker::workflows::DealLifecycle;

use crate::{
    support::{
        follow,
        stand_in::{task, task_id},
        with_workers,
    },
    world::{DEAL, World, count, kinds, signal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_reminded_of_twice_then_overdue_then_escalated_within_thirty_days() {
    let world = World::new().await;
    let due = world.date_in(10).await;
    world.services.answers().deal(
        DEAL,
        "PENDING",
        vec![task(0, Some(due.clone())), task(1, None)],
    );
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the plan", |p| {
                p.plan_state.as_deref() == Some("APPLIED")
            })
            .await;
        world.sleep_hours(6 * 24).await;
        assert_eq!(
            kinds(&world.services.answers()),
            [""; 0],
            "nothing four days before"
        );

        world.sleep_hours(2 * 24).await;
        assert_eq!(world.notices(1).await, ["TASK_DUE_SOON"]);
        world.sleep_hours(2 * 24).await;
        assert_eq!(world.notices(2).await, ["TASK_DUE_SOON"; 2]);
        world.sleep_hours(2 * 24).await;
        assert_eq!(world.notices(3).await[2], "TASK_OVERDUE");
        assert_eq!(
            world.services.answers().worklists[&DEAL]["tasks"][0]["status"],
            "OVERDUE"
        );
        world.sleep_hours(18 * 24).await;

        let answers = world.services.answers();
        assert_eq!(
            kinds(&answers),
            [
                "TASK_DUE_SOON",
                "TASK_DUE_SOON",
                "TASK_OVERDUE",
                "TASK_ESCALATED"
            ]
        );
        let told: Vec<_> = answers
            .notices
            .iter()
            .map(|n| n["audience"].clone())
            .collect();
        let assignee = json!({ "user": "00000000-0000-0000-0000-0000000000a0" });
        assert_eq!(
            told,
            [
                json!([assignee]),
                json!([assignee]),
                json!([assignee, "COORDINATORS"]),
                json!(["ADMINS"])
            ]
        );
        assert_eq!(
            answers.notices[0]["params"],
            json!({ "taskTitle": "Task 0", "dueDate": due, "dealName": "12 Elm Street" })
        );
        assert_eq!(count(&answers, "/overdue"), 1, "marked once");
        assert_eq!(
            count(&answers, "/internal/notifications"),
            4,
            "each asked for once"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_stops_the_timers_and_resuming_starts_them_again() {
    let world = World::new().await;
    let due = world.date_in(5).await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, Some(due))]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the first look", |p| p.deal_status.is_some())
            .await;
        world.services.answers().set_status(DEAL, "ON_HOLD");
        signal(&run, DealLifecycle::deal_held, 1).await;
        world
            .progress(&run, "the hold", |p| {
                p.deal_status.as_deref() == Some("ON_HOLD")
            })
            .await;
        world.sleep_hours(40 * 24).await;
        assert_eq!(kinds(&world.services.answers()), [""; 0]);
        assert_eq!(count(&world.services.answers(), "/overdue"), 0);

        let later = world.date_in(4).await;
        {
            let mut answers = world.services.answers();
            answers.set_status(DEAL, "ACTIVE");
            answers.set_task(task_id(0), "dueDate", later.into());
        }
        signal(&run, DealLifecycle::deal_resumed, 2).await;
        world
            .progress(&run, "the resumption", |p| {
                p.deal_status.as_deref() == Some("ACTIVE")
            })
            .await;
        world.sleep_hours(2 * 24).await;
        assert_eq!(world.notices(1).await, ["TASK_DUE_SOON"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_due_date_moves_the_reminders() {
    let world = World::new().await;
    let (soon, late) = (world.date_in(5).await, world.date_in(25).await);
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, Some(soon))]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        let before = world
            .progress(&run, "the first look", |p| p.next_wakeup_at.is_some())
            .await;
        assert_eq!(before.waiting_for, [task_id(0)]);
        world
            .services
            .answers()
            .set_task(task_id(0), "dueDate", late.into());
        signal(&run, DealLifecycle::deadlines_changed, 1).await;
        world
            .progress(&run, "the change", |p| p.changes_heard == 1)
            .await;
        world.sleep_hours(20 * 24).await;
        assert_eq!(
            kinds(&world.services.answers()),
            [""; 0],
            "not at the old date"
        );
        world.sleep_hours(3 * 24).await;
        assert_eq!(world.notices(1).await, ["TASK_DUE_SOON"]);
    })
    .await;
}
