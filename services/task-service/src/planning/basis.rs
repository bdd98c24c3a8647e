//! What a plan is made from: the template, the facts, and the dates that the deal was given.

use std::{collections::BTreeSet, sync::Arc};

use contracts::records::CLOSING_DATE;
use domain::{
    cascade::{Circumstances, KeyDate, compute},
    deal::DealType,
    party::PartyRole,
    rejection::Rejection,
    template::{Anchor, CountingProfile, Facts, Side, Template},
};
use platform::{db::Tx, error::Result};
use serde_json::Map;
use uuid::Uuid;

use super::{facts_of, parse_dates, require_known_dates};
use crate::{
    holidays::Holidays,
    repository::{
        key_dates::KeyDates,
        plans::{Plan, TemplateRef},
        templates::{self, StoredTemplate},
    },
    services::PlanInput,
};

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
    async fn of_template(tx: &Tx, stored: &StoredTemplate, facts: &Facts) -> Result<Self> {
        let template = stored.parsed(tx).await?;
        Ok(Self {
            reference: Some(TemplateRef {
                id: stored.id,
                key: stored.key.clone(),
                version: stored.template_version,
            }),
            facts: template.spelled(facts),
            template,
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
                Self::of_template(tx, &stored, &facts).await
            }
            None => Ok(Self {
                reference: None,
                template: Arc::new(without_template(keys)),
                facts,
            }),
        }
    }
}

/// The dates that a deal was created with, not stored yet, at the version they will have.
pub(super) fn given_dates(
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
        dates: bare.key_dates.iter().map(KeyDate::of).collect(),
    };
    for date in &mut dates.dates {
        if let Some(Some(value)) = inputs.get(&date.key) {
            date.date = Some(*value);
            date.pinned = !date.is_anchor;
        }
    }
    Ok(dates)
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
            revocable: true,
            reso: None,
            needs_business_day: None,
        })
        .collect();
    Template {
        key: String::new(),
        name: String::new(),
        version: 0,
        deal_type: DealType::Purchase,
        side: Side::Buyer,
        reso_transaction_type: None,
        counting_profile: CountingProfile::UsGeneric,
        client_role: PartyRole::Client,
        roles: Vec::new(),
        internal_roles: Vec::new(),
        facts: Vec::new(),
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
