//! The key dates of a deal: as they stand, how one came about, and what moving some would do.

use contracts::field::date_text;
use domain::{
    cascade::{ChangeKind, DateChange, Violation, becomes_overdue, diff, explain},
    rejection::Rejection,
    task::TaskState,
};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    commands::{apply_dates::due_of, require_steering},
    planning::{CALENDARS, DateInputs, Ground},
    repository::{
        deals,
        key_dates::{self, KeyDate, KeyDates},
        plans,
    },
    rules,
    services::PlanInput,
    views::{is_staff, time_text},
};

/// The key dates of a deal, which have one version together.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyDates)]
pub(crate) struct KeyDatesView {
    pub(crate) version: i64,
    pub(crate) key_dates: Vec<KeyDateView>,
}

/// A key date.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyDate)]
pub(crate) struct KeyDateView {
    pub(crate) key: String,
    pub(crate) title: String,
    /// Whether people enter it; the others follow rules.
    pub(crate) is_anchor: bool,
    #[schema(format = "date")]
    pub(crate) date: Option<String>,
    /// The time of day at which it ends, if not at the end of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_of_day: Option<String>,
    /// TBD, PROJECTED, SCHEDULED, SATISFIED, WAIVED, EXTENDED, NOT_APPLICABLE or MISSED.
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::DueRule>)]
    pub(crate) rule: Option<Value>,
    /// Whether it was set by hand although it has a rule.
    pub(crate) pinned: bool,
    /// What the rule says, where the date was pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub(crate) rule_date: Option<String>,
    pub(crate) buyer_visible: bool,
}

impl KeyDatesView {
    /// As far as the reader may see them.
    pub(crate) fn of(key_dates: &KeyDates, reader: &platform::db::Actor) -> Self {
        let sees_all = is_staff(reader);
        let seen = key_dates.dates.iter().filter(|date| sees_all || date.buyer_visible);
        Self {
            version: key_dates.version,
            key_dates: seen.map(KeyDateView::of).collect(),
        }
    }
}

impl KeyDateView {
    /// One date.
    pub(crate) fn of(date: &KeyDate) -> Self {
        Self {
            key: date.key.clone(),
            title: date.title.clone(),
            is_anchor: date.is_anchor,
            date: date.date.map(date_text),
            time_of_day: date.time_of_day.map(time_text),
            state: date.state.as_str(),
            rule: date.rule.clone(),
            pinned: date.pinned,
            rule_date: date.rule_date.filter(|_| date.pinned).map(date_text),
            buyer_visible: date.buyer_visible,
        }
    }
}

/// Whether the deal's plan has been made: until then deal-service is asked what it will be made from.
/// Rejections: `NOT_FOUND`.
pub(crate) async fn is_planned(tx: &Tx, deal_id: Uuid) -> Result<bool> {
    deals::see(tx, deal_id).await?;
    let plan = plans::of_deal(tx, deal_id).await?;
    Ok(plan.is_some_and(|plan| plan.state == domain::deal::PlanState::Applied))
}

/// The key dates. `input` is what deal-service says where there is no plan yet.
pub(crate) async fn read(
    tx: &Tx,
    deal_id: Uuid,
    input: Option<&PlanInput>,
) -> Result<KeyDatesView> {
    let deal = deals::see(tx, deal_id).await?;
    let key_dates = match key_dates::of_deal(tx, deal_id).await? {
        Some(stored) => stored,
        None => Ground::read(tx, deal_id, &deal.zone, input).await?.key_dates,
    };
    Ok(KeyDatesView::of(&key_dates, tx.actor()))
}

/// What moving dates would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyDatesPreview)]
pub(crate) struct Preview {
    pub(crate) changes: Vec<ChangeView>,
    pub(crate) violations: Vec<ViolationView>,
    /// The tasks that would be overdue at once.
    pub(crate) becomes_overdue: Vec<Uuid>,
    /// The version of the key dates that this was computed from.
    pub(crate) based_on: i64,
}

/// Something that would move, or keeps its place although its rule moves.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DateChange)]
pub(crate) struct ChangeView {
    /// KEY_DATE, TASK or REMINDER.
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<Uuid>,
    pub(crate) title: String,
    #[schema(format = "date")]
    pub(crate) old: Option<String>,
    #[schema(format = "date")]
    pub(crate) new: Option<String>,
    /// Why it keeps its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locked: Option<String>,
    /// Whether the client will see it.
    pub(crate) buyer_sees: bool,
}

/// Dates that do not fit together. They never refuse anything.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Violation)]
pub(crate) struct ViolationView {
    pub(crate) key: String,
    /// ERROR or WARNING.
    pub(crate) severity: &'static str,
    pub(crate) message: String,
}

impl From<&Violation> for ViolationView {
    fn from(violation: &Violation) -> Self {
        Self {
            key: violation.key.clone(),
            severity: violation.severity.as_str(),
            message: violation.message.clone(),
        }
    }
}

