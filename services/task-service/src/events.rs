//! What is recorded and published of a change: its audit row, with everything, and its event, with nothing confidential.
//! Both are made from the aggregate's record (`contracts::records`).

use contracts::{
    event::{CommentChange, Event, KeyDatesChange, MilestoneChange, PlanChange, TaskChange},
    records::{
        ChaseRecord, DueRule, KeyDateRecord, KeyDatesRecord, MilestoneRecord, PlanRecord,
        TaskRecord,
    },
    v1::{CommentEvent, PlanCounts},
};
use domain::{
    cascade::{KeyDate, Step},
    task::TaskEvent,
    zone::Zone,
};
use platform::{
    db::{Change, Tx},
    error::Result,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::repository::{
    chases::Chase, comments::Comment, key_dates::KeyDates, milestones::Milestone, plans::Plan,
};

/// Emits the transitions of one task, in order. `reason` and `chase` belong to the change.
pub(crate) fn emit_task(
    tx: &mut Tx,
    zone: &Zone,
    step: &Step,
    reason: Option<&str>,
    chase: Option<&Chase>,
) -> Result<()> {
    let mut details_before = step.before.as_ref().map(|before| &before.details);
    for transition in &step.change.transitions {
        let after = &transition.after;
        let before = transition
            .before
            .as_ref()
            .map(|state| TaskRecord::of(state, details_before.unwrap_or(&step.details), zone));
        details_before = Some(&step.details);
        let record = TaskRecord {
            reason: reason.map(str::to_owned),
            chase: chase.map(chase_record),
            ..TaskRecord::of(after, &step.details, zone)
        };
        let changed = before.as_ref().map(|before| record.changed_since(before));
        let change = change_of(transition.event);
        tx.emit(Change {
            entity_type: "task",
            entity_id: after.id,
            version: after.version,
            deal_id: Some(after.deal_id),
            event_type: change.routing_key(),
            event: Some(Event::Task(
                change,
                record.event(changed.unwrap_or_default()),
            )),
            before: json(before)?,
            after: json((change != TaskChange::Deleted).then_some(record))?,
        });
    }
    Ok(())
}

/// Emits that a milestone was reached, or is open again after it had been.
pub(crate) fn emit_milestone(
    tx: &mut Tx,
    change: MilestoneChange,
    before: &Milestone,
    after: &Milestone,
) -> Result<()> {
    let record = milestone_record(after);
    tx.emit(Change {
        entity_type: "milestone",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: change.routing_key(),
        event: Some(Event::Milestone(change, record.event())),
        before: json(milestone_record(before))?,
        after: json(record)?,
    });
    Ok(())
}

/// Emits that a plan was applied, or could not be, or that the facts it follows changed.
pub(crate) fn emit_plan(
    tx: &mut Tx,
    change: PlanChange,
    before: Option<&Plan>,
    after: &Plan,
    milestones: &[Milestone],
    counts: PlanCounts,
) -> Result<()> {
    let record = plan_record(after, milestones);
    tx.emit(Change {
        entity_type: "plan",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: change.routing_key(),
        event: Some(Event::Plan(change, record.event(counts))),
        before: json(before.map(|plan| plan_record(plan, &[])))?,
        after: json(record)?,
    });
    Ok(())
}

/// Emits that key dates were set or moved.
pub(crate) fn emit_key_dates(
    tx: &mut Tx,
    zone: &Zone,
    before: Option<&KeyDates>,
    after: &KeyDates,
    reason: Option<&str>,
) -> Result<()> {
    let before = before.map(|before| key_dates_record(before, zone, None));
    let record = key_dates_record(after, zone, reason);
    let changed = record.changed_since(before.as_ref());
    tx.emit(Change {
        entity_type: "key_dates",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: KeyDatesChange::Changed.routing_key(),
        event: Some(Event::KeyDates(
            KeyDatesChange::Changed,
            record.event(changed),
        )),
        before: json(before)?,
        after: json(record)?,
    });
    Ok(())
}

/// Emits that a comment was written. Its text stays with the task.
pub(crate) fn emit_comment(tx: &mut Tx, comment: &Comment) {
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

fn json(record: impl Serialize) -> Result<Value> {
    Ok(serde_json::to_value(record).map_err(anyhow::Error::from)?)
}

fn chase_record(chase: &Chase) -> ChaseRecord {
    ChaseRecord {
        id: chase.id,
        channel: chase.channel.as_str().to_owned(),
        note: chase.note.clone(),
        replied: chase.replied,
    }
}

fn milestone_record(milestone: &Milestone) -> MilestoneRecord {
    MilestoneRecord {
        id: milestone.id,
        deal_id: milestone.deal_id,
        key: milestone.key.clone(),
        title: milestone.title.clone(),
        buyer_title: milestone.buyer_title.clone(),
        position: milestone.position,
        completed_at: milestone.completed_at,
        version: milestone.version,
    }
}

fn plan_record(plan: &Plan, milestones: &[Milestone]) -> PlanRecord {
    let template = plan.template.as_ref();
    PlanRecord {
        id: plan.id,
        deal_id: plan.deal_id,
        template_id: template.map(|template| template.id),
        template_key: template.map(|template| template.key.clone()),
        template_version: template.map(|template| template.version),
        facts: plan.facts.as_object().cloned().unwrap_or_else(Map::new),
        state: plan.state,
        failure: plan.failure.clone(),
        milestones: milestones.iter().map(milestone_record).collect(),
        version: plan.version,
    }
}

fn key_dates_record(key_dates: &KeyDates, zone: &Zone, reason: Option<&str>) -> KeyDatesRecord {
    let dates = key_dates.dates.iter();
    KeyDatesRecord {
        id: key_dates.id,
        deal_id: key_dates.deal_id,
        version: key_dates.version,
        key_dates: dates.map(|date| key_date_record(date, zone)).collect(),
        holiday_calendar: key_dates.holidays.written().cloned(),
        reason: reason.map(str::to_owned),
    }
}

fn key_date_record(date: &KeyDate, zone: &Zone) -> KeyDateRecord {
    KeyDateRecord {
        key: date.key.clone(),
        title: date.title.clone(),
        is_anchor: date.is_anchor,
        date: date.date,
        rule_date: date.rule_date,
        rule: date.rule.as_ref().map(DueRule::of),
        time_of_day: date.time_of_day,
        deadline_at: date
            .date
            .and_then(|value| zone.deadline(value, date.time_of_day).ok()),
        state: date.state,
        pinned: date.pinned,
        buyer_visible: date.buyer_visible,
    }
}

const fn change_of(event: TaskEvent) -> TaskChange {
    match event {
        TaskEvent::Created => TaskChange::Created,
        TaskEvent::Updated => TaskChange::Updated,
        TaskEvent::Assigned => TaskChange::Assigned,
        TaskEvent::Chased => TaskChange::Chased,
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
