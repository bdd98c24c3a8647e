//! What worklists ask for.

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;

const DAY_BEFORE: OffsetDateTime = datetime!(2026-06-09 14:00 UTC);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn deal() -> Deal {
    Deal {
        id: id(1),
        name: Some("12 Elm Street".to_owned()),
    }
}

fn task(number: u128, status: &str) -> Value {
    json!({
        "id": id(number), "title": format!("Task {number}"), "milestoneId": id(100), "status": status,
        "dueDate": "2026-06-10", "dueAt": "2026-06-11T04:00:00.000Z", "assigneeId": id(200),
        "isOverdue": status == "OVERDUE", "isBlocked": status == "BLOCKED", "required": true
    })
}

fn agenda(status: &str, tasks: &[Value], now: OffsetDateTime) -> Agenda {
    let worklist = json!({
        "dealStatus": status, "planState": "APPLIED", "timeZone": "America/New_York",
        "milestones": [
            { "id": id(101), "key": "closing", "title": "Closing", "position": 2, "completed": false },
            { "id": id(100), "key": "contract", "title": "Contract", "position": 1, "completed": true, "version": 1 },
        ],
        "tasks": tasks
    });
    of(&deal(), &serde_json::from_value(worklist).unwrap(), now).unwrap()
}

fn kinds(agenda: &Agenda) -> Vec<NoticeKind> {
    agenda.steps.iter().map(|step| step.notice.kind).collect()
}

#[test]
fn the_assignee_is_reminded_and_without_one_the_coordinators() {
    let mut unassigned = task(2, "PENDING");
    unassigned["assigneeId"] = Value::Null;
    let agenda = agenda("ACTIVE", &[task(1, "IN_PROGRESS"), unassigned], DAY_BEFORE);
    let audiences: Vec<_> = agenda
        .steps
        .iter()
        .map(|step| step.notice.audience.clone())
        .collect();
    assert_eq!(
        audiences,
        [vec![Audience::User(id(200))], vec![Audience::Coordinators]]
    );
    assert_eq!(
        agenda.steps[0].notice.params.due_date.as_deref(),
        Some("2026-06-10")
    );
    assert_eq!(agenda.next_wakeup_at, Some(datetime!(2026-06-11 04:00 UTC)));
}

#[test]
fn whoever_chases_a_task_is_reminded_with_its_owner_or_alone() {
    let chased = |assignee: Value| {
        let mut task = task(1, "IN_PROGRESS");
        task["assigneeId"] = assignee;
        task["chasedBy"] = "transaction_coordinator".into();
        task
    };
    let part = Audience::Part("transaction_coordinator".to_owned());
    let cases = [
        (json!(id(200)), vec![Audience::User(id(200)), part.clone()]),
        (Value::Null, vec![part.clone()]),
    ];
    for (assignee, audience) in cases {
        let agenda = agenda("ACTIVE", &[chased(assignee)], DAY_BEFORE);
        assert_eq!(agenda.steps[0].notice.audience, audience);
    }
    let late = agenda(
        "ACTIVE",
        &[chased(Value::Null)],
        datetime!(2026-06-11 04:00 UTC),
    );
    assert_eq!(
        late.steps[0].notice.audience,
        [Audience::Coordinators, part]
    );
}

#[test]
fn who_follows_a_task_up_is_reminded_on_the_day_that_was_set() {
    let morning = datetime!(2026-05-20 13:00 UTC);
    let followed = |chased_by: Value| {
        let mut task = task(1, "IN_PROGRESS");
        task["chasedBy"] = chased_by;
        task["followUpOn"] = "2026-05-20".into();
        task
    };
    let part = Audience::Part("buyer_agent".to_owned());
    for (chased_by, audience) in [
        (json!("buyer_agent"), part),
        (Value::Null, Audience::Coordinators),
    ] {
        let early = agenda(
            "ACTIVE",
            &[followed(chased_by.clone())],
            morning - time::Duration::MINUTE,
        );
        assert_eq!(kinds(&early), []);
        assert_eq!(early.next_wakeup_at, Some(morning));
        let agenda = agenda("ACTIVE", &[followed(chased_by)], morning);
        assert_eq!(kinds(&agenda), [NoticeKind::TaskFollowUp]);
        assert_eq!(agenda.steps[0].notice.audience, [audience]);
        // The reminder three days before the due date is next.
        assert_eq!(agenda.next_wakeup_at, Some(datetime!(2026-06-07 13:00 UTC)));
    }
    let mut over = task(1, "COMPLETED");
    over["followUpOn"] = "2026-05-20".into();
    let over = agenda("ACTIVE", &[over, task(2, "IN_PROGRESS")], morning);
    assert_eq!(kinds(&over), []);
}