/// Computes what moving these dates would do; writes nothing. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_CONFLICT`, and of `keyDates.<key>`.
pub(crate) async fn preview(
    tx: &Tx,
    deal_id: Uuid,
    dates: &BTreeMap<String, Option<String>>,
    version: Option<i64>,
    input: Option<&PlanInput>,
) -> Result<Preview> {
    let deal = deals::see(tx, deal_id).await?;
    require_steering(tx, &deal)?;
    let ground = Ground::read(tx, deal_id, &deal.zone, input).await?;
    let inputs = ground.parse_inputs("keyDates", dates)?;
    let current = ground.key_dates.version;
    if version.is_some_and(|version| version != current) {
        return Err(Rejection::VersionConflict { current }.into());
    }
    let old = ground.compute_with(&deal.zone, &DateInputs::new());
    let new = ground.compute_with(&deal.zone, &inputs);
    let mut changes: Vec<ChangeView> = diff(&old, &new)
        .into_iter()
        .map(|change| ChangeView::of(change, &ground))
        .collect();
    changes.extend(changes_of_own_rules(&ground, &old, &new));
    let overdue = becomes_overdue(&old, &new, &deal.moment(tx.now()));
    Ok(Preview {
        changes,
        violations: new.violations.iter().map(ViolationView::from).collect(),
        becomes_overdue: overdue.iter().filter_map(|key| Some(task_of(&ground, key)?.id)).collect(),
        based_on: current,
    })
}

impl ChangeView {
    fn of(change: DateChange, ground: &Ground) -> Self {
        let id = match change.kind {
            ChangeKind::KeyDate => None,
            ChangeKind::Task | ChangeKind::Reminder => {
                task_of(ground, &change.key).map(|task| task.id)
            }
        };
        Self {
            kind: change.kind.as_str(),
            key: Some(change.key),
            id,
            title: change.title,
            old: change.old.map(date_text),
            new: change.new.map(date_text),
            locked: change.locked,
            buyer_sees: change.buyer_sees,
        }
    }
}

fn task_of<'a>(ground: &'a Ground, key: &str) -> Option<&'a TaskState> {
    let mut tasks = ground.tasks.iter().map(|stored| &*stored.task);
    tasks.find(|task| task.key.as_deref() == Some(key))
}

/// Tasks that were added by hand and follow a rule.
fn changes_of_own_rules(
    ground: &Ground,
    old: &domain::cascade::PlannedDates,
    new: &domain::cascade::PlannedDates,
) -> Vec<ChangeView> {
    let own = ground.tasks.iter().filter(|stored| stored.task.key.is_none());
    own.filter_map(|stored| {
        let was = due_of(stored, old)?.map(|due| due.date);
        let will_be = due_of(stored, new)?.map(|due| due.date);
        (was != will_be).then(|| ChangeView {
            kind: ChangeKind::Task.as_str(),
            key: None,
            id: Some(stored.task.id),
            title: stored.task.title.clone(),
            old: was.map(date_text),
            new: will_be.map(date_text),
            locked: None,
            buyer_sees: stored.task.buyer_visible,
        })
    })
    .collect()
}

/// How a key date came about.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DateExplanation)]
pub(crate) struct Explanation {
    pub(crate) key: String,
    #[schema(format = "date")]
    pub(crate) date: Option<String>,
    /// What it was counted from; null for a date that people entered.
    pub(crate) anchor: Option<ExplainedAnchor>,
    /// Each business day counted and each day skipped; empty for calendar days.
    pub(crate) steps: Vec<ExplainedStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roll: Option<ExplainedRoll>,
    /// The rule in words.
    pub(crate) rule: Option<String>,
    /// ENTERED, TEMPLATE, DEAL, FALLBACK or HELD: whose rule won.
    pub(crate) source: &'static str,
    /// What the rule says, where the date keeps another value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub(crate) rule_date: Option<String>,
}

/// What a date was counted from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedAnchor {
    pub(crate) key: String,
    #[schema(format = "date")]
    pub(crate) date: Option<String>,
}

/// A day on the way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedStep {
    #[schema(format = "date")]
    pub(crate) date: String,
    pub(crate) counted: bool,
    pub(crate) why: String,
}

/// A date that could not stay where the counting ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedRoll {
    #[schema(format = "date")]
    pub(crate) from: String,
    #[schema(format = "date")]
    pub(crate) to: String,
    /// NEXT or PREVIOUS.
    pub(crate) direction: &'static str,
    pub(crate) why: String,
}

/// Explains one date. Rejections: `NOT_FOUND`, also for a key that the deal does not have or the caller does not see.
pub(crate) async fn explain_date(
    tx: &Tx,
    deal_id: Uuid,
    key: &str,
    input: Option<&PlanInput>,
) -> Result<Explanation> {
    let deal = deals::see(tx, deal_id).await?;
    let ground = Ground::read(tx, deal_id, &deal.zone, input).await?;
    let sees_all = is_staff(tx.actor());
    let nothing = DateInputs::new();
    let circumstances = ground.circumstances(&deal.zone, &nothing);
    let planned = ground.compute(&deal.zone);
    let template = &ground.basis.template;
    let explained = planned
        .key_date(key)
        .filter(|date| sees_all || date.buyer_visible)
        .and_then(|_| explain(key, &planned, template, &circumstances, &CALENDARS))
        .ok_or(Rejection::NotFound)?;
    Ok(Explanation {
        key: explained.key,
        date: explained.date.map(date_text),
        anchor: explained.anchor_key.map(|key| ExplainedAnchor {
            key,
            date: explained.anchor_date.map(date_text),
        }),
        steps: explained
            .steps
            .into_iter()
            .map(|step| ExplainedStep {
                date: date_text(step.date),
                counted: step.counted,
                why: step.why,
            })
            .collect(),
        roll: explained.roll.map(|roll| ExplainedRoll {
            from: date_text(roll.from),
            to: date_text(roll.to),
            direction: roll.direction.as_str(),
            why: roll.why,
        }),
        rule: explained.rule,
        source: explained.source.as_str(),
        rule_date: explained
            .rule_date
            .filter(|_| explained.held.is_some())
            .map(date_text),
    })
}
