//! What happened to tasks, milestones, plans and key dates, as the audit log and the other services are told.
//!
//! Events carry nothing confidential; the audit's `before` and `after` hold the whole aggregate.

use contracts::{
    event::{CommentChange, Event, KeyDatesChange, MilestoneChange, PlanChange, TaskChange},
    field::{date_text, instant_text},
    v1::{
        CommentEvent, KeyDate as KeyDateMessage, KeyDatesEvent, MilestoneEvent, PlanCounts,
        PlanEvent, TaskEvent as TaskMessage,
    },
};
use domain::{
    party::PartyRole,
    task::{TaskEvent, TaskState, TaskTransition},
    zone::Zone,
};
use platform::db::{Change, Tx};
use serde_json::{Value, json};

use crate::{
    planning::CLOSING_DATE,
    repository::{
        comments::Comment,
        key_dates::KeyDates,
        milestones::Milestone,
        plans::Plan,
        tasks::{Details, due_at},
    },
    views::time_text,
};

/// What the transitions of one task have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    /// The zone of the deal.
    pub(crate) zone: &'a Zone,
    /// The details before the first transition.
    pub(crate) before: &'a Details,
    /// The details after it.
    pub(crate) after: &'a Details,
    /// Why, where a reason was given.
    pub(crate) reason: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// For transitions that leave the details as they are.
    pub(crate) fn same(zone: &'a Zone, details: &'a Details) -> Self {
        Self {
            zone,
            before: details,
            after: details,
            reason: None,
        }
    }
}

/// Tells of the transitions of one task, in order.
pub(crate) fn tell_task(tx: &mut Tx, transitions: &[TaskTransition], told: Told<'_>) {
    for (place, transition) in transitions.iter().enumerate() {
        let after = &transition.after;
        let details_before = if place == 0 { told.before } else { told.after };
        let before = transition
            .before
            .as_ref()
            .map(|state| task_record(state, details_before, told.zone));
        let record = task_record(after, told.after, told.zone);
        let change = change_of(transition.event);
        let message = task_message(transition, told, before.as_ref(), &record);
        let recorded = match (transition.event, told.reason) {
            (TaskEvent::Deleted, _) => Value::Null,
            (_, None) => record,
            (_, Some(reason)) => with_reason(record, reason),
        };
        tx.emit(Change {
            entity_type: "task",
            entity_id: after.id,
            version: after.version,
            deal_id: Some(after.deal_id),
            event_type: change.routing_key(),
            event: Some(Event::Task(change, message)),
            before: before.unwrap_or(Value::Null),
            after: recorded,
        });
    }
}

/// Why it was done belongs to the transition, and not to the task: it is recorded and not published.
fn with_reason(mut record: Value, reason: &str) -> Value {
    record["reason"] = reason.into();
    record
}

/// Tells that a milestone was reached, or is open again after it had been.
pub(crate) fn tell_milestone(
    tx: &mut Tx,
    change: MilestoneChange,
    before: &Milestone,
    after: &Milestone,
) {
    tx.emit(Change {
        entity_type: "milestone",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: change.routing_key(),
        event: Some(Event::Milestone(change, milestone_message(after))),
        before: milestone_record(before),
        after: milestone_record(after),
    });
}

/// Tells that a plan was applied, or could not be, or that the facts it follows changed.
pub(crate) fn tell_plan(
    tx: &mut Tx,
    change: PlanChange,
    before: Option<&Plan>,
    after: &Plan,
    milestones: &[Milestone],
    counts: PlanCounts,
) {
    let template = after.template.as_ref();
    let message = PlanEvent {
        plan_id: after.id.to_string(),
        deal_id: after.deal_id.to_string(),
        template_id: template.map(|template| template.id.to_string()),
        template_key: template.map(|template| template.key.clone()),
        template_version: template.map(|template| number(template.version)),
        state: after.state.as_str().to_owned(),
        milestones: milestones.iter().map(milestone_message).collect(),
        counts: Some(counts),
        version: version(after.version),
    };
    tx.emit(Change {
        entity_type: "plan",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: change.routing_key(),
        event: Some(Event::Plan(change, message)),
        before: before.map_or(Value::Null, |plan| plan_record(plan, &[])),
        after: plan_record(after, milestones),
    });
}

fn plan_record(plan: &Plan, milestones: &[Milestone]) -> Value {
    json!({
        "id": plan.id,
        "dealId": plan.deal_id,
        "templateId": plan.template.as_ref().map(|template| template.id),
        "templateKey": plan.template.as_ref().map(|template| &template.key),
        "templateVersion": plan.template.as_ref().map(|template| template.version),
        "facts": plan.facts,
        "state": plan.state.as_str(),
        "failure": plan.failure,
        "milestones": milestones.iter().map(milestone_record).collect::<Vec<_>>(),
        "version": plan.version,
    })
}

