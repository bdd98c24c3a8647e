//! What handlers and consumers work with: databases, cache, and the other services.

use platform::{
    auth::ServiceKeys,
    cache::Cache,
    client::ServiceClient,
    db::{Db, PoolSize},
};

use crate::{
    SCHEMA, config::Config, queries::audit_log::Auditor, repository::deals,
    routes::audit::export::Exports,
};

/// The parts of a running deal-service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) db: Db,
    pub(crate) auditor: Auditor,
    pub(crate) exports: Exports,
    pub(crate) cache: Cache,
    pub(crate) keys: ServiceKeys,
    pub(crate) tasks: ServiceClient,
}

impl Services {
    /// Connects when something is first needed.
    pub(crate) fn connect(config: &Config) -> anyhow::Result<Self> {
        let log = Db::connect(&config.auditor_database_url, "audit", PoolSize::Small)?;
        Ok(Self {
            db: Db::connect(&config.database_url, SCHEMA, PoolSize::SharedRequests)?
                .with_sights(deals::SIGHTS),
            auditor: Auditor::new(log),
            exports: Exports::default(),
            cache: Cache::connect(&config.redis_url)?,
            keys: config.service_keys.clone(),
            tasks: ServiceClient::new("task-service", config.task_service_url.as_str())?,
        })
    }
}
