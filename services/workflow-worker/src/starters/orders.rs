//! What an event asks of Temporal: a pure reading of the event.

use contracts::{
    event::{DealChange, Event, Head, KeyDatesChange, NotificationChange, PlanChange, TaskChange},
    field::{self, Malformed},
    v1::{DealEvent, TaskEvent},
};
use domain::deal::DealStatus;
use uuid::Uuid;

use crate::workflows::{
    deal_lifecycle::{DealChanged, DealInput},
    notification::NotificationInput,
};

/// Fields of a deal on which its plan and dates depend.
const PLANNED_BY: [&str; 3] = ["facts", "keyDates", "timeZone"];

/// Fields of a task on which its dates, its milestone and its notices depend.
const DECIDED_BY: [&str; 7] = [
    "title",
    "dueDate",
    "dueTime",
    "followUpOn",
    "chasedBy",
    "milestoneId",
    "dependsOn",
];

/// What is to be done about an event.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Nothing.
    Ignore,
    /// Follow a deal that has begun.
    Follow(DealInput),
    /// Follow a deal that goes on, and signal a run that may still exist.
    FollowAgain(DealInput, DealChanged),
    /// Signal a running deal of a change.
    Tell(Uuid, Signal, DealChanged),
    /// Deliver a notification, as of this version of it.
    Deliver(NotificationInput, u64),
}

/// The signals of a deal's workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    TaskCompleted,
    TaskWaived,
    TaskReopened,
    DeadlinesChanged,
    DealHeld,
    DealResumed,
    DealClosed,
    DealCancelled,
}

/// Reads an event.
pub(super) fn order(head: &Head, event: &Event) -> Result<Order, Malformed> {
    match event {
        Event::Deal(change, deal) => deal_order(head, *change, deal),
        Event::Task(change, task) => task_order(head, *change, task),
        Event::KeyDates(KeyDatesChange::Changed, dates) => {
            tell(head, &dates.deal_id, Signal::DeadlinesChanged, None)
        }
        Event::Notification(
            NotificationChange::Created | NotificationChange::Requeued,
            notification,
        ) => {
            let input = NotificationInput {
                notification_id: field::uuid("notificationId", &notification.notification_id)?,
                organization_id: head.organization_id,
            };
            Ok(Order::Deliver(input, head.sequence))
        }
        // New facts added tasks of the template, or removed some.
        Event::Plan(PlanChange::Revised, plan) => {
            tell(head, &plan.deal_id, Signal::DeadlinesChanged, None)
        }
        Event::Party(..)
        | Event::Milestone(..)
        | Event::Plan(PlanChange::Applied, _)
        | Event::Comment(..)
        | Event::User(..)
        | Event::Organization(..)
        | Event::Unknown { .. } => Ok(Order::Ignore),
    }
}

fn deal_order(head: &Head, change: DealChange, deal: &DealEvent) -> Result<Order, Malformed> {
    let signal = match change {
        DealChange::Activated => return Ok(Order::Follow(input(head, deal)?)),
        // A draft that was cancelled is a draft again: its run begins with its activation.
        DealChange::Reopened if deal.status == DealStatus::Draft.as_str() => {
            return Ok(Order::Ignore);
        }
        DealChange::Reopened => {
            return Ok(Order::FollowAgain(
                input(head, deal)?,
                DealChanged {
                    event_id: head.id,
                    task_id: None,
                },
            ));
        }
        DealChange::Held => Signal::DealHeld,
        DealChange::Resumed => Signal::DealResumed,
        DealChange::Closed => Signal::DealClosed,
        DealChange::Cancelled => Signal::DealCancelled,
        DealChange::Updated if names_any(&deal.changed, &PLANNED_BY) => Signal::DeadlinesChanged,
        DealChange::Created | DealChange::Updated | DealChange::Deleted => {
            return Ok(Order::Ignore);
        }
    };
    tell(head, &deal.deal_id, signal, None)
}

