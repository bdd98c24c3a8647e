//! The bridge between rows and the date engine: what a deal's dates are computed from, and the computing.
//!
//! Preview, what-if, explanation, applying a plan and moving a date all go through [`Ground`]; only what is
//! done with the outcome differs.

mod basis;
mod circumstances;
mod inputs;
mod projection;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    cascade::{Move, PlannedDates, Standing, compute, counting_graph, settle},
    deal::{DealStatus, PlanState},
    plan::Graph,
    rejection::{FieldError, Rejection},
    template::RuleAnchor,
    zone::Zone,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use time::OffsetDateTime;
use uuid::Uuid;

use self::basis::given_dates;
pub(crate) use self::{
    basis::Basis,
    circumstances::{Series, beside_template, task_hold},
    inputs::{
        DateInputs, facts_of, first_of_each_part, parse_dates, require_known_dates,
        require_known_facts, spelled,
    },
    projection::{counting_of, work_of},
};
use crate::{
    holidays::Holidays,
    repository::{
        deals::Deal,
        holidays,
        key_dates::{self, KeyDates},
        plans,
        tasks::{self, StoredTask},
    },
    services::PlanInput,
};

/// The date that deals show; events carry it by itself.
pub(crate) const CLOSING_DATE: &str = "closing_date";

/// Everything that the dates of a deal are computed from, as it stands now.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) basis: Basis,
    pub(crate) key_dates: KeyDates,
    /// What dates are counted with: as the stored ones were, until [`Ground::use_present_holidays`].
    pub(crate) holidays: Holidays,
    /// The keys of the dates that somebody sets by hand.
    pub(crate) moved: BTreeSet<String>,
    /// Whether the key dates are stored; else they are those given with the deal.
    pub(crate) is_stored: bool,
    /// As far as the caller may see them.
    pub(crate) tasks: Vec<StoredTask>,
    /// Calendar days that holds added to what the rules of tasks say, by [`task_name`].
    pub(crate) shift_days: BTreeMap<String, u32>,
}

impl Ground {
    /// Reads what the dates of a deal follow from. `input` is what deal-service says, for a deal whose plan
    /// has not been made; without it that is `PLAN_PENDING`. Facts or dates of the deal that give no plan are
    /// `PLAN_FAILED`, and not a fault of the reader.
    pub(crate) async fn read(
        tx: &Tx,
        deal_id: Uuid,
        zone: &Zone,
        input: Option<&PlanInput>,
    ) -> Result<Self> {
        let tasks = tasks::of_deal(tx, deal_id).await?;
        let ground = Self::with(tx, deal_id, zone, input, tasks).await;
        ground.map_err(without_reason)
    }

    /// As [`Ground::read`], with every task locked. The deal is locked exclusively.
    pub(crate) async fn lock(
        tx: &Tx,
        deal_id: Uuid,
        zone: &Zone,
        input: Option<&PlanInput>,
    ) -> Result<Self> {
        let tasks = tasks::lock_of_deal(tx, deal_id).await?;
        Self::with(tx, deal_id, zone, input, tasks).await
    }

    async fn with(
        tx: &Tx,
        deal_id: Uuid,
        zone: &Zone,
        input: Option<&PlanInput>,
        tasks: Vec<StoredTask>,
    ) -> Result<Self> {
        let plan = plans::of_deal(tx, deal_id).await?;
        let stored = key_dates::of_deal(tx, deal_id).await?;
        let applied = plan.filter(|plan| plan.state == PlanState::Applied);
        let basis = match (&applied, &stored, input) {
            (Some(plan), Some(dates), _) => Basis::of_plan(tx, plan, dates).await?,
            (_, _, Some(input)) => Basis::of_input(tx, input).await?,
            _ => return Err(Rejection::PlanPending.into()),
        };
        let is_stored = stored.is_some();
        let key_dates = match (stored, input) {
            (Some(dates), _) => dates,
            (None, Some(input)) => {
                let holidays = holidays::of_organization(tx).await?;
                given_dates(tx.new_id(), deal_id, &basis, input, holidays)?
            }
            (None, None) => return Err(Rejection::PlanPending.into()),
        };
        let mut ground = Self {
            basis,
            holidays: key_dates.holidays.clone(),
            key_dates,
            moved: BTreeSet::new(),
            is_stored,
            shift_days: shift_days_of(&tasks),
            tasks,
        };
        if !is_stored {
            let planned = ground.compute(zone);
            let dates = planned.key_dates.iter().map(key_dates::KeyDate::of);
            ground.key_dates.dates = dates.collect();
        }
        Ok(ground)
    }

    /// Counts with the organization's calendar as it is now. Whoever moves dates is shown what that changes; until
    /// then the dates stand as they were counted.
    pub(crate) async fn use_present_holidays(&mut self, tx: &Tx) -> Result<()> {
        self.holidays = holidays::of_organization(tx).await?;
        Ok(())
    }

