//! Deals: the table `deals`. `ctx.deals`, by which the other services know that a deal exists, and `ctx.deal_access`,
//! which says who sees it, follow by triggers in the same transaction: no service can write them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contracts::field::{date_text, instant_text};
use domain::{
    deal::{DealStatus, DealType, DealView, Relation, view},
    money::Money,
    rejection::Rejection,
};
use platform::{
    db::{Sight, Tx},
    error::{Error, Result},
};
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use serde_json::{Map, Value, json};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::access;

/// Where the property is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) unit: Option<String>,
    pub(crate) city: String,
    pub(crate) state_or_province: String,
    pub(crate) postal_code: String,
    pub(crate) country: String,
}

/// The template version that a deal is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateRef {
    pub(crate) id: Uuid,
    pub(crate) key: String,
}

/// A deal as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deal {
    pub(crate) id: Uuid,
    pub(crate) organization_id: Uuid,
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) deal_type: DealType,
    pub(crate) status: DealStatus,
    /// Confidential.
    pub(crate) purchase_price: Option<Money>,
    pub(crate) template: Option<TemplateRef>,
    /// Confidential: holds financing.
    pub(crate) facts: Map<String, Value>,
    /// Anchors as given at creation; from then on task-service owns the dates.
    pub(crate) initial_key_dates: BTreeMap<String, Date>,
    /// IANA name of the property's zone.
    pub(crate) time_zone: String,
    pub(crate) created_by: Uuid,
    pub(crate) held_since: Option<OffsetDateTime>,
    pub(crate) status_reason: Option<String>,
    /// The status in which it was cancelled, while it is cancelled; reopening needs it.
    pub(crate) cancelled_from: Option<DealStatus>,
    /// Read model, fed by `tasks.key_dates.changed`; not part of the aggregate and its version.
    pub(crate) closing_date: Option<Date>,
    /// The version of the key dates that `closing_date` comes from.
    pub(crate) closing_date_version: i64,
    /// Counts what changes the summary.
    pub(crate) summary_revision: i64,
    pub(crate) version: i64,
}

impl Deal {
    /// When it was created: its id carries the instant.
    pub(crate) fn created_at(&self) -> OffsetDateTime {
        created_at(self.id)
    }

    /// The whole aggregate as the audit log keeps it, confidential values included.
    pub(crate) fn snapshot(&self) -> Value {
        json!({
            "id": self.id,
            "dealId": self.id,
            "name": self.name,
            "propertyAddress": {
                "street": self.address.street,
                "unit": self.address.unit,
                "city": self.address.city,
                "stateOrProvince": self.address.state_or_province,
                "postalCode": self.address.postal_code,
                "country": self.address.country,
            },
            "dealType": self.deal_type.as_str(),
            "status": self.status.as_str(),
            "purchasePrice": self.purchase_price.as_ref().map(|price| {
                json!({ "amount": price.amount().to_string(), "currency": price.currency() })
            }),
            "templateId": self.template.as_ref().map(|template| template.id),
            "templateKey": self.template.as_ref().map(|template| &template.key),
            "facts": self.facts,
            "keyDates": dates_json(&self.initial_key_dates),
            "timeZone": self.time_zone,
            "createdBy": self.created_by,
            "createdAt": instant_text(self.created_at()),
            "heldSince": self.held_since.map(instant_text),
            "statusReason": self.status_reason,
            "cancelledFrom": self.cancelled_from.map(DealStatus::as_str),
            "version": self.version,
        })
    }
}

/// A deal with how much of it the acting user may see.
#[derive(Clone, Debug)]
pub(crate) struct SeenDeal {
    pub(crate) deal: Deal,
    pub(crate) relation: Relation,
    pub(crate) view: DealView,
}

