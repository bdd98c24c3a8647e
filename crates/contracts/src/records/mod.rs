//! Aggregates of task-service as they are recorded, one type each: what the audit log keeps before and after a change,
//! what the published event is made from, what read models are rebuilt from and a deal's past is folded from.
//!
//! A record is complete and may be confidential; its `event` says what of it is published. A field that is added later
//! gets `#[serde(default)]`: rows of the audit log stay as they were written.

mod key_dates;
mod milestone;
mod plan;
mod rule;
mod task;
mod task_fields;

pub use self::{
    key_dates::{CLOSING_DATE, KeyDateRecord, KeyDatesRecord},
    milestone::MilestoneRecord,
    plan::PlanRecord,
    rule::{DueRule, RollRule, RollsApart},
    task::{ChaseRecord, TaskRecord},
    task_fields::{DocumentRecord, EmailRecord, LagRecord, SeriesRecord, TaskFieldsRecord},
};

/// A place in a plan as messages carry it.
fn number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// A version as messages carry it.
fn version(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}
