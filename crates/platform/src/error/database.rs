//! What the caller can make of an error of PostgreSQL, by its SQLSTATE.

use domain::rejection::Rejection;
use sea_orm::DbErr;

use super::Error;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        meaning(&error).unwrap_or_else(|| Self::Unexpected(error.into()))
    }
}

/// A row that does not fit the type it is read as: a fault of ours.
impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Unexpected(error.into())
    }
}

/// What the caller can make of the error; `None` when it is a fault of ours, or a constraint that the command should
/// have mapped.
pub(super) fn meaning(error: &sqlx::Error) -> Option<Error> {
    let reason = || format!("PostgreSQL: {error}");
    Some(match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => Error::unavailable(reason()),
        sqlx::Error::Database(refusal) => match SqlState::of(refusal.code().as_deref()) {
            SqlState::Busy => Error::Busy { reason: reason() },
            SqlState::Away => Error::unavailable(reason()),
            SqlState::TooSlow => Error::StatementTimeout { reason: reason() },
            SqlState::NobodyValid => Rejection::Unauthenticated.into(),
            SqlState::NotVisible => Rejection::NotFound.into(),
            SqlState::Other => return None,
        },
        _ => return None,
    })
}

/// What a SQLSTATE means for the caller.
#[derive(Debug, PartialEq, Eq)]
enum SqlState {
    /// A lock, a deadlock, a serialization failure: the transaction may be tried again.
    Busy,
    /// The server is starting, stopping, full or gone.
    Away,
    /// The statement ran into its time limit.
    TooSlow,
    /// `ctx.enter` found no active user or live session.
    NobodyValid,
    /// `ctx.lock_deal` found a deal that the caller may not see.
    NotVisible,
    /// A fault of ours, or a constraint that the command should have mapped.
    Other,
}

impl SqlState {
    fn of(code: Option<&str>) -> Self {
        match code {
            Some("55P03" | "40001" | "40P01") => Self::Busy,
            Some("57014") => Self::TooSlow,
            // Idle-in-transaction timeout; shutdown, crash and start-up; too many connections; disk full.
            Some("25P03" | "57P01" | "57P02" | "57P03" | "53300" | "53100") => Self::Away,
            Some(code) if code.starts_with("08") => Self::Away,
            Some("28000") => Self::NobodyValid,
            Some("P0002") => Self::NotVisible,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_states_are_told_apart() {
        let cases = [
            ("55P03", SqlState::Busy),
            ("40001", SqlState::Busy),
            ("57P01", SqlState::Away),
            ("57014", SqlState::TooSlow),
            ("08006", SqlState::Away),
            ("28000", SqlState::NobodyValid),
            ("23505", SqlState::Other),
        ];
        for (code, meaning) in cases {
            assert_eq!(SqlState::of(Some(code)), meaning, "{code}");
        }
        assert_eq!(SqlState::of(None), SqlState::Other);
    }
}
