//! The bridge between rows and the date engine: what a deal's dates are computed from, and the computing.
//!
//! Preview, what-if, explanation, applying a plan and moving a date all go through [`Ground`]; only what is
//! done with the outcome differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use contracts::field;
use domain::{
    cascade::{
        Circumstances, DateHold, DueWork, HeldDate, HeldTask, KeyDateState, Move, PlannedDates,
        PlannedTask, Standing, TaskHold, compute, due_on, has_ceased, settle, shifted,
    },
    dates::is_countable,
    deal::{DealStatus, DealType, PlanState},
    party::PartyRole,
    plan::Graph,
    rejection::{FieldError, Rejection},
    task::TaskState,
    template::{Anchor, FactValue, Facts, Template},
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use serde_json::{Map, Value};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::{
    holidays::Holidays,
    repository::{
        deals::Deal,
        holidays,
        key_dates::{self, KeyDates},
        plans::{self, Plan, TemplateRef},
        tasks::{self, StoredTask},
        templates::{self, StoredTemplate},
    },
    rules,
    services::{PartyInput, PlanInput},
    shipped,
};

/// The date that deals show; events carry it by itself.
pub(crate) const CLOSING_DATE: &str = "closing_date";

/// Whom the tasks of each part go to: the first party that plays it with a login that may have them.
pub(crate) fn first_of_each_part(
    parties: &[PartyInput],
    may_have_them: impl Fn(Uuid) -> bool,
) -> BTreeMap<PartyRole, Uuid> {
    let mut users = BTreeMap::new();
    for party in parties {
        let user = party.user_id.filter(|user| may_have_them(*user));
        if let (Some(role), Some(user)) = (PartyRole::parse(&party.role), user) {
            users.entry(role).or_insert(user);
        }
    }
    users
}

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
        Self::load(
            tx,
            plan.template.as_ref().map(|template| template.id),
            facts,
            keys,
        )
        .await
    }

    /// What a plan that does not exist yet is to be made from.
    pub(crate) async fn of_input(tx: &Tx, input: &PlanInput) -> Result<Self> {
        let facts = facts_of(&input.facts)?;
        Self::load(
            tx,
            input.template_id,
            facts,
            input.key_dates.keys().cloned(),
        )
        .await
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

    /// How far the work is that is due on a key date itself.
    fn work_due_on(&self, key: &str) -> DueWork {
        let tasks = due_on(&self.basis.template, key).filter_map(|rule| self.task(&rule.key));
        DueWork::of(tasks.map(|stored| &*stored.task))
    }

    /// All dates as they follow from what is known.
    pub(crate) fn compute(&self, zone: &Zone) -> PlannedDates {
        self.compute_with(zone, &DateInputs::new())
    }

    /// All dates as they would follow if these were set. Tasks that were added by hand and follow a rule stand among
    /// the others, by their ids.
    pub(crate) fn compute_with(&self, zone: &Zone, inputs: &DateInputs) -> PlannedDates {
        let mut planned = compute(
            &self.basis.template,
            &self.circumstances(zone, inputs),
            self.holidays.calendars(),
        );
        let own: Vec<PlannedTask> = self
            .tasks
            .iter()
            .filter_map(|stored| self.own_task(stored, &planned, zone))
            .collect();
        planned.tasks.extend(own);
        planned
    }

    /// The task of this name among the computed ones: its key, or the id of one that was added by hand.
    pub(crate) fn task(&self, name: &str) -> Option<&StoredTask> {
        self.tasks.iter().find(|stored| match &stored.task.key {
            Some(key) => key == name,
            None => stored.task.id.to_string() == name,
        })
    }

    /// What the engine is told.
    pub(crate) fn circumstances(&self, zone: &Zone, inputs: &DateInputs) -> Circumstances {
        let mut circumstances = Circumstances {
            facts: self.basis.facts.clone(),
            shift_days: self.shift_days.clone(),
            ..Circumstances::default()
        };
        for date in &self.key_dates.dates {
            if date.is_anchor {
                if let Some(value) = date.date {
                    circumstances.anchors.insert(date.key.clone(), value);
                }
            } else if let Some(why) = self.work_due_on(&date.key).hold().or(hold(date)) {
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
        // A task that ceased to apply holds no date: it is as if it had never been.
        let wanted = self.tasks.iter().filter(|stored| !has_ceased(&stored.task));
        for StoredTask { task, .. } in wanted {
            if let (Some(key), Some(why)) = (&task.key, task_hold(task, zone)) {
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

    /// A task that was added by hand, as its rule has it.
    fn own_task(
        &self,
        stored: &StoredTask,
        planned: &PlannedDates,
        zone: &Zone,
    ) -> Option<PlannedTask> {
        let task = &stored.task;
        let rule = stored.details.due_rule.as_ref();
        let rule = rule.and_then(rules::from_json)?;
        if task.key.is_some() {
            return None;
        }
        let name = task_name(stored);
        let shift_days = self.shift_days.get(&name).copied().unwrap_or_default();
        // A rule that cannot be counted leaves the task without a date, as a template's would.
        let counted = planned
            .evaluate(&rule, self.holidays.calendars())
            .ok()
            .flatten();
        let rule_date = counted.and_then(|date| shifted(date, shift_days));
        let held = task_hold(task, zone);
        Some(PlannedTask {
            key: name,
            title: task.title.clone(),
            due: held.map_or(rule_date, |_| task.due.map(|due| due.date)),
            time_of_day: task.due.and_then(|due| due.time_of_day),
            rule,
            shift_days,
            rule_date,
            held,
            depends_on: BTreeSet::new(),
            buyer_visible: task.buyer_visible,
        })
    }

    /// Refuses dates that the deal does not have, by `keyDates.<key>`.
    pub(crate) fn require_known_dates(&self, inputs: &DateInputs) -> Result<(), Rejection> {
        require_known_dates(&self.basis.template, inputs)
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

/// Why a task keeps its due date, if it does.
pub(crate) fn task_hold(task: &TaskState, zone: &Zone) -> Option<TaskHold> {
    let facts = &task.facts;
    let completed = facts
        .completed
        .as_ref()
        .map(|done| TaskHold::Completed(done.on));
    let waived = facts.waived.as_ref();
    let waived = waived.map(|waiver| TaskHold::Waived(zone.local_date(waiver.at)));
    let pinned = task.due_pinned.then_some(TaskHold::Pinned);
    completed.or(waived).or(pinned)
}

/// Reads dates as clients send them: `YYYY-MM-DD`, in years that can be counted. Wrong ones are refused by
/// `keyDates.<key>`.
pub(crate) fn parse_dates(
    dates: &BTreeMap<String, Option<String>>,
) -> Result<DateInputs, Rejection> {
    let mut inputs = DateInputs::new();
    let mut errors = Vec::new();
    for (key, text) in dates {
        let field = format!("keyDates.{key}");
        match field::optional_date("date", text.as_deref()) {
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
    refuse_any(errors)?;
    Ok(inputs)
}

/// Refuses dates that the template does not have, by `keyDates.<key>`.
pub(crate) fn require_known_dates(
    template: &Template,
    inputs: &DateInputs,
) -> Result<(), Rejection> {
    let is_known = |key: &str| template.anchor(key).is_some() || template.date(key).is_some();
    let unknown = inputs.keys().filter(|key| !is_known(key));
    let errors = unknown.map(|key| {
        let field = format!("keyDates.{key}");
        let message = format!("{field} is not a date of this deal's template");
        FieldError::new(field, "unknown", message)
    });
    refuse_any(errors.collect())
}

fn refuse_any(errors: Vec<FieldError>) -> Result<(), Rejection> {
    if errors.is_empty() {
        Ok(())
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
    refuse_any(errors)?;
    Ok(parsed)
}

/// Refuses facts that neither this template nor any shipped one asks about, and those of a sort that no condition
/// compares them with.
pub(crate) fn require_known_facts(template: &Template, facts: &Facts) -> Result<(), Rejection> {
    let of_template = template.fact_kinds();
    let mut errors = Vec::new();
    for (name, value) in facts {
        let field = format!("facts.{name}");
        let kinds = of_template.get(name.as_str());
        match kinds.or_else(|| shipped::fact_kinds(name)) {
            None => {
                let message = format!("{field} is not a fact that any template asks about");
                errors.push(FieldError::new(field, "unknown", message));
            }
            Some(kinds) if !kinds.contains(&value.kind()) => {
                let words: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                let message = format!("{field} must be {}", words.join(" or "));
                errors.push(FieldError::new(field, "type", message));
            }
            Some(_) => {}
        }
    }
    refuse_any(errors)
}

/// The dates that a deal was created with, not stored yet, at the version they will have.
fn given_dates(
    id: Uuid,
    deal_id: Uuid,
    basis: &Basis,
    input: &PlanInput,
    holidays: Holidays,
) -> Result<KeyDates, Rejection> {
    let given = input
        .key_dates
        .iter()
        .map(|(key, date)| (key.clone(), Some(date.clone())))
        .collect();
    let inputs = parse_dates(&given)?;
    require_known_dates(&basis.template, &inputs)?;
    let nothing = Circumstances {
        facts: basis.facts.clone(),
        ..Circumstances::default()
    };
    let bare = compute(&basis.template, &nothing, holidays.calendars());
    let mut dates = KeyDates {
        id,
        deal_id,
        version: 1,
        holidays,
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

/// Why a stored date keeps its value whatever the work due on it, if it does.
fn hold(date: &key_dates::KeyDate) -> Option<DateHold> {
    match date.state {
        KeyDateState::Extended => Some(DateHold::Extended),
        KeyDateState::Tbd
        | KeyDateState::Projected
        | KeyDateState::Scheduled
        | KeyDateState::Satisfied
        | KeyDateState::Waived
        | KeyDateState::NotApplicable
        | KeyDateState::Missed => date.pinned.then_some(DateHold::Pinned),
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