/// When a row was created: its UUIDv7 begins with the instant in milliseconds.
pub(crate) fn created_at(id: Uuid) -> OffsetDateTime {
    id.get_timestamp()
        .and_then(|stamp| {
            let (seconds, nanoseconds) = stamp.to_unix();
            let nanoseconds = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
        })
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Dates by key, as JSON text.
pub(crate) fn dates_json(dates: &BTreeMap<String, Date>) -> Value {
    dates
        .iter()
        .map(|(key, date)| (key.clone(), Value::from(date_text(*date))))
        .collect::<Map<_, _>>()
        .into()
}

/// Columns of a deal and how the acting user (`$2`) is related to it. The table's alias is `d`.
macro_rules! deal_columns {
    () => {
        "d.id, d.organization_id, d.name, d.street, d.unit, d.city, d.state_or_province, d.postal_code, d.country,
         d.deal_type, d.status, d.purchase_price, d.currency, d.template_id, d.template_key, d.facts,
         d.initial_key_dates, d.time_zone, d.created_by, d.held_since, d.status_reason, d.cancelled_from, d.closing_date,
         d.closing_date_version, d.summary_revision, d.version,
         EXISTS (SELECT FROM ctx.deal_access a
                  WHERE a.organization_id = d.organization_id AND a.deal_id = d.id AND a.user_id = $2
                    AND cardinality(a.party_roles) > 0) AS is_party"
    };
}
pub(crate) use deal_columns;

/// A row with [`deal_columns`].
#[derive(FromQueryResult)]
pub(crate) struct DealRow {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    street: String,
    unit: Option<String>,
    city: String,
    state_or_province: String,
    postal_code: String,
    country: String,
    deal_type: String,
    status: String,
    purchase_price: Option<Decimal>,
    currency: Option<String>,
    template_id: Option<Uuid>,
    template_key: Option<String>,
    facts: Value,
    initial_key_dates: Value,
    time_zone: String,
    created_by: Uuid,
    held_since: Option<OffsetDateTime>,
    status_reason: Option<String>,
    cancelled_from: Option<String>,
    closing_date: Option<Date>,
    closing_date_version: i64,
    summary_revision: i64,
    version: i64,
    is_party: bool,
}

impl DealRow {
    /// The deal as the acting user sees it. `None` when it may not see it at all.
    pub(crate) fn seen_by(self, tx: &Tx) -> Result<Option<SeenDeal>> {
        let relation = Relation {
            created_by: self.created_by,
            is_party: self.is_party,
        };
        let deal = self.restore().context("restore a deal")?;
        Ok(view(&access::actor(tx), relation).map(|view| SeenDeal {
            deal,
            relation,
            view,
        }))
    }

    fn restore(self) -> anyhow::Result<Deal> {
        let purchase_price = match (self.purchase_price, &self.currency) {
            (Some(amount), Some(currency)) => {
                Some(Money::from_decimal("purchasePrice", amount, currency)?)
            }
            _ => None,
        };
        let template = match (self.template_id, self.template_key) {
            (Some(id), Some(key)) => Some(TemplateRef { id, key }),
            _ => None,
        };
        Ok(Deal {
            id: self.id,
            organization_id: self.organization_id,
            name: self.name,
            address: Address {
                street: self.street,
                unit: self.unit,
                city: self.city,
                state_or_province: self.state_or_province,
                postal_code: self.postal_code,
                country: self.country,
            },
            deal_type: DealType::parse(&self.deal_type).context("an unknown type of deal")?,
            status: status(&self.status)?,
            purchase_price,
            template,
            facts: object(self.facts)?,
            initial_key_dates: restore_dates(self.initial_key_dates)?,
            time_zone: self.time_zone,
            created_by: self.created_by,
            held_since: self.held_since,
            status_reason: self.status_reason,
            cancelled_from: self.cancelled_from.as_deref().map(status).transpose()?,
            closing_date: self.closing_date,
            closing_date_version: self.closing_date_version,
            summary_revision: self.summary_revision,
            version: self.version,
        })
    }
}

fn status(text: &str) -> anyhow::Result<DealStatus> {
    DealStatus::parse(text).context("an unknown status")
}

fn object(value: Value) -> anyhow::Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        _ => anyhow::bail!("not an object"),
    }
}

fn restore_dates(value: Value) -> anyhow::Result<BTreeMap<String, Date>> {
    object(value)?
        .into_iter()
        .map(|(key, value)| {
            let text = value.as_str().context("a date is not text")?;
            Ok((key, contracts::field::date("keyDates", text)?))
        })
        .collect()
}

/// The deal, if the acting user may see it.
pub(crate) async fn find(tx: &Tx, id: Uuid) -> Result<Option<SeenDeal>> {
    let row: Option<DealRow> = tx
        .first(
            concat!(
                "SELECT ",
                deal_columns!(),
                " FROM deals d WHERE d.organization_id = $1 AND d.id = $3 AND d.status <> 'DELETED'"
            ),
            [
                tx.actor().organization_id.into(),
                tx.actor().user_id.into(),
                id.into(),
            ],
        )
        .await?;
    row.map_or(Ok(None), |row| row.seen_by(tx))
}

/// An answer about a deal is replayed to a caller who sees the deal; a draft deleted since is still the caller's.
pub(crate) const SIGHTS: &[Sight] = &[Sight {
    address: "/api/deals/",
    find: "SELECT id FROM deals WHERE organization_id = $1 AND id = $2",
}];

/// As [`find`], or 404.
pub(crate) async fn get(tx: &Tx, id: Uuid) -> Result<SeenDeal> {
    find(tx, id).await?.ok_or(Rejection::NotFound.into())
}

#[derive(FromQueryResult)]
struct Locked {
    #[expect(
        dead_code,
        reason = "a row shows that the deal exists and is locked now"
    )]
    status: String,
}

/// Locks the deal against everybody who changes it, its parties or its plan, then reads it. 404 when the
/// acting user may not see it; that is asked after the lock is held.
pub(crate) async fn lock(tx: &Tx, id: Uuid) -> Result<SeenDeal> {
    let locked: Option<Locked> = tx
        .first(
            "SELECT status FROM ctx.lock_deal_exclusively($1)",
            [id.into()],
        )
        .await?;
    locked.ok_or(Error::from(Rejection::NotFound))?;
    get(tx, id).await
}