/// Tells that key dates were set or moved.
pub(crate) fn tell_key_dates(
    tx: &mut Tx,
    zone: &Zone,
    before: Option<&KeyDates>,
    after: &KeyDates,
    reason: Option<&str>,
) {
    let changed = after
        .dates
        .iter()
        .filter(|date| before.and_then(|before| before.get(&date.key)) != Some(*date))
        .map(|date| date.key.clone())
        .collect();
    let closing = after.get(CLOSING_DATE).and_then(|closing| closing.date);
    let message = KeyDatesEvent {
        key_dates_id: after.id.to_string(),
        deal_id: after.deal_id.to_string(),
        version: version(after.version),
        key_dates: after
            .dates
            .iter()
            .map(|date| KeyDateMessage {
                key: date.key.clone(),
                title: date.title.clone(),
                date: date.date.map(date_text),
                state: date.state.as_str().to_owned(),
                deadline_at: date
                    .date
                    .and_then(|value| zone.deadline(value, date.time_of_day).ok())
                    .map(instant_text),
                buyer_visible: date.buyer_visible,
            })
            .collect(),
        changed,
        closing_date: closing.map(date_text),
    };
    tx.emit(Change {
        entity_type: "key_dates",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: KeyDatesChange::Changed.routing_key(),
        event: Some(Event::KeyDates(KeyDatesChange::Changed, message)),
        before: before.map_or(Value::Null, |before| key_dates_record(before, None)),
        after: key_dates_record(after, reason),
    });
}

fn key_dates_record(key_dates: &KeyDates, reason: Option<&str>) -> Value {
    let dates: Vec<Value> = key_dates
        .dates
        .iter()
        .map(|date| {
            json!({
                "key": date.key,
                "title": date.title,
                "isAnchor": date.is_anchor,
                "date": date.date.map(date_text),
                "ruleDate": date.rule_date.map(date_text),
                "rule": date.rule,
                "timeOfDay": date.time_of_day.map(time_text),
                "state": date.state.as_str(),
                "pinned": date.pinned,
                "buyerVisible": date.buyer_visible,
            })
        })
        .collect();
    json!({
        "id": key_dates.id,
        "dealId": key_dates.deal_id,
        "version": key_dates.version,
        "keyDates": dates,
        "holidayCalendar": key_dates.holidays.written(),
        "reason": reason,
    })
}

/// Tells that a comment was written. Its text stays with the task.
pub(crate) fn tell_comment(tx: &mut Tx, comment: &Comment) {
    let message = CommentEvent {
        comment_id: comment.id.to_string(),
        task_id: comment.task_id.to_string(),
        deal_id: comment.deal_id.to_string(),
        visibility: comment.visibility.clone(),
    };
    tx.emit(Change {
        entity_type: "comment",
        entity_id: comment.id,
        version: 1,
        deal_id: Some(comment.deal_id),
        event_type: CommentChange::Added.routing_key(),
        event: Some(Event::Comment(CommentChange::Added, message)),
        before: Value::Null,
        after: json!({
            "id": comment.id,
            "dealId": comment.deal_id,
            "taskId": comment.task_id,
            "authorId": comment.author_id,
            "body": comment.body,
            "visibility": comment.visibility,
            "version": 1,
        }),
    });
}

/// A milestone as it travels.
pub(crate) fn milestone_message(milestone: &Milestone) -> MilestoneEvent {
    MilestoneEvent {
        milestone_id: milestone.id.to_string(),
        deal_id: milestone.deal_id.to_string(),
        key: milestone.key.clone().unwrap_or_default(),
        title: milestone.title.clone(),
        buyer_title: milestone.buyer_title.clone(),
        position: number(milestone.position),
        state: if milestone.is_completed() {
            "DONE".to_owned()
        } else if milestone.open_tasks < milestone.total_tasks {
            "CURRENT".to_owned()
        } else {
            "UPCOMING".to_owned()
        },
        completed: milestone.is_completed(),
        version: version(milestone.version),
        completed_at: milestone.completed_at.map(instant_text),
    }
}

/// A milestone as the audit log keeps it.
pub(crate) fn milestone_record(milestone: &Milestone) -> Value {
    json!({
        "id": milestone.id,
        "dealId": milestone.deal_id,
        "key": milestone.key,
        "title": milestone.title,
        "buyerTitle": milestone.buyer_title,
        "position": milestone.position,
        "completedAt": milestone.completed_at.map(instant_text),
        "version": milestone.version,
    })
}