fn task_order(head: &Head, change: TaskChange, task: &TaskEvent) -> Result<Order, Malformed> {
    let signal = match change {
        TaskChange::Completed => Signal::TaskCompleted,
        TaskChange::Waived => Signal::TaskWaived,
        TaskChange::Reopened => Signal::TaskReopened,
        // The workflow itself has a template's tasks made, and reads them afterwards.
        TaskChange::Created if task.key.is_some() => return Ok(Order::Ignore),
        TaskChange::Created | TaskChange::Deleted => Signal::DeadlinesChanged,
        // A task that is freed or blocked because another task was done or reopened needs no signal: that task's event
        // gives one. A signal is needed only if somebody changed what it waits for.
        TaskChange::Updated | TaskChange::Chased | TaskChange::Unlocked | TaskChange::Blocked
            if names_any(&task.changed, &DECIDED_BY) =>
        {
            Signal::DeadlinesChanged
        }
        // Nobody gets a notice of a task that they took themselves.
        TaskChange::Assigned if !is_taken_by(head, task) => Signal::DeadlinesChanged,
        // It changes nothing that the workflow waits for, or the workflow did it itself.
        TaskChange::Updated
        | TaskChange::Chased
        | TaskChange::Unlocked
        | TaskChange::Blocked
        | TaskChange::Assigned
        | TaskChange::Started
        | TaskChange::Overdue => return Ok(Order::Ignore),
    };
    tell(head, &task.deal_id, signal, Some(&task.task_id))
}

/// Whether the actor assigned the task to themselves.
fn is_taken_by(head: &Head, task: &TaskEvent) -> bool {
    let assignee = task.assignee_id.as_deref().map(Uuid::try_parse);
    assignee == Some(Ok(head.actor_user_id))
}

fn names_any(changed: &[String], wanted: &[&str]) -> bool {
    changed.iter().any(|name| wanted.contains(&name.as_str()))
}

fn input(head: &Head, deal: &DealEvent) -> Result<DealInput, Malformed> {
    Ok(DealInput {
        deal_id: field::uuid("dealId", &deal.deal_id)?,
        organization_id: head.organization_id,
        // Events carry no names; the worklist says what the deal is called.
        deal_name: None,
        template_key: deal.template_key.clone(),
        carried: None,
    })
}

fn tell(
    head: &Head,
    deal_id: &str,
    signal: Signal,
    task_id: Option<&str>,
) -> Result<Order, Malformed> {
    let change = DealChanged {
        event_id: head.id,
        task_id: field::optional_uuid("taskId", task_id)?,
    };
    Ok(Order::Tell(field::uuid("dealId", deal_id)?, signal, change))
}

#[cfg(test)]
mod tests {
    use platform::messaging::topology;
    use time::OffsetDateTime;

    use super::*;

    const DEAL: &str = "0190a5c0-7b7e-7cc0-8000-0000000000d1";
    const TASK: &str = "0190a5c0-7b7e-7cc0-8000-0000000000a1";

    fn head() -> Head {
        Head {
            id: Uuid::from_u128(1),
            source: "task-service".to_owned(),
            subject: Uuid::from_u128(2),
            time: OffsetDateTime::UNIX_EPOCH,
            organization_id: Uuid::from_u128(3),
            actor_user_id: Uuid::from_u128(4),
            request_id: "request-1".to_owned(),
            sequence: 1,
            traceparent: None,
            cause_event_id: None,
        }
    }

    fn deal(changed: &[&str]) -> DealEvent {
        DealEvent {
            deal_id: DEAL.to_owned(),
            changed: changed.iter().map(|name| (*name).to_owned()).collect(),
            ..DealEvent::default()
        }
    }

    fn task(key: Option<&str>) -> TaskEvent {
        TaskEvent {
            task_id: TASK.to_owned(),
            deal_id: DEAL.to_owned(),
            key: key.map(str::to_owned),
            ..TaskEvent::default()
        }
    }

    fn signal_of(event: &Event) -> Option<Signal> {
        match order(&head(), event).unwrap() {
            Order::Tell(_, signal, change) => {
                assert_eq!(change.event_id, head().id);
                Some(signal)
            }
            _ => None,
        }
    }

    #[test]
    fn only_activation_and_reopening_start_a_run() {
        for change in DealChange::ALL.iter().copied() {
            let starts = matches!(
                order(&head(), &Event::Deal(change, deal(&["status"]))).unwrap(),
                Order::Follow(_) | Order::FollowAgain(..)
            );
            let expected = matches!(change, DealChange::Activated | DealChange::Reopened);
            assert_eq!(starts, expected, "{}", change.routing_key());
        }
    }

    #[test]
    fn a_reopened_draft_starts_no_run() {
        let draft = DealEvent {
            status: DealStatus::Draft.to_string(),
            ..deal(&["status"])
        };
        let order = order(&head(), &Event::Deal(DealChange::Reopened, draft)).unwrap();
        assert!(matches!(order, Order::Ignore), "{order:?}");
    }

