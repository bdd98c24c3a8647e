//! How a key date came about: what it was counted from, each day counted or skipped, the roll, whose rule won.

use contracts::field::date_text;
use domain::{
    cascade::{DateExplanation, PlannedDates, explain},
    dates::{RollTaken, SafeDay, Step},
    rejection::Rejection,
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    planning::Ground, repository::deals, services::PlanInput, sight::Sight, views::is_staff,
};

/// The explanation of a key date.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DateExplanation)]
pub(crate) struct Explanation {
    key: String,
    #[schema(format = "date")]
    date: Option<String>,
    /// What it was counted from; null for a date that people entered.
    anchor: Option<ExplainedAnchor>,
    /// Each business day counted and each day skipped; empty for calendar days.
    steps: Vec<ExplainedStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roll: Option<ExplainedRoll>,
    /// Why it lies before the day that stepping back from its anchor gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_day: Option<ExplainedSafeDay>,
    /// The rule in words.
    rule: Option<String>,
    /// ENTERED, TEMPLATE, DEAL, FALLBACK or HELD: whose rule won.
    source: &'static str,
    /// What the rule says, where the date keeps another value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    rule_date: Option<String>,
}

/// What a date was counted from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedAnchor {
    /// The key of a date, or of a task from whose completion was counted.
    key: String,
    #[schema(format = "date")]
    date: Option<String>,
}

/// A day on the way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedStep {
    #[schema(format = "date")]
    date: String,
    counted: bool,
    why: String,
}

/// A date that could not stay where the counting ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedRoll {
    #[schema(format = "date")]
    from: String,
    #[schema(format = "date")]
    to: String,
    /// NEXT or PREVIOUS.
    direction: &'static str,
    why: String,
}

/// A step to the day from which a wait is over in time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedSafeDay {
    /// The day that stepping back gives.
    #[schema(format = "date")]
    from: String,
    #[schema(format = "date")]
    to: String,
    /// When the wait would be over, counted forward from `from`.
    #[schema(format = "date")]
    would_end: String,
    why: String,
}

/// The date to explain, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct ExplainKeyDate<'a> {
    pub(crate) deal_id: Uuid,
    pub(crate) key: &'a str,
    pub(crate) reader: &'a Actor,
}

/// Explains it. `tx` sees all tasks of the deal, from which dates may be counted; the reader gets only dates that it
/// may see. Rejections: `NOT_FOUND`, also for a key that the deal does not have.
pub(crate) async fn run(
    tx: &Tx,
    query: &ExplainKeyDate<'_>,
    input: Option<&PlanInput>,
) -> Result<Explanation> {
    let deal = deals::see(tx, query.deal_id).await?;
    let ground = Ground::read(tx, query.deal_id, &deal.zone, input).await?;
    let circumstances = ground.plan.circumstances(&deal.zone);
    let planned = ground.compute(&deal.zone);
    if !sees(query.reader, &planned, query.key) {
        return Err(Rejection::NotFound.into());
    }
    let plan = &ground.plan;
    let explained = explain(
        query.key,
        &planned,
        &plan.template,
        &circumstances,
        &plan.calendars,
    )
    .ok_or(Rejection::NotFound)?;
    let mut answer = Explanation::of(explained);
    let anchor = planned
        .key_date(query.key)
        .and_then(|date| date.rule.as_ref());
    let sight = Sight::of_computed(&ground, &planned, query.reader);
    if anchor.is_some_and(|rule| !sight.shows(query.deal_id, &rule.anchor)) {
        answer.keep_to_itself();
    }
    Ok(answer)
}

fn sees(reader: &Actor, planned: &PlannedDates, key: &str) -> bool {
    let date = planned.key_date(key);
    date.is_some_and(|date| date.buyer_visible || is_staff(reader))
}

impl Explanation {
    fn of(explained: DateExplanation) -> Self {
        let is_held = explained.held.is_some();
        Self {
            key: explained.key,
            date: explained.date.map(date_text),
            anchor: explained.anchor_key.map(|key| ExplainedAnchor {
                key,
                date: explained.anchor_date.map(date_text),
            }),
            steps: explained.steps.into_iter().map(ExplainedStep::of).collect(),
            roll: explained.roll.map(ExplainedRoll::of),
            safe_day: explained.safe.map(ExplainedSafeDay::of),
            rule: explained.rule,
            source: explained.source.as_str(),
            rule_date: explained.rule_date.filter(|_| is_held).map(date_text),
        }
    }

    /// Leaves out what it was counted from, for a reader who does not see that.
    fn keep_to_itself(&mut self) {
        self.anchor = None;
        self.steps = Vec::new();
        self.roll = None;
        self.safe_day = None;
        self.rule = None;
        self.rule_date = None;
    }
}

impl ExplainedStep {
    fn of(step: Step) -> Self {
        Self {
            date: date_text(step.date),
            counted: step.counted,
            why: step.why,
        }
    }
}

impl ExplainedSafeDay {
    fn of(safe: SafeDay) -> Self {
        let why = safe.to_string();
        Self {
            from: date_text(safe.from),
            to: date_text(safe.to),
            would_end: date_text(safe.would_end),
            why,
        }
    }
}

impl ExplainedRoll {
    fn of(roll: RollTaken) -> Self {
        Self {
            from: date_text(roll.from),
            to: date_text(roll.to),
            direction: roll.direction.as_str(),
            why: roll.why,
        }
    }
}