/// A task as the audit log keeps it. The number of open dependencies is left out: it changes without a
/// transition and follows from the tasks in `dependsOn`.
pub(crate) fn task_record(task: &TaskState, details: &Details, zone: &Zone) -> Value {
    let facts = &task.facts;
    let completed = facts.completed.as_ref();
    let waived = facts.waived.as_ref();
    json!({
        "id": task.id,
        "dealId": task.deal_id,
        "milestoneId": task.milestone_id,
        "key": task.key,
        "title": task.title,
        "description": task.description,
        "kind": details.kind,
        "ownerRole": task.owner_role.map(PartyRole::as_str),
        "chasedBy": details.chased_by,
        "assigneeId": facts.assignee_id,
        "dueDate": task.due.map(|due| date_text(due.date)),
        "dueTime": task.due.and_then(|due| due.time_of_day).map(|time| time.to_string()),
        "dueAt": due_at(zone, task).map(instant_text),
        "dueRule": details.due_rule,
        "pinned": task.due_pinned,
        "shiftDays": task.shift_days,
        "estDays": details.est_days,
        "critical": details.critical,
        "required": task.required,
        "licensedOnly": details.licensed_only,
        "buyerVisible": task.buyer_visible,
        "templateFields": details.template_fields,
        "position": details.position,
        "status": task.status.as_str(),
        "isBlocked": task.is_blocked(),
        "isOverdue": task.is_overdue(),
        "episode": task.episode,
        "completedBy": completed.map(|completion| completion.by),
        "completedAt": completed.map(|completion| instant_text(completion.at)),
        "completedOn": completed.map(|completion| date_text(completion.on)),
        "completedLate": task.is_completed_late(),
        "waivedBy": waived.map(|waiver| waiver.by),
        "waivedAt": waived.map(|waiver| instant_text(waiver.at)),
        "waiveReason": waived.map(|waiver| &waiver.reason),
        "note": details.note,
        "dependsOn": details.depends_on,
        "createdBy": details.created_by,
        "version": task.version,
    })
}

fn task_message(
    transition: &TaskTransition,
    told: Told<'_>,
    before: Option<&Value>,
    record: &Value,
) -> TaskMessage {
    let task = &transition.after;
    let details = told.after;
    let facts = &task.facts;
    let completed = facts.completed.as_ref();
    let previous = transition.before.as_ref();
    TaskMessage {
        task_id: task.id.to_string(),
        deal_id: task.deal_id.to_string(),
        milestone_id: task.milestone_id.map(|id| id.to_string()),
        key: task.key.clone(),
        title: task.title.clone(),
        status: task.status.as_str().to_owned(),
        previous_status: previous
            .filter(|previous| previous.status != task.status)
            .map(|previous| previous.status.as_str().to_owned()),
        owner_role: task.owner_role.map(|role| role.as_str().to_owned()),
        assignee_id: facts.assignee_id.map(|id| id.to_string()),
        previous_assignee_id: previous
            .filter(|previous| previous.facts.assignee_id != facts.assignee_id)
            .and_then(|previous| previous.facts.assignee_id)
            .map(|id| id.to_string()),
        due_date: task.due.map(|due| date_text(due.date)),
        due_at: due_at(told.zone, task).map(instant_text),
        projected: task.is_blocked() && task.due.is_some(),
        is_blocked: task.is_blocked(),
        is_overdue: task.is_overdue(),
        completed_at: completed.map(|completion| instant_text(completion.at)),
        completed_on: completed.map(|completion| date_text(completion.on)),
        completed_by: completed.map(|completion| completion.by.to_string()),
        completed_late: task.is_completed_late(),
        waived: facts.waived.is_some(),
        buyer_visible: task.buyer_visible,
        critical: details.critical,
        required: task.required,
        position: number(details.position),
        open_dependencies: facts.open_dependencies,
        depends_on: details.depends_on.iter().map(ToString::to_string).collect(),
        episode: task.episode,
        version: version(task.version),
        changed: changed_fields(before, record),
        buyer_title: None,
    }
}

/// The names of the fields in which two records differ, but for the version.
fn changed_fields(before: Option<&Value>, after: &Value) -> Vec<String> {
    let (Some(Value::Object(before)), Value::Object(after)) = (before, after) else {
        return Vec::new();
    };
    after
        .iter()
        .filter(|(name, value)| *name != "version" && before.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect()
}

const fn change_of(event: TaskEvent) -> TaskChange {
    match event {
        TaskEvent::Created => TaskChange::Created,
        TaskEvent::Updated => TaskChange::Updated,
        TaskEvent::Assigned => TaskChange::Assigned,
        TaskEvent::Started => TaskChange::Started,
        TaskEvent::Unlocked => TaskChange::Unlocked,
        TaskEvent::Blocked => TaskChange::Blocked,
        TaskEvent::Completed => TaskChange::Completed,
        TaskEvent::Waived => TaskChange::Waived,
        TaskEvent::Reopened => TaskChange::Reopened,
        TaskEvent::Overdue => TaskChange::Overdue,
        TaskEvent::Deleted => TaskChange::Deleted,
    }
}

fn number(position: i32) -> u32 {
    u32::try_from(position).unwrap_or_default()
}

pub(crate) fn version(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}