#[test]
fn a_milestone_is_told_of_with_the_words_for_clients_beside() {
    let worklist = json!({
        "dealStatus": "ACTIVE", "planState": "APPLIED", "timeZone": "America/New_York",
        "milestones": [{
            "id": id(100), "key": "file_opened", "title": "File opened", "buyerTitle": "Offer accepted",
            "position": 1, "completed": true, "version": 1
        }],
        "tasks": [task(1, "COMPLETED")]
    });
    let worklist = serde_json::from_value(worklist).unwrap();
    let agenda = of(&deal(), &worklist, DAY_BEFORE).unwrap();
    let params = &agenda.steps[0].notice.params;
    assert_eq!(params.milestone_title.as_deref(), Some("File opened"));
    assert_eq!(
        params.milestone_buyer_title.as_deref(),
        Some("Offer accepted")
    );
}

#[test]
fn an_overdue_task_is_marked_and_told_of_then_escalated() {
    let passed = agenda(
        "ACTIVE",
        &[task(1, "BLOCKED")],
        datetime!(2026-06-11 04:00 UTC),
    );
    assert_eq!(kinds(&passed), [NoticeKind::TaskOverdue]);
    assert_eq!(
        passed.steps[0].action,
        Action::MarkOverdue { task_id: id(1) }
    );
    assert_eq!(
        passed.steps[0].notice.audience,
        [Audience::User(id(200)), Audience::Coordinators]
    );
    let late = agenda(
        "ACTIVE",
        &[task(1, "OVERDUE")],
        datetime!(2026-06-14 04:00 UTC),
    );
    assert_eq!(
        kinds(&late),
        [NoticeKind::TaskOverdue, NoticeKind::TaskEscalated]
    );
    assert_eq!(
        late.steps[0].key, passed.steps[0].key,
        "sent once, it is the same occasion later"
    );
    assert_eq!(late.next_wakeup_at, None);
}

#[test]
fn a_time_of_day_makes_a_task_overdue_on_its_day() {
    let mut early = task(1, "PENDING");
    early["dueTime"] = "17:00:00.0".into();
    let agenda = agenda("ACTIVE", &[early], datetime!(2026-06-10 21:00 UTC));
    assert_eq!(kinds(&agenda), [NoticeKind::TaskOverdue]);
}

#[test]
fn on_hold_and_after_the_end_nothing_is_asked_for() {
    let late = datetime!(2026-08-01 00:00 UTC);
    for (status, standing) in [
        ("ON_HOLD", Standing::Paused),
        ("CLOSED", Standing::Ended),
        ("CANCELLED", Standing::Ended),
    ] {
        let agenda = agenda(status, &[task(1, "PENDING"), task(2, "COMPLETED")], late);
        assert_eq!(
            (agenda.standing, agenda.steps.len()),
            (standing, 0),
            "{status}"
        );
        assert_eq!(agenda.next_wakeup_at, None, "{status}");
        assert_eq!(agenda.completed_task_ids, [id(2)], "{status}");
    }
}

#[test]
fn a_milestone_is_reached_with_its_last_task_and_an_empty_one_never() {
    let mut later = task(3, "PENDING");
    later["milestoneId"] = json!(id(101));
    later["dueDate"] = Value::Null;
    let tasks = [task(1, "COMPLETED"), task(2, "WAIVED"), later];
    let reached = agenda("ACTIVE", &tasks, DAY_BEFORE);
    assert_eq!(kinds(&reached), [NoticeKind::MilestoneReached]);
    assert_eq!(
        reached.steps[0].action,
        Action::CheckMilestone {
            milestone_id: id(100)
        }
    );
    assert_eq!(
        reached.steps[0].notice.params.milestone_title.as_deref(),
        Some("Contract")
    );
    assert_eq!(
        reached.milestone.map(|milestone| milestone.key).as_deref(),
        Some("closing")
    );
    assert_eq!(
        reached.completed_task_ids,
        [id(1)],
        "a waived task was not completed"
    );
    assert_eq!(reached.waiting_for, [id(3)]);

    let done = agenda("ACTIVE", &tasks[..2], DAY_BEFORE);
    assert_eq!(
        kinds(&done),
        [NoticeKind::MilestoneReached, NoticeKind::DealReadyToClose]
    );
    assert_eq!(kinds(&agenda("ACTIVE", &[], DAY_BEFORE)), []);
}

