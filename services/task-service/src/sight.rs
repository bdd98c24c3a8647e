//! Which of a deal's dates a reader gets: clients those meant for them, and without rules that count from other dates.

use std::collections::BTreeSet;

use domain::{
    cascade::PlannedDates,
    task::may_see,
    template::{Rule, RuleAnchor},
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{
    planning::Ground,
    views::{is_staff, task_actor},
};

/// The anchors that a reader sees.
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    /// All.
    All,
    /// These, by the deal.
    Only(BTreeSet<(Uuid, RuleAnchor)>),
}

#[derive(FromQueryResult)]
struct AnchorRow {
    deal_id: Uuid,
    name: String,
    is_date: bool,
}

impl Sight {
    /// What the caller sees in these deals. Asks nothing for staff.
    pub(crate) async fn of(tx: &Tx, deals: impl IntoIterator<Item = Uuid>) -> Result<Self> {
        if is_staff(tx.actor()) {
            return Ok(Self::All);
        }
        let deals: BTreeSet<Uuid> = deals.into_iter().collect();
        let deals: Vec<Uuid> = deals.into_iter().collect();
        // Said again beside the row policies: within a command these may show more.
        let rows: Vec<AnchorRow> = tx
            .all(
                "SELECT deal_id, key AS name, true AS is_date FROM key_dates
                  WHERE organization_id = $1 AND deal_id = ANY ($2) AND buyer_visible
                 UNION ALL
                 SELECT deal_id, coalesce(key, id::text), false FROM tasks
                  WHERE organization_id = $1 AND deal_id = ANY ($2) AND deleted_at IS NULL
                    AND (buyer_visible OR assignee_id = $3)",
                [
                    tx.actor().organization_id.into(),
                    deals.into(),
                    tx.actor().user_id.into(),
                ],
            )
            .await?;
        let anchors = rows.into_iter().map(|row| {
            let anchor = if row.is_date {
                RuleAnchor::KeyDate(row.name)
            } else {
                RuleAnchor::Completion(row.name)
            };
            (row.deal_id, anchor)
        });
        Ok(Self::Only(anchors.collect()))
    }

    /// What this reader sees of a computation that takes in the whole plan.
    pub(crate) fn of_computed(ground: &Ground, planned: &PlannedDates, reader: &Actor) -> Self {
        if is_staff(reader) {
            return Self::All;
        }
        let deal_id = ground.key_dates.deal_id;
        let actor = task_actor(reader);
        let dates = planned
            .key_dates
            .iter()
            .filter(|date| date.buyer_visible)
            .map(|date| RuleAnchor::KeyDate(date.key.clone()));
        let tasks = ground
            .plan
            .tasks
            .iter()
            .filter(|stored| may_see(&stored.task, &actor))
            .map(|stored| RuleAnchor::Completion(stored.name()));
        Self::Only(dates.chain(tasks).map(|anchor| (deal_id, anchor)).collect())
    }

    /// Whether the reader sees what is counted from.
    pub(crate) fn shows(&self, deal_id: Uuid, anchor: &RuleAnchor) -> bool {
        match self {
            Self::All => true,
            Self::Only(seen) => seen.contains(&(deal_id, anchor.clone())),
        }
    }

    /// The stored rule, if the reader sees what it counts from.
    pub(crate) fn rule<'r>(&self, deal_id: Uuid, rule: Option<&'r Rule>) -> Option<&'r Rule> {
        rule.filter(|rule| self.shows(deal_id, &rule.anchor))
    }
}
