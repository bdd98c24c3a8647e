//! The key dates of a deal as they are now.

use contracts::{field::date_text, records::DueRule, text::time_text};
use domain::{
    cascade::{KeyDate, Violation},
    deal::PlanState,
    rejection::Rejection,
};
use platform::{
    db::{Actor, Tx},
    error::{Error, Result},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    planning::Ground,
    repository::{
        deals,
        key_dates::{self, KeyDates},
        plans,
    },
    services::PlanInput,
    sight::Sight,
    views::is_staff,
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
    pub(crate) rule: Option<DueRule>,
    /// Whether it was set by hand although it has a rule.
    pub(crate) pinned: bool,
    /// What the rule says, where the date was pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub(crate) rule_date: Option<String>,
    /// Whether the contract sets it: moving it takes an amendment.
    pub(crate) contractual: bool,
    /// Whether a regulation sets it: it is counted on the safe side.
    pub(crate) regulatory: bool,
    pub(crate) buyer_visible: bool,
}

impl KeyDatesView {
    /// As far as the reader may see them.
    pub(crate) fn of(key_dates: &KeyDates, reader: &Actor, sight: &Sight) -> Self {
        let sees_all = is_staff(reader);
        let seen = key_dates
            .dates
            .iter()
            .filter(|date| sees_all || date.buyer_visible);
        Self {
            version: key_dates.version,
            key_dates: seen
                .map(|date| KeyDateView::of(date, key_dates.deal_id, sight))
                .collect(),
        }
    }
}

impl KeyDateView {
    /// One date of a deal. If its rule counts from something that the reader does not see, the date alone.
    pub(crate) fn of(date: &KeyDate, deal_id: Uuid, sight: &Sight) -> Self {
        let rule = sight.rule(deal_id, date.rule.as_ref());
        Self {
            key: date.key.clone(),
            title: date.title.clone(),
            is_anchor: date.is_anchor,
            date: date.date.map(date_text),
            time_of_day: date.time_of_day.map(time_text),
            state: date.state.as_str(),
            rule: rule.map(DueRule::of),
            pinned: date.pinned,
            rule_date: date
                .rule_date
                .filter(|_| date.pinned && rule.is_some())
                .map(date_text),
            contractual: date.contractual,
            regulatory: date.regulatory,
            buyer_visible: date.buyer_visible,
        }
    }
}

/// Whether the deal's plan has been made: until then deal-service is asked what it will be made from.
/// Rejections: `NOT_FOUND`.
pub(crate) async fn is_planned(tx: &Tx, deal_id: Uuid) -> Result<bool> {
    deals::see(tx, deal_id).await?;
    let plan = plans::of_deal(tx, deal_id).await?;
    Ok(plan.is_some_and(|plan| plan.state == PlanState::Applied))
}

/// The key dates as they are stored; `None` before they have been. Rejections: `NOT_FOUND`.
pub(crate) async fn stored(tx: &Tx, deal_id: Uuid) -> Result<Option<KeyDatesView>> {
    deals::see(tx, deal_id).await?;
    let stored = key_dates::of_deal(tx, deal_id).await?;
    let sight = Sight::of(tx, [deal_id]).await?;
    Ok(stored.map(|dates| KeyDatesView::of(&dates, tx.actor(), &sight)))
}

/// The key dates, stored or as the deal was given them. `input` is what deal-service says where there is no plan yet.
/// Where its facts give no plan, they are the dates that were given. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, deal_id: Uuid, input: Option<&PlanInput>) -> Result<KeyDatesView> {
    let deal = deals::see(tx, deal_id).await?;
    let ground = match (Ground::read(tx, deal_id, &deal.zone, input).await, input) {
        (Err(Error::Rejected(Rejection::PlanFailed { .. })), Some(input)) => {
            let given = input.without_template();
            Ground::read(tx, deal_id, &deal.zone, Some(&given)).await?
        }
        (ground, _) => ground?,
    };
    let planned = ground.compute(&deal.zone);
    let sight = Sight::of_computed(&ground, &planned, tx.actor());
    Ok(KeyDatesView::of(&ground.key_dates, tx.actor(), &sight))
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