    /// What waits for what among the template's tasks that apply and are in the deal or `wanted`; whoever waited for
    /// another one waits for what that one waited for.
    pub(crate) fn waiting(
        &self,
        planned: &PlannedDates,
        wanted: &BTreeSet<String>,
    ) -> Graph<String> {
        let is_there = |key: &str| wanted.contains(key) || self.task(key).is_some();
        let graph = self.basis.template.graph();
        let absent = graph
            .nodes()
            .filter(|key| planned.task(key).is_none() || !is_there(key))
            .cloned()
            .collect();
        graph.without(&absent)
    }

    /// The key dates after a computation, with where each stands by then. The version stays.
    pub(crate) fn dates_as_planned(
        &self,
        planned: &PlannedDates,
        deal: &Deal,
        now: OffsetDateTime,
    ) -> KeyDates {
        let moment = deal.moment(now);
        let dates = planned.key_dates.iter().map(|date| {
            let mut after = key_dates::KeyDate::of(date);
            if let Some(before) = self.key_dates.get(&date.key) {
                let is_moved = deal.status != DealStatus::Draft && self.moved.contains(&date.key);
                let moved = if is_moved { Move::ByHand } else { Move::None };
                let standing = Standing {
                    state: before.state,
                    date: before.date,
                };
                let work = self.work_due_on(&date.key);
                after.state = settle(date, standing, moved, work, &moment);
                // Finished work keeps the value; that it was set by hand counts again when the work is reopened.
                after.pinned |= before.pinned && work.hold().is_some();
            }
            after
        });
        KeyDates {
            holidays: self.holidays.clone(),
            dates: dates.collect(),
            ..self.key_dates.clone()
        }
    }

    /// All dates as they follow from what is known.
    pub(crate) fn compute(&self, zone: &Zone) -> PlannedDates {
        self.compute_with(zone, &DateInputs::new())
    }

    /// All dates as they would follow if these were set.
    pub(crate) fn compute_with(&self, zone: &Zone, inputs: &DateInputs) -> PlannedDates {
        compute(
            &self.basis.template,
            &self.circumstances(zone, inputs),
            self.holidays.calendars(),
        )
    }

    /// What counts from what, as it is.
    pub(crate) fn counting_graph(&self, zone: &Zone) -> Graph<RuleAnchor> {
        let circumstances = self.circumstances(zone, &DateInputs::new());
        counting_graph(&self.basis.template, &circumstances)
    }

    /// The task of this name among the computed ones: its key, or the id of one that was added by hand.
    pub(crate) fn task(&self, name: &str) -> Option<&StoredTask> {
        self.tasks.iter().find(|stored| match &stored.task.key {
            Some(key) => key == name,
            None => stored.task.id.to_string() == name,
        })
    }

    /// Refuses to take a date away that a deal which has begun cannot do without, by `keyDates.<key>`: a required anchor,
    /// unless the template says that it may fall away.
    pub(crate) fn require_kept_dates(
        &self,
        deal: &Deal,
        inputs: &DateInputs,
    ) -> Result<(), Rejection> {
        if !matches!(deal.status, DealStatus::Active | DealStatus::OnHold) {
            return Ok(());
        }
        let is_set = |key: &str| {
            self.key_dates
                .get(key)
                .is_some_and(|date| date.date.is_some())
        };
        let errors: Vec<FieldError> = inputs
            .iter()
            .filter(|(key, date)| date.is_none() && is_set(key))
            .filter_map(|(key, _)| self.basis.template.anchor(key))
            .filter(|anchor| anchor.required && !anchor.revocable)
            .map(|anchor| {
                let field = format!("keyDates.{}", anchor.key);
                let message = format!("{field} is needed as long as the deal is under way");
                FieldError::new(field, "required", message)
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Rejection::Validation { errors })
        }
    }

    /// Refuses dates that the deal does not have, by `keyDates.<key>`.
    pub(crate) fn require_known_dates(&self, inputs: &DateInputs) -> Result<(), Rejection> {
        require_known_dates(&self.basis.template, inputs)
    }
}

/// What is wrong with a deal's own facts is said by the workflow and to coordinators, not to everybody who reads dates: the
/// names of facts are confidential.
fn without_reason(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Validation { .. }) => Rejection::PlanFailed {
            reason: "the deal's plan could not be made".to_owned(),
        }
        .into(),
        error => error,
    }
}

/// How a task is named among the computed ones: by its key, or by its id if it was added by hand.
pub(crate) fn task_name(stored: &StoredTask) -> String {
    let key = stored.task.key.clone();
    key.unwrap_or_else(|| stored.task.id.to_string())
}

/// The days of holds of the tasks that have any, by their names.
fn shift_days_of(tasks: &[StoredTask]) -> BTreeMap<String, u32> {
    let shifted = tasks.iter().filter(|stored| stored.task.shift_days > 0);
    shifted
        .map(|stored| (task_name(stored), stored.task.shift_days))
        .collect()
}
