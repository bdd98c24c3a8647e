//! Creates a deal with its parties; ACTIVE at once when its template has every date it needs.

use std::collections::BTreeMap;

use contracts::event::DealChange;
use domain::{
    deal::{DealStatus, DealType, DealView, Relation, view},
    money::Money,
};
use platform::{db::Tx, error::Result};
use serde_json::{Map, Value};
use time::Date;

use super::add_party::{self, PartyFields};
use crate::{
    history::{self, DealTold},
    repository::{
        access,
        deals::{self, Address, Deal, SeenDeal, TemplateRef},
        parties,
    },
};

/// The key date that lists and summaries show.
pub(crate) const CLOSING_DATE: &str = "closing_date";

/// A new deal, checked. What its template says about facts and dates was asked of task-service before.
#[derive(Clone, Debug)]
pub(crate) struct CreateDeal {
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) deal_type: DealType,
    pub(crate) purchase_price: Option<Money>,
    pub(crate) template: Option<TemplateRef>,
    pub(crate) facts: Map<String, Value>,
    pub(crate) key_dates: BTreeMap<String, Date>,
    /// IANA name; the organization's where the request names none.
    pub(crate) time_zone: Option<String>,
    pub(crate) parties: Vec<PartyFields>,
    pub(crate) start: Start,
}

/// Where a new deal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// To be activated later: without a template, or with dates missing.
    Draft,
    /// Every required anchor has its date.
    Active,
}

pub(crate) async fn run(tx: &mut Tx, command: &CreateDeal) -> Result<SeenDeal> {
    let draft = draft(tx, command);
    let created = match command.start {
        Start::Draft => draft.clone(),
        Start::Active => {
            let step = draft.status.activate(&[])?;
            Deal {
                status: step.to,
                version: draft.version + 1,
                ..draft.clone()
            }
        }
    };
    deals::insert(tx, &created).await?;
    tx.emit(history::deal_created(&draft));
    if command.start == Start::Active {
        let told = DealTold {
            changed: vec!["status".to_owned()],
            ..DealTold::default()
        };
        tx.emit(history::deal_changed(
            DealChange::Activated,
            &draft,
            &created,
            told,
        ));
    }
    for (place, party) in command.parties.iter().enumerate() {
        add_party::insert(tx, created.id, party, &format!("parties.{place}.userId")).await?;
    }
    Ok(seen(tx, command, created))
}

/// The deal as it would be, for dry runs. Writes nothing.
pub(crate) async fn preview(tx: &Tx, command: &CreateDeal) -> Result<Deal> {
    for (place, party) in command.parties.iter().enumerate() {
        parties::require_user(tx, party.user_id, &format!("parties.{place}.userId")).await?;
    }
    let draft = draft(tx, command);
    Ok(match command.start {
        Start::Draft => draft,
        Start::Active => Deal {
            status: draft.status.activate(&[])?.to,
            ..draft
        },
    })
}

fn draft(tx: &Tx, command: &CreateDeal) -> Deal {
    let actor = tx.actor();
    Deal {
        id: tx.new_id(),
        organization_id: actor.organization_id,
        name: command.name.clone(),
        address: command.address.clone(),
        deal_type: command.deal_type,
        status: DealStatus::Draft,
        purchase_price: command.purchase_price.clone(),
        template: command.template.clone(),
        facts: command.facts.clone(),
        initial_key_dates: command.key_dates.clone(),
        time_zone: command
            .time_zone
            .clone()
            .unwrap_or_else(|| actor.time_zone.clone()),
        created_by: actor.user_id,
        held_since: None,
        status_reason: None,
        cancelled_from: None,
        closing_date: command.key_dates.get(CLOSING_DATE).copied(),
        closing_date_version: 0,
        summary_revision: 0,
        version: 1,
    }
}

/// A user who may create deals, but sees only those with a part in them, still gets the deal just written.
fn seen(tx: &Tx, command: &CreateDeal, deal: Deal) -> SeenDeal {
    let actor = access::actor(tx);
    let relation = Relation {
        created_by: actor.user_id,
        is_party: command
            .parties
            .iter()
            .any(|party| party.user_id == Some(actor.user_id)),
    };
    SeenDeal {
        deal,
        relation,
        view: view(&actor, relation).unwrap_or(DealView::Staff),
    }
}
