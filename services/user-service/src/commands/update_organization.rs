//! An organization's name, zone, holidays or grants change.

use std::collections::BTreeMap;

use domain::{
    permission::{Permission, Role},
    rejection::Rejection,
    zone::Zone,
};
use platform::{
    db::Tx,
    error::Result,
    http::{ExpectedVersion, Fields},
};
use uuid::Uuid;

use crate::{
    holidays::HolidayCalendar,
    repository::{
        organizations::{self, Organization},
        sessions, users,
    },
};

/// Permissions over people and settings. A holder of one could obtain the others, so only a caller with all permissions
/// grants them.
const ADMINISTRATIVE: [Permission; 3] = [
    Permission::ManageUsers,
    Permission::ManageOrganization,
    Permission::ViewAudit,
];

/// What an organization shall be.
#[derive(Clone, Debug)]
pub struct UpdateOrganization {
    /// What it is called.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// Its own business holidays.
    pub holiday_calendar: Option<HolidayCalendar>,
    /// What roles may do beyond the default.
    pub role_grants: BTreeMap<String, Vec<String>>,
}

/// What a change of the organization makes stale in caches.
#[derive(Clone, Debug, Default)]
pub struct Stale {
    /// Sessions whose rights may have changed.
    pub sessions: Vec<Uuid>,
    /// Users whose profile shows the organization.
    pub users: Vec<Uuid>,
}

impl UpdateOrganization {
    /// Notes what is wrong, and brings the grants into one order.
    pub fn checked(mut self, fields: &mut Fields) -> Self {
        fields.text("name", &self.name, 1..=200);
        self.name = self.name.trim().to_owned();
        fields.check(
            Zone::parse(&self.time_zone).is_ok(),
            "timezone",
            "time_zone",
            "must be an IANA time zone",
        );
        if let Some(calendar) = &self.holiday_calendar {
            calendar.check(fields);
        }
        for (role, permissions) in &mut self.role_grants {
            let known = Role::OF_PEOPLE
                .into_iter()
                .any(|known| known.as_str() == role);
            fields.check(
                known,
                format!("roleGrants.{role}"),
                "unknown",
                "is not a role",
            );
            for (place, permission) in permissions.iter().enumerate() {
                let field = format!("roleGrants.{role}.{place}");
                fields.check(
                    Permission::parse(permission).is_some(),
                    field,
                    "one_of",
                    "is not a permission",
                );
            }
            permissions.sort_unstable_by_key(|permission| Permission::parse(permission));
            permissions.dedup();
        }
        self.role_grants
            .retain(|_, permissions| !permissions.is_empty());
        self
    }
}

/// Changes the organization into what `decide` makes of the present one.
///
/// # Errors
/// `FORBIDDEN` when administrative permissions are granted by somebody who does not hold all; a stale
/// version.
pub async fn run(
    tx: &mut Tx,
    expected: ExpectedVersion,
    decide: impl Fn(&Organization) -> Result<UpdateOrganization>,
) -> Result<(Organization, Stale)> {
    let before = organizations::lock_own(tx).await?;
    let command = decide(&before)?;
    if !tx.actor().permissions.is_all()
        && administrative(&command.role_grants) != administrative(&before.role_grants)
    {
        return Err(Rejection::Forbidden {
            required: Vec::new(),
        }
        .into());
    }
    expected.check(before.version)?;
    let holiday_calendar = command
        .holiday_calendar
        .map(serde_json::to_value)
        .transpose();
    let mut after = Organization {
        name: command.name,
        time_zone: command.time_zone,
        holiday_calendar: holiday_calendar.map_err(anyhow::Error::from)?,
        role_grants: command.role_grants,
        ..before.clone()
    };
    if after == before {
        return Ok((before, Stale::default()));
    }
    after.version += 1;
    organizations::update(tx, &before, &after).await?;
    let stale = Stale {
        sessions: sessions::running_of_all(tx).await?,
        users: users::active_ids(tx).await?,
    };
    Ok((after, stale))
}

fn administrative(grants: &BTreeMap<String, Vec<String>>) -> Vec<(&str, &str)> {
    let all = grants.iter().flat_map(|(role, permissions)| {
        permissions
            .iter()
            .map(move |permission| (role.as_str(), permission.as_str()))
    });
    all.filter(|(_, permission)| {
        ADMINISTRATIVE
            .iter()
            .any(|known| known.as_str() == *permission)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(grants: &[(&str, &[&str])]) -> UpdateOrganization {
        UpdateOrganization {
            name: " Harbour ".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            holiday_calendar: None,
            role_grants: grants
                .iter()
                .map(|(role, permissions)| {
                    (
                        (*role).to_owned(),
                        permissions
                            .iter()
                            .map(|permission| (*permission).to_owned())
                            .collect(),
                    )
                })
                .collect(),
        }
    }

    #[test]
    fn grants_are_brought_into_one_order() {
        let mut fields = Fields::new();
        let checked = command(&[
            (
                "TRANSACTION_COORDINATOR",
                &["assign_tasks", "create_deals", "assign_tasks"],
            ),
            ("BUYER", &[]),
        ])
        .checked(&mut fields);
        assert_eq!(fields.finish(), Ok(()));
        assert_eq!(checked.name, "Harbour");
        let expected = BTreeMap::from([(
            "TRANSACTION_COORDINATOR".to_owned(),
            vec!["create_deals".to_owned(), "assign_tasks".to_owned()],
        )]);
        assert_eq!(checked.role_grants, expected);
    }

    #[test]
    fn unknown_roles_and_permissions_are_refused_with_their_place() {
        let mut fields = Fields::new();
        command(&[("SYSTEM", &[]), ("BUYER", &["view_deals", "*"])]).checked(&mut fields);
        let Err(Rejection::Validation { errors }) = fields.finish() else {
            panic!("it should be refused")
        };
        let found: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(found, ["roleGrants.BUYER.1", "roleGrants.SYSTEM"]);
    }
}
