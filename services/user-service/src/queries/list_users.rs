//! The people of the caller's organization.

use domain::permission::Permission;
use platform::{
    db::Tx,
    error::Result,
    http::{Cursors, Cut},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::repository::users::{User, UserRow};

/// What to list, and how.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Only users with this role.
    #[param(inline)]
    pub role: Option<RoleFilter>,
    /// Only users with this status. Callers without `manage_users` always get active users only.
    #[param(inline)]
    pub status: Option<StatusFilter>,
    /// Only users whose name, or for those who manage users whose address, contains this.
    pub q: Option<String>,
    /// `fullName` (default) or `createdAt`, with `-` in front for the other direction.
    #[param(inline)]
    pub sort: Option<UsersSort>,
    /// 1 to 100, 25 unless given.
    pub limit: Option<u32>,
    /// Where the page begins: `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// A role of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoleFilter {
    /// BUYER
    Buyer,
    /// BUYER_AGENT
    BuyerAgent,
    /// TRANSACTION_COORDINATOR
    TransactionCoordinator,
    /// ADMIN
    Admin,
}

/// The status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StatusFilter {
    /// INVITED
    Invited,
    /// ACTIVE
    Active,
    /// DISABLED
    Disabled,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum UsersSort {
    /// By name.
    #[default]
    #[serde(rename = "fullName")]
    FullName,
    /// By name, backwards.
    #[serde(rename = "-fullName")]
    FullNameDescending,
    /// Oldest first.
    #[serde(rename = "createdAt")]
    CreatedAt,
    /// Newest first.
    #[serde(rename = "-createdAt")]
    CreatedAtDescending,
}

/// A place in the list: the name, and the id, which is also the order of creation.
pub type Place = (String, Uuid);

impl UsersQuery {
    /// How the list is cut.
    pub fn cut(&self, tx: &Tx, cursors: &Cursors) -> Result<Cut<Place>> {
        let list = format!("users:{:?}", self.sort.unwrap_or_default());
        let filters = (self.role, self.status, &self.q);
        cursors.cut(tx, &list, &filters, self.limit, self.cursor.as_deref())
    }
}

/// The place of a user.
pub fn place(user: &User) -> Place {
    (user.full_name.clone(), user.id)
}

/// One user more than the page takes.
pub async fn run(tx: &Tx, query: &UsersQuery, cut: &Cut<Place>) -> Result<Vec<User>> {
    let manages = tx.actor().permissions.has(Permission::ManageUsers);
    let mut values: Vec<sea_orm::Value> = vec![tx.actor().organization_id.into()];
    let mut conditions = vec![
        "organization_id = $1".to_owned(),
        "role <> 'SYSTEM'".to_owned(),
    ];
    let mut bind = |value: sea_orm::Value| {
        values.push(value);
        format!("${}", values.len())
    };
    if !manages {
        conditions.push("status = 'ACTIVE'".to_owned());
    }
    if let Some(role) = query.role {
        conditions.push(format!("role = {}", bind(word(role)?.into())));
    }
    if let Some(status) = query.status {
        conditions.push(format!("status = {}", bind(word(status)?.into())));
    }
    if let Some(q) = &query.q {
        let pattern = bind(format!("%{}%", escaped(q)).into());
        let email = if manages {
            format!(" OR email ILIKE {pattern}")
        } else {
            String::new()
        };
        conditions.push(format!("(full_name ILIKE {pattern}{email})"));
    }
    let (by_name, descending) = match query.sort.unwrap_or_default() {
        UsersSort::FullName => (true, false),
        UsersSort::FullNameDescending => (true, true),
        UsersSort::CreatedAt => (false, false),
        UsersSort::CreatedAtDescending => (false, true),
    };
    let (beyond, direction) = if descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some((name, id)) = &cut.after {
        let id = bind((*id).into());
        conditions.push(if by_name {
            format!(
                "(lower(full_name), id) {beyond} (lower({}), {id})",
                bind(name.clone().into())
            )
        } else {
            format!("id {beyond} {id}")
        });
    }
    let order = if by_name {
        format!("lower(full_name) {direction}, id {direction}")
    } else {
        format!("id {direction}")
    };
    let limit = bind(i64::try_from(cut.fetch()).unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT id, organization_id, email, email_key, full_name, role, status, invited_until, joined_at, locale, theme, version
           FROM users WHERE {} ORDER BY {order} LIMIT {limit}",
        conditions.join(" AND ")
    );
    let rows: Vec<UserRow> = tx.all_built(sql, values).await?;
    rows.into_iter().map(UserRow::restore).collect()
}

/// A filter's value as stored.
fn word(filter: impl Serialize) -> Result<String> {
    let value = serde_json::to_value(filter).map_err(anyhow::Error::from)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// A text that `LIKE` takes literally.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
