//! Users: who signs in, with which role.

use anyhow::Context as _;
use contracts::{
    event::{Event, UserChange},
    v1::UserEvent,
};
use domain::{permission::Role, rejection::Rejection};
use platform::{
    db::{Change, Tx, is_violation},
    error::{Error, Result},
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::organizations::names_of;
use crate::appearance::{Locale, Theme};

/// The status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// Asked to join, and has not yet.
    Invited,
    /// May sign in.
    Active,
    /// May not sign in: disabled after joining, or while still invited.
    Disabled,
}

impl UserStatus {
    /// The status as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "INVITED",
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
        }
    }

    /// Reads a stored status.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A user as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The user's id.
    pub id: Uuid,
    /// The user's organization.
    pub organization_id: Uuid,
    /// The address the user signs in with, as it was written.
    pub email: String,
    /// The address in its normal form.
    pub email_key: String,
    /// The user's name.
    pub full_name: String,
    /// The user's role.
    pub role: Role,
    /// The user's status.
    pub status: UserStatus,
    /// Until when the invitation holds.
    pub invited_until: Option<OffsetDateTime>,
    /// When the person took the account.
    pub joined_at: Option<OffsetDateTime>,
    /// The language that the user chose.
    pub locale: Option<Locale>,
    /// The theme that the user chose.
    pub theme: Theme,
    /// 1 at creation, plus 1 at each change.
    pub version: i64,
}

#[derive(FromQueryResult)]
pub(crate) struct UserRow {
    id: Uuid,
    organization_id: Uuid,
    email: String,
    email_key: String,
    full_name: String,
    role: String,
    status: String,
    invited_until: Option<OffsetDateTime>,
    joined_at: Option<OffsetDateTime>,
    locale: Option<String>,
    theme: String,
    version: i64,
}

impl UserRow {
    pub(crate) fn restore(self) -> Result<User> {
        let role = Role::parse(&self.role).with_context(|| format!("read role {}", self.role))?;
        let status = UserStatus::parse(&self.status)
            .with_context(|| format!("read status {}", self.status))?;
        let locale = self
            .locale
            .as_deref()
            .map(|text| Locale::parse(text).with_context(|| format!("read language {text}")));
        let theme =
            Theme::parse(&self.theme).with_context(|| format!("read theme {}", self.theme))?;
        Ok(User {
            id: self.id,
            organization_id: self.organization_id,
            email: self.email,
            email_key: self.email_key,
            full_name: self.full_name,
            role,
            status,
            invited_until: self.invited_until,
            joined_at: self.joined_at,
            locale: locale.transpose()?,
            theme,
            version: self.version,
        })
    }
}

impl User {
    /// When the user was invited or signed up: UUIDv7 carries it.
    pub fn created_at(&self) -> OffsetDateTime {
        created_at(self.id)
    }

    fn snapshot(&self) -> Value {
        json!({
            "id": self.id,
            "organizationId": self.organization_id,
            "email": self.email,
            "fullName": self.full_name,
            "role": self.role.as_str(),
            "status": self.status.as_str(),
            "invitedUntil": self.invited_until.map(contracts::field::instant_text),
            "joinedAt": self.joined_at.map(contracts::field::instant_text),
            "locale": self.locale.map(Locale::as_str),
            "theme": self.theme.as_str(),
            "version": self.version,
        })
    }

    fn event(&self, change: UserChange, changed: Vec<String>) -> Event {
        Event::User(
            change,
            UserEvent {
                user_id: self.id.to_string(),
                role: self.role.as_str().to_owned(),
                active: self.status == UserStatus::Active,
                version: self.version.unsigned_abs(),
                changed,
            },
        )
    }

    fn changed_since(&self, before: &Self) -> Vec<String> {
        names_of(&[
            ("fullName", self.full_name != before.full_name),
            ("role", self.role != before.role),
            ("status", self.status != before.status),
            ("invitedUntil", self.invited_until != before.invited_until),
            ("locale", self.locale != before.locale),
            ("theme", self.theme != before.theme),
        ])
    }
}