    #[test]
    fn a_deal_is_told_of_what_its_plan_depends_on() {
        let cases = [
            (DealChange::Held, &[][..], Some(Signal::DealHeld), "held"),
            (
                DealChange::Resumed,
                &[],
                Some(Signal::DealResumed),
                "resumed",
            ),
            (DealChange::Closed, &[], Some(Signal::DealClosed), "closed"),
            (
                DealChange::Cancelled,
                &[],
                Some(Signal::DealCancelled),
                "cancelled",
            ),
            (DealChange::Updated, &["name"], None, "a name moves no date"),
            (
                DealChange::Updated,
                &["name", "facts"],
                Some(Signal::DeadlinesChanged),
                "facts may",
            ),
            (DealChange::Deleted, &[], None, "only drafts are deleted"),
        ];
        for (change, changed, expected, reason) in cases {
            assert_eq!(
                signal_of(&Event::Deal(change, deal(changed))),
                expected,
                "{reason}"
            );
        }
    }

    #[test]
    fn a_deal_is_told_of_its_tasks() {
        let cases = [
            (
                TaskChange::Completed,
                Some("k"),
                Some(Signal::TaskCompleted),
                "completed",
            ),
            (
                TaskChange::Waived,
                Some("k"),
                Some(Signal::TaskWaived),
                "waived",
            ),
            (
                TaskChange::Reopened,
                Some("k"),
                Some(Signal::TaskReopened),
                "reopened",
            ),
            (
                TaskChange::Created,
                Some("k"),
                None,
                "the plan is made by the workflow",
            ),
            (
                TaskChange::Created,
                None,
                Some(Signal::DeadlinesChanged),
                "added by hand",
            ),
            (
                TaskChange::Assigned,
                Some("k"),
                Some(Signal::DeadlinesChanged),
                "the assignee gets a notice of it",
            ),
            (TaskChange::Unlocked, Some("k"), None, "its cause signals"),
            (TaskChange::Started, Some("k"), None, "nothing waits for it"),
            (TaskChange::Overdue, Some("k"), None, "the workflow did it"),
        ];
        for (change, key, expected, reason) in cases {
            assert_eq!(
                signal_of(&Event::Task(change, task(key))),
                expected,
                "{reason}"
            );
        }
    }

    #[test]
    fn a_deal_is_told_of_a_task_whose_fields_it_reckons_with() {
        let cases = [
            (TaskChange::Updated, "dueDate", true, "a deadline moved"),
            (TaskChange::Updated, "note", false, "a note decides nothing"),
            (
                TaskChange::Unlocked,
                "dependsOn",
                true,
                "a dependency was removed, and there is no other event of it",
            ),
            (TaskChange::Unlocked, "status", false, "its cause signals"),
            (
                TaskChange::Blocked,
                "dependsOn",
                true,
                "a dependency was added",
            ),
        ];
        for (change, field, expected, reason) in cases {
            let event = TaskEvent {
                changed: vec![field.to_owned()],
                ..task(Some("k"))
            };
            let signal = signal_of(&Event::Task(change, event));
            assert_eq!(
                signal,
                expected.then_some(Signal::DeadlinesChanged),
                "{reason}"
            );
        }
    }

    #[test]
    fn whoever_takes_a_task_is_not_told_of_it() {
        let by = |user: Uuid| TaskEvent {
            assignee_id: Some(user.to_string()),
            ..task(Some("k"))
        };
        let signal = |task| signal_of(&Event::Task(TaskChange::Assigned, task));
        assert_eq!(signal(by(head().actor_user_id)), None);
        assert_eq!(
            signal(by(Uuid::from_u128(9))),
            Some(Signal::DeadlinesChanged)
        );
    }

    #[test]
    fn every_task_event_that_asks_for_something_is_bound() {
        let everything: Vec<String> = DECIDED_BY.map(str::to_owned).to_vec();
        for change in TaskChange::ALL.iter().copied() {
            let event = TaskEvent {
                changed: everything.clone(),
                ..task(None)
            };
            let asks = signal_of(&Event::Task(change, event)).is_some();
            let key = change.routing_key();
            let bound = topology::WORKFLOW_WORKER.bindings.contains(&key);
            assert_eq!(asks, bound, "{key}");
        }
    }

    #[test]
    fn a_type_from_a_newer_service_is_left_alone() {
        let event = Event::Unknown {
            event_type: "deals.deal.archived".to_owned(),
            dataschema: String::new(),
            data: Vec::new(),
        };
        assert!(matches!(order(&head(), &event), Ok(Order::Ignore)));
    }

    #[test]
    fn an_event_without_a_deal_is_malformed() {
        let event = Event::Deal(DealChange::Held, DealEvent::default());
        assert_eq!(order(&head(), &event).unwrap_err().field, "dealId");
    }
}
