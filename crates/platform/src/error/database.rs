//! What the caller can make of an error of PostgreSQL, by its SQLSTATE.

use domain::rejection::Rejection;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlxError};

use super::Error;

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let unavailable = |reason: &DbErr| Self::unavailable(format!("PostgreSQL: {reason}"));
        if let DbErr::ConnectionAcquire(
            ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed,
        ) = &error
        {
            return unavailable(&error);
        }
        let (DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))) = &error
        else {
            return match error {
                DbErr::Conn(_) => unavailable(&error),
                _ => Self::Unexpected(error.into()),
            };
        };
        match cause.as_ref() {
            SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed => unavailable(&error),
            SqlxError::Database(refusal) => match SqlState::of(refusal.code().as_deref()) {
                SqlState::Busy => Self::Busy {
                    reason: format!("PostgreSQL: {error}"),
                },
                SqlState::Away => unavailable(&error),
                SqlState::TooSlow => Self::StatementTimeout {
                    reason: format!("PostgreSQL: {error}"),
                },
                SqlState::NobodyValid => Rejection::Unauthenticated.into(),
                SqlState::NotVisible => Rejection::NotFound.into(),
                SqlState::Other => Self::Unexpected(error.into()),
            },
            _ => Self::Unexpected(error.into()),
        }
    }
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
    fn an_exhausted_pool_is_told_as_unavailable() {
        let exhausted = Error::from(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        assert!(matches!(exhausted, Error::Unavailable { .. }));
    }

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
