//! The bridge between rows and the date engine: what a deal's dates are computed from, and the computing.
//!
//! Preview, what-if, explanation, applying a plan and moving a date all go through [`Ground`]; only what is
//! done with the outcome differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use contracts::field;
use domain::{
    calendar::Calendars,
    cascade::{
        Circumstances, DateHold, HeldDate, HeldTask, KeyDateState, PlannedDates, TaskHold, compute,
    },
    dates::is_countable,
    deal::{DealType, PlanState},
    party::PartyRole,
    rejection::{FieldError, Rejection},
    template::{Anchor, FactValue, Facts, Template},
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use serde_json::{Map, Value};
use time::Date;
use uuid::Uuid;

use crate::{
    repository::{
        key_dates::{self, KeyDates},
        plans::{self, Plan, TemplateRef},
        tasks::{self, StoredTask},
        templates::{self, StoredTemplate},
    },
    services::PlanInput,
    shipped,
};

/// The business calendars that rules may name.
pub(crate) static CALENDARS: LazyLock<Calendars> = LazyLock::new(Calendars::standard);

/// The date that deals show; events carry it by itself.
pub(crate) const CLOSING_DATE: &str = "closing_date";

/// What a deal's dates follow from: the template and what is known about the deal.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    /// Which template; none for a deal without one.
    pub(crate) reference: Option<TemplateRef>,
    pub(crate) template: Arc<Template>,
    pub(crate) facts: Facts,
}

impl Basis {
    /// A template as it is stored, with facts.
    pub(crate) fn of_template(stored: &StoredTemplate, facts: Facts) -> Result<Self> {
        Ok(Self {
            reference: Some(TemplateRef {
                id: stored.id,
                key: stored.key.clone(),
                version: stored.template_version,
            }),
            template: stored.parsed()?,
            facts,
        })
    }

    /// What an applied plan was made from.
    pub(crate) async fn of_plan(tx: &Tx, plan: &Plan, dates: &KeyDates) -> Result<Self> {
        let facts = facts_of(plan.facts.as_object().unwrap_or(&Map::new()))?;
        let keys = dates.dates.iter().map(|date| date.key.clone());
        Self::load(tx, plan.template.as_ref().map(|template| template.id), facts, keys).await
    }

    /// What a plan that does not exist yet is to be made from.
    pub(crate) async fn of_input(tx: &Tx, input: &PlanInput) -> Result<Self> {
        let facts = facts_of(&input.facts)?;
        Self::load(tx, input.template_id, facts, input.key_dates.keys().cloned()).await
    }

    async fn load(
        tx: &Tx,
        template_id: Option<Uuid>,
        facts: Facts,
        keys: impl Iterator<Item = String>,
    ) -> Result<Self> {
        match template_id {
            Some(id) => {
                let stored = templates::find(tx, id)
                    .await?
                    .ok_or_else(|| anyhow::anyhow!("the deal's template {id} does not exist"))?;
                Self::of_template(&stored, facts)
            }
            None => Ok(Self {
                reference: None,
                template: Arc::new(without_template(keys)),
                facts,
            }),
        }
    }

    /// The keys of the required anchors that have no date.
    pub(crate) fn missing_anchors(&self, dates: &KeyDates) -> Vec<String> {
        self.template
            .required_anchors()
            .filter(|key| dates.get(key).is_none_or(|date| date.date.is_none()))
            .map(str::to_owned)
            .collect()
    }
}

/// Everything that the dates of a deal are computed from, as it stands now.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) basis: Basis,
    pub(crate) key_dates: KeyDates,
    /// Whether the key dates are stored; else they are those given with the deal.
    pub(crate) is_stored: bool,
    /// As far as the caller may see them.
    pub(crate) tasks: Vec<StoredTask>,
}

/// New dates by key; `None` takes a date away, or lets it follow its rule again.
pub(crate) type DateInputs = BTreeMap<String, Option<Date>>;

