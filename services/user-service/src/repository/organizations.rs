//! Organizations: the tenant's name, zone, holidays and grants.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contracts::{
    event::{Event, OrganizationChange},
    v1::{OrganizationEvent, RoleGrants},
};
use platform::{
    db::{Change, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

/// An organization as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// Its own holidays, as JSON; none when `None`.
    pub holiday_calendar: Option<Value>,
    /// Permissions that roles have beyond the default.
    pub role_grants: BTreeMap<String, Vec<String>>,
    /// 1 at creation, plus 1 at each change.
    pub version: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    time_zone: String,
    holiday_calendar: Option<Value>,
    role_grants: Value,
    version: i64,
}

impl Row {
    fn restore(self) -> Result<Organization> {
        Ok(Organization {
            id: self.id,
            name: self.name,
            time_zone: self.time_zone,
            holiday_calendar: self.holiday_calendar.filter(|calendar| !calendar.is_null()),
            role_grants: serde_json::from_value(self.role_grants)
                .context("read an organization's grants")?,
            version: self.version,
        })
    }
}

impl Organization {
    fn snapshot(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "timezone": self.time_zone,
            "holidayCalendar": self.holiday_calendar,
            "roleGrants": self.role_grants,
            "version": self.version,
        })
    }

    fn event(&self, before: &Self) -> Event {
        let changed = [
            ("name", self.name != before.name),
            ("timezone", self.time_zone != before.time_zone),
            (
                "holidayCalendar",
                self.holiday_calendar != before.holiday_calendar,
            ),
            ("roleGrants", self.role_grants != before.role_grants),
        ];
        let grants = self
            .role_grants
            .iter()
            .map(|(role, permissions)| RoleGrants {
                role: role.clone(),
                permissions: permissions.clone(),
            });
        Event::Organization(
            OrganizationChange::Updated,
            OrganizationEvent {
                organization_id: self.id.to_string(),
                time_zone: self.time_zone.clone(),
                role_grants: grants.collect(),
                version: self.version.unsigned_abs(),
                changed: names_of(&changed),
            },
        )
    }
}

/// The names of the fields that changed.
pub fn names_of(changed: &[(&'static str, bool)]) -> Vec<String> {
    changed
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// The caller's organization.
pub async fn own(tx: &Tx) -> Result<Organization> {
    let row: Option<Row> = tx
        .first(
            "SELECT id, name, time_zone, holiday_calendar, role_grants, version FROM organizations WHERE id = $1",
            [tx.actor().organization_id.into()],
        )
        .await?;
    row.context("the caller's organization is gone")?.restore()
}

/// The caller's organization, locked against other changes; for those who may manage it.
pub async fn lock_own(tx: &Tx) -> Result<Organization> {
    let row: Option<Row> = tx
        .first(
            "SELECT id, name, time_zone, holiday_calendar, role_grants, version FROM organizations
              WHERE id = $1 FOR UPDATE",
            [tx.actor().organization_id.into()],
        )
        .await?;
    row.context("the caller's organization is gone")?.restore()
}

/// Stores a new organization.
pub async fn insert(tx: &mut Tx, organization: &Organization) -> Result<()> {
    tx.run(
        "INSERT INTO organizations (id, name, time_zone, version) VALUES ($1, $2, $3, 1)",
        [
            organization.id.into(),
            organization.name.clone().into(),
            organization.time_zone.clone().into(),
        ],
    )
    .await?;
    tx.emit(Change {
        entity_type: "organization",
        entity_id: organization.id,
        version: organization.version,
        deal_id: None,
        event_type: "users.organization.created",
        event: None,
        before: Value::Null,
        after: organization.snapshot(),
    });
    Ok(())
}

/// Stores a changed organization, whose version is one more than that of `before`.
pub async fn update(tx: &mut Tx, before: &Organization, after: &Organization) -> Result<()> {
    let grants =
        serde_json::to_value(&after.role_grants).context("write an organization's grants")?;
    tx.run(
        "UPDATE organizations SET name = $2, time_zone = $3, holiday_calendar = $4, role_grants = $5, version = $6
          WHERE id = $1",
        [
            after.id.into(),
            after.name.clone().into(),
            after.time_zone.clone().into(),
            after.holiday_calendar.clone().into(),
            grants.into(),
            after.version.into(),
        ],
    )
    .await?;
    tx.emit(Change {
        entity_type: "organization",
        entity_id: after.id,
        version: after.version,
        deal_id: None,
        event_type: OrganizationChange::Updated.routing_key(),
        event: Some(after.event(before)),
        before: before.snapshot(),
        after: after.snapshot(),
    });
    Ok(())
}