/// Writes a new deal.
pub(crate) async fn insert(tx: &Tx, deal: &Deal) -> Result<()> {
    tx.run(
        "INSERT INTO deals (id, organization_id, name, street, unit, city, state_or_province, postal_code, country,
           deal_type, status, purchase_price, currency, template_id, template_key, facts, initial_key_dates,
           time_zone, created_by, closing_date, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        [
            deal.id.into(),
            deal.organization_id.into(),
            deal.name.clone().into(),
            deal.address.street.clone().into(),
            deal.address.unit.clone().into(),
            deal.address.city.clone().into(),
            deal.address.state_or_province.clone().into(),
            deal.address.postal_code.clone().into(),
            deal.address.country.clone().into(),
            deal.deal_type.as_str().into(),
            deal.status.as_str().into(),
            deal.purchase_price.as_ref().map(Money::amount).into(),
            deal.purchase_price
                .as_ref()
                .map(|price| price.currency().to_owned())
                .into(),
            deal.template.as_ref().map(|template| template.id).into(),
            deal.template
                .as_ref()
                .map(|template| template.key.clone())
                .into(),
            Value::Object(deal.facts.clone()).into(),
            dates_json(&deal.initial_key_dates).into(),
            deal.time_zone.clone().into(),
            deal.created_by.into(),
            deal.closing_date.into(),
            deal.version.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Writes the changed fields of a locked deal.
pub(crate) async fn update(tx: &Tx, deal: &Deal) -> Result<()> {
    let changed = tx
        .run(
            "UPDATE deals SET name = $3, street = $4, unit = $5, city = $6, state_or_province = $7, postal_code = $8,
               country = $9, deal_type = $10, status = $11, purchase_price = $12, currency = $13, facts = $14,
               held_since = $15, status_reason = $16, version = $17, cancelled_from = $18, summary_revision = summary_revision + 1
             WHERE organization_id = $1 AND id = $2",
            [
                deal.organization_id.into(),
                deal.id.into(),
                deal.name.clone().into(),
                deal.address.street.clone().into(),
                deal.address.unit.clone().into(),
                deal.address.city.clone().into(),
                deal.address.state_or_province.clone().into(),
                deal.address.postal_code.clone().into(),
                deal.address.country.clone().into(),
                deal.deal_type.as_str().into(),
                deal.status.as_str().into(),
                deal.purchase_price.as_ref().map(Money::amount).into(),
                deal.purchase_price
                    .as_ref()
                    .map(|price| price.currency().to_owned())
                    .into(),
                Value::Object(deal.facts.clone()).into(),
                deal.held_since.into(),
                deal.status_reason.clone().into(),
                deal.version.into(),
                deal.cancelled_from.map(DealStatus::as_str).into(),
            ],
        )
        .await?;
    one(changed)
}

/// Removes a locked draft from sight. Its row stays, as what its history refers to.
pub(crate) async fn mark_deleted(tx: &Tx, deal: &Deal) -> Result<()> {
    let changed = tx
        .run(
            "UPDATE deals SET status = 'DELETED', version = $3 WHERE organization_id = $1 AND id = $2",
            [
                deal.organization_id.into(),
                deal.id.into(),
                deal.version.into(),
            ],
        )
        .await?;
    one(changed)
}

#[derive(FromQueryResult)]
struct DealId {
    id: Uuid,
}

/// Every deal of the organization, for jobs.
pub(crate) async fn all_ids(tx: &Tx) -> Result<Vec<Uuid>> {
    let rows: Vec<DealId> = tx
        .all(
            "SELECT id FROM deals WHERE organization_id = $1 AND status <> 'DELETED' ORDER BY id",
            [tx.actor().organization_id.into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Records that something changed that the deal's summary shows.
pub(crate) async fn touch_summary(tx: &Tx, deal_id: Uuid) -> Result<()> {
    touch_summaries(tx, vec![deal_id]).await
}

/// Records that something changed that the summaries of these deals show, and locks their rows.
pub(crate) async fn touch_summaries(tx: &Tx, deal_ids: Vec<Uuid>) -> Result<()> {
    if deal_ids.is_empty() {
        return Ok(());
    }
    tx.run(
        "UPDATE deals SET summary_revision = summary_revision + 1 WHERE organization_id = $1 AND id = ANY ($2)",
        [tx.actor().organization_id.into(), deal_ids.into()],
    )
    .await?;
    Ok(())
}

/// Lets nobody act on the due dates of a deal on hold before task-service has moved them.
pub(crate) async fn wait_for_due_dates(tx: &Tx, deal: &Deal) -> Result<()> {
    tx.run("SELECT ctx.wait_for_due_dates($1)", [deal.id.into()])
        .await?;
    Ok(())
}

/// A command decided that the acting user may write; the row policies must agree.
fn one(changed: u64) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(anyhow::anyhow!("the database changed {changed} rows where one was allowed").into())
    }
}