impl Ground {
    /// Reads what the dates of a deal follow from. `input` is what deal-service says, for a deal whose plan
    /// has not been made; without it that is `PLAN_PENDING`.
    pub(crate) async fn read(
        tx: &Tx,
        deal_id: Uuid,
        zone: &Zone,
        input: Option<&PlanInput>,
    ) -> Result<Self> {
        let tasks = tasks::of_deal(tx, deal_id).await?;
        Self::with(tx, deal_id, zone, input, tasks).await
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
            (None, Some(input)) => given_dates(tx.new_id(), deal_id, &basis, input)?,
            (None, None) => return Err(Rejection::PlanPending.into()),
        };
        let mut ground = Self {
            basis,
            key_dates,
            is_stored,
            tasks,
        };
        if !is_stored {
            let planned = ground.compute(zone);
            ground.key_dates = dates_as_planned(&ground.key_dates, &planned);
        }
        Ok(ground)
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
            &CALENDARS,
        )
    }

    /// What the engine is told.
    pub(crate) fn circumstances(&self, zone: &Zone, inputs: &DateInputs) -> Circumstances {
        let mut circumstances = Circumstances {
            facts: self.basis.facts.clone(),
            ..Circumstances::default()
        };
        for date in &self.key_dates.dates {
            if date.is_anchor {
                if let Some(value) = date.date {
                    circumstances.anchors.insert(date.key.clone(), value);
                }
            } else if let Some(why) = hold(date.state, date.pinned) {
                let held = HeldDate {
                    date: date.date,
                    why,
                };
                circumstances.held_dates.insert(date.key.clone(), held);
            }
        }
        for (key, value) in inputs {
            self.set(&mut circumstances, key, *value);
        }
        for StoredTask { task, .. } in &self.tasks {
            let finished = task.facts.completed.as_ref().map(|c| TaskHold::Completed(c.on));
            let waived = task.facts.waived.as_ref();
            let waived = waived.map(|w| TaskHold::Waived(zone.local_date(w.at)));
            let pinned = task.due_pinned.then_some(TaskHold::Pinned);
            if let (Some(key), Some(why)) = (&task.key, finished.or(waived).or(pinned)) {
                let due = task.due.map(|due| due.date);
                circumstances
                    .held_tasks
                    .insert(key.clone(), HeldTask { due, why });
            }
        }
        circumstances
    }

    fn set(&self, circumstances: &mut Circumstances, key: &str, value: Option<Date>) {
        let is_anchor = self.basis.template.anchor(key).is_some();
        match (is_anchor, value) {
            (true, Some(date)) => {
                circumstances.anchors.insert(key.to_owned(), date);
            }
            (true, None) => {
                circumstances.anchors.remove(key);
            }
            (false, Some(date)) => {
                let held = HeldDate {
                    date: Some(date),
                    why: DateHold::Pinned,
                };
                circumstances.held_dates.insert(key.to_owned(), held);
            }
            (false, None) => {
                circumstances.held_dates.remove(key);
            }
        }
    }

    /// Reads dates as clients send them; wrong ones are refused with `<path>.<key>`.
    pub(crate) fn parse_inputs(
        &self,
        path: &str,
        dates: &BTreeMap<String, Option<String>>,
    ) -> Result<DateInputs, Rejection> {
        parse_inputs(&self.basis.template, path, dates)
    }
}

/// Reads dates as clients send them: keys that the template has, years that can be counted.
pub(crate) fn parse_inputs(
    template: &Template,
    path: &str,
    dates: &BTreeMap<String, Option<String>>,
) -> Result<DateInputs, Rejection> {
    let mut inputs = DateInputs::new();
    let mut errors = Vec::new();
    for (key, text) in dates {
        let field = format!("{path}.{key}");
        if template.anchor(key).is_none() && template.date(key).is_none() {
            let message = format!("{field} is not a date of this deal's template");
            errors.push(FieldError::new(field, "unknown", message));
            continue;
        }
        let parsed = text
            .as_deref()
            .map(|text| field::date("date", text))
            .transpose();
        match parsed {
            Err(_) => {
                let message = format!("{field} must be a date, YYYY-MM-DD");
                errors.push(FieldError::new(field, "format", message));
            }
            Ok(Some(date)) if !is_countable(date) => {
                let message = format!("{field} lies outside the years that can be counted");
                errors.push(FieldError::new(field, "range", message));
            }
            Ok(date) => {
                inputs.insert(key.clone(), date);
            }
        }
    }
    if errors.is_empty() {
        Ok(inputs)
    } else {
        Err(Rejection::Validation { errors })
    }
}