#[test]
fn what_is_done_again_is_another_occasion() {
    let keys = |completed: bool, version: i64, done_at: &str| -> Vec<String> {
        let mut task = task(1, "COMPLETED");
        task["doneAt"] = done_at.into();
        let worklist = json!({
            "dealStatus": "ACTIVE", "planState": "APPLIED", "timeZone": "America/New_York",
            "milestones": [{ "id": id(100), "key": "contract", "title": "Contract", "position": 1,
                             "completed": completed, "version": version }],
            "tasks": [task]
        });
        let worklist = serde_json::from_value(worklist).unwrap();
        let agenda = of(&deal(), &worklist, DAY_BEFORE).unwrap();
        agenda.steps.into_iter().map(|step| step.key).collect()
    };
    let first = keys(true, 1, "2026-06-01T10:00:00.000Z");
    assert_eq!(first.len(), 2);
    assert_eq!(keys(true, 1, "2026-06-01T10:00:00.000Z"), first);
    let again = keys(true, 3, "2026-06-02T10:00:00.000Z");
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|key| !first.contains(key)), "{again:?}");
    let between = keys(false, 2, "2026-06-02T10:00:00.000Z");
    assert_eq!(
        between.len(),
        1,
        "the milestone was read before it was done: {between:?}"
    );
}

/// A task that came to its assignee, or was taken from one, at noon by nobody in person.
fn handed(mut task: Value, assignee: Option<Uuid>, from: Option<Uuid>) -> Value {
    task["assigneeId"] = json!(assignee);
    task["dueDate"] = Value::Null;
    task["handling"] = json!({
        "standsSince": "2026-06-01T12:00:00.000Z", "assignedAt": "2026-06-01T12:00:00.000Z", "assignedBy": null,
        "previousAssigneeId": from, "unlockedAt": null, "unlockedBy": null,
    });
    task
}

#[test]
fn a_plan_is_told_to_each_of_its_people_with_what_they_can_start_with() {
    let (me, other) = (id(200), id(201));
    let tasks: Vec<Value> = (1..=9)
        .map(|number| {
            let status = if number % 3 == 0 {
                "BLOCKED"
            } else {
                "IN_PROGRESS"
            };
            handed(
                task(number, status),
                Some(if number == 9 { other } else { me }),
                None,
            )
        })
        .collect();
    let agenda = agenda("ACTIVE", &tasks, DAY_BEFORE);
    assert_eq!(kinds(&agenda), [NoticeKind::PlanReady; 2]);
    let notice = &agenda.steps[0].notice;
    assert_eq!(notice.audience, [Audience::User(me)]);
    assert_eq!(notice.params.task_count, Some(8));
    assert_eq!(
        notice.params.task_titles,
        ["Task 1", "Task 2", "Task 4", "Task 5", "Task 7"],
        "those that wait are not named"
    );
    assert_eq!(agenda.steps[1].notice.audience, [Audience::User(other)]);
    assert!(agenda.steps[1].notice.params.task_titles.is_empty());
}

#[test]
fn the_coordinators_are_told_of_tasks_that_somebody_left_and_of_nothing_on_hold() {
    let tasks = [
        handed(task(1, "PENDING"), None, Some(id(200))),
        handed(task(2, "BLOCKED"), None, Some(id(200))),
    ];
    let told = agenda("ACTIVE", &tasks, DAY_BEFORE);
    assert_eq!(kinds(&told), [NoticeKind::TasksUnassigned]);
    let notice = &told.steps[0].notice;
    assert_eq!(notice.audience, [Audience::Coordinators]);
    assert_eq!(notice.params.person_id, Some(id(200)));
    assert_eq!(notice.params.task_titles, ["Task 1", "Task 2"]);
    assert_eq!(kinds(&agenda("ON_HOLD", &tasks, DAY_BEFORE)), []);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let worklist = |status: &str, zone: &str| {
        let value = json!({
            "dealStatus": status, "planState": "APPLIED", "timeZone": zone, "milestones": [],
            "tasks": [task(1, "PENDING")]
        });
        of(&deal(), &serde_json::from_value(value).unwrap(), DAY_BEFORE)
    };
    assert!(worklist("ACTIVE", "America/New_York").is_ok());
    assert!(worklist("ASLEEP", "America/New_York").is_err());
    assert!(worklist("ACTIVE", "Mars/Olympus").is_err());
}