/// When an id was made.
pub fn created_at(id: Uuid) -> OffsetDateTime {
    id.get_timestamp()
        .and_then(|timestamp| {
            let (seconds, nanoseconds) = timestamp.to_unix();
            let seconds = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
            Some(seconds + time::Duration::nanoseconds(i64::from(nanoseconds)))
        })
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A user of the caller's organization. Never the SYSTEM user.
pub async fn find(tx: &Tx, id: Uuid) -> Result<Option<User>> {
    let row: Option<UserRow> = tx
        .first(
            "SELECT id, organization_id, email, email_key, full_name, role, status, invited_until, joined_at, locale, theme, version
               FROM users WHERE organization_id = $1 AND id = $2 AND role <> 'SYSTEM'",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(UserRow::restore).transpose()
}

/// As [`find`], locked against other changes.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<User>> {
    let row: Option<UserRow> = tx
        .first(
            "SELECT id, organization_id, email, email_key, full_name, role, status, invited_until, joined_at, locale, theme, version
               FROM users WHERE organization_id = $1 AND id = $2 AND role <> 'SYSTEM' FOR UPDATE",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(UserRow::restore).transpose()
}

/// The user of the caller's organization who has this address, in its normal form, or is or was invited under it,
/// locked.
pub async fn lock_by_email(tx: &Tx, email_key: &str) -> Result<Option<User>> {
    let row: Option<UserRow> = tx
        .first(
            "SELECT id, organization_id, email, email_key, full_name, role, status, invited_until, joined_at, locale, theme, version
               FROM users WHERE organization_id = $1 AND email_key = $2 AND role <> 'SYSTEM'
              ORDER BY joined_at IS NOT NULL OR status = 'INVITED' DESC, id DESC LIMIT 1 FOR UPDATE",
            [tx.actor().organization_id.into(), email_key.into()],
        )
        .await?;
    row.map(UserRow::restore).transpose()
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// How many active administrators the caller's organization has beside this user.
pub async fn other_admins(tx: &Tx, id: Uuid) -> Result<i64> {
    let row: Option<Count> = tx
        .first(
            "SELECT count(*) AS count FROM users
              WHERE organization_id = $1 AND id <> $2 AND role = 'ADMIN' AND status = 'ACTIVE'",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    Ok(row.map_or(0, |row| row.count))
}

/// Holds other changes of who the organization's administrators are, until the end of the session.
pub async fn hold_admins(tx: &Tx) -> Result<()> {
    tx.run(
        "SELECT pg_advisory_xact_lock(hashtextextended('admins ' || $1::text, 0))",
        [tx.actor().organization_id.into()],
    )
    .await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// The active users of the caller's organization.
pub async fn active_ids(tx: &Tx) -> Result<Vec<Uuid>> {
    let rows: Vec<Id> = tx
        .all(
            "SELECT id FROM users WHERE organization_id = $1 AND status = 'ACTIVE' AND role <> 'SYSTEM'",
            [tx.actor().organization_id.into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Stores a new user, and emits `change`.
///
/// # Errors
/// `EMAIL_TAKEN` when the address is an account already, or is invited in this organization.
pub async fn insert(tx: &mut Tx, user: &User, change: UserChange) -> Result<()> {
    tx.run(
        "INSERT INTO users (id, organization_id, email, email_key, full_name, role, status, invited_until, joined_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
        [
            user.id.into(),
            user.organization_id.into(),
            user.email.clone().into(),
            user.email_key.clone().into(),
            user.full_name.clone().into(),
            user.role.as_str().into(),
            user.status.as_str().into(),
            user.invited_until.into(),
            user.joined_at.into(),
        ],
    )
    .await
    .map_err(email_taken)?;
    tell(tx, change, None, user);
    Ok(())
}

/// Stores a changed user, whose version is one more than that of `before`, and emits `change`.
///
/// # Errors
/// `EMAIL_TAKEN` when the address has become an account elsewhere (an invitation that is accepted).
pub async fn update(tx: &mut Tx, change: UserChange, before: &User, after: &User) -> Result<()> {
    let changed = tx
        .run(
            "UPDATE users SET full_name = $3, role = $4, status = $5, invited_until = $6, joined_at = $7, version = $8,
                    locale = $9, theme = $10
              WHERE organization_id = $1 AND id = $2",
            [
                after.organization_id.into(),
                after.id.into(),
                after.full_name.clone().into(),
                after.role.as_str().into(),
                after.status.as_str().into(),
                after.invited_until.into(),
                after.joined_at.into(),
                after.version.into(),
                after.locale.map(Locale::as_str).map(str::to_owned).into(),
                after.theme.as_str().into(),
            ],
        )
        .await
        .map_err(email_taken)?;
    if changed != 1 {
        return Err(
            anyhow::anyhow!("user {} was locked and could not be changed", after.id).into(),
        );
    }
    tell(tx, change, Some(before), after);
    Ok(())
}

/// Stores that the user's password changed, as a version of the user of its own: sessions end with it.
pub async fn password_changed(tx: &mut Tx, before: &User) -> Result<()> {
    let after = User {
        version: before.version + 1,
        ..before.clone()
    };
    tx.run(
        "UPDATE users SET version = $3 WHERE organization_id = $1 AND id = $2",
        [
            after.organization_id.into(),
            after.id.into(),
            after.version.into(),
        ],
    )
    .await?;
    let event = after.event(UserChange::Updated, vec!["password".to_owned()]);
    tx.emit(change_of(UserChange::Updated, Some(before), &after, event));
    Ok(())
}

/// Stores the organization's SYSTEM user: the actor of changes that no person makes. It has no history of its own.
pub async fn insert_system(tx: &Tx) -> Result<()> {
    tx.run(
        "INSERT INTO users (id, organization_id, email, email_key, full_name, role, status)
         VALUES ($1, $2, '', '', 'Haushavn', 'SYSTEM', 'SYSTEM')",
        [tx.new_id().into(), tx.actor().organization_id.into()],
    )
    .await?;
    Ok(())
}

fn tell(tx: &mut Tx, change: UserChange, before: Option<&User>, after: &User) {
    let changed = before
        .map(|before| after.changed_since(before))
        .unwrap_or_default();
    let event = after.event(change, changed);
    tx.emit(change_of(change, before, after, event));
}

fn change_of(change: UserChange, before: Option<&User>, after: &User, event: Event) -> Change {
    Change {
        entity_type: "user",
        entity_id: after.id,
        version: after.version,
        deal_id: None,
        event_type: change.routing_key(),
        event: Some(event),
        before: before.map_or(Value::Null, User::snapshot),
        after: after.snapshot(),
    }
}

fn email_taken(error: Error) -> Error {
    if is_violation(&error, "users_email_key")
        || is_violation(&error, "users_organization_email_key")
    {
        return Rejection::EmailTaken.into();
    }
    error
}