/// Facts from JSON: texts, numbers and flags.
pub(crate) fn facts_of(facts: &Map<String, Value>) -> Result<Facts, Rejection> {
    let mut parsed = Facts::new();
    let mut errors = Vec::new();
    for (name, value) in facts {
        let value = match value {
            Value::Null => continue,
            Value::Bool(flag) => Some(FactValue::Flag(*flag)),
            Value::String(text) => Some(FactValue::Text(text.clone())),
            Value::Number(number) => number.to_string().parse().ok().map(FactValue::Number),
            Value::Array(_) | Value::Object(_) => None,
        };
        match value {
            Some(value) => {
                parsed.insert(name.clone(), value);
            }
            None => errors.push(FieldError::new(
                format!("facts.{name}"),
                "type",
                format!("facts.{name} must be a text, a number or a flag"),
            )),
        }
    }
    if errors.is_empty() {
        Ok(parsed)
    } else {
        Err(Rejection::Validation { errors })
    }
}

/// Refuses facts that neither this template nor any shipped one asks about.
pub(crate) fn require_known_facts(template: &Template, facts: &Facts) -> Result<(), Rejection> {
    let of_template = template.fact_names();
    let of_shipped: BTreeSet<&str> = shipped::fact_names().collect();
    let is_known = |name: &str| of_template.contains(name) || of_shipped.contains(name);
    let errors: Vec<FieldError> = facts
        .keys()
        .filter(|name| !is_known(name))
        .map(|name| {
            let field = format!("facts.{name}");
            let message = format!("{field} is not a fact that any template asks about");
            FieldError::new(field, "unknown", message)
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Rejection::Validation { errors })
    }
}

/// The key dates of a deal after a computation. The version stays.
pub(crate) fn dates_as_planned(before: &KeyDates, planned: &PlannedDates) -> KeyDates {
    KeyDates {
        dates: planned.key_dates.iter().map(key_dates::KeyDate::of).collect(),
        ..before.clone()
    }
}

/// The dates that a deal was created with, not stored yet, at the version they will have.
fn given_dates(
    id: Uuid,
    deal_id: Uuid,
    basis: &Basis,
    input: &PlanInput,
) -> Result<KeyDates, Rejection> {
    let given = input
        .key_dates
        .iter()
        .map(|(key, date)| (key.clone(), Some(date.clone())))
        .collect();
    let inputs = parse_inputs(&basis.template, "keyDates", &given)?;
    let nothing = Circumstances {
        facts: basis.facts.clone(),
        ..Circumstances::default()
    };
    let bare = compute(&basis.template, &nothing, &CALENDARS);
    let mut dates = KeyDates {
        id,
        deal_id,
        version: 1,
        dates: bare.key_dates.iter().map(key_dates::KeyDate::of).collect(),
    };
    for date in &mut dates.dates {
        if let Some(Some(value)) = inputs.get(&date.key) {
            date.date = Some(*value);
            date.pinned = !date.is_anchor;
        }
    }
    Ok(dates)
}

/// Why a stored date keeps its value, if it does.
fn hold(state: KeyDateState, pinned: bool) -> Option<DateHold> {
    match state {
        KeyDateState::Satisfied => Some(DateHold::Satisfied),
        KeyDateState::Waived => Some(DateHold::Waived),
        KeyDateState::Missed => Some(DateHold::Missed),
        KeyDateState::Extended => Some(DateHold::Extended),
        KeyDateState::Tbd
        | KeyDateState::Projected
        | KeyDateState::Scheduled
        | KeyDateState::NotApplicable => pinned.then_some(DateHold::Pinned),
    }
}

/// A deal without a template still has the dates that every deal has, and those it was given.
fn without_template(keys: impl Iterator<Item = String>) -> Template {
    let usual = ["effective_date", CLOSING_DATE].map(str::to_owned);
    let mut seen = BTreeSet::new();
    let anchors = usual
        .into_iter()
        .chain(keys)
        .filter(|key| seen.insert(key.clone()))
        .map(|key| Anchor {
            title: title_of(&key),
            key,
            required: false,
            reso: None,
        })
        .collect();
    Template {
        key: String::new(),
        name: String::new(),
        version: 0,
        deal_type: DealType::Purchase,
        side: String::new(),
        reso_transaction_type: None,
        counting_profile: None,
        client_role: PartyRole::Client,
        roles: Vec::new(),
        internal_roles: Vec::new(),
        anchors,
        dates: Vec::new(),
        constraints: Vec::new(),
        milestones: Vec::new(),
        tasks: Vec::new(),
    }
}

/// `closing_date` → `Closing date`.
fn title_of(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
