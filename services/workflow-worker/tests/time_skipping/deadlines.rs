//! Reminders, overdue, escalation, holds.

use contracts::field::instant_text;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_waits_is_reminded_of_on_the_morning_after_it_is_free() {
    let world = World::new().await;
    let due = world.date_in(5).await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "APPLIED", vec![task(0, Some(due))]);
        answers.set_task(task_id(0), "status", "BLOCKED".into());
        answers.set_task(task_id(0), "isBlocked", true.into());
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the first look", |p| p.deal_status.is_some())
            .await;
        world.sleep_hours(2 * 24 + 18).await;
        assert_eq!(
            kinds(&world.services.answers()),
            [""; 0],
            "nobody can act on it"
        );

        let freed_at = world.now().await;
        let assignee = "00000000-0000-0000-0000-0000000000a0";
        {
            let mut answers = world.services.answers();
            answers.set_task(task_id(0), "status", "IN_PROGRESS".into());
            answers.set_task(task_id(0), "isBlocked", false.into());
            let handling = json!({
                "standsSince": instant_text(freed_at),
                "assignedAt": "2020-01-01T00:00:00.000Z", "assignedBy": assignee, "previousAssigneeId": null,
                "unlockedAt": instant_text(freed_at), "unlockedBy": "00000000-0000-0000-0000-0000000000a1",
            });
            answers.set_task(task_id(0), "handling", handling);
        }
        signal(&run, DealLifecycle::task_completed, 1).await;
        assert_eq!(world.notices(1).await, ["TASK_UNLOCKED"]);
        let next = world
            .progress(&run, "the next morning", |p| {
                p.next_wakeup_at.is_some_and(|at| at > freed_at)
            })
            .await;
        let wakeup = next.next_wakeup_at.unwrap();
        let zone = domain::zone::Zone::parse("America/New_York").unwrap();
        let nine = domain::reminders::REMIND_AT;
        assert_eq!(zone.at(zone.local_date(wakeup), nine).unwrap(), wakeup);
        world.sleep_hours(24).await;
        let told = world.notices(2).await;
        assert_eq!(told[1], "TASK_DUE_SOON", "{told:?}");
    })
    .await;
}
