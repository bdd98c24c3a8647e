//! What a session needs and must not make itself, for it holds a connection meanwhile.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;

use crate::error::Result;

/// Work to be done outside of any session, after which the session is tried again.
#[derive(Clone)]
pub struct Preparation {
    what: &'static str,
    make: Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
}

impl Preparation {
    /// `what` is missing, for the log; `make` makes it.
    pub fn new(
        what: &'static str,
        make: impl Fn() -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            what,
            make: Arc::new(make),
        }
    }

    pub(super) async fn run(&self) -> Result<()> {
        tracing::debug!(what = self.what, "a session waits for a preparation");
        (self.make)().await
    }
}

impl fmt::Debug for Preparation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Preparation")
            .field(&self.what)
            .finish()
    }
}

impl fmt::Display for Preparation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is not there yet", self.what)
    }
}
