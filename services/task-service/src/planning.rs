//! The bridge between rows and the date engine: what a deal's dates are computed from, read or locked.
//!
//! Preview, what-if, explanation, applying a plan and moving a date all go through [`Ground`]; only what is
//! done with the outcome differs.

mod basis;
mod inputs;
mod prepare;
mod projection;

use domain::{
    cascade::{DateInputs, KeyDate, PlannedDates, RunningPlan, Settled, shift_days_of},
    deal::{DealStatus, PlanState},
    rejection::{FieldError, Rejection},
    task::StoredTask,
    zone::Zone,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use self::basis::{Basis, given_dates};
pub(crate) use self::{
    inputs::{
        facts_of, first_of_each_part, parse_dates, require_known_dates, require_known_facts,
        spelled,
    },
    prepare::{DateMove, Prepared, Purpose, prepare},
    projection::work_of,
};
use crate::{
    holidays::Holidays,
    repository::{
        deals::Deal,
        holidays,
        key_dates::{self, KeyDates},
        plans::{self, TemplateRef},
        tasks,
    },
    services::PlanInput,
};

/// Everything that the dates of a deal are computed from, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Which template; none for a deal without one.
    pub(crate) reference: Option<TemplateRef>,
    /// The key dates as they are stored, or else as they were given with the deal.
    pub(crate) key_dates: KeyDates,
    /// Whether the key dates are stored.
    pub(crate) is_stored: bool,
    /// What dates are counted with: as the stored ones were, until [`Ground::use_present_holidays`].
    pub(crate) holidays: Holidays,
    /// The plan; its tasks as far as the caller may see them.
    pub(crate) plan: RunningPlan,
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
            reference: basis.reference,
            holidays: key_dates.holidays.clone(),
            is_stored,
            plan: RunningPlan {
                template: basis.template,
                facts: basis.facts,
                calendars: key_dates.holidays.calendars().clone(),
                key_dates: key_dates.dates.clone(),
                inputs: DateInputs::new(),
                shift_days: shift_days_of(&tasks),
                tasks,
            },
            key_dates,
        };
        if !is_stored {
            let planned = ground.plan.compute(zone);
            ground.key_dates.dates = planned.key_dates.iter().map(KeyDate::of).collect();
            ground.plan.key_dates.clone_from(&ground.key_dates.dates);
        }
        Ok(ground)
    }

    /// Counts with the organization's calendar as it is now. The preview of a move shows what that changes; until then
    /// the dates stay as they were counted.
    pub(crate) async fn use_present_holidays(&mut self, tx: &Tx) -> Result<()> {
        self.holidays = holidays::of_organization(tx).await?;
        self.plan.calendars = self.holidays.calendars().clone();
        Ok(())
    }

    /// All dates as they follow from what is known.
    pub(crate) fn compute(&self, zone: &Zone) -> PlannedDates {
        self.plan.compute(zone)
    }

    /// The key dates after a change. The version stays.
    pub(crate) fn key_dates_after(&self, settled: &Settled) -> KeyDates {
        KeyDates {
            holidays: self.holidays.clone(),
            dates: settled.plan.key_dates.clone(),
            ..self.key_dates.clone()
        }
    }

    /// Refuses to clear a date that a deal which has begun cannot do without, by `keyDates.<key>`: a required anchor,
    /// unless the template says that it is revocable.
    fn require_kept_dates(&self, deal: &Deal, inputs: &DateInputs) -> Result<(), Rejection> {
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
            .filter_map(|(key, _)| self.plan.template.anchor(key))
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
}

/// Hides what is wrong with a deal's own facts: the names of facts are confidential. Coordinators get the reason in a
/// notice; others who read dates do not.
fn without_reason(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Validation { .. }) => Rejection::PlanFailed {
            reason: "the deal's plan could not be made".to_owned(),
        }
        .into(),
        error => error,
    }
}
